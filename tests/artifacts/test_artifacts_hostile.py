"""Files made to crash, hang, fill the memory, or run code: each ends in a note."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from reprocheck.artifacts.formats import describe
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.run import Output

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/artifacts"


def refused(name: str, raw: bytes, limits: Limits = DEFAULT) -> Output:
    output = describe(name, len(raw), io.BytesIO(raw), limits=limits)
    assert output.content is None
    assert output.note
    assert output.tensors == ()
    return output


def safetensors(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape: list[object], first: object, end: object, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, end]}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "beyond its end"),
        (b"\0" * 7, "beyond its end"),
        (safetensors(b"{}", length=2**63), "claims"),
        (safetensors(b"{}", length=3), "beyond its end"),
        (safetensors(b'{"a":1}'), "not dtype, shape"),
        (safetensors(b"[]"), "not an object"),
        (safetensors(b'{"a":{},"a":{}}'), "twice"),
        (safetensors(b"[" * 500 + b"]" * 500), "nested"),
        (safetensors({"a": entry([2], 0, 8)}, b"\0" * 4), "the file at"),
        (safetensors({"a": entry([2], 0, 8)}, b"\0" * 9), "the file at"),
        (safetensors({"a": entry([2], 4, 12)}, b"\0" * 12), "expected"),
        (safetensors({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"\0" * 12), "expected"),
        (safetensors({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, b"\0" * 12), "expected"),
        (safetensors({"a": entry([3], 0, 8)}, b"\0" * 8), "needs 12"),
        (safetensors({"a": entry([-1], 0, 8)}, b"\0" * 8), "holds"),
        (safetensors({"a": entry([True], 0, 4)}, b"\0" * 4), "holds"),
        (safetensors({"a": entry([1.0], 0, 4)}, b"\0" * 4), "holds"),
        (safetensors({"a": entry([1], 8, 4)}, b"\0" * 8), "claims"),
        (safetensors({"a": entry([4194305, 4194305, 211106198978564], 0, 8)}, b"\0" * 8), "needs"),
        (safetensors({"a": entry([1] * 33, 0, 4)}, b"\0" * 4), "dimensions"),
        (safetensors({"a": entry([1], 0, 4, "X9")}, b"\0" * 4), "not known"),
        (safetensors({"a": entry([1], 0, 1, "F4")}, b"\0"), "needs"),
        (safetensors({"__metadata__": {"a": 1}}), "strings"),
        (safetensors({"a" * 5000: entry([1], 0, 4)}, b"\0" * 4), "characters"),
        (safetensors({"a": entry([0, 2**53], 0, 0)}), "2**53"),
    ],
)
def test_lying_safetensors_headers_are_refused(raw: bytes, why: str) -> None:
    assert why in refused("m.safetensors", raw).note


def npy(header: str, data: bytes = b"", *, version: int = 1, length: int | None = None) -> bytes:
    text = header.encode("latin-1")
    size = len(text) if length is None else length
    return (
        b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + text + data
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x93NUMPY", "shorter"),
        (b"not an array at all", "magic"),
        (npy("{}"), "not descr"),
        (npy("", version=9, length=0) + b"    ", "version 9"),
        (npy("{'descr': '<f4'", version=2, length=2**31), "claims"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (8589934592,), }"), "needs"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", b"\0" * 4), "needs 8"),
        (npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (), }", b"\0" * 4), "neither"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "numbers"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1" + "0" * 40 + ",), }"), "numbers"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 65 + "), }"), "dimensions"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\x80\x04."), "objects"),
        (npy("{'descr': '<g16', 'fortran_order': False, 'shape': (), }"), "not read"),
        (npy("__import__('os').system('true')      "), "expected"),
        (npy("{'descr': '<f4', 'descr': '<f4', 'shape': (), }"), "twice"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}"), "entry"),
    ],
)
def test_lying_npy_headers_are_refused(raw: bytes, why: str) -> None:
    assert why in refused("a.npy", raw).note


def archive(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as target:
        for name, raw in members:
            target.writestr(name, raw)
    return stream.getvalue()


GOOD = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", b"\0" * 4)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_comes_twice_is_refused() -> None:
    assert "twice" in refused("a.npz", archive(("a.npy", GOOD), ("a.npy", GOOD))).note


def test_a_zip_bomb_is_refused_before_it_is_opened() -> None:
    bomb = archive(("a.npy", b"\0" * 80_000_000), how=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    assert "times its own size" in refused("a.npz", bomb).note
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


def test_encrypted_exotic_and_overlapping_members_are_refused() -> None:
    plain = archive(("a.npy", GOOD), ("b.npy", GOOD))
    directory = plain.index(b"PK\x01\x02")
    encrypted = bytearray(plain)
    encrypted[directory + 8] |= 1
    assert "encrypted" in refused("a.npz", bytes(encrypted)).note
    assert "method 14" in refused("a.npz", archive(("a.npy", GOOD), how=zipfile.ZIP_LZMA)).note
    second = plain.index(b"PK\x01\x02", directory + 4)
    overlapping = bytearray(plain)
    overlapping[second + 42 : second + 46] = struct.pack("<I", 4)
    assert refused("a.npz", bytes(overlapping)).note


def test_too_many_members_and_foreign_members_are_refused() -> None:
    few = Limits(zip_entries=1)
    assert "more than the limit" in refused("a.npz", archive(("a.npy", GOOD), ("b.npy", GOOD)), few).note
    assert "not an array" in refused("a.npz", archive(("a.txt", b""))).note


def test_a_wrong_checksum_is_not_content() -> None:
    raw = bytearray(archive(("a.npy", GOOD)))
    raw[raw.index(GOOD) + len(GOOD) - 1] ^= 1
    assert "cannot be read" in refused("a.npz", bytes(raw)).note


def test_a_directory_that_claims_gigabytes_is_not_read() -> None:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 9_000_000, 0, 0)
    assert "claims more than" in refused("a.npz", b"PK\x03\x04" + bytes(9_000_000 - 4) + end).note


def checkpoint(pickled: bytes, **storages: bytes) -> bytes:
    members = [(f"m/data/{key[1:]}", raw) for key, raw in storages.items()]
    return archive(("m/data.pkl", pickled), *members)


def tensor(shape: bytes, strides: bytes, *, offset: int = 0, numel: int = 4, metadata: bytes = b"") -> bytes:
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + b"0X\x03\0\0\0cpu"
    storage += b"J" + struct.pack("<i", numel) + b"tQ"
    ordered = b"ccollections\nOrderedDict\n)R"
    parts = b"J" + struct.pack("<i", offset) + shape + strides + b"\x89" + ordered + metadata
    return b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" + storage + parts + b"tRs."


def test_a_handwritten_checkpoint_is_read() -> None:
    raw = checkpoint(tensor(b"K\x02K\x02\x86", b"K\x01K\x02\x86"), s0=struct.pack("<4f", 1, 2, 3, 4))
    output = describe("m.pt", len(raw), io.BytesIO(raw), limits=DEFAULT)
    assert output.note == ""
    assert [(t.name, t.dtype, t.shape) for t in output.tensors] == [("w", "float32", (2, 2))]


@pytest.mark.parametrize(
    ("pickled", "why"),
    [
        (tensor(b"K\x03K\x02\x86", b"K\x01K\x02\x86"), "beyond its storage"),
        (tensor(b"K\x02\x85", b"K\x01\x85", offset=3), "beyond its storage"),
        (tensor(b"K\x02\x85", b"K\x01\x85", offset=-1), "storage"),
        (tensor(b"K\x02\x85", b"K\x01K\x01\x86"), "strides"),
        (tensor(b"K\x02\x85", b"J\xff\xff\xff\xff\x85"), "numbers"),
        (tensor(b"K\x02\x85", b"K\x01\x85", numel=5), "claims others"),
        (tensor(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", b"K\0K\0\x86"), "far more bytes"),
        (tensor(b"K\x02\x85", b"K\x01\x85", metadata=b"}X\x04\0\0\0conj\x88s"), "conjugated"),
        (b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.", "posix.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x00\x85R.", "_load_from_bytes"),
        (b"\x80\x02(cos\nsystem\no.", "os.system"),
        (b"(ios\nsystem\n.", "INST"),
        (b"\x80\x02ctorch\nFloatStorage\n)\x81.", "NEWOBJ"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage"),
        (b"\x80\x02ccollections\nOrderedDict\n}b.", "sets items or attributes"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02X\x01\0\0\0aQ.", "not a storage"),
        (b"\x80\x02", "damaged"),
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02NN.", "one value"),
        (b"\x80\x02(Ns.", "damaged"),
        (b"\x80\x02X\xff\xff\xff\x7fa.", "damaged"),
        (b"\x80\x02X\x03\0\0\0\xed\xa0\x80.", "damaged"),
        (b"\x80\x02]q\x00h\x00a.", "nested"),
        (b"\x80\x02}(K\x01K\x01K\x01K\x02u.", "twice"),
        (b"\x80\x02" + b"0" * 10 + b".", "damaged"),
    ],
)
def test_hostile_pickles_end_in_a_note(pickled: bytes, why: str) -> None:
    assert why in refused("m.pt", checkpoint(pickled, s0=b"\0" * 16)).note


def test_no_pickle_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    command = f"touch {canary}".encode()
    pickled = b"\x80\x02cposix\nsystem\nX" + struct.pack("<I", len(command)) + command + b"\x85R."
    for name, raw in (
        ("m.pt", checkpoint(pickled)),
        ("m.pkl", pickled),
        ("m.joblib", pickled),
        ("m.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickled)),
    ):
        refused(name, raw)
    assert not canary.exists()


def test_references_that_double_at_every_level_are_refused() -> None:
    """Thirty lists, each holding the one before it twice: 2**30 values when walked."""
    levels = b"".join(
        b"0](" + b"h%bh%b" % (bytes([i]), bytes([i])) + b"eq" + bytes([i + 1]) for i in range(30)
    )
    assert "more than" in refused("m.pt", checkpoint(b"\x80\x02]q\x00" + levels + b".")).note


def test_a_long_list_passed_again_and_again_is_refused() -> None:
    """Each call would copy the list."""
    items = b"(" + b"N" * 300_000 + b"t"
    again = b"c__builtin__\nlist\nq\x01" + b"0" + b"h\x01h\x00\x85R0" * 1000
    assert (
        "more arguments" in refused("m.pt", checkpoint(b"\x80\x02" + items + b"q\x000" + again + b"N.")).note
    )


def test_checkpoints_without_their_parts_are_refused() -> None:
    good = tensor(b"K\x02\x85", b"K\x01\x85")
    assert "missing" in refused("m.pt", checkpoint(good)).note
    assert "no data.pkl" in refused("m.pt", archive(("x", b""))).note
    assert "more than one" in refused("m.pt", archive(("a/data.pkl", b""), ("b/data.pkl", b""))).note
    assert "TorchScript" in refused("m.pt", archive(("a/data.pkl", b""), ("a/constants.pkl", b""))).note
    assert "little-endian" in refused("m.pt", archive(("a/data.pkl", b""), ("a/byteorder", b"big"))).note
    assert "not a zip" in refused("m.pt", b"garbage").note
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("m/data.pkl", good)
        target.writestr("m/data/0", b"\0" * 16)
    assert "compressed" in refused("m.pt", packed.getvalue()).note


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("m.json", b'{"a": nan}'),
        ("m.json", b'{"a": 1e999}'),
        ("m.json", b"[" * 100_000),
        ("m.json", b""),
        ("m.json", b'{"a": 1, "a": 2}'),
        ("m.jsonl", b'{"a": 1}\n{"a"'),
        ("m.csv", b"\xff\xfe"),
        ("m.csv", b'a,b\n"1,2\n'),
        ("m.csv", b"a\n" + b"x" * 200_000),
    ],
)
def test_damaged_documents_keep_their_bytes_and_say_why(name: str, raw: bytes) -> None:
    assert refused(name, raw).size == len(raw)


def test_a_document_of_millions_of_empty_lists_is_bytes_only() -> None:
    assert "values" in refused("m.json", b"[" + b"[]," * 2_000_000 + b"[]]").note


def test_a_pickle_of_millions_of_opcodes_is_bytes_only() -> None:
    assert "opcodes" in refused("m.pt", checkpoint(b"\x80\x02" + b"}" * 1_000_001 + b".")).note


@pytest.mark.parametrize("name", ["m.json", "m.jsonl", "m.csv"])
def test_documents_over_the_limit_are_bytes_only(name: str) -> None:
    assert "limit" in refused(name, b"[1,      1]\n", Limits(document_bytes=5)).note


@pytest.mark.parametrize("name", ["base.pt", "base.npz", "base.safetensors", "c.npy", "base.json"])
def test_every_truncation_of_a_real_file_is_noticed(name: str) -> None:
    raw = (FIXTURES / name).read_bytes()
    for cut in sorted({0, 1, 7, 8, 64, len(raw) // 2, len(raw) - 2}):
        refused(name, raw[:cut])


def test_a_file_that_changes_while_it_is_read_is_noticed() -> None:
    output = describe("m.json", 5, io.BytesIO(b"[1]"), limits=DEFAULT)
    assert output.content is None
    assert "changed" in output.note
    assert output.size == 3
