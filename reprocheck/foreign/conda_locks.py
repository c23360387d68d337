"""What locks conda environments: conda-lock.yml, environment.yml and `@EXPLICIT` lists.

Sources: conda-lock's lockfile models (versions 1 and 2), conda's "Managing environments", conda's match
specification, and `conda list --explicit`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from reprocheck.errors import InputFault
from reprocheck.foreign.markers import Target
from reprocheck.foreign.reading import (
    check_count,
    fault,
    is_md5,
    is_name,
    is_sha256,
    is_version,
    list_in,
    object_in,
    short,
    text_in,
    unread,
)
from reprocheck.foreign.requirements import pins_of
from reprocheck.foreign.urls import conda_archive, plain_url
from reprocheck.limits import Limits
from reprocheck.model.lock import Lock, Pin
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

_LOCK_VERSIONS = ("1", "2")
_MAIN = "main"
_CHANNEL = re.compile(r"(?:[a-z]{3,6}://[^\s:]{1,300}|[A-Za-z0-9_./-]{1,200})(?:/[a-z0-9-]{3,20})?::")
_SPEC = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,200}?)[ \t]*([ \t=<>!~].{0,500})?")
_PLATFORM = re.compile(r"#[ \t]*platform:[ \t]*([a-z0-9-]{3,20})[ \t]*")


def read_conda_lock(document: Mapping[str, object], *, where: str, target: Target, limits: Limits) -> Lock:
    """Read conda-lock.yml. Raises InputFault (E_LOCK_VERSION, E_LOCK_PLATFORM, E_FOREIGN, E_TOO_LARGE)."""
    version = text_in(document, "version")
    if version not in _LOCK_VERSIONS:
        raise InputFault(
            "E_LOCK_VERSION",
            f"{where} is a conda-lock.yml of version {short(version or '(none)', 20)}; 1 and 2 are known",
            hint="Update reprocheck, or lock with a conda-lock that writes one of these versions.",
        )
    entries = list_in(document, "package")
    check_count(len(entries), where=where, limits=limits)
    platforms = {text_in(entry, "platform") for entry in entries} - {""}
    platform = _platform(target.platform, platforms, where)
    pins = [
        _locked(entry, f"{where} package[{number}]")
        for number, entry in enumerate(entries)
        if text_in(entry, "platform") in ("", platform)
    ]
    return Lock(
        format="conda-lock.yml",
        pins=tuple(sorted(pins, key=_order)),
        types=("conda", "pypi"),
        complete=True,
    )


def _platform(own: str, locked: set[str], where: str) -> str:
    if own in locked or not locked:
        return own
    if not own and len(locked) == 1:
        return min(locked)
    names = ", ".join(sorted(map(short, locked)))
    raise InputFault(
        "E_LOCK_PLATFORM",
        f"{where} locks {names}, and the environment is {own or 'of a platform that could not be told'}",
        hint="Lock for this platform as well, or compare with a manifest of one that is locked.",
    )


def _locked(entry: object, where: str) -> Pin:
    name, version, url = (text_in(entry, key) for key in ("name", "version", "url"))
    manager = text_in(entry, "manager")
    if manager not in ("conda", "pip") or not is_name(name) or not is_version(version):
        raise fault(where, "has no valid manager, name and version")
    categories = list_in(entry, "categories") or [text_in(entry, "category") or _MAIN]
    optional = text_in(entry, "optional") == "true" or _MAIN not in categories
    hashes = _hashes(object_in(entry, "hash"))
    if manager == "pip":
        return Pin(
            type="pypi",
            name=canonicalize_name(name),
            specifier=f"==={version}",
            hashes=hashes,
            # The file of an index is no source of its own; a repository is.
            url=plain_url(url) if url.startswith("git+") else "",
            optional=optional,
        )
    archive = conda_archive(url)
    return Pin(
        type="conda",
        name=name.lower(),
        specifier=f"==={version}",
        hashes=hashes,
        build=text_in(entry, "build") or _conda(archive, "build"),
        channel=_conda(archive, "channel"),
        optional=optional,
    )


def _hashes(named: Mapping[str, object]) -> tuple[str, ...]:
    sha256, md5 = text_in(named, "sha256"), text_in(named, "md5")
    found = [f"md5:{md5}"] if is_md5(md5) else []
    return tuple(found + ([f"sha256:{sha256}"] if is_sha256(sha256) else []))


def _conda(package: Package | None, field: str) -> str:
    conda = package.conda if package is not None else None
    return str(getattr(conda, field)) if conda is not None else ""


def _order(pin: Pin) -> tuple[str, ...]:
    return (pin.type, pin.name, pin.specifier, pin.build, pin.url)


def read_explicit(
    text: str, *, where: str, limits: Limits
) -> tuple[tuple[Package, ...], tuple[Unknown, ...]]:
    """Read an `@EXPLICIT` list: its packages in the order of name, version, build, and unreadable lines."""
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        if not line or line.startswith("#") or line == "@EXPLICIT":
            continue
        check_count(len(packages) + len(unknowns), where=where, limits=limits)
        package = conda_archive(line)
        if package is None:
            unknowns.append(unread(f"{where}:{number}", f"is no URL of a conda package ({short(line)})"))
        else:
            packages.append(package)
    ordered = sorted(packages, key=lambda package: (package.name, package.version, repr(package)))
    return tuple(ordered), tuple(unknowns)


def read_explicit_lock(text: str, *, where: str, target: Target, limits: Limits) -> Lock:
    """Read an `@EXPLICIT` list as a lock. Raises InputFault (E_LOCK_PLATFORM, E_TOO_LARGE)."""
    packages, unknowns = read_explicit(text, where=where, limits=limits)
    stated = {match[1] for line in text.split("\n") if (match := _PLATFORM.fullmatch(line.strip()))}
    subdirs = {package.conda.subdir for package in packages if package.conda is not None}
    own = target.platform
    if own:
        _platform(own, (subdirs or stated) - {"", "noarch"}, where)
    pins = [
        Pin(
            type="conda",
            name=package.name.lower(),
            specifier=f"==={package.version}",
            hashes=_hashes({"md5": package.conda.md5, "sha256": package.conda.sha256}),
            build=package.conda.build,
            channel=package.conda.channel,
        )
        for package in packages
        if package.conda is not None
    ]
    return Lock(
        format="conda-explicit",
        pins=tuple(sorted(pins, key=_order)),
        types=("conda",),
        complete=not unknowns,
        unknowns=unknowns,
    )


def read_environment(document: Mapping[str, object], *, where: str, target: Target, limits: Limits) -> Lock:
    """Read environment.yml with its pip part. It never counts as complete: it may name the roots only."""
    conda: list[Pin] = []
    unknowns: list[Unknown] = []
    pip_lines: list[tuple[int, str]] = []
    entries = list_in(document, "dependencies")
    check_count(len(entries), where=where, limits=limits)
    for number, entry in enumerate(entries):
        place = f"{where} dependencies[{number}]"
        if isinstance(entry, str):
            pin = match_spec(entry)
            if pin is None:
                unknowns.append(unread(place, f"is no match specification ({short(entry)})"))
            else:
                conda.append(pin)
        else:
            lines = list_in(entry, "pip")
            check_count(len(lines), where=where, limits=limits)
            pip_lines += [
                (index + 1, line.strip()) for index, line in enumerate(lines) if isinstance(line, str)
            ]
            if not lines:
                unknowns.append(unread(place, "is neither a text nor the list 'pip'"))
    pypi, missed = pins_of(_present(pip_lines), where=f"{where} pip", target=target, limits=limits)
    return Lock(
        format="environment.yml",
        pins=(*sorted(conda, key=_order), *pypi),
        types=("conda", "pypi"),
        complete=False,
        unknowns=(*unknowns, *missed),
    )


def _present(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from ((number, line) for number, line in lines if line)


def match_spec(text: str) -> Pin | None:
    """Read `channel::name=1.2=build`, `name >=1,<2`, `name 1.2 build`; None for what is none of them.

    One `=` asks for the version or anything below it (`1.2` or `1.2.3`), which is written `1.2.*` here.
    """
    text = text.strip()
    if len(text) > 600 or "[" in text or "(" in text:
        return None
    channel = ""
    if match := _CHANNEL.match(text):
        channel, text = (
            match[0][:-2].rpartition("/")[2] if "://" in match[0] else match[0][:-2],
            text[match.end() :],
        )
    parsed = _SPEC.fullmatch(text)
    if parsed is None:
        return None
    name, rest = parsed[1].lower(), (parsed[2] or "").strip()
    version, build = _version_and_build(rest)
    return Pin(type="conda", name=name, specifier=version, build=build, channel=channel)


def _version_and_build(rest: str) -> tuple[str, str]:
    if rest.startswith("=") and not rest.startswith("=="):
        version, _, build = rest[1:].partition("=")
        version, build = version.strip(), build.strip()
        if build or not version:
            return _pinned(version), _exact(build)
        plain = not any(sign in version for sign in "*<>=!~,|")
        return (f"{version}.*" if plain else version), ""
    words = rest.split()
    signs = ("=", "<", ">", "~", "!", ",", "|")
    if len(words) == 2 and not words[0].endswith(signs) and not words[1].startswith(signs):
        return _pinned(words[0]), _exact(words[1])
    return _pinned("".join(words)), ""


def _pinned(version: str) -> str:
    """Write a bare version as `===`: conda takes `name 1.2` and `name==1.2` for that version alone."""
    bare = version.removeprefix("==") if not version.startswith("===") else version[3:]
    plain = bare and not any(sign in bare for sign in "*<>=!~,|")
    return f"==={bare}" if plain else ("" if bare == "*" else version)


def _exact(build: str) -> str:
    return "" if build == "*" else build
