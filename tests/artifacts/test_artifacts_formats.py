"""Real files of numpy, safetensors and torch against digests that those libraries gave."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from reprocheck.artifacts.formats import FORMATS, describe, unmatched_keys
from reprocheck.limits import DEFAULT
from reprocheck.model.run import IgnoredKey, Output

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/artifacts"
EXPECTED: dict[str, dict[str, list[object]]] = json.loads((FIXTURES / "expected.json").read_text("utf-8"))
ARRAYS = ("pt", "safetensors", "npz")
NEAR = ("ulp", "element", "nan", "name")


def of_file(name: str, *, called: str = "") -> Output:
    raw = (FIXTURES / name).read_bytes()
    return of_bytes(called or name, raw)


def of_bytes(name: str, raw: bytes, *keys: str) -> Output:
    ignored = tuple(IgnoredKey(file=name, key=key) for key in keys)
    return describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT, ignore_keys=ignored)


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if name != "module.pt"))
def test_every_tensor_has_the_digest_that_its_own_library_gives(name: str) -> None:
    output = of_file(name)
    assert output.note == ""
    found = {t.name: [t.dtype, list(t.shape), t.sha256] for t in output.tensors}
    assert found == EXPECTED[name]


@pytest.mark.parametrize("ending", [*ARRAYS, "json", "csv", "jsonl"])
def test_a_twin_differs_in_bytes_and_agrees_in_content(ending: str) -> None:
    base, twin = of_file(f"base.{ending}"), of_file(f"twin.{ending}")
    assert base.sha256 != twin.sha256
    assert base.content is not None
    assert base.content == twin.content
    assert base.structure == twin.structure


@pytest.mark.parametrize("ending", ARRAYS)
@pytest.mark.parametrize("near", NEAR)
def test_a_near_miss_differs_in_content(ending: str, near: str) -> None:
    base, other = of_file(f"base.{ending}"), of_file(f"{near}.{ending}")
    assert base.content != other.content
    assert (base.structure == other.structure) == (near != "name")


def test_layout_and_compression_do_not_change_an_array() -> None:
    assert of_file("c.npy").content == of_file("fortran.npy").content == of_file("big.npy").content
    assert of_file("kinds.npz").content == of_file("kinds-deflated.npz").content


def test_a_checkpoint_gives_its_scalars_too() -> None:
    output = of_file("everything.pt")
    numbers = {number.key: number.value for number in output.numbers}
    assert numbers["step"] == "100"
    assert numbers["loss"] == "0.125"
    assert numbers["optimizer.param_groups[0].lr"] == "0.001"
    assert not any("_metadata" in key for key in numbers)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("legacy.pt", "legacy checkpoint"),
        ("module.pt", "torch.nn.modules.linear.Linear"),
        ("object.npy", "Python objects"),
        ("records.npy", "several fields"),
    ],
)
def test_what_only_execution_could_read_is_bytes_only_and_says_so(name: str, why: str) -> None:
    output = of_file(name)
    assert output.content is None
    assert why in output.note


def test_formats_are_told_by_content_too() -> None:
    assert of_file("base.pt", called="weights.bin").format == "torch"
    assert of_file("base.npz", called="arrays").format == "npz"
    assert of_file("c.npy", called="array").format == "npy"
    assert of_file("base.json", called="notes.txt").format == "raw"
    assert FORMATS[-1].name == "raw"


def test_an_unknown_file_has_no_content_and_no_note() -> None:
    output = of_bytes("model.bin", b"abc")
    assert (output.format, output.content, output.note, output.size) == ("raw", None, "", 3)


def test_json_numbers_are_named_by_pointer() -> None:
    output = of_bytes("m.json", b'{"a/b": {"~": [1, 2.5]}, "t": true, "s": "7"}')
    assert [(n.key, n.value) for n in output.numbers] == [("/a~1b/~0/0", "1"), ("/a~1b/~0/1", "2.5")]


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (b"[1.0, 2]", b"[1, 2.0]", True),
        (b"[0.0]", b"[-0.0]", False),
        (b'{"a": 1}', b'{"a": "1"}', False),
        (b'{"a": {}}', b'{"a": []}', False),
        (b"[true]", b"[1]", False),
        (b"[null]", b"[]", False),
        (b"[1, 2]", b"[2, 1]", False),
        (b'{"a.b": 1}', b'{"a": {"b": 1}}', False),
    ],
)
def test_json_content_is_the_value_and_not_its_spelling(ours: bytes, theirs: bytes, same: bool) -> None:
    assert (of_bytes("m.json", ours).content == of_bytes("m.json", theirs).content) is same


@pytest.mark.parametrize("key", ["train_runtime", "/log/0/train_runtime", "/log/0"])
def test_ignored_keys_are_left_out_of_the_content(key: str) -> None:
    one = b'{"loss": 1, "log": [{"train_runtime": 3.5}]}'
    two = b'{"loss": 1, "log": [{"train_runtime": 4.5}]}'
    assert of_bytes("m.json", one).content != of_bytes("m.json", two).content
    assert of_bytes("m.json", one, key).content == of_bytes("m.json", two, key).content
    assert [n.key for n in of_bytes("m.json", one, key).numbers] == ["/loss"]


def test_a_loss_that_diverged_is_a_number() -> None:
    """Python's json writes NaN and Infinity; a NaN is the same NaN in every run."""
    one = of_bytes("m.json", b'{"loss": NaN, "best": Infinity, "worst": [-Infinity]}')
    assert {n.key: n.value for n in one.numbers} == {"/best": "inf", "/loss": "nan", "/worst/0": "-inf"}
    assert one.content == of_bytes("m.json", b'{"best":Infinity,"worst":[-Infinity],"loss":NaN}').content
    assert one.content != of_bytes("m.json", b'{"loss": NaN, "best": Infinity, "worst": [Infinity]}').content
    lines = of_bytes("log.jsonl", b'{"loss": 1}\n{"loss": NaN}\n')
    assert [(n.key, n.value) for n in lines.numbers] == [("/0/loss", "1"), ("/1/loss", "nan")]


