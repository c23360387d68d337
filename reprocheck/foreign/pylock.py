"""pylock.toml (PEP 751), validated by packaging.

Markers are asked with no extra and the default groups; what holds only with all of them is optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reprocheck.errors import InputFault
from reprocheck.foreign.markers import Target, is_sound
from reprocheck.foreign.reading import check_count, fault, list_in, short, text_in, unread
from reprocheck.foreign.urls import plain_url
from reprocheck.limits import Limits
from reprocheck.model.lock import Lock, Pin
from reprocheck.model.unknown import Unknown

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock


def read_pylock(document: Mapping[str, object], *, where: str, target: Target, limits: Limits) -> Lock:
    """Read pylock.toml. Raises InputFault (E_LOCK_VERSION, E_FOREIGN, E_TOO_LARGE)."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    check_count(len(list_in(document, "packages")), where=where, limits=limits)
    for text in _markers(document):
        if not is_sound(text):
            raise fault(where, f"holds a marker that is too long or too deep ({short(text)})")
    try:
        lock = Pylock.from_dict(document)
    except PylockUnsupportedVersionError:
        raise InputFault(
            "E_LOCK_VERSION",
            f"{where} is a pylock.toml of version {short(text_in(document, 'lock-version'), 20)}; 1 is known",
            hint="Update reprocheck, or write the file with a tool for lock-version 1.0.",
        ) from None
    except (PylockValidationError, ValueError, TypeError, RecursionError) as error:
        raise fault(where, f"is no valid pylock.toml: {short(str(error), 200)}") from None
    pins: list[Pin] = []
    unknowns: list[Unknown] = []
    for package in lock.packages:
        optional = _optional(package, lock, target)
        if optional is None:
            reason = f"its marker cannot be evaluated ({short(str(package.marker))})"
            unknowns.append(unread(f"{where} {package.name}", reason))
        if optional != "never":
            pins.append(_pin(package, optional=optional != "always"))
    return Lock(
        format="pylock.toml",
        pins=tuple(sorted(pins, key=lambda pin: (pin.name, pin.specifier, pin.url))),
        types=("pypi",),
        complete=True,
        python="" if lock.requires_python is None else str(lock.requires_python),
        unknowns=tuple(unknowns),
    )


def _markers(document: Mapping[str, object]) -> Iterator[str]:
    for entry in list_in(document, "packages"):
        yield text_in(entry, "marker")
    yield from (text for text in list_in(document, "environments") if isinstance(text, str))


def _optional(package: Package, lock: Pylock, target: Target) -> str | None:
    """Say `always`, `sometimes` or `never`; None when it cannot be told."""
    if package.marker is None:
        return "always"
    groups = frozenset(lock.default_groups or ())
    holds = target.holds(package.marker, extras=frozenset(), groups=groups)
    if holds is not False:
        return "always" if holds else None
    extras = frozenset(map(str, lock.extras or ()))
    every = groups | frozenset(lock.dependency_groups or ())
    return "never" if target.holds(package.marker, extras=extras, groups=every) is False else "sometimes"


def _pin(package: Package, *, optional: bool) -> Pin:
    files = [package.sdist, *(package.wheels or ()), package.archive]
    hashes = {
        f"{kind}:{digits}" for file in files if file is not None for kind, digits in file.hashes.items()
    }
    url, commit = "", ""
    if package.vcs is not None:
        url = plain_url(f"{package.vcs.type}+{package.vcs.url}") if package.vcs.url else "file:"
        commit = package.vcs.commit_id
    elif package.archive is not None:
        url = plain_url(package.archive.url) if package.archive.url else "file:"
    elif package.directory is not None:
        url = "file:"
    version = "" if package.version is None else str(package.version)
    return Pin(
        type="pypi",
        name=str(package.name),
        specifier=f"==={version}" if version else "",
        hashes=tuple(sorted(hashes)),
        url=url,
        commit=commit,
        optional=optional or package.directory is not None,
    )
