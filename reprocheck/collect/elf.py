"""Shared objects: the dynamic section of an ELF file, and what else its bytes tell (elf(5), gABI chapter 5).

Everything is read through `ports.FileWindow`, so that a stream and a disk tell the same. Offsets come from
the file itself and are checked by the window; every count has a cap; no loop is longer than what it reads.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from reprocheck.collect.elf_names import wanted_library
from reprocheck.collect.elf_versions import (
    VERDEF,
    VERDEFNUM,
    VERNEED,
    VERNEEDNUM,
    VersionNames,
    version_names,
)
from reprocheck.collect.native_names import kind_of
from reprocheck.collect.native_strings import VersionSearch
from reprocheck.limits import KIB, MIB, Limits
from reprocheck.model.base import Frozen, replace
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import FileWindow, ReadLibrary, ViewError

__all__ = [
    "EMPTY",
    "LINKER_SCRIPT",
    "NOT_DYNAMIC",
    "NO_ELF",
    "NO_LIBRARY",
    "library_reader",
    "library_spans",
    "probed_library",
    "wanted_library",
]

EMPTY = "is empty"
LINKER_SCRIPT = "is a text for the linker"
NOT_DYNAMIC = "is an ELF file without a dynamic section"
NO_ELF = "is no ELF file"
NO_LIBRARY = "is an ELF file, but no shared object"
"""Reasons that are facts about the file and no failure to read it."""

_HEADERS = 512
_ENTRIES = 4_096
_STRINGS = 1_024
_LONGEST = 4 * KIB
_CLUSTER = 64 * KIB
_NOTE = 64 * KIB
_CHUNK = 1 * MIB
_LOAD, _DYNAMIC, _NOTES = 1, 2, 4
_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH, _FLAGS_1 = 1, 5, 10, 14, 15, 29, 0x6FFFFFFB
_VALUES = frozenset({_STRTAB, _STRSZ, _FLAGS_1, VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM})
_NODEFLIB = 0x800
_BUILD_ID = 3


def library_reader(limits: Limits) -> ReadLibrary:
    """Give the reader of shared objects that every view is opened with.

    Numeric libraries of up to `limits.library_whole` bytes are hashed and searched for version strings.
    """

    def read_library(path: str, window: FileWindow) -> LibraryFacts:
        facts, name = _facts(path, window)
        sha256, versions = _content(window, path, name, limits.library_whole)
        return replace(facts, sha256=sha256, versions=versions)

    return read_library


def probed_library(path: str, window: FileWindow, sha256: str, strings: tuple[bytes, ...]) -> LibraryFacts:
    """Read a shared object of which a probe brought only the pieces that a reader of ELF asks for.

    `strings` are what stands at each of `native_strings.NEEDLES`, in the order of the file.
    """
    facts, name = _facts(path, window)
    kind = kind_of(name)
    search = VersionSearch(kind, name)
    for text in strings if kind or "/numpy/" not in path else ():
        search.add(text + bytes(256))
    return replace(facts, sha256=sha256 if kind else "", versions=search.found())


def _facts(path: str, window: FileWindow) -> tuple[LibraryFacts, str]:
    """Return what headers and dynamic section say, and the name that tells the library's kind."""
    file, segments = _table(window)
    dynamic, build_id = _segments(window, file, segments)
    label = path.rpartition("/")[2]
    facts = LibraryFacts(
        soname=dynamic.soname,
        needed=dynamic.needed,
        rpath=dynamic.rpath,
        runpath=dynamic.runpath,
        build_id=build_id,
        machine=file.machine,
        bits=file.bits,
        no_default=dynamic.no_default,
        wants=dynamic.wants,
        offers=dynamic.offers,
        untold=dynamic.untold,
    )
    return facts, label if kind_of(label) or not kind_of(dynamic.soname) else dynamic.soname


def library_spans(head: bytes, size: int) -> tuple[tuple[int, int], ...]:
    """Return (offset, length) of the dynamic section and the notes: in a large file they may lie anywhere.

    Told by the file's first bytes; nothing where these do not hold the whole table of program headers.
    """
    try:
        segments = _table(_Head(size=size, head=head))[1]
    except ViewError:
        return ()
    wanted = [segment for segment in segments if segment.kind in (_DYNAMIC, _NOTES) and segment.size]
    return tuple((segment.offset, min(segment.size, _NOTE)) for segment in wanted)


