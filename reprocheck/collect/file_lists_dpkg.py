"""Files of Debian packages: info/NAME.list and NAME.md5sums, conffiles of the status, diversions.

md5sums leave out configuration files, whose digests stand in the field `Conffiles` of the status
(deb-conffiles(5), dpkg's own `dpkg --verify`). Distroless images have status.d/NAME.md5sums and no lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.collect.deb_stanzas import stanzas
from reprocheck.collect.dpkg import INFO, STATUS, STATUS_D
from reprocheck.collect.dpkg_filters import path_filters
from reprocheck.collect.file_lists import Listed, Lists
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import Limits
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

DIVERSIONS = "/var/lib/dpkg/diversions"

_SUM = re.compile(r"([0-9a-f]{32})[ \t][ *](?:\./)?(.+)")
_MD5 = re.compile(r"[0-9a-f]{32}")
_FLEETING = ("/var/", "/run/", "/tmp/", "/dev/", "/proc/", "/sys/")  # noqa: S108  (names, not a place to write)
"""Where a list also names empty directories that images clear: /var/lib/apt/lists/partial."""

_Key = tuple[str, str]
_Divert = dict[str, tuple[str, str]]


def wants(path: str) -> bool:
    """The digests and what dpkg did to them."""
    if path.startswith((INFO, STATUS_D)):
        return path.endswith(".md5sums")
    return path in (DIVERSIONS, "/etc/dpkg/dpkg.cfg") or path.startswith("/etc/dpkg/dpkg.cfg.d/")


def dpkg_files(
    view: ContainerView, packages: tuple[Package, ...], limits: Limits, lists: Lists
) -> Iterator[Listed]:
    """Give every file of every Debian package."""
    owners = {
        (package.name, package.architecture): package.purl for package in packages if package.type == "deb"
    }
    if not owners:
        return
    excluded = path_filters(view, limits, lists)
    diverted = _diversions(view, limits, lists)
    configured = _conffiles(view, limits, lists)
    names = frozenset(view.tree.names(INFO.rstrip("/")))
    distroless = _distroless(view, limits, lists)
    for (label, architecture), purl in sorted(owners.items()):
        # `Multi-Arch: same` packages have the architecture in the name of their list.
        stems = (f"{INFO}{label}", f"{INFO}{label}:{architecture}")
        found = [stem for stem in stems if f"{stem.removeprefix(INFO)}.list" in names]
        sums = [f"{stem}.md5sums" for stem in stems if f"{stem.removeprefix(INFO)}.md5sums" in names]
        sums += distroless.get(label, [])
        if not found and not sums:
            lists.without.add(purl)
            continue
        paths = [path for stem in found for path in _lines(view, f"{stem}.list", limits, lists)]
        digests: dict[str, str] = {}
        for path in sums:
            digests.update(_sums(view, path, limits, lists))
        own = configured.get((label, architecture), {})
        for row in _rows(paths, digests, own, purl):
            to, by = diverted.get(row.path, ("", ""))
            path = lists.places(to if to and by != label else row.path)
            missing = path not in view.tree.entries
            optional = missing and (
                (not row.digest and f"{row.path}/".startswith(_FLEETING)) or excluded(row.path)
            )
            yield row._replace(path=path, optional=optional)


def _rows(paths: list[str], sums: dict[str, str], own: dict[str, str], purl: str) -> Iterator[Listed]:
    directories = {path.rpartition("/")[0] for path in paths}
    directories.update(("/.", ""))
    for path in sorted({*paths, *sums, *own} - directories):
        configuration = path in own
        digest = own[path] if configuration else sums.get(path, "")
        yield Listed(path, purl, "md5" if digest else "", digest, configuration)


def _lines(view: ContainerView, path: str, limits: Limits, lists: Lists) -> list[str]:
    raw = read(view, path, limits.record_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return []
    text = raw.decode("utf-8", "surrogateescape")
    return [line.rstrip("/") for line in text.split("\n") if line.startswith("/")]


def _sums(view: ContainerView, path: str, limits: Limits, lists: Lists) -> Iterator[tuple[str, str]]:
    raw = read(view, path, limits.record_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return
    bad = 0
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        match = _SUM.fullmatch(line)
        if match is not None:
            yield "/" + match[2].lstrip("/"), match[1]
        elif line.strip():
            bad += 1
    if bad:
        lists.unknowns.append(unknown("integrity", path, f"has {bad} lines that are no digest and path"))


def _conffiles(view: ContainerView, limits: Limits, lists: Lists) -> dict[_Key, dict[str, str]]:
    """Digest of each configuration file as it was shipped, by package; '' while dpkg knows none."""
    if not view.tree.exists(STATUS):
        return {}
    raw = read(view, STATUS, limits.retained_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return {}
    found: dict[_Key, dict[str, str]] = {}
    for stanza in stanzas(raw):
        if stanza.problem:
            continue
        block = b"\n" + raw[stanza.start : stanza.end]
        head = block.find(b"\nConffiles:")
        if head < 0:
            continue
        rows: dict[str, str] = {}
        for line in block[head + 1 :].split(b"\n")[1:]:
            if not line.startswith((b" ", b"\t")):
                break
            path, digest = _conffile(line.decode("utf-8", "surrogateescape"))
            if path:
                rows[path] = digest
        found[stanza.fields.get("Package", ""), stanza.fields.get("Architecture", "")] = rows
    return found


def _conffile(line: str) -> tuple[str, str]:
    """Read ` /etc/x MD5 [obsolete] [remove-on-upgrade]`; one that was never unpacked has `newconffile`."""
    words = line.strip()
    for flag in (" remove-on-upgrade", " obsolete", " remove-on-upgrade"):
        words = words.removesuffix(flag)
    path, _, digest = words.rpartition(" ")
    if not path.startswith("/") or not _MD5.fullmatch(digest):
        return "", ""
    return path, digest


def _diversions(view: ContainerView, limits: Limits, lists: Lists) -> _Divert:
    """By path: where every other package's file of that name went, and which package diverted it.

    Three lines each: from, to, package; `:` for a local diversion (dpkg-divert(1)).
    """
    if not view.tree.exists(DIVERSIONS):
        return {}
    raw = read(view, DIVERSIONS, limits.record_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return {}
    lines = raw.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
    if lines == [""]:
        return {}
    if len(lines) % 3:
        lists.unknowns.append(
            unknown("integrity", DIVERSIONS, "does not hold three lines for each diversion")
        )
    return {lines[i]: (lines[i + 1], lines[i + 2]) for i in range(0, len(lines) - 2, 3)}


def _distroless(view: ContainerView, limits: Limits, lists: Lists) -> dict[str, list[str]]:
    """Digest lists beside the stanzas of status.d, by the name of the package that the stanza gives."""
    found: dict[str, list[str]] = {}
    names = view.tree.names(STATUS_D.rstrip("/"))
    for file in names:
        if not file.endswith(".md5sums"):
            continue
        label = file.removesuffix(".md5sums")
        if label in names:
            raw = read(view, STATUS_D + label, limits.metadata_file, "integrity")
            if isinstance(raw, Unknown):
                lists.unknowns.append(raw)
                continue
            label = next((stanza.fields.get("Package", label) for stanza in stanzas(raw)), label)
        found.setdefault(label, []).append(STATUS_D + file)
    return found
