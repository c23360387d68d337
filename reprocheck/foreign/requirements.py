"""Requirements files, line by line as pip reads them (pip's reference, "Requirements File Format").

`-r` and `-c` name other files, which are not read: each is an unknown. Lines with one requirement in several
places are one pin, all of whose specifiers count, as for pip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from reprocheck.foreign.markers import Target, applies, parse_requirement
from reprocheck.foreign.reading import check_count, is_name, short, unread
from reprocheck.foreign.urls import direct_url, plain_url, project_of
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, replace
from reprocheck.model.lock import Lock, Pin
from reprocheck.model.unknown import Unknown

LONGEST_LINE = 64 * 1024
"""Characters of a line with its continuation lines: PyYAML has eighty hashes."""

_HASH = re.compile(r"--hash(?:=|[ \t]+)[\"']?([a-z0-9]{3,10}):([0-9a-fA-F]{16,128})(?![0-9a-fA-F])")
_OPTION = re.compile(r"(?:^|[ \t])--?[A-Za-z]")
_INCLUDES = ("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints")
_EDITABLE = ("-e", "--editable")
_HARMLESS = frozenset(
    {"-i", "--index-url", "--pypi-url", "--extra-index-url", "--no-index", "-f", "--find-links"}
    | {"--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre", "--trusted-host"}
    | {"--use-feature", "--always-unzip", "-Z", "--config-settings", "--global-option"}
)
_EXTRAS = re.compile(r"(.*?)(\[[A-Za-z0-9,._ -]{0,400}\])?", re.DOTALL)
_PLACE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:|[./~\\]|[A-Za-z]:\\")


class Wish(Frozen, frozen=True, kw_only=True):
    """One requirement of a file, whether or not it applies."""

    name: str
    """Normalised."""
    specifier: str
    url: str = ""
    commit: str = ""
    marker: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    extras: tuple[str, ...] = ()


def read_requirements(text: str, *, where: str, target: Target, limits: Limits) -> Lock:
    """Read a requirements file. It counts as complete when every pin has hashes: pip then wants them all."""
    pins, unknowns = pins_of(numbered(text), where=where, target=target, limits=limits)
    return Lock(
        format="requirements.txt",
        pins=pins,
        types=("pypi",),
        complete=bool(pins)
        and not unknowns
        and all(pin.hashes and pin.specifier[:2] == "==" for pin in pins),
        unknowns=unknowns,
    )


def pins_of(
    lines: Iterator[tuple[int, str]], *, where: str, target: Target, limits: Limits
) -> tuple[tuple[Pin, ...], tuple[Unknown, ...]]:
    """Return the pins that apply, sorted by name, and what could not be read."""
    wishes: dict[str, list[tuple[Wish, bool]]] = {}
    unknowns: list[Unknown] = []
    for count, (number, line) in enumerate(lines):
        check_count(count, where=where, limits=limits)
        wish = read_line(line)
        if isinstance(wish, str):
            unknowns.append(unread(f"{where}:{number}", wish))
        elif wish is not None:
            holds = applies(target, wish.marker)
            if holds is None:
                reason = f"its marker cannot be evaluated ({short(wish.marker)})"
                unknowns.append(unread(f"{where}:{number} {wish.name}", reason))
            if holds is not False:
                wishes.setdefault(wish.name, []).append((wish, holds is None))
    pins = [_pin(name, group) for name, group in sorted(wishes.items())]
    return tuple(pins), tuple(unknowns)


def _pin(name: str, group: list[tuple[Wish, bool]]) -> Pin:
    told = next((wish for wish, _ in group if wish.url), group[0][0])
    return Pin(
        type="pypi",
        name=name,
        specifier=",".join(sorted({wish.specifier for wish, _ in group if wish.specifier})),
        hashes=tuple(sorted({text for wish, _ in group for text in wish.hashes})),
        url=told.url,
        commit=told.commit,
        optional=all(doubtful for _, doubtful in group),
        extras=tuple(sorted({extra for wish, _ in group for extra in wish.extras})),
    )


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, logical line): continuation lines joined, comments and blanks gone."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        first = first if parts else number
        bare = _without_comment(line)
        if line.endswith("\\") and bare == line:
            parts.append(line.rstrip("\\"))
            continue
        # pip puts a space before a comment line, so that it is no part of the line that it continues.
        parts.append(bare if bare == line or not parts else f" {bare}")
        if joined := "".join(parts).strip():
            yield first, joined
        parts = []
    if joined := "".join(parts).strip():
        yield first, joined


def _without_comment(line: str) -> str:
    """Cut at the first `#` that stands at the start or after white space."""
    place = line.find("#")
    while place > 0 and not line[place - 1].isspace():
        place = line.find("#", place + 1)
    return line if place < 0 else line[:place]


def read_line(line: str) -> Wish | str | None:
    """Read one logical line: a wish, the reason why it cannot be read, or None for an option without one."""
    if len(line) > LONGEST_LINE:
        return f"has {len(line)} characters, more than the limit of {LONGEST_LINE}"
    if line.startswith("-"):
        flag, _, rest = _split_flag(line)
        if flag in _INCLUDES:
            return f"names another file, which is not read ({short(line)})"
        if flag in _EDITABLE:
            return _by_place(rest.strip(), "", (), editable=True)
        return None if flag in _HARMLESS else f"holds an option that is not known ({short(flag)})"
    match = _OPTION.search(line)
    body, options = (line[: match.start()], line[match.start() :]) if match else (line, "")
    hashes = tuple(sorted({f"{kind}:{digits.lower()}" for kind, digits in _HASH.findall(options)}))
    if "--hash" in options and not hashes:
        return f"holds a hash that cannot be read ({short(line)})"
    return _read_requirement(body.strip(), hashes)


def _split_flag(line: str) -> tuple[str, str, str]:
    if line.startswith("--"):
        for sign in ("=", " ", "\t"):
            head, found, rest = line.partition(sign)
            if found and not any(other in head for other in "= \t"):
                return head, found, rest
        return line, "", ""
    return line[:2], "", line[2:].lstrip("= \t")


def _read_requirement(text: str, hashes: tuple[str, ...]) -> Wish | str:
    requirement = parse_requirement(text)
    if requirement is None:
        body, _, marker = text.partition(" ;") if "://" in text else text.partition(";")
        if _PLACE.match(body) or "/" in body or body.endswith((".whl", ".tar.gz", ".zip")):
            return _by_place(body.strip(), marker.strip(), hashes)
        return f"is no requirement ({short(text)})"
    marker = str(requirement.marker) if requirement.marker is not None else ""
    if not is_name(requirement.name, pypi=True):
        return f"is no requirement ({short(text)})"
    name = canonicalize_name(requirement.name)
    extras = tuple(sorted(map(canonicalize_name, requirement.extras)))
    if requirement.url:
        wish = _at(name, requirement.url, marker, hashes)
        return wish if isinstance(wish, str) else replace(wish, extras=extras)
    specifier = str(requirement.specifier)
    return Wish(name=name, specifier=specifier, marker=marker, hashes=hashes, extras=extras)


def _by_place(text: str, marker: str, hashes: tuple[str, ...], *, editable: bool = False) -> Wish | str:
    """Read a URL or a path; its name stands in `#egg=` or in the name of an archive."""
    named = parse_requirement(text) if " @ " in text else None
    if named is not None and named.url:
        return _at(canonicalize_name(named.name), named.url, marker, hashes, editable=editable)
    match = _EXTRAS.fullmatch(text)
    place = match[1] if match else text
    name, version = project_of(place)
    if not name:
        return f"does not tell the name of the project ({short(text)})"
    wish = _at(name, place, marker, hashes, editable=editable)
    if isinstance(wish, str) or not version:
        return wish
    return replace(wish, specifier=f"=={version}")


def _at(name: str, url: str, marker: str, hashes: tuple[str, ...], *, editable: bool = False) -> Wish | str:
    found = direct_url(url if "://" in url or url.startswith("file:") else f"file:{url}")
    if found is None:
        return f"holds a URL that cannot be read ({short(url)})"
    local = "://" not in url and not url.startswith("file:")
    if found.archive_sha256:
        hashes = tuple(sorted({*hashes, f"sha256:{found.archive_sha256}"}))
    return Wish(
        name=name,
        specifier="",
        url="file:" if local else plain_url(url),
        commit=found.commit if _is_commit(found.commit) else "",
        marker=marker,
        hashes=hashes,
        editable=editable,
    )


def _is_commit(revision: str) -> bool:
    return len(revision) == 40 and not set(revision) - set("0123456789abcdef")