class _Head(Frozen, frozen=True, kw_only=True):
    size: int
    head: bytes

    def read(self, offset: int, length: int) -> bytes:
        if offset + length > len(self.head):
            raise ViewError("is not among the first bytes")
        return self.head[offset : offset + length]


class _File(Frozen, frozen=True, kw_only=True):
    bits: int
    order: str
    """For struct: `<` or `>`."""
    machine: int
    table: tuple[int, int, int]
    """Program headers: offset, size of one, count."""


class _Segment(Frozen, frozen=True, kw_only=True):
    kind: int
    offset: int
    address: int
    size: int


class _Dynamic(Frozen, frozen=True, kw_only=True):
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    no_default: bool = False
    wants: tuple[tuple[str, str], ...] = ()
    offers: tuple[str, ...] = ()
    untold: str = ""


def _header(window: FileWindow) -> _File:
    start = window.read(0, min(window.size, 64))
    if not start.startswith(b"\x7fELF"):
        script = start.lstrip().startswith((b"/* GNU ld script", b"INPUT", b"GROUP", b"OUTPUT_FORMAT"))
        raise ViewError(LINKER_SCRIPT if script else NO_ELF if start else EMPTY)
    bits, order = {b"\1": 32, b"\2": 64}.get(start[4:5]), {b"\1": "<", b"\2": ">"}.get(start[5:6])
    if bits is None or order is None or len(start) < (52 if bits == 32 else 64):
        raise ViewError("has a broken ELF header")
    form = "HHIIIIIHHHHHH" if bits == 32 else "HHIQQQIHHHHHH"
    fields = struct.unpack_from(order + form, start, 16)
    kind, machine, offset, size, count = fields[0], fields[1], fields[4], fields[8], fields[9]
    if kind not in (2, 3):
        raise ViewError(NO_LIBRARY)
    if size != (32 if bits == 32 else 56) or not 0 < count <= _HEADERS:
        raise ViewError("has a broken table of program headers")
    return _File(bits=bits, order=order, machine=machine, table=(offset, size, count))


def _table(window: FileWindow) -> tuple[_File, list[_Segment]]:
    file = _header(window)
    offset, size, count = file.table
    table = window.read(offset, size * count)
    segments = []
    for row in struct.iter_unpack(file.order + ("IIIIIIII" if file.bits == 32 else "IIQQQQQQ"), table):
        place, address, length = (row[1], row[2], row[4]) if file.bits == 32 else (row[2], row[3], row[5])
        segments.append(_Segment(kind=row[0], offset=place, address=address, size=length))
    return file, segments


def _segments(window: FileWindow, file: _File, segments: list[_Segment]) -> tuple[_Dynamic, str]:
    dynamic = next((segment for segment in segments if segment.kind == _DYNAMIC), None)
    if dynamic is None or dynamic.size == 0:
        raise ViewError(NOT_DYNAMIC)
    notes = [segment for segment in segments if segment.kind == _NOTES]
    build_id = next((found for note in notes[:16] if (found := _note(window, note, file.order))), "")
    loads = [segment for segment in segments if segment.kind == _LOAD]
    return _dynamic(window, file, dynamic, loads), build_id


def _note(window: FileWindow, segment: _Segment, order: str) -> str:
    try:
        raw = window.read(segment.offset, min(segment.size, _NOTE))
    except ViewError:
        return ""  # what a debugger would look for; the dynamic section is what counts
    place = 0
    while place + 12 <= len(raw):
        name, length, kind = struct.unpack_from(order + "III", raw, place)
        begin = place + 12 + (name + 3) // 4 * 4
        if kind == _BUILD_ID and raw[place + 12 : place + 16] == b"GNU\0" and 0 < length <= 64:
            found = raw[begin : begin + length]
            return found.hex() if len(found) == length else ""
        place = begin + (length + 3) // 4 * 4
    return ""


