"""rpm packages: the SQLite database of rpm 4.16 and later; the older forms are named, not read.

`rpm -qa` is the measure, its pseudo-packages `gpg-pubkey` (imported keys) included. Of several forms in one
directory the SQLite one counts, as rpm's own default has it. Berkeley DB (`Packages`) and NDB (`Packages.db`)
databases are Unknowns here; `collect.syft.adopt_rpm` takes their packages from syft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.collect.claims import claimable
from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.os_release import system_of
from reprocheck.collect.purl import distribution_url
from reprocheck.collect.reading import lost, read, unknown
from reprocheck.collect.rpm_header import BadHeader, Header, parse_header
from reprocheck.limits import Limits
from reprocheck.model.filetree import FileTree
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "rpm"
DIRECTORIES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
"""rpm's own default, the old one, and that of images made with rpm-ostree."""
SQLITE = "rpmdb.sqlite"
OTHER_FORMS = {"Packages": "Berkeley DB", "Packages.db": "NDB"}
endings: tuple[str, ...] = (f"/{SQLITE}", f"/{SQLITE}-wal")
prefixes: tuple[str, ...] = ()

_PATHS = re.compile(r"(?<![^\s(])/[^\s()]+")
_WANTED = frozenset(f"{directory}/{SQLITE}{suffix}" for directory in DIRECTORIES for suffix in ("", "-wal"))


def wants(path: str) -> bool:
    """The SQLite database and its write-ahead log."""
    return path in _WANTED


