"""poetry.lock of the metadata versions 1.x and 2.x (poetry-core; python-poetry.org/docs).

From 2.1 on each package names its groups and markers. Before that only the edges between packages have
markers, and what the project itself asks for is not in the file: a package to which no edge leads whose
marker holds, and to which some edge leads, is optional, since nobody can tell whether the project wants it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from reprocheck.errors import InputFault
from reprocheck.foreign.markers import Target, applies
from reprocheck.foreign.reading import (
    check_count,
    fault,
    is_name,
    is_version,
    list_in,
    object_in,
    short,
    text_in,
    unread,
)
from reprocheck.foreign.urls import plain_url
from reprocheck.limits import Limits
from reprocheck.model.lock import Lock, Pin
from reprocheck.model.unknown import Unknown

_VERSION = re.compile(r"([12])\.([0-9]{1,3})")
_MAIN = "main"
_EXTRAS = 64
"""Extras of a project that are tried on a marker."""


def read_poetry(document: Mapping[str, object], *, where: str, target: Target, limits: Limits) -> Lock:
    """Read poetry.lock. Raises InputFault (E_LOCK_VERSION, E_FOREIGN, E_TOO_LARGE)."""
    metadata = object_in(document, "metadata")
    stated = text_in(metadata, "lock-version")
    if not _VERSION.fullmatch(stated):
        raise InputFault(
            "E_LOCK_VERSION",
            f"{where} is a poetry.lock of version {short(stated or '(none)', 20)}; 1 and 2 are known",
            hint="Update reprocheck, or lock with a poetry that writes one of these versions.",
        )
    entries = list_in(document, "package")
    check_count(len(entries), where=where, limits=limits)
    files = object_in(metadata, "files")
    edges = _edges(entries, target, limits, where)
    extras = sorted(object_in(document, "extras"))[:_EXTRAS]
    pins: list[Pin] = []
    unknowns: list[Unknown] = []
    for number, entry in enumerate(entries):
        name, version = text_in(entry, "name"), text_in(entry, "version")
        if not is_name(name, pypi=True) or not is_version(version):
            raise fault(f"{where} package[{number}]", "has no valid name and version")
        key = canonicalize_name(name)
        holds = _applies(entry, target, "")
        behind = holds is False and any(_applies(entry, target, extra) for extra in extras)
        if holds is None:
            reason = "its marker or its range of Python versions cannot be evaluated"
            unknowns.append(unread(f"{where} {key}", reason))
        if holds is not False or behind:
            optional = not holds or _is_optional(entry) or edges.get(key) is False
            pins.append(_pin(key, version, entry, files, optional=optional))
    return Lock(
        format="poetry.lock",
        pins=tuple(sorted(pins, key=lambda pin: (pin.name, pin.specifier, pin.url))),
        types=("pypi",),
        complete=True,
        python=_python(text_in(metadata, "python-versions")),
        unknowns=tuple(unknowns),
    )


def _applies(entry: object, target: Target, extra: str) -> bool | None:
    markers = entry.get("markers") if isinstance(entry, Mapping) else None
    texts = [markers] if isinstance(markers, str) else []
    if isinstance(markers, Mapping):  # one marker for each group
        own = {str(group): text for group, text in markers.items() if isinstance(text, str)}
        groups = [group for group in list_in(entry, "groups") if isinstance(group, str)]
        texts = [own.get(group, "") for group in groups] or list(own.values())
    if extra and not any("extra" in text for text in texts):
        return False
    answers = {applies(target, text, extra=extra) for text in texts} or {True}
    held = True if True in answers else None if None in answers else False
    fits = target.fits(_python(text_in(entry, "python-versions"))) if target.environments else True
    if held is False or fits is False:
        return False
    return None if held is None or fits is None else True


def _is_optional(entry: object) -> bool:
    groups = list_in(entry, "groups")
    if groups and _MAIN not in groups:
        return True
    optional = isinstance(entry, Mapping) and entry.get("optional") is True
    return optional or text_in(entry, "category") not in ("", _MAIN)


def _edges(entries: list[object], target: Target, limits: Limits, where: str) -> dict[str, bool]:
    """Map what other packages depend on to whether any of these edges holds or may hold."""
    found: dict[str, bool] = {}
    answers: dict[str, bool | None] = {}
    for count, (name, marker) in enumerate(_dependencies(entries)):
        check_count(count // 100, where=where, limits=limits)
        if marker not in answers:
            answers[marker] = applies(target, marker)
        found[name] = found.get(name, False) or answers[marker] is not False
    return found


def _dependencies(entries: list[object]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        for name, wanted in object_in(entry, "dependencies").items():
            for one in wanted if isinstance(wanted, list) else [wanted]:
                optional = isinstance(one, Mapping) and one.get("optional") is True
                if not optional:
                    yield canonicalize_name(name), text_in(one, "markers")


def _python(text: str) -> str:
    """Return poetry's range as PEP 440 has it, '' for what PEP 440 cannot say (`^3.8`, `>=3.8 || <2`)."""
    if text.strip() in ("", "*") or len(text) > 400:
        return ""
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return ""


def _pin(name: str, version: str, entry: object, files: Mapping[str, object], *, optional: bool) -> Pin:
    source = object_in(entry, "source")
    kind, place = text_in(source, "type"), text_in(source, "url")
    url, commit = "", ""
    if kind == "git":
        url, commit = plain_url(f"git+{place}"), text_in(source, "resolved_reference")
    elif kind == "url":
        url = plain_url(place)
    elif kind in ("file", "directory"):
        url = "file:"
    listed = list_in(entry, "files") or list_in(files, text_in(entry, "name"))
    hashes = {text for file in listed if (text := text_in(file, "hash")) and ":" in text}
    return Pin(
        type="pypi",
        name=name,
        specifier=f"==={version}",
        hashes=tuple(sorted(hashes)),
        url=url,
        commit=commit,
        optional=optional,
    )
