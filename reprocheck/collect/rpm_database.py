"""The rows of an rpm database in SQLite form (`rpmdb.sqlite`), read from bytes: no file is opened or written.

The bytes are foreign: SQLite gets a budget of steps, may read the schema and one table, and that table must
be as rpm makes it (lib/backend/sqlite.c).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from reprocheck.collect.sqlite_wal import merge_wal
from reprocheck.limits import Limits

_MAGIC = b"SQLite format 3\0"
_STEPS = 10_000
_UNITS = 5_000
"""Virtual machine steps, in units of `_STEPS`, for a whole database: 200,000 good rows take a third of it."""
_SCHEMA = "SELECT substr(sql, 1, 1000) FROM sqlite_master WHERE lower(name) = 'packages' LIMIT 2"
_TABLE = re.compile(
    r"CREATE TABLE ['\"]?Packages['\"]? ?\( ?hnum INTEGER PRIMARY KEY(?: AUTOINCREMENT)?"
    r" ?, ?blob BLOB(?: NOT NULL)? ?\)",
    re.IGNORECASE,
)
_EXTRAS = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"
_WALKS = ("SELECT rowid FROM Packages ORDER BY rowid", "SELECT rowid FROM Packages ORDER BY rowid DESC")
_SIZE = "SELECT length(blob) FROM Packages WHERE rowid = ?"
_BLOB = "SELECT blob FROM Packages WHERE rowid = ?"
_FUNCTIONS = frozenset({"count", "length", "lower", "substr"})
_REASONS = {
    "SQLITE_AUTH": "asks for more than its own rows",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_INTERRUPT": "takes more work than any real one",
    "SQLITE_NOTADB": "is damaged",
}
"""In words of ours: those of SQLite differ between its versions and can quote the database."""


_FAULTS = (sqlite3.Error, UnicodeDecodeError)
"""A damaged schema can hold names that are no text, and sqlite3 hands them to the authorizer."""


class BadDatabase(ValueError):
    """A database that cannot be read at all; the text can end a sentence."""


def read_rows(database: bytes, log: bytes, limits: Limits) -> Iterator[tuple[str, bytes | str]]:
    """Give each package's row: where it stands (`row 7`), and its header or the reason why there is none.

    `log` is the file `-wal` beside it, b'' without one. A row that cannot be read costs no other. Raises
    BadDatabase before the first row.
    """
    merged = merge_wal(database, log)
    if not merged.startswith(_MAGIC):
        raise BadDatabase("is no SQLite database" if merged else "is empty")
    with closing(_opened(merged)) as connection:
        _check_schema(connection)
        numbers, problem = _row_numbers(connection, limits)
        left = len(merged)
        for number in numbers:
            row = _blob(connection, number, min(limits.record_file, left))
            left -= len(row) if isinstance(row, bytes) else 0
            yield f"row {number}", row
        if problem:
            yield "the table of packages", problem


def _opened(merged: bytes) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.deserialize(merged)
        connection.execute("PRAGMA query_only = ON")
    except (sqlite3.Error, AttributeError, OverflowError) as error:
        connection.close()
        if isinstance(error, AttributeError):
            raise BadDatabase("cannot be read: this Python's SQLite opens none from memory") from None
        raise BadDatabase(_reason(error)) from None
    left = _UNITS

    def spend() -> int:
        nonlocal left
        left -= 1
        return int(left < 0)

    connection.set_progress_handler(spend, _STEPS)
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Allow the schema, the one table, and functions that cost no more than their argument."""
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and (first or "").lower() in ("packages", "sqlite_master"):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _check_schema(connection: sqlite3.Connection) -> None:
    try:
        found = connection.execute(_SCHEMA).fetchall()
        (extras,) = connection.execute(_EXTRAS).fetchone()
    except _FAULTS as error:
        raise BadDatabase(f"has a schema that {_reason(error)}") from None
    if not found:
        raise BadDatabase("has no table of packages")
    # A virtual table and a computed column run code for each row, and the authorizer is not asked for it.
    sql = " ".join(str(found[0][0]).split())
    if len(found) > 1 or not _TABLE.fullmatch(sql):
        raise BadDatabase("has something else in the place of its table of packages")
    if extras:
        raise BadDatabase("has views or triggers, which no rpm database has")


def _row_numbers(connection: sqlite3.Connection, limits: Limits) -> tuple[list[int], str]:
    """Return the keys in order, and what kept some from being found.

    A damaged page ends a walk, so a second one comes from the other end.
    """
    found: set[int] = set()
    problem = ""
    for query in _WALKS:
        try:
            for (number,) in connection.execute(query):
                if len(found) >= limits.packages and number not in found:
                    reason = f"holds more than the limit of {limits.packages} packages; the rest was not read"
                    return sorted(found), reason
                if isinstance(number, int):  # a column may be named so, and hold anything
                    found.add(number)
        except _FAULTS as error:
            problem = _reason(error)
            continue
        break
    return sorted(found), problem


def _blob(connection: sqlite3.Connection, number: int, limit: int) -> bytes | str:
    try:
        size = connection.execute(_SIZE, (number,)).fetchone()
        if size is not None and isinstance(size[0], int) and size[0] > limit:
            # All rows together cannot be larger than the file, unless they share pages.
            return f"has {size[0]} bytes, more than the limit of {limit}"
        row = connection.execute(_BLOB, (number,)).fetchone()
    except _FAULTS as error:
        return _reason(error)
    return row[0] if row is not None and isinstance(row[0], bytes) else "holds no header"


def _reason(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    # Extended codes continue the plain ones: SQLITE_CORRUPT_INDEX.
    found = (reason for code, reason in _REASONS.items() if name == code or name.startswith(f"{code}_"))
    return next(found, f"cannot be read ({name})" if name else "is damaged")
