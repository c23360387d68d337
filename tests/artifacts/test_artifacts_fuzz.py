"""Whatever bytes come: an Output and never an exception, in bounded time."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts.formats import describe
from reprocheck.artifacts.opcodes import read_opcodes
from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import DEFAULT

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/artifacts"
SEEDS = ("base.safetensors", "fortran.npy", "kinds.npz", "kinds-deflated.npz", "everything.pt", "base.json")
CHANGES = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=6)
NAMES = st.sampled_from(
    ["a.safetensors", "a.npy", "a.npz", "a.pt", "a.json", "a.jsonl", "a.csv", "a.pkl", "a"]
)

OPCODES = st.lists(
    st.one_of(
        st.sampled_from(
            [bytes([code]) for code in b"(.012NRQbdeluost)}]\x81\x85\x86\x87\x88\x89\x90\x91\x93\x94\x8f"]
        ),
        st.builds(lambda n: b"q" + bytes([n]), st.integers(0, 5)),
        st.builds(lambda n: b"h" + bytes([n]), st.integers(0, 5)),
        st.builds(lambda n: b"K" + bytes([n]), st.integers(0, 5)),
        st.builds(lambda raw: b"C" + bytes([len(raw)]) + raw, st.binary(max_size=4)),
        st.builds(
            lambda t: b"X" + struct.pack("<I", len(t)) + t.encode(), st.sampled_from(["storage", "0", "a"])
        ),
        st.sampled_from(
            [
                b"ctorch._utils\n_rebuild_tensor_v2\n",
                b"ctorch._utils\n_rebuild_parameter\n",
                b"ctorch\nFloatStorage\n",
                b"ctorch.storage\nUntypedStorage\n",
                b"ctorch\nSize\n",
                b"ctorch\nfloat32\n",
                b"ccollections\nOrderedDict\n",
                b"ccollections\ndefaultdict\n",
                b"cbuiltins\nset\n",
                b"cbuiltins\ncomplex\n",
                b"c_codecs\nencode\n",
                b"cos\nsystem\n",
            ]
        ),
    ),
    max_size=30,
)


def described(name: str, raw: bytes) -> None:
    output = describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT)
    assert output.size == len(raw)
    assert (output.content is None) or not output.note


@given(name=NAMES, raw=st.binary(max_size=200))
@settings(deadline=None, max_examples=50)
def test_any_bytes_under_any_name(name: str, raw: bytes) -> None:
    described(name, raw)


@pytest.mark.parametrize("seed", SEEDS)
@given(changes=CHANGES, cut=st.integers(0, 20_000))
@settings(deadline=None, max_examples=50)
def test_any_change_of_a_real_file(seed: str, changes: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray((FIXTURES / seed).read_bytes())
    for place, value in changes:
        raw[place % len(raw)] = value
    described(seed, bytes(raw))
    described(seed, bytes(raw[: cut % len(raw)]))


@given(header=st.binary(max_size=120), data=st.binary(max_size=16))
@settings(deadline=None, max_examples=50)
def test_any_safetensors_header(header: bytes, data: bytes) -> None:
    described("a.safetensors", struct.pack("<Q", len(header)) + header + data)


@given(text=st.text("{}'()[]:,<f48OTrueFalsdshp_ntoc0129 L", max_size=80), data=st.binary(max_size=16))
@settings(deadline=None, max_examples=50)
def test_any_npy_header(text: str, data: bytes) -> None:
    described("a.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text.encode() + data)


@given(parts=OPCODES)
@settings(deadline=None, max_examples=200)
def test_any_sequence_of_opcodes(parts: list[bytes]) -> None:
    pickled = b"\x80\x02" + b"".join(parts) + b"."
    with suppress(Unreadable):
        read_opcodes(pickled)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        target.writestr("m/data.pkl", pickled)
        target.writestr("m/data/0", bytes(16))
    described("a.pt", stream.getvalue())


@given(raw=st.binary(max_size=80))
@settings(deadline=None, max_examples=50)
def test_any_bytes_as_a_pickle(raw: bytes) -> None:
    with suppress(Unreadable):
        read_opcodes(raw)
