"""Temporary home of the order of versions."""

from reprocheck.compare.versions import order

__all__ = ["order"]
