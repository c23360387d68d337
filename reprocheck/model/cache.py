"""What the cache holds, for `reprocheck cache`."""

from __future__ import annotations

from reprocheck.model.base import Count, Stamped


class CacheReport(Stamped, frozen=True, kw_only=True):
    """The user's cache of what was read in images."""

    place: str
    """Its directory, '' where this user has none."""
    entries: Count
    bytes: Count
    limit: Count
    """Bytes that it may hold; then the longest unused entries go."""
    removed: Count = 0
    """Entries that this call removed."""
    freed: Count = 0
    """Their bytes."""
