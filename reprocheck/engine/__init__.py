"""The only room that talks to the world: containers, processes, the disk, the clock."""
