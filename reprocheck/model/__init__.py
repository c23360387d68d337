"""Frozen values: what the other rooms hand to each other."""
