"""The hook's file on its way into a run, and its reports on their way back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reprocheck.engine.observer_parts import observer_script
from reprocheck.engine.writing import make_private_directory, publish_new, write_all
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.ports import OutputFile, RefusedOutput


def write_hook(scratch: str) -> str:
    """Write the hook into a directory of its own below `scratch` and return that directory."""
    place = f"{scratch}/hook"
    source = observer_script("hook").encode()
    make_private_directory(place)
    publish_new(f"{place}/sitecustomize.py", lambda descriptor: write_all(descriptor, source), mode=0o644)
    # Whoever the program runs as must be able to read it.
    Path(place).chmod(0o755)
    return place


def read_reports(
    found: Iterable[OutputFile | RefusedOutput], limits: Limits
) -> tuple[tuple[bytes, ...], tuple[tuple[int, str], ...], tuple[tuple[str, str], ...]]:
    """Return the reports, the starts that no report followed, and what could not be read, each sorted."""
    reports: dict[str, bytes] = {}
    starts: dict[str, tuple[int, str]] = {}
    faults: list[tuple[str, str]] = []
    room = limits.retained_total
    for file in found:
        name = file.name.rpartition("/")[2]
        stem, _, kind = name.rpartition(".")
        if isinstance(file, RefusedOutput):
            faults.append((portable(f"report {name}"), file.reason))
        elif kind == "start":
            number = name.partition("-")[0]
            executable = portable(_content(file, 4096).decode("utf-8", "surrogateescape"))
            starts[stem] = (int(number) if number.isdecimal() else 0, executable)
        elif kind == "json" and len(reports) < limits.observed_processes:
            raw = _content(file, limits.hook_report)
            room -= len(raw)
            if room < 0:
                most = f"the limit retained_total ({limits.retained_total}; see --limit-scale)"
                faults.append(("the hook's reports", f"have more bytes together than {most}"))
                break
            reports[stem] = raw
        elif kind == "json":
            most = f"the limit of {limits.observed_processes} (see --limit-scale)"
            faults.append(("the hook's reports", f"there are more than {most}"))
            break
    unfinished = sorted(starts[stem] for stem in starts if stem not in reports)
    return tuple(reports[stem] for stem in sorted(reports)), tuple(unfinished), tuple(faults)


def _content(file: OutputFile, most: int) -> bytes:
    with file.open() as stream:
        return stream.read(most)