def unread(path: str) -> Unknown:
    """Say that a database of an older form was found; `path` ends in one of `OTHER_FORMS`."""
    form = OTHER_FORMS[path.rpartition("/")[2]]
    return unknown("packages", path, f"is an rpm database in {form} form, which only syft reads")


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read every database that is there. A bad row is one Unknown; the others stay."""
    found = system_of(view)
    system = found if isinstance(found, OperatingSystem) else None
    packages: list[Package] = []
    claims: list[Claim] = []
    unknowns: list[Unknown] = []
    databases, others = _databases(view)
    for path in databases:
        rows = list(_rows(view, path, limits))
        unknowns += [item for item in rows if isinstance(item, Unknown)]
        headers = [item for item in rows if isinstance(item, Header)]
        asked = _asked_files(view.tree, headers)
        there = {
            word for item in headers for word in (item.name, *(one.split(" ")[0] for one in item.provides))
        }
        for item in headers:
            package = to_package(
                item.name,
                item.version,
                item.release,
                epoch=item.epoch,
                architecture=item.architecture,
                source=item.source,
                system=system,
                depends=tuple(map(_printable, item.requires)),
                provides=tuple(map(_printable, (*item.provides, *_answers(view.tree, item, asked)))),
                conflicts=tuple(
                    _printable(text)
                    for text in item.conflicts
                    if text.startswith("(") or text.split(" ")[0] in there - {item.name}
                ),
            )
            packages.append(package)
            claims.extend(
                Claim(path=owned, manager="rpm", owner=package.purl, version=package.version)
                for owned in claimable(item.files)
            )
    unknowns.extend(unread(path) for path in others)
    unknowns.extend(_missing(view))
    return Observed(packages=tuple(packages), unknowns=tuple(unknowns), claims=tuple(claims))


def to_package(
    label: str,
    version: str,
    release: str,
    *,
    epoch: int | None,
    architecture: str,
    source: str,
    system: OperatingSystem | None,
    depends: tuple[str, ...] = (),
    provides: tuple[str, ...] = (),
    conflicts: tuple[str, ...] = (),
) -> Package:
    """Make a package; its version is `rpm -q --qf '%{EVR}'`, `source` the source package's file name.

    The URL has the epoch apart from the version, as the definition of its type `rpm` says.
    """
    number = "" if epoch is None else str(epoch)
    release = f"-{release}" if release else ""
    source_name, source_version = split_source(source)
    return Package(
        type="rpm",
        name=label,
        version=f"{number}:{version}{release}" if number else version + release,
        purl=distribution_url(
            "rpm",
            label,
            version + release,
            architecture,
            system,
            more=(("epoch", number), ("upstream", source)),
        ),
        architecture=architecture,
        source_name=source_name,
        source_version=source_version,
        depends=depends,
        provides=provides,
        conflicts=conflicts,
    )


def _asked_files(tree: FileTree, headers: list[Header]) -> dict[str, set[str]]:
    """Give the paths that packages depend on, as they write them, by where they really lie (merged /usr)."""
    paths = {
        path
        for header in headers
        for text in header.requires
        for path in (_PATHS.findall(text) if text.startswith("(") else (text,))
        if path.startswith("/")
    }
    asked: dict[str, set[str]] = {}
    for path in paths:
        asked.setdefault(_real(tree, path), set()).add(path)
    return asked


def _answers(tree: FileTree, header: Header, asked: dict[str, set[str]]) -> list[str]:
    """Give the paths that others depend on and that this package installed."""
    labels = {path.rpartition("/")[2] for path in asked}
    found = {
        path
        for file in header.files
        if file.rpartition("/")[2] in labels
        for path in asked.get(_real(tree, file), ())
    }
    return sorted(found - set(header.provides))


def _real(tree: FileTree, path: str) -> str:
    directory, _, last = path.rpartition("/")
    entry = tree.resolve(directory or "/")
    return path if entry is None else f"{entry.path.rstrip('/')}/{last}"


def split_source(file_name: str) -> tuple[str, str]:
    """`bash-5.1.8-9.el9.src.rpm` is bash 5.1.8-9.el9; ('', '') for what is no such name."""
    stem, dot, _ = file_name.removesuffix(".rpm").rpartition(".")
    parts = stem.rsplit("-", 2)
    if not dot or not file_name.endswith(".rpm") or len(parts) != 3 or not all(parts):
        return "", ""
    return parts[0], f"{parts[1]}-{parts[2]}"


def _databases(view: ContainerView) -> tuple[list[str], list[str]]:
    """Return the real paths of SQLite databases, and of others where there is none of it beside them."""
    readable: set[str] = set()
    others: set[str] = set()
    for directory in DIRECTORIES:
        # /var/lib/rpm is often a link to the other place.
        for file, found in ((SQLITE, readable), *((form, others) for form in OTHER_FORMS)):
            entry = view.tree.resolve(f"{directory}/{file}")
            if entry is not None and entry.kind == "file":
                found.add(entry.path)
    places = {path.rpartition("/")[0] for path in readable}
    return sorted(readable), sorted(path for path in others if path.rpartition("/")[0] not in places)


def _missing(view: ContainerView) -> Iterator[Unknown]:
    """Say where a database was, or was meant to be, and is no file that could be read."""
    for directory in DIRECTORIES:
        if (gone := lost(view, directory, "packages")) is not None:
            yield gone
        for file in (SQLITE, *OTHER_FORMS):
            path = f"{directory}/{file}"
            entry = view.tree.resolve(path)
            if entry is not None and entry.kind != "file":
                yield unknown("packages", path, "is no regular file")
            elif (gone := lost(view, path, "packages")) is not None:
                yield gone


def _rows(view: ContainerView, path: str, limits: Limits) -> Iterator[Header | Unknown]:
    raw = read(view, path, limits.retained_file, "packages")
    if isinstance(raw, Unknown):
        yield raw
        return
    log: bytes | Unknown = b""
    if view.tree.exists(f"{path}-wal"):
        log = read(view, f"{path}-wal", limits.retained_file, "packages")
    if isinstance(log, Unknown):
        yield log
        log = b""
    try:
        from reprocheck.collect.rpm_database import BadDatabase, read_rows
    except ImportError:
        yield unknown("packages", path, "cannot be read: this Python was built without SQLite")
        return
    try:
        for where, blob in read_rows(raw, log, limits):
            try:
                yield _checked(blob)
            except BadHeader as error:
                yield unknown("packages", f"{path} {where}", str(error))
    except BadDatabase as error:
        yield unknown("packages", path, str(error))


def _checked(blob: bytes | str) -> Header:
    """Parse a row and see that what identifies the package can be shown. Raises BadHeader."""
    if isinstance(blob, str):
        raise BadHeader(blob)
    header = parse_header(blob)
    if not _is_word(header.name) or "/" in header.name:
        raise BadHeader(f"has no valid package name ({_shown(header.name)})")
    if not _is_word(header.version) or not _is_word(header.release or "-"):
        raise BadHeader(f"is {header.name} without a valid version ({_shown(header.version)})")
    if not _is_word(header.architecture or "-") or not _is_word(header.source or "-"):
        raise BadHeader(f"is {header.name} with an architecture or source that is no word")
    return header


def _is_word(text: str) -> bool:
    """Whether it is printable text without a blank; rpm itself does not check what it installs."""
    return bool(text) and text.isprintable() and " " not in text


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def _shown(text: str) -> str:
    return ascii(text[:60])
