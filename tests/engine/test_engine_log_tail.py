"""The end of what a program says, and a first line that waits."""

from __future__ import annotations

import pytest

from reprocheck.engine.log_tail import TAIL_BYTES, FirstLine, LogTail


def test_a_short_log_is_whole() -> None:
    tail = LogTail()
    tail.add(b"a\n")
    tail.add(b"\xff")
    assert tail.text() == "a\n\ufffd"


def test_a_long_log_begins_with_a_whole_line() -> None:
    tail = LogTail()
    for number in range(10_000):
        tail.add(b"line %d\n" % number)
    text = tail.text()
    assert text.startswith("line ")
    assert text.endswith("line 9999\n")
    assert len(text) <= TAIL_BYTES
    tail.add(b"x" * (3 * TAIL_BYTES) + b"\nend")
    assert tail.text() == "end"


def passed_on(*chunks: bytes) -> list[bytes]:
    shown: list[bytes] = []
    line = FirstLine((b"[FATAL",), shown.append)
    for chunk in chunks:
        line(chunk)
    return shown


@pytest.mark.parametrize("chunks", [(b"[FATAL tini] x\n",), (b"[FA", b"TAL tini", b"] x\n"), (b"[",), ()])
def test_a_single_line_with_the_known_beginning_waits(chunks: tuple[bytes, ...]) -> None:
    assert passed_on(*chunks) == []


@pytest.mark.parametrize(
    "chunks",
    [(b"a",), (b"[FATAL x\n", b"more"), (b"[FAT", b"HER"), (b"\n",), (b"[FATAL" + b"x" * TAIL_BYTES,)],
)
def test_everything_else_passes_at_once_and_whole(chunks: tuple[bytes, ...]) -> None:
    assert b"".join(passed_on(*chunks, b"z")) == b"".join(chunks) + b"z"


def test_what_waited_is_given_when_released() -> None:
    shown: list[bytes] = []
    line = FirstLine((b"[FATAL",), shown.append)
    line(b"[FATAL error of the program\n")
    line.release()
    line(b"z")
    assert shown == [b"[FATAL error of the program\n", b"z"]