def _dynamic(window: FileWindow, file: _File, segment: _Segment, loads: list[_Segment]) -> _Dynamic:
    form = struct.Struct(file.order + ("iI" if file.bits == 32 else "qQ"))
    raw = window.read(segment.offset, min(segment.size, _ENTRIES * form.size) // form.size * form.size)
    named: list[tuple[int, int]] = []
    values: dict[int, int] = {}
    for tag, value in form.iter_unpack(raw):
        if tag == 0:
            break
        if tag in (_NEEDED, _SONAME, _RPATH, _RUNPATH):
            named.append((tag, value))
        elif tag in _VALUES:
            values[tag] = value
    if len(named) > _STRINGS:
        raise ViewError(f"names more than {_STRINGS} libraries")
    versions, untold = _versions(window, file, loads, values)
    found, untold = _texts(window, loads, values, [value for _, value in named], versions, untold)

    def texts(tag: int) -> Iterator[str]:
        return (found[value] for other, value in named if other == tag)

    return _Dynamic(
        soname=next(texts(_SONAME), ""),
        needed=tuple(filter(None, texts(_NEEDED))),
        rpath=_places(next(texts(_RPATH), "")),
        runpath=_places(next(texts(_RUNPATH), "")),
        no_default=bool(values.get(_FLAGS_1, 0) & _NODEFLIB),
        wants=() if untold else tuple((found[at], found[name]) for at, name in versions.wanted),
        offers=() if untold else tuple(found[name] for name in versions.offered),
        untold=untold,
    )


def _versions(
    window: FileWindow, file: _File, loads: list[_Segment], values: dict[int, int]
) -> tuple[VersionNames, str]:
    """Return where the names of symbol versions stand, or why that cannot be told: the rest still can."""

    def table(place: int, count: int) -> tuple[int, int]:
        if place not in values or not values.get(count, 0):
            return 0, 0
        return _offset_of(values[place], loads), values[count]

    try:
        return version_names(
            window, file.order, wanted=table(VERNEED, VERNEEDNUM), offered=table(VERDEF, VERDEFNUM)
        ), ""
    except ViewError as error:
        return VersionNames(), str(error)


def _texts(
    window: FileWindow,
    loads: list[_Segment],
    values: dict[int, int],
    offsets: list[int],
    versions: VersionNames,
    untold: str,
) -> tuple[dict[int, str], str]:
    """Read all names at once, since they stand together; without those of versions if these are broken."""
    if not offsets and not versions.offsets:
        return {}, untold
    table, size = _offset_of(values.get(_STRTAB, 0), loads), values.get(_STRSZ, 0)
    try:
        return _strings(window, table, size, [*offsets, *versions.offsets]), untold
    except ViewError as error:
        if not versions.offsets:
            raise
        return (_strings(window, table, size, offsets) if offsets else {}), str(error)


def _offset_of(address: int, loads: list[_Segment]) -> int:
    for segment in loads:
        if segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    raise ViewError("has its string table outside of what is loaded")


def _strings(window: FileWindow, table: int, size: int, offsets: list[int]) -> dict[int, str]:
    """Read the strings at these offsets of the string table, which itself may have many megabytes."""
    if max(offsets) >= size:
        raise ViewError("names strings behind the end of its string table")
    found: dict[int, str] = {}
    order = sorted(set(offsets))
    while order:
        first = order[0]
        cluster = [offset for offset in order if offset - first < _CLUSTER]
        order = order[len(cluster) :]
        end = min(cluster[-1] + _LONGEST, size, max(window.size - table, 0))
        raw = window.read(table + first, end - first)
        for offset in cluster:
            stop = raw.find(b"\0", offset - first)
            if stop < 0:
                raise ViewError(f"names a string that is longer than {_LONGEST} bytes or has no end")
            found[offset] = raw[offset - first : stop].decode("utf-8", "surrogateescape")
    return found


def _places(text: str) -> tuple[str, ...]:
    return tuple(place for place in text.split(":") if place)


def _content(window: FileWindow, path: str, name: str, limit: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    kind = kind_of(name)
    search = VersionSearch(kind, name)
    # What numpy is built of is built for that very numpy.
    if window.size > limit or not (kind or (search.wanted and "/numpy/" not in path)):
        return "", ()
    digest = hashlib.sha256()
    for offset in range(0, window.size, _CHUNK):
        chunk = window.read(offset, min(_CHUNK, window.size - offset))
        if kind:
            digest.update(chunk)
        search.add(chunk)
    return digest.hexdigest() if kind else "", search.found()
