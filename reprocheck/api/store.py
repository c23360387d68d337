"""The user's kept outputs: see, copy out, prune."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO

from reprocheck.api.outside import Outside
from reprocheck.engine.copying import write_directory
from reprocheck.engine.store import Store, state_directory
from reprocheck.errors import CouldNotRun, InputFault, UsageFault
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Output
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


def copy_out(manifest: Manifest, directory: str, outside: Outside) -> str:
    """Copy a run's kept outputs into a new directory, under the names they had; say what was copied.

    Raises UsageFault (E_NO_RUN, E_EXISTS), CouldNotRun (E_NOT_KEPT and those of writing).
    """
    run = manifest.run
    if run is None or not run.outputs:
        raise UsageFault(
            "E_NO_RUN", "the manifest holds no outputs", hint="Pass a manifest that `reprocheck run` wrote."
        )
    store = outside.store()
    files = [(_relative(output.name), partial(_kept, store, output)) for output in run.outputs]
    write_directory(outside.absolute(directory), files)
    return f"copied {plural(len(files), 'output')} to {directory}\n"


def _relative(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise InputFault(
            "E_OUTPUT_NAME",
            f"the manifest names an output {name!r}",
            hint="Check where the manifest came from.",
        )
    return "/".join(parts)


def _kept(store: Store, output: Output) -> AbstractContextManager[BinaryIO]:
    found = store.fetch(output.sha256)
    if found is None:
        raise CouldNotRun(
            "E_NOT_KEPT",
            f"no copy of {output.name} is kept here; nothing was written",
            hint="Copies are kept where the run was recorded, unless --no-keep or `reprocheck store prune`.",
        )
    return found
