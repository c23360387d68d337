"""SQLite databases of rpm: rows from bytes, the write-ahead log, damage and malice."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.rpm_database import BadDatabase, read_rows
from reprocheck.collect.sqlite_wal import merge_wal
from reprocheck.limits import DEFAULT, Limits
from tests.collect.rpm_files import database, package

BLOBS = [package(f"p{number}", "1", "1", (1000 + 900, "x" * 3_000)) for number in range(60)]


def rows(raw: bytes, log: bytes = b"", limits: Limits = DEFAULT) -> list[tuple[str, bytes | str]]:
    return list(read_rows(raw, log, limits))


def logged(place: Path, *, checkpointed: int, in_log: int, uncommitted: bool = False) -> tuple[bytes, bytes]:
    """A database in WAL mode and its log, as they lie on disk while a writer still has them open."""
    path = place / "rpmdb.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = 5")
        connection.execute(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        for number in range(checkpointed):
            connection.execute("INSERT INTO Packages(blob) VALUES (?)", (BLOBS[number],))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(checkpointed, checkpointed + in_log):
            connection.execute("INSERT INTO Packages(blob) VALUES (?)", (BLOBS[number],))
        if uncommitted:
            connection.execute("BEGIN")
            # More than the cache holds, so that frames without a commit reach the log.
            connection.executemany("INSERT INTO Packages(blob) VALUES (?)", ((blob,) for blob in BLOBS[20:]))
        taken = path.read_bytes(), Path(f"{path}-wal").read_bytes()
        if uncommitted:
            connection.execute("ROLLBACK")
    return taken


def test_every_row_is_given_with_its_number() -> None:
    assert rows(database(BLOBS)) == [(f"row {number + 1}", blob) for number, blob in enumerate(BLOBS)]


def test_a_log_that_was_not_written_back_is_part_of_the_database(tmp_path: Path) -> None:
    raw, log = logged(tmp_path, checkpointed=3, in_log=9)
    assert raw[18:20] == b"\2\2"
    assert len(rows(raw)) == 3
    assert [blob for _, blob in rows(raw, log)] == BLOBS[:12]


def test_a_database_in_log_mode_is_made_readable_without_its_log(tmp_path: Path) -> None:
    raw, _ = logged(tmp_path, checkpointed=3, in_log=0)
    assert merge_wal(raw, b"")[18:20] == b"\1\1"
    assert merge_wal(raw, b"no log at all, but longer than its header")[:100] == merge_wal(raw, b"")[:100]


def test_a_log_that_claims_more_pages_than_there_are_fills_no_memory() -> None:
    """Its check sums are right: only the count of pages after the commit lies."""

    def summed(data: bytes, one: int, two: int) -> tuple[int, int]:
        for left, right in struct.iter_unpack(">II", data):
            one = (one + left + two) & 0xFFFFFFFF
            two = (two + right + one) & 0xFFFFFFFF
        return one, two

    raw = database(BLOBS[:3])
    head = struct.pack(">6I", 0x377F0683, 3007000, 4096, 0, 1, 2)
    running = summed(head, 0, 0)
    log = head + struct.pack(">II", *running)
    page = raw[:4096]
    frame = struct.pack(">II", 1, 0xFFFFFFFF)
    running = summed(frame + page, *running)
    log += frame + struct.pack(">4I", 1, 2, *running) + page
    assert len(merge_wal(raw, log)) <= len(raw) + len(log)
    assert merge_wal(raw, log) != raw
    assert [blob for _, blob in rows(raw, log) if isinstance(blob, bytes)] == BLOBS[:3]


def test_a_transaction_without_its_end_counts_for_nothing(tmp_path: Path) -> None:
    raw, log = logged(tmp_path, checkpointed=3, in_log=9, uncommitted=True)
    whole = tmp_path / "more"
    whole.mkdir()
    assert len(log) > len(logged(whole, checkpointed=3, in_log=9)[1])
    assert [blob for _, blob in rows(raw, log)] == BLOBS[:12]


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_log_counts_as_sqlite_counts_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut off or with any byte changed: SQLite itself recovers the same rows from the two files."""
    place = tmp_path_factory.mktemp("wal")
    raw, log = logged(place, checkpointed=2, in_log=6)
    at = data.draw(st.integers(0, len(log) - 1))
    log = log[:at] if data.draw(st.booleans()) else log[:at] + bytes([log[at] ^ 0x41]) + log[at + 1 :]
    for path in place.iterdir():
        path.unlink()
    (place / "rpmdb.sqlite").write_bytes(raw)
    (place / "rpmdb.sqlite-wal").write_bytes(log)
    with closing(sqlite3.connect(place / "rpmdb.sqlite")) as connection:
        expected = [blob for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum")]
    assert [blob for _, blob in rows(raw, log)] == expected


BAD = {
    "empty": b"",
    "no database": b"Berkeley DB" * 100,
    "a head alone": database(BLOBS)[:100],
    "no table": database([], "DROP TABLE Packages"),
    "a view in its place": database(
        BLOBS,
        "ALTER TABLE Packages RENAME TO real",
        "CREATE VIEW Packages AS SELECT 1 AS hnum, zeroblob(1000000000) AS blob",
    ),
    "an endless view": database(
        [],
        "DROP TABLE Packages",
        "CREATE VIEW Packages AS WITH RECURSIVE n(hnum) AS (SELECT 1 UNION ALL SELECT hnum+1 FROM n)"
        " SELECT hnum, x'00' AS blob FROM n",
    ),
    "another view": database(BLOBS, "CREATE VIEW more AS SELECT 1"),
    "a trigger": database(BLOBS, "CREATE TRIGGER t AFTER INSERT ON Packages BEGIN DELETE FROM Packages; END"),
    "a virtual table": database(
        [], "DROP TABLE Packages", "CREATE VIRTUAL TABLE Packages USING fts5(hnum, blob)"
    ),
    "a computed column": database(
        [],
        "DROP TABLE Packages",
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, x, blob AS (zeroblob(500000000)))",
        "INSERT INTO Packages(hnum, x) VALUES (1, 1)",
    ),
    "no rows with numbers": database(
        [], "DROP TABLE Packages", "CREATE TABLE Packages (hnum TEXT PRIMARY KEY, blob) WITHOUT ROWID"
    ),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_what_is_no_database_of_rpm_is_refused(raw: bytes) -> None:
    with pytest.raises(BadDatabase, match=r"^[a-z]"):
        rows(raw)


def test_rows_that_hold_no_header_cost_no_other() -> None:
    raw = database([BLOBS[0], "text", 7, BLOBS[1]])
    assert [blob for _, blob in rows(raw)] == [BLOBS[0], "holds no header", "holds no header", BLOBS[1]]


def test_a_row_over_the_limit_costs_no_other() -> None:
    found = rows(database([BLOBS[0], bytes(9_000), BLOBS[1]]), limits=Limits(record_file=8_000))
    assert found[1] == ("row 2", "has 9000 bytes, more than the limit of 8000")
    assert [blob for _, blob in found[::2]] == BLOBS[:2]


def test_the_limit_on_packages_is_said_aloud() -> None:
    found = rows(database(BLOBS), limits=Limits(packages=7))
    assert len(found) == 8
    assert "limit of 7" in str(found[-1][1])


def test_a_damaged_page_costs_the_rows_in_it_alone() -> None:
    raw = bytearray(database(BLOBS))
    text = BLOBS[30][-3_000 - 1 : -2_900]
    assert text in raw
    page = raw.index(BLOBS[30][:60]) // 4096
    raw[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    found = rows(bytes(raw))
    good = [blob for _, blob in found if isinstance(blob, bytes)]
    assert set(good) < set(BLOBS)
    assert len(good) > 50
    assert any(isinstance(blob, str) for _, blob in found)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 200_000), st.binary(min_size=1, max_size=200))
def test_any_damage_is_survived(at: int, damage: bytes) -> None:
    raw = bytearray(database(BLOBS[:20], page=1024))
    at %= len(raw)
    raw[at : at + len(damage)] = damage
    with suppress(BadDatabase):
        assert all(where for where, _ in rows(bytes(raw)))
