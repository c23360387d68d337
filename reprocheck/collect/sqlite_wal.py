"""The write-ahead log of SQLite: what a database holds that nobody has written back yet.

Format: https://www.sqlite.org/fileformat2.html#walformat. A container that was stopped or copied while rpm
ran leaves one beside the database; without it the newest packages are missing.
"""

from __future__ import annotations

import struct
from array import array

_MAGIC = 0x377F0682
"""Its lowest bit says that check sums are taken over big-endian words."""
_HEADER, _FRAME = 32, 24
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_MASK = 0xFFFFFFFF


def merge_wal(database: bytes, log: bytes) -> bytes:
    """Return the database with every committed transaction of its log in it, in rollback-journal mode.

    As SQLite does, the log counts up to its last commit before the first frame that does not belong to it
    (other salt, wrong check sum, cut off); a log with a bad header counts for nothing.
    """
    pages, count = _committed(log)
    merged = bytearray(database)
    if count:
        size = next(iter(pages.values())).nbytes
        # Every page is in one of the two; a larger count would only fill the memory.
        count = min(count, (len(database) + len(log)) // size)
        # A reader of a log takes the length from the last commit, whatever the file has.
        del merged[count * size :]
        merged.extend(bytes(count * size - len(merged)))
        for number, page in pages.items():
            if number <= count:
                merged[(number - 1) * size : number * size] = page
        merged[28:32] = struct.pack(">I", count)
        merged[92:96] = merged[24:28]  # else SQLite would not believe the length that was just written
    if merged[18:20] == b"\2\2":
        # "WAL" in the header's two format versions: SQLite opens no such database without shared memory.
        merged[18:20] = b"\1\1"
    return bytes(merged)


def _committed(log: bytes) -> tuple[dict[int, memoryview], int]:
    """Return the newest committed content of each page by its number, and how many pages the database has."""
    if len(log) < _HEADER:
        return {}, 0
    magic, version, size, _, salt1, salt2, sum1, sum2 = struct.unpack_from(">8I", log)
    size = 65536 if size == 1 else size
    if magic & ~1 != _MAGIC or version != 3007000 or size not in _PAGE_SIZES:
        return {}, 0
    big_endian = bool(magic & 1)
    view = memoryview(log)
    running = _checksum(view[:24], (0, 0), big_endian)
    if running != (sum1, sum2):
        return {}, 0
    committed: dict[int, memoryview] = {}
    pending: dict[int, memoryview] = {}
    pages = 0
    for start in range(_HEADER, len(log) - _FRAME - size + 1, _FRAME + size):
        number, after, *salts, sum1, sum2 = struct.unpack_from(">6I", log, start)
        if number == 0 or salts != [salt1, salt2]:
            break
        content = view[start + _FRAME : start + _FRAME + size]
        running = _checksum(content, _checksum(view[start : start + 8], running, big_endian), big_endian)
        if running != (sum1, sum2):
            break
        pending[number] = content
        if after:
            committed.update(pending)
            pending = {}
            pages = after
    return committed, pages


def _checksum(data: memoryview, start: tuple[int, int], big_endian: bool) -> tuple[int, int]:
    """Continue the running sum over `data`, whose length is a multiple of 8."""
    words = array("I", data.tobytes())
    if big_endian != (_NATIVE_BYTES == b"\0\0\0\1"):
        words.byteswap()
    one, two = start
    for index in range(0, len(words), 2):
        one = (one + words[index] + two) & _MASK
        two = (two + words[index + 1] + one) & _MASK
    return one, two


_NATIVE_BYTES = array("I", [1]).tobytes()
