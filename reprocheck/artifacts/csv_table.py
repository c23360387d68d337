"""CSV and TSV tables: one leaf per cell, named `column[row]`, rows counted from 0.

Quoting, line ends and the delimiter are not content. A cell's text is: `1.0` and `1.00` are two texts, and
one number under a tolerance.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.lines import lines
from reprocheck.artifacts.reading import NUMBER, Leaf, Reading, Unreadable
from reprocheck.limits import Limits

name = "csv"
level = "L1"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
NUMBER_CHARACTERS = 64


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name."""
    return name.endswith((".csv", ".tsv"))


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Read row by row, when asked for. Raises Unreadable, also later from the leaves."""
    return Reading(leaves=lambda: _cells(stream, size, limits))


def _cells(stream: BinaryIO, size: int, limits: Limits) -> Iterator[Leaf]:
    rows = _rows(stream, size, limits)
    first = next(rows, None)
    if first is None:
        return
    headless = any(_is_number(cell) for cell in first)
    names = [] if headless else _columns(first)
    if headless:
        yield from _row([], 0, first)
    else:
        for index, cell in enumerate(first):
            yield Leaf(key=f"header[{index}]", tag="header", text=cell)
    count = int(headless)
    for row in rows:
        yield from _row(names, count, row)
        count += 1
    yield Leaf(key="rows", tag="rows", text=str(count))


def _rows(stream: BinaryIO, size: int, limits: Limits) -> Iterator[list[str]]:
    texts = _texts(stream, size, limits)
    lead = next(texts, "")
    delimiter = next((mark for mark in (",", "\t", ";") if mark in lead), ",")

    def whole() -> Iterator[str]:
        yield lead
        yield from texts

    try:
        for row in csv.reader(whole(), delimiter=delimiter, strict=True):
            if row:
                yield row
    except csv.Error as fault:
        raise Unreadable(f"it is not a table: {fault}") from None


def _texts(stream: BinaryIO, size: int, limits: Limits) -> Iterator[str]:
    encoding = "utf-8-sig"
    for raw in lines(stream, size, limits=limits):
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError:
            raise Unreadable("it is not UTF-8") from None
        encoding = "utf-8"


def _columns(cells: list[str]) -> list[str]:
    """Name every column, the empty and the repeated ones by their position."""
    seen: set[str] = set()
    names = []
    for index, cell in enumerate(cells):
        name = cell if cell and cell not in seen else f"{cell}#{index}"
        while name in seen:
            name += "'"
        seen.add(name)
        names.append(name)
    return names


def _row(names: list[str], row: int, cells: list[str]) -> Iterator[Leaf]:
    for index, cell in enumerate(cells):
        column = names[index] if index < len(names) else f"#{index}"
        yield Leaf(key=f"{column}[{row}]", tag=NUMBER if _is_number(cell) else "string", text=cell.strip())
    yield Leaf(key=f"row[{row}]", tag="cells", text=str(len(cells)))


def _is_number(cell: str) -> bool:
    return len(cell) <= NUMBER_CHARACTERS and _NUMBER.fullmatch(cell.strip()) is not None
