"""What pip says is installed: `pip freeze`, `pip list --format=json`, `pip inspect`.

pip freeze (pip/_internal/operations/freeze.py) leaves out pip itself and, below Python 3.12, setuptools,
wheel and distribute; where something was not installed from an index it tells the place and no version.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from reprocheck.foreign.partial import distribution, interpreter, partial_manifest, problem_of, unread_entry
from reprocheck.foreign.reading import (
    check_count,
    fault,
    is_version,
    list_in,
    object_in,
    short,
    text_in,
    unread,
)
from reprocheck.foreign.requirements import read_line
from reprocheck.foreign.urls import direct_url, pep610_url, project_of
from reprocheck.limits import Limits
from reprocheck.model.image import Coverage
from reprocheck.model.manifest import Manifest, Tool
from reprocheck.model.package import DirectUrl, Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

OMITTED = ("distribute", "pip", "setuptools", "wheel")
_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?)"
_PINNED = re.compile(_NAME + r"===?([!-~]{1,512})")
_DIRECT = re.compile(_NAME + r" @ (\S{1,4000})")
_NAMED = re.compile(r"#.{0,200}?\(" + _NAME + r"==([!-~]{1,512})\)")
_IMPLEMENTATIONS = {"cpython", "pypy"}
_FREEZE = "a pip freeze list"


def read_freeze(text: str, *, where: str, limits: Limits) -> Manifest | None:
    """Read `pip freeze`; a line that it does not write is an unknown.

    None for what is no such list: a line asks for something (`x>=1`, `-r base.txt`), as in a requirements
    file, or most lines are odd.
    """
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    remark = ("", "")
    for number, line in enumerate(map(str.rstrip, text.split("\n")), start=1):
        if not line or line.startswith("#"):
            named = _NAMED.fullmatch(line)
            remark = (named[1], named[2]) if named else ("", "") if line else remark
            continue
        package = _frozen(line, remark)
        remark = ("", "")
        if package is not None:
            packages.append(package)
        elif _asks(line):
            return None
        else:
            unknowns.append(unread(f"{where}:{number}", f"is no line of pip freeze ({short(line)})"))
        check_count(len(packages) + len(unknowns), where=where, limits=limits)
    if not packages or len(unknowns) > len(packages):
        return None
    return partial_manifest(
        where=where,
        reader="pip freeze",
        covers=Coverage(
            format=_FREEZE, scope="environment", types=("pypi",), facts=("packages.source",), omits=OMITTED
        ),
        packages=packages,
        unknowns=unknowns,
    )


def _asks(line: str) -> bool:
    """Whether a line is one of a requirements file and none of pip freeze."""
    bare = line.strip()
    if bare.startswith("-e "):
        return False
    return bare.startswith("-") or bare.endswith("\\") or not isinstance(read_line(bare), str)


def _frozen(line: str, remark: tuple[str, str]) -> Package | None:
    if match := _PINNED.fullmatch(line):
        version = match[2]
        plain = is_version(version) and not set(version) & set(",;*<>#\\'\"")
        return distribution(match[1], version) if plain else None
    if match := _DIRECT.fullmatch(line):
        found = direct_url(match[2])
        return None if found is None else distribution(match[1], "", direct_url=found)
    if line.startswith("-e "):
        place = line[3:].strip()
        name, version = remark
        named = _DIRECT.fullmatch(place)
        if named:
            name, place = named[1], named[2]
        name = name or project_of(place)[0]
        # The place of an editable project is told in other words than direct_url.json has.
        return distribution(name, version, direct_url=_EDITABLE) if name else None
    return None


_EDITABLE = DirectUrl(url="", editable=True)


def read_list(document: list[object], *, where: str, limits: Limits) -> Manifest:
    """Read `pip list --format=json`."""
    check_count(len(document), where=where, limits=limits)
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    for number, entry in enumerate(document):
        name, version = text_in(entry, "name"), text_in(entry, "version")
        if problem := problem_of(name, version, pypi=True):
            unknowns.append(unread_entry(where, f"[{number}]", problem))
        else:
            packages.append(distribution(name, version))
    return partial_manifest(
        where=where,
        reader="pip list",
        covers=Coverage(format="a pip list", scope="environment", types=("pypi",)),
        packages=packages,
        unknowns=unknowns,
    )


def read_inspect(document: Mapping[str, object], *, where: str, limits: Limits) -> Manifest:
    """Read `pip inspect`, version 1. Raises InputFault (E_FOREIGN_VERSION, E_TOO_LARGE)."""
    if text_in(document, "version") != "1":
        raise fault(where, "is a pip inspect report of a version other than 1", code="E_FOREIGN_VERSION")
    installed = list_in(document, "installed")
    check_count(len(installed), where=where, limits=limits)
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    for number, entry in enumerate(installed):
        read = _inspected(entry)
        if isinstance(read, str):
            unknowns.append(unread_entry(where, f"installed[{number}]", read))
        else:
            packages.append(read)
    pip = text_in(document, "pip_version")
    return partial_manifest(
        where=where,
        reader="pip inspect",
        covers=Coverage(
            format="a pip inspect report",
            scope="environment",
            types=("pypi",),
            facts=("packages.location", "packages.source", "pythons.implementation", "pythons.version"),
        ),
        packages=packages,
        pythons=_python(object_in(document, "environment")),
        unknowns=unknowns,
        tool=Tool(name="pip", version=pip if is_version(pip) else ""),
    )


def _inspected(entry: object) -> Package | str:
    metadata = object_in(entry, "metadata")
    name, version = text_in(metadata, "name"), text_in(metadata, "version")
    if problem := problem_of(name, version, pypi=True):
        return problem
    stated = object_in(entry, "direct_url")
    place = text_in(entry, "metadata_location").rstrip("/")
    requires = tuple(text for text in list_in(metadata, "requires_dist") if isinstance(text, str))
    return distribution(
        name,
        version,
        location=posixpath.dirname(place),
        metadata=posixpath.basename(place),
        direct_url=pep610_url(stated) if stated else None,
        requires=requires,
        requires_python=text_in(metadata, "requires_python"),
    )


def _python(environment: Mapping[str, object]) -> tuple[PythonEnvironment, ...]:
    version = text_in(environment, "python_full_version")
    if not is_version(version):
        return ()
    implementation = text_in(environment, "implementation_name")
    return (interpreter(version, implementation if implementation in _IMPLEMENTATIONS else ""),)