def test_the_keys_that_named_something_are_told() -> None:
    keys = tuple(IgnoredKey(file="*.json", key=key) for key in ("/log/0/t", "t", "tt"))
    raw = b'{"a": 1, "log": [{"t": 1}]}'
    output = describe("out/m.json", len(raw), io.BytesIO(raw), limits=DEFAULT, ignore_keys=keys)
    assert output.ignored_keys == ("/log/0/t", "t")
    other = IgnoredKey(file="x.json", key="t")
    assert unmatched_keys((output,), (*keys, other)) == (keys[2], other)
    assert unmatched_keys((), keys) == keys


def test_an_ignored_key_hides_no_other_key() -> None:
    one, two = b'{"time": 1, "times": 1}', b'{"time": 2, "times": 2}'
    assert of_bytes("m.json", one, "time").content != of_bytes("m.json", two, "time").content


def test_columns_and_tensors_can_be_ignored() -> None:
    assert of_bytes("m.csv", b"t,x\n1,2\n", "t").content == of_bytes("m.csv", b"t,x\n9,2\n", "t").content
    raw = (FIXTURES / "name.npz").read_bytes()
    assert "weights" not in {tensor.name for tensor in of_bytes("m.npz", raw, "weights").tensors}


@pytest.mark.parametrize(
    "raw", [b"a,a\n1,2\n", b"a#1,a,a\n1,2,3\n", b"1,2\n3,4\n", b"a\n1,2\n", b"a;b\n1;2\n", b"a\tb\n1\t2\n"]
)
def test_awkward_tables_have_one_name_per_number(raw: bytes) -> None:
    keys = [number.key for number in of_bytes("m.csv", raw).numbers]
    assert len(keys) == len(set(keys)) >= 2


def test_many_numbers_are_kept_as_a_digest_alone() -> None:
    few = of_bytes("m.json", json.dumps(list(range(10_000))).encode())
    many = of_bytes("m.json", json.dumps(list(range(10_001))).encode())
    assert len(few.numbers) == 10_000
    assert many.numbers == ()
    assert many.content is not None
