"""reprocheck: find out which difference made a result come out differently."""

__version__ = "0.1.0"
