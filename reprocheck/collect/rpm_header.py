"""An rpm package header as a database holds it: an index of typed values before the store of their bytes.

Format: rpm's manual, "Package header" (format_header), and its source lib/header.c. A database leaves out the
eight magic bytes of a file. All numbers are big-endian; a value's offset counts from the start of the store.
"""

from __future__ import annotations

import struct

from reprocheck.model.base import Frozen

_INDEX_ENTRIES = 0xFFFF
_STORE_BYTES = 0x0FFFFFFF
"""rpm's own bounds (lib/header.c, `hdrblobInit`)."""

_EXPANSION = 32
"""Whole paths to the bytes of a header: less than 2 in real ones, which hold a hundred bytes a file."""

_CHAR, _INT8, _INT32, _STRING, _STRINGS, _LOCALISED = 1, 2, 4, 6, 8, 9

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
_PROVIDES, _REQUIRES = (1047, 1112, 1113), (1049, 1048, 1050)
_CONFLICTS = (1054, 1053, 1055)
_DIRECTORY_INDEXES, _BASE_NAMES, _DIRECTORIES, _OLD_FILES, _FILE_STATES = 1116, 1117, 1118, 1027, 1029
_TAGS = frozenset(
    {
        *(_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE, *_PROVIDES, *_REQUIRES, *_CONFLICTS),
        *(_DIRECTORY_INDEXES, _BASE_NAMES, _DIRECTORIES, _OLD_FILES, _FILE_STATES),
    }
)

_LESS, _GREATER, _EQUAL, _OPTIONAL, _RPMLIB = 1 << 1, 1 << 2, 1 << 3, 1 << 19, 1 << 24
"""Sense flags (include/rpm/rpmds.h)."""


class BadHeader(ValueError):
    """A header that contradicts its format; the text says how and can end a sentence."""


class Header(Frozen, frozen=True, kw_only=True):
    """What we read of a header. Untrusted text: undecodable bytes are surrogates."""

    name: str
    version: str
    release: str
    epoch: int | None
    """None where the package has none, which rpm orders like 0."""
    architecture: str
    source: str
    """File name of the source package, '' for a source package itself and for keys."""
    requires: tuple[str, ...]
    """As `rpm -q --requires` prints them, without what is asked of rpm itself (`rpmlib(...)`) and
    what may be missing (`Requires(missingok)`)."""
    provides: tuple[str, ...]
    conflicts: tuple[str, ...]
    files: tuple[str, ...]
    """Absolute paths that were installed."""


class _Entry(Frozen, frozen=True):
    kind: int
    offset: int
    count: int


def parse_header(blob: bytes) -> Header:
    """Read a header; time is linear in its length. Raises BadHeader."""
    if len(blob) < 8:
        raise BadHeader("is too short for an rpm header")
    entries, size = struct.unpack_from(">II", blob)
    if not 0 < entries <= _INDEX_ENTRIES or size > _STORE_BYTES or len(blob) != 8 + 16 * entries + size:
        raise BadHeader("does not have the length that its rpm header states")
    index: dict[int, _Entry] = {}
    for tag, kind, offset, count in struct.iter_unpack(">IIiI", blob[8 : 8 + 16 * entries]):
        if tag in _TAGS:
            # What was added at installation stands behind the immutable region and replaces what is in it.
            index[tag] = _Entry(kind, offset, count)
    store = _Store(index, blob[8 + 16 * entries :])
    epoch = store.numbers(_EPOCH)
    return Header(
        name=store.text(_NAME),
        version=store.text(_VERSION),
        release=store.text(_RELEASE),
        epoch=epoch[0] if epoch else None,
        architecture=store.text(_ARCHITECTURE),
        source=store.text(_SOURCE),
        requires=store.relations(*_REQUIRES),
        provides=store.relations(*_PROVIDES),
        conflicts=store.relations(*_CONFLICTS),
        files=store.files(),
    )


class _Store(Frozen, frozen=True):
    """The values of one header, each bound checked before it is looked at."""

    index: dict[int, _Entry]
    raw: bytes

    def text(self, tag: int) -> str:
        """The first string of a tag, '' without it."""
        return next(iter(self.texts(tag)), "")

    def texts(self, tag: int) -> tuple[str, ...]:
        entry = self.index.get(tag)
        if entry is None:
            return ()
        if entry.kind not in (_STRING, _STRINGS, _LOCALISED) or (entry.kind == _STRING and entry.count != 1):
            raise BadHeader(f"gives the tag {tag} another type than text")
        if not 0 <= entry.offset <= len(self.raw) or entry.count > len(self.raw) - entry.offset:
            raise BadHeader(f"points the tag {tag} out of its store")
        # A NUL ends each string, so this many cannot be had from fewer bytes.
        parts = self.raw[entry.offset :].split(b"\0", entry.count)
        if len(parts) <= entry.count:
            raise BadHeader(f"ends within the strings of the tag {tag}")
        return tuple(part.decode("utf-8", "surrogateescape") for part in parts[:-1])

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Numbers of 32 bits, or single bytes."""
        entry = self.index.get(tag)
        if entry is None:
            return ()
        if entry.kind not in (_CHAR, _INT8, _INT32):
            raise BadHeader(f"gives the tag {tag} another type than a number")
        width = 4 if entry.kind == _INT32 else 1
        if entry.offset < 0 or entry.count > (len(self.raw) - entry.offset) // width:
            raise BadHeader(f"points the tag {tag} out of its store")
        return struct.unpack_from(f">{entry.count}{'I' if width == 4 else 'B'}", self.raw, entry.offset)

    def relations(self, name_tag: int, flag_tag: int, version_tag: int) -> tuple[str, ...]:
        """`libfoo >= 1.2`, each once, in the order of the header (rpm sorts it by name)."""
        names, flags, versions = self.texts(name_tag), self.numbers(flag_tag), self.texts(version_tag)
        if (flags or versions) and not len(names) == len(flags) == len(versions):
            raise BadHeader(f"has lists of unequal length at the tag {name_tag}")
        if not flags:
            return tuple(dict.fromkeys(names))
        found: dict[str, None] = {}
        for name, flag, version in zip(names, flags, versions, strict=True):
            if flag & (_RPMLIB | _OPTIONAL):
                continue
            sign = "<" * bool(flag & _LESS) + ">" * bool(flag & _GREATER) + "=" * bool(flag & _EQUAL)
            found[f"{name} {sign} {version}" if sign and version else name] = None
        return tuple(found)

    def files(self) -> tuple[str, ...]:
        """Paths whose state is normal: documentation, for one, may not have been installed at all."""
        paths = self.texts(_OLD_FILES)
        if not paths:
            names, places = self.texts(_BASE_NAMES), self.texts(_DIRECTORIES)
            indexes = self.numbers(_DIRECTORY_INDEXES)
            if len(indexes) != len(names) or (indexes and max(indexes) >= len(places)):
                raise BadHeader("has a file list whose directories do not fit")
            # One long directory name, used by every file, would make a small header a huge list.
            if sum(len(places[index]) for index in indexes) > _EXPANSION * len(self.raw):
                raise BadHeader("has a file list many times as long as itself")
            paths = tuple(places[index] + name for index, name in zip(indexes, names, strict=True))
        states = self.numbers(_FILE_STATES)
        if len(states) != len(paths):
            return paths
        return tuple(path for path, state in zip(paths, states, strict=True) if state == 0)
