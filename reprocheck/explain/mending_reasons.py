"""Why no command puts a difference right, where the difference itself says it."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.model.change import Difference

_HOST: tuple[tuple[str, str], ...] = (
    ("cpu.", "another CPU"),
    ("gpus", "another GPU, or another number of them"),
    ("driver", "the driver belongs to the machine's kernel"),
    ("kernel", "the kernel belongs to the machine"),
    ("memory", "the machine has another amount of memory"),
    ("numa", "the machine has other memory nodes"),
)
_SECTIONS: Mapping[str, str] = {
    "inputs": "an input is handed in where the run is started",
    "data": "data is restored from where it was kept",
    "hub": "a model or data set is fetched at its revision, not installed",
    "code": "code is checked out at its commit, not installed",
    "run": "the run is started with its own command and options",
    "job": "a job is started with its own size and rank",
    "loaded": "it follows from what is installed and started, once that is right",
    "packages": "no package manager knows it",
    "frameworks": "no package that differs brought it",
    "libraries": "no package that a step changes brought it",
    "loading": "it follows from the libraries and LD_LIBRARY_PATH, once these are right",
    "pythons": "an interpreter or environment is made, not changed",
    "integrity": "the file was edited, or no package would write it as the first side has it",
    "os": "another release of the system",
    "image": "layers and configuration of an image are built, not changed",
    "host": "another machine",
    "outputs": "an output follows from everything else",
    "environment": "it is set where the program is started",
}


def reason_of(group: list[Difference]) -> str:
    """Return the reason, in words that end a sentence."""
    d = group[0]
    if d.section == "host":
        return next((reason for start, reason in _HOST if d.name.startswith(start)), _SECTIONS["host"])
    if d.section == "os" and d.name == "libc":
        return "the C library comes with the release of the system"
    return _SECTIONS[d.section]
