"""The user's kept outputs: see and prune."""

from __future__ import annotations

import time

from reprocheck.api.outside import Outside
from reprocheck.engine.store import Store, state_directory
from reprocheck.render.table import table
from reprocheck.render.wording import plural, size

_DAY = 24 * 3600 * 10**9


def describe_store(outside: Outside) -> str:
    """Return a table of the kept outputs."""
    root = state_directory(outside.environ)
    entries = Store(root).entries()
    total = (
        f"{plural(len(entries), 'kept output')}, {size(sum(entry.size for entry in entries))}, in {root}\n"
    )
    if not entries:
        return total
    rows = [(entry.sha256[:16], size(entry.size), _day(entry.modified_ns)) for entry in entries]
    return table(rows, headers=("sha256", "size", "kept on")) + "\n" + total


def prune(outside: Outside, *, days: int | None) -> str:
    """Remove kept outputs, all or the ones older than `days`; say what was removed."""
    store = Store(state_directory(outside.environ))
    older_than = None if days is None else time.time_ns() - days * _DAY
    count, freed = store.prune(older_than_ns=older_than)
    return f"removed {plural(count, 'kept output')}, {size(freed)}\n"


def _day(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(nanoseconds // 10**9))
