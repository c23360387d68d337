"""The files of a stopped run: described once, refused with a reason, and open while they are compared."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import pytest

from reprocheck.api.outputs import collect_outputs, describe_outputs
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT
from reprocheck.ports import RefusedOutput


@dataclass(frozen=True)
class File:
    name: str
    raw: bytes = b"x"
    problem: Exception | None = None

    @property
    def size(self) -> int:
        return len(self.raw)

    def open(self) -> AbstractContextManager[BinaryIO]:
        if self.problem is not None:
            raise self.problem
        return nullcontext(io.BytesIO(self.raw))


def test_what_cannot_be_read_is_refused_with_its_reason_and_the_rest_is_described() -> None:
    link = RefusedOutput(name="/out/l", reason="is a link")
    found = describe_outputs((File("/out/b"), link, File("/out/a", problem=OSError("gone"))), limits=DEFAULT)
    assert [output.name for output in found.outputs] == ["/out/b"]
    assert found.refused == (RefusedOutput(name="/out/a", reason="could not be read: gone"), link)
    stream = found.open(found.outputs[0])
    assert stream is not None
    with stream as file:
        assert file.read() == b"x"


def test_an_output_that_was_not_described_is_not_opened() -> None:
    found = describe_outputs((File("a"),), limits=DEFAULT)
    assert describe_outputs((), limits=DEFAULT).open(found.outputs[0]) is None


def test_a_full_disk_is_no_property_of_an_output() -> None:
    full = CouldNotRun("E_DISK_FULL", "no space", hint="Free some.")
    with pytest.raises(CouldNotRun):
        describe_outputs((File("a", problem=full),), limits=DEFAULT)


def test_a_declared_directory_that_holds_a_file_is_not_missing() -> None:
    collected = collect_outputs((File("/out/a"),), ("/out/", "/logs/"), limits=DEFAULT)
    assert collected.missing == ("/logs/",)
