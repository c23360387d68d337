"""Fixes for what an interpreter reads at every start: `.pth` files, sitecustomize, usercustomize."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

STARTED = ("path_files", "customizations", "pth-lines")
"""Attributes of an interpreter that list such files."""
_SHOWN = 5


def fix_started(d: Difference, sides: Sides) -> str:
    """Return which files to remove, to put there, or to write anew; '' when neither side tells."""
    before, after = (_files(_python(side, d.name), d.attribute) for side in (sides.a, sides.b))
    common = before.keys() & after.keys()
    parts = [
        ("remove", "", after.keys() - before.keys()),
        ("put", " there as on the first side", before.keys() - after.keys()),
        ("restore", " as on the first side", {path for path in common if before[path] != after[path]}),
    ]
    told = ", and ".join(f"{verb} {_words(paths)}{end}" for verb, end, paths in parts if paths)
    return told or (f"start {shlex.quote(d.name)} with the first side's search order" if common else "")


def _python(manifest: Manifest, executable: str) -> PythonEnvironment | None:
    return next((python for python in manifest.pythons if python.executable == executable), None)


def _files(python: PythonEnvironment | None, attribute: str) -> Mapping[str, object]:
    """Return the paths with what each does."""
    if python is None:
        return {}
    if attribute == "customizations":
        return dict.fromkeys(python.customizations)
    every = attribute == "pth-lines"
    return {
        item.path: (item.adds, item.missing if every else (), item.executes)
        for item in python.path_files
        if every or item.adds or item.executes
    }


def _words(paths: Iterable[str]) -> str:
    ordered = sorted(paths)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return " ".join(shlex.quote(path) for path in ordered[:_SHOWN]) + more
