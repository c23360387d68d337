"""Names that look the same and are not: Unicode look-alikes of package, variable and file names.

Two names are alike when their skeletons agree (UTS #39, section 4), at least one of them is not plain ASCII,
and no rule of the ecosystem makes them one name. The table holds the letters that are confused with ASCII.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from reprocheck.explain import tables
from reprocheck.explain.judging import normal_name
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest

MOST = 8
"""Names listed for one finding; a document may hold thousands."""
_LENGTH = 256
"""Characters that are looked at; sorting combining marks is not linear in a hostile name."""
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
"""Categories that a skeleton drops: zero-width and direction characters, marks that fonts may not show."""
_KINDS: Mapping[str, str] = {
    "packages": "package",
    "frameworks": "package",
    "environment": "variable",
    "libraries": "library",
    "loading": "library",
    "hub": "model",
    "job": "label",
}


class LookAlikes:
    """The names of both sides, indexed by what they look like."""

    def __init__(self, a: Manifest, b: Manifest) -> None:
        """Gather the names; where all are plain ASCII nothing more is done."""
        self._plain: dict[str, dict[str, list[str]]] = {}
        self._foreign: dict[str, dict[str, list[str]]] = {}
        for kind, names in _names((a, b)).items():
            foreign = [name for name in names if not name.isascii()]
            if not foreign:
                continue
            index: dict[str, list[str]] = {}
            for name in foreign:
                index.setdefault(skeleton(name), []).append(name)
            plain: dict[str, list[str]] = {}
            for name in names:
                if name.isascii():
                    key = skeleton(name)
                    if key in index:
                        plain.setdefault(key, []).append(name)
            self._foreign[kind], self._plain[kind] = index, plain

    def of(self, d: Difference) -> tuple[str, ...]:
        """Return the names that look like this difference's own, sorted, at most `MOST`."""
        kind = _KINDS.get(d.section, "file")
        if kind not in self._foreign:
            return ()
        key, own = skeleton(d.name), _same(kind, d.type, d.name)
        others = self._foreign[kind].get(key, [])
        if not d.name.isascii():
            others = sorted((*others, *self._plain[kind].get(key, [])))
        found: list[str] = []
        for name in others:
            if len(found) == MOST:
                break
            if name != d.name and _same(kind, d.type, name) != own:
                found.append(name)
        return tuple(found)


def skeleton(name: str) -> str:
    """Return what a name looks like; equal for two names that a reader cannot tell apart."""
    table = _table()
    if name.isascii():
        return name.translate(table)
    head = unicodedata.normalize("NFKC", name[:_LENGTH].translate(table)).translate(table)
    marks = unicodedata.normalize("NFD", head)
    visible = "".join(c for c in marks if c.isascii() or unicodedata.category(c) not in _INVISIBLE)
    return visible + name[_LENGTH:]


def _same(kind: str, type: str, name: str) -> str:  # noqa: A002 - named as the field it takes
    return normal_name(type, name) if kind == "package" else name


def _table() -> Mapping[int, str]:
    return tables.confusables()


def _names(sides: Iterable[Manifest]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}

    def add(kind: str, names: Iterable[str]) -> None:
        found.setdefault(kind, set()).update(names)

    for side in sides:
        add("package", (package.name for package in side.every_package))
        add("package", (framework.name for framework in side.frameworks))
        add("variable", (variable.name for variable in side.environment))
        add("library", (library.name for library in side.libraries))
        add("library", (choice.soname for choice in side.loading))
        add("model", (repository.repository for repository in side.hub))
        add("label", (label.name for label in side.labels))
        add("file", _files(side))
    return {kind: sorted(names) for kind, names in found.items()}


def _files(side: Manifest) -> Iterable[str]:
    for data in side.data:
        yield data.name
        yield from (f"{data.name}/{file.path}" for file in data.listing)
    yield from (repository.path for repository in side.code)
    yield from (python.executable for python in side.pythons)
    yield from (wheel.path for wheel in side.wheels)
    yield from (remnant.path for remnant in side.remnants)
    if side.integrity is not None:
        yield from (fault.path for fault in side.integrity.faults)
    if side.run is not None:
        yield from (item.path for item in side.run.inputs)
        yield from (change.path for change in side.run.changes)
        yield from (output.name for output in side.run.outputs)
        yield from (mount.target for mount in side.run.mounts)
    if side.loaded is not None:
        yield from (module.name for module in side.loaded.modules)
