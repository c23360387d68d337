"""rpm headers and databases, made by hand from their documented format."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from contextlib import closing

NAME, VERSION, RELEASE, EPOCH, ARCH, SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
PROVIDES, REQUIRES = (1047, 1112, 1113), (1049, 1048, 1050)
INDEXES, BASES, PLACES, OLD_FILES, STATES = 1116, 1117, 1118, 1027, 1029

Value = str | int | Sequence[str] | Sequence[int] | bytes


def header(*values: tuple[int, Value]) -> bytes:
    """Text is one string, a list of it an array; numbers are 32 bits wide, bytes are numbers of 8 bits."""
    index, store = b"", b""
    for tag, value in values:
        if isinstance(value, bytes):
            kind, count, raw = 1, len(value), value
        elif isinstance(value, str):
            kind, count, raw = 6, 1, value.encode("utf-8", "surrogateescape") + b"\0"
        else:
            items = [value] if isinstance(value, int) else list(value)
            count = len(items)
            if all(isinstance(item, int) for item in items):
                kind, raw = 4, struct.pack(f">{count}I", *items)
                store += bytes(-len(store) % 4)
            else:
                kind, raw = 8, b"".join(f"{item}\0".encode() for item in items)
        index += struct.pack(">IIiI", tag, kind, len(store), count)
        store += raw
    return struct.pack(">II", len(values), len(store)) + index + store


def package(name: str, version: str = "1.0", release: str = "1", *more: tuple[int, Value]) -> bytes:
    """A header with what every package has."""
    return header((NAME, name), (VERSION, version), (RELEASE, release), (ARCH, "x86_64"), *more)


def database(blobs: Iterable[object], *statements: str, page: int = 4096) -> bytes:
    """A database as rpm makes it, then changed by `statements`."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute(
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"
        )
        connection.executemany("INSERT INTO Packages(blob) VALUES (?)", ((blob,) for blob in blobs))
        for statement in statements:
            connection.execute(statement)
        raw = connection.serialize()
    assert isinstance(raw, bytes)
    return raw
