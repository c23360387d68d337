"""The use cases: each wires the outside to the core, nothing more. Import the module of the one you need."""
