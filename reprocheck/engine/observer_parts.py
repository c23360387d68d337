"""The two scripts for foreign Pythons, put together from their parts: in a target each is one file."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

_PARTS = {
    "hook": ("process", "facts", "settings", "threads", "text", "end"),
    "probe": ("files", "libraries", "machine", "main"),
}
"""In the order in which they stand in the script: only the last part does anything."""


def observer_script(name: Literal["hook", "probe"]) -> str:
    """Return a script of `reprocheck/observer`."""
    place = files("reprocheck").joinpath("observer", name)
    return "\n\n".join(place.joinpath(f"{part}.py").read_text(encoding="utf-8") for part in _PARTS[name])
