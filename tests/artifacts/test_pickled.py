"""Pickles of every kind: bytes only, said so, and never run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zlib
from pathlib import Path

import pytest

from reprocheck.artifacts.compare import compare_output
from reprocheck.artifacts.formats import describe
from reprocheck.limits import DEFAULT
from reprocheck.model.run import Output

MAGIC = 0x1950A86A20F9469CFC6C
VALUE = {"a": [1, 2.5]}


def described(name: str, raw: bytes) -> Output:
    output = describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT)
    assert output.content is None
    assert output.format == "pickle"
    return output


@pytest.mark.parametrize("name", ["m.pkl", "m.PICKLE", "m.joblib", "m.dill"])
def test_a_pickle_is_bytes_only_and_says_so(name: str) -> None:
    assert "bytes only" in described(name, pickle.dumps(VALUE)).note


@pytest.mark.parametrize(
    ("name", "raw", "packing"),
    [
        ("m.joblib", zlib.compress(pickle.dumps(VALUE), 1), "zlib"),
        ("m.joblib", zlib.compress(pickle.dumps(VALUE), 9), "zlib"),
        ("m.joblib.z", zlib.compress(pickle.dumps(VALUE), 3), "zlib"),
        ("m.pkl.gz", gzip.compress(pickle.dumps(VALUE)), "gzip"),
        ("m.joblib.bz2", bz2.compress(pickle.dumps(VALUE)), "bzip2"),
        ("m.joblib.xz", lzma.compress(pickle.dumps(VALUE)), "xz"),
        ("m.lzma.joblib", lzma.compress(pickle.dumps(VALUE), lzma.FORMAT_ALONE), "lzma"),
    ],
    ids=lambda value: value if isinstance(value, str) else "raw",
)
def test_a_compressed_one_names_its_compression(name: str, raw: bytes, packing: str) -> None:
    assert f"pickle in {packing}: bytes only" in described(name, raw).note


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.ckpt", "weights", "m.pkl"])
def test_a_legacy_checkpoint_is_refused_with_a_reason(name: str, protocol: int) -> None:
    raw = b"".join(pickle.dumps(part, protocol=protocol) for part in (MAGIC, 1001, VALUE))
    assert "legacy checkpoint: bytes only" in described(name, raw).note


@pytest.mark.parametrize("raw", [b"", b"x", b"\x80", b"x\x00"], ids=range(4))
def test_whatever_lies_under_the_name_is_bytes(raw: bytes) -> None:
    assert described("m.joblib", raw).note == "pickle: bytes only, since reading one means running it"


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    raw = b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
    described("m.pkl", raw)
    described("m.joblib", zlib.compress(raw))
    assert not mark.exists()


def test_other_bytes_differ_and_the_reason_names_the_pickle() -> None:
    one, two = described("m.pkl", pickle.dumps(VALUE)), described("m.pkl", pickle.dumps(VALUE, protocol=2))
    result = compare_output(one, two, tolerance=None, limits=DEFAULT)
    assert (result.verdict, result.level) == ("differs", "none")
    assert "bytes only" in result.reason
