"""/etc/ld.so.cache: where ldconfig found each library (glibc elf/cache.c, sysdeps/generic/dl-cache.h).

Two forms: `glibc-ld.so.cache1.1`, alone or behind the table of the old form `ld.so-1.7.0`.
"""

from __future__ import annotations

import struct

from reprocheck.model.base import Frozen

_OLD, _NEW = b"ld.so-1.7.0\0", b"glibc-ld.so.cache1.1"
_OLD_HEADER, _NEW_HEADER = 16, 48
_EXTENSION_MAGIC = 0xEAA42174
_HWCAPS_TAG = 1
_HWCAP_MARK, _LEVEL_MASK = 1 << 62, 0x3FF << 32
_MOST_SECTIONS = 64
_ELF_LIBC6 = 3
_ARCHITECTURES = {
    (3, 32): 0x0000,
    (22, 64): 0x0400,
    (21, 64): 0x0500,
    (62, 32): 0x0800,
    (62, 64): 0x0300,
    (183, 64): 0x0A00,
}
"""Flags of ldconfig by e_machine and class, where there is only one for both."""


class BrokenCache(Exception):
    """The file is no cache of a form that is known, or contradicts itself."""


class Row(Frozen, frozen=True, kw_only=True):
    """One library of the cache."""

    path: str
    flags: int
    hwcaps: str = ""
    """Subdirectory of `glibc-hwcaps` that it lies in: `x86-64-v3`."""


def parse_cache(raw: bytes) -> dict[str, tuple[Row, ...]]:
    """Return the rows of each SONAME, in the order of the file. Raises BrokenCache."""
    base = 0
    if raw.startswith(_OLD):
        if len(raw) < _OLD_HEADER:
            raise BrokenCache("ends in its header")
        (count,) = struct.unpack_from("<I", raw, 12)
        order = "<" if _OLD_HEADER + count * 12 <= len(raw) else ">"
        (count,) = struct.unpack_from(f"{order}I", raw, 12)
        end = _OLD_HEADER + count * 12
        if end > len(raw):
            raise BrokenCache("names more libraries than it has room for")
        base = next((at for at in range(end, end + 8) if raw.startswith(_NEW, at)), -1)
        if base < 0:
            return _rows(raw, order, _OLD_HEADER, 12, count, end, {})
    if not raw.startswith(_NEW, base) or len(raw) < base + _NEW_HEADER:
        raise BrokenCache("is no ld.so.cache of a form that is known")
    order = ">" if raw[base + 28] & 3 == 3 else "<"
    count, _, _, extension = struct.unpack_from(f"{order}IIII", raw, base + 20)
    return _rows(raw, order, base + _NEW_HEADER, 24, count, base, _hwcaps(raw, order, base, extension))


def fits(row: Row, machine: int, bits: int) -> bool:
    """Whether the loader of this architecture looks at a row; where its flag is not known, every row."""
    flag = _ARCHITECTURES.get((machine, bits))
    return row.flags & 0xFF == _ELF_LIBC6 and (flag is None or row.flags & 0xFF00 == flag)


def _rows(
    raw: bytes, order: str, start: int, size: int, count: int, base: int, hwcaps: dict[int, str]
) -> dict[str, tuple[Row, ...]]:
    if start + count * size > len(raw):
        raise BrokenCache("names more libraries than it has room for")
    table = raw[start : start + count * size]
    found: dict[str, list[Row]] = {}
    for fields in struct.iter_unpack(order + ("III" if size == 12 else "IIIIQ"), table):
        hwcap = fields[4] if size == 24 else 0
        extended = (hwcap & ~_LEVEL_MASK) >> 32 == _HWCAP_MARK >> 32
        if (hwcap and not extended) or (extended and (hwcap & 0xFFFFFFFF) not in hwcaps):
            continue  # subdirectories such as `tls` or `haswell`, which glibc 2.37 gave up
        row = Row(
            path=_text(raw, base + fields[2]),
            flags=fields[0],
            hwcaps=hwcaps[hwcap & 0xFFFFFFFF] if extended else "",
        )
        found.setdefault(_text(raw, base + fields[1]), []).append(row)
    return {soname: tuple(rows) for soname, rows in found.items()}


def _hwcaps(raw: bytes, order: str, base: int, extension: int) -> dict[int, str]:
    """Read the names of the `glibc-hwcaps` subdirectories, which rows name by number."""
    place = base + extension
    if not extension or place + 8 > len(raw):
        return {}
    magic, count = struct.unpack_from(f"{order}II", raw, place)
    if magic != _EXTENSION_MAGIC or count > _MOST_SECTIONS or place + 8 + count * 16 > len(raw):
        return {}
    for tag, _, offset, size in struct.iter_unpack(f"{order}IIII", raw[place + 8 : place + 8 + count * 16]):
        if tag == _HWCAPS_TAG and base + offset + size <= len(raw):
            table = raw[base + offset : base + offset + size // 4 * 4]
            places = [at for (at,) in struct.iter_unpack(f"{order}I", table)]
            return {index: _text(raw, base + at) for index, at in enumerate(places[:1024])}
    return {}


def _text(raw: bytes, start: int) -> str:
    end = raw.find(b"\0", start, start + 4096) if start < len(raw) else -1
    if end < 0:
        raise BrokenCache("names a text that has no end")
    return raw[start:end].decode("utf-8", "surrogateescape")
