"""Symbol versions of a shared object: what it wants of others, and what it offers (LSB 5.0, chapter 10.7).

Read through the same windows as the dynamic section. Offsets and counts come from the file: each step goes
forward, and their number has a cap.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from reprocheck.model.base import Frozen
from reprocheck.ports import FileWindow, ViewError

VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
"""Tags of the dynamic section."""

_BASE, _WEAK = 1, 2
_MOST = 4_096
_PIECE = 1_024


class VersionNames(Frozen, frozen=True, kw_only=True):
    """Where the names stand in the string table."""

    wanted: tuple[tuple[int, int], ...] = ()
    """(file, version) of each version that must be there; weak ones may be absent and are left out."""
    offered: tuple[int, ...] = ()

    @property
    def offsets(self) -> tuple[int, ...]:
        """Of every name."""
        return (*(offset for pair in self.wanted for offset in pair), *self.offered)


def version_names(
    window: FileWindow, order: str, *, wanted: tuple[int, int], offered: tuple[int, int]
) -> VersionNames:
    """Read both tables; each is given by its offset in the file and its number of entries (0 for none).

    Raises ViewError where a table lies outside of what is looked at, or contradicts its format.
    """
    return VersionNames(
        wanted=tuple(_wanted(_Table(window, order, wanted[0]), wanted[1])),
        offered=tuple(_offered(_Table(window, order, offered[0]), offered[1])),
    )


def _wanted(table: _Table, count: int) -> Iterator[tuple[int, int]]:
    for place, (_, names, file, first, _) in table.chain("HHIII", count):
        for _, (_, flags, _, name, _) in table.chain("IHHII", names, place + first):
            if not flags & _WEAK:
                yield file, name


def _offered(table: _Table, count: int) -> Iterator[int]:
    for place, (_, flags, _, names, _, first, _) in table.chain("HHHHIII", count):
        if not flags & _BASE and names:  # the first name is the version itself, the others what it inherits
            yield table.row("II", place + first)[0]


class _Table:
    """Entries that each name the distance to the next."""

    def __init__(self, window: FileWindow, order: str, start: int) -> None:
        self._window, self._order, self._start = window, order, start
        self._raw = b""
        self._left = _MOST

    def chain(self, form: str, count: int, place: int = 0) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Give place and fields of `count` entries; the last field is the distance to the next."""
        for left in range(count - 1, -1, -1):
            self._left -= 1
            if self._left < 0:
                raise ViewError(f"names more than {_MOST} symbol versions")
            row = self.row(form, place)
            yield place, row
            if left and row[-1] < 8:
                raise ViewError("has a table of symbol versions that goes in a circle")
            place += row[-1]

    def row(self, form: str, place: int) -> tuple[int, ...]:
        """Read one entry, with what lies behind it."""
        size = struct.calcsize(self._order + form)
        if place + size > len(self._raw):
            begin = self._start + len(self._raw)
            length = max(place + size - len(self._raw), min(_PIECE, self._window.size - begin))
            if length > 64 * _PIECE:
                raise ViewError("has a table of symbol versions that leads far away")
            self._raw += self._window.read(begin, length)
        return struct.unpack_from(self._order + form, self._raw, place)
