"""Manifests and receipts that are damaged, hostile, of another version, or no files at all."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import World, obeying_modes

MANIFEST_VERBS = (
    ("show", "bad.json"),
    ("diff", "bad.json", "good.json"),
    ("diff", "good.json", "bad.json"),
    ("graph", "bad.json"),
    ("check", "bad.json"),
    ("verify", "bad.json", "--yes"),
)
RECEIPT_VERBS = (("show", "bad.json"), ("check", "good.json", "bad.json"))
BIG = 140 * 1024 * 1024


def edited(raw: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(raw)
    change(document)
    return json.dumps(document).encode()


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "empty": (lambda raw: b"", "E_JSON", "is empty"),
    "truncated": (lambda raw: raw[: len(raw) // 2], "E_JSON", "line "),
    "last bracket lost": (lambda raw: raw.rstrip()[:-1], "E_JSON", "ends in the middle"),
    "deeply nested": (lambda raw: b"[" * 1_000_000 + b"]" * 1_000_000, "E_JSON", "nested"),
    "nested inside": (
        lambda raw: raw.replace(b"{", b'{"x": ' + b"[" * 500 + b"]" * 500 + b",", 1),
        "E_JSON",
        "nested",
    ),
    "duplicate key": (
        lambda raw: raw.replace(b"{", b'{"schema_version": "1.0",', 1),
        "E_JSON",
        "'schema_version' twice",
    ),
    "NaN": (lambda raw: raw.replace(b"{", b'{"x": NaN,', 1), "E_JSON", "NaN"),
    "Infinity": (lambda raw: raw.replace(b"{", b'{"x": -Infinity,', 1), "E_JSON", "Infinity"),
    "huge number": (lambda raw: raw.replace(b"{", b'{"x": 1e999,', 1), "E_JSON", "out of range"),
    "140 MB of spaces": (lambda raw: raw + b" " * BIG, "E_TOO_LARGE", "--limit-scale"),
    "140 MB of one string": (
        lambda raw: raw.replace(b"{", b'{"x": "' + b"x" * BIG + b'",', 1),
        "E_TOO_LARGE",
        "--limit-scale",
    ),
    "newer major": (
        lambda raw: edited(raw, lambda d: d.update(schema_version="2.0")),
        "E_SCHEMA_VERSION",
        "2.0",
    ),
    "no version": (
        lambda raw: edited(raw, lambda d: d.pop("schema_version")),
        "E_NOT_A_DOCUMENT",
        "schema_version",
    ),
    "odd version": (
        lambda raw: edited(raw, lambda d: d.update(schema_version="1.\x1b[31m")),
        "E_SCHEMA_VERSION",
        "schema version",
    ),
    "a list": (lambda raw: b"[" + raw + b"]", "E_NOT_A_DOCUMENT", "no reprocheck document"),
    "a number": (lambda raw: b"17", "E_NOT_A_DOCUMENT", "no reprocheck document"),
    "unknown field": (lambda raw: edited(raw, lambda d: d.update(surprise=1)), "E_DOCUMENT", "surprise"),
    "Latin-1": (lambda raw: b'{"schema_version": "\xe9"}', "E_JSON", "UTF-8"),
    "UTF-16": (lambda raw: raw.decode().encode("utf-16"), "E_JSON", "UTF-8"),
    "byte order mark": (lambda raw: b"\xef\xbb\xbf" + raw, "E_JSON", "byte order mark"),
    "binary": (lambda raw: os.urandom(4096), "E_JSON", "UTF-8"),
}
MANIFEST_DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    **DAMAGE,
    "edited value": (
        lambda raw: edited(raw, lambda d: d["run"].update(exit_code=3)),
        "E_DIGEST",
        "digest",
    ),
    "edited digest": (
        lambda raw: edited(raw, lambda d: d["digests"].update(manifest="sha256:" + "0" * 64)),
        "E_DIGEST",
        "digest",
    ),
    "no digest": (lambda raw: edited(raw, lambda d: d.update(digests=None)), "E_DIGEST", "digest"),
    "wrong type": (
        lambda raw: edited(raw, lambda d: d["run"].update(argv="rm -rf /")),
        "E_DOCUMENT",
        "run.argv",
    ),
    "host mount": (
        lambda raw: edited(raw, lambda d: d["run"].update(binds=["/:/host"])),
        "E_DOCUMENT",
        "binds",
    ),
}


@pytest.fixture
def documents(world: World, local_documents: tuple[bytes, bytes]) -> World:
    (world.cwd / "good.json").write_bytes(local_documents[0])
    return world


@pytest.mark.parametrize("name", MANIFEST_DAMAGE)
def test_a_damaged_manifest_is_refused_by_show(
    documents: World, local_documents: tuple[bytes, bytes], name: str
) -> None:
    """Each kind of damage ends in exit 2 and one line that names the file and the place."""
    damage, code, words = MANIFEST_DAMAGE[name]
    (documents.cwd / "bad.json").write_bytes(damage(local_documents[0]))
    documents.run("show", "bad.json").failed(2, code, "bad.json", words)
    documents.check("bad.json", "good.json")


@pytest.mark.parametrize("verb", MANIFEST_VERBS, ids=" ".join)
@pytest.mark.parametrize("name", ["truncated", "edited value"])
def test_every_verb_refuses_a_damaged_manifest(
    documents: World, local_documents: tuple[bytes, bytes], verb: tuple[str, ...], name: str
) -> None:
    """The verbs share one reader; nothing is written, nothing is started."""
    damage, code, words = MANIFEST_DAMAGE[name]
    (documents.cwd / "bad.json").write_bytes(damage(local_documents[0]))
    documents.run(*verb).failed(2, code, "bad.json", words)
    documents.check("bad.json", "good.json")


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_receipt_is_refused(
    documents: World, local_documents: tuple[bytes, bytes], name: str
) -> None:
    damage, code, words = DAMAGE[name]
    (documents.cwd / "bad.json").write_bytes(damage(local_documents[1]))
    for verb in RECEIPT_VERBS:
        documents.run(*verb).failed(2, code, "bad.json", words)
    documents.check("bad.json", "good.json")


def test_a_receipt_is_no_manifest_and_a_manifest_no_receipt(
    documents: World, local_documents: tuple[bytes, bytes]
) -> None:
    (documents.cwd / "receipt.json").write_bytes(local_documents[1])
    documents.run("graph", "receipt.json").failed(2, "E_NOT_A_MANIFEST", "receipt.json")
    documents.run("verify", "receipt.json").failed(2, "E_NOT_A_MANIFEST", "receipt.json")
    documents.run("check", "good.json", "good.json").failed(2, "E_DOCUMENT", "good.json")


def test_a_newer_minor_version_with_unknown_fields_is_read(
    documents: World, local_documents: tuple[bytes, bytes]
) -> None:
    """What a later reprocheck adds is kept in the digest, so it must be sealed as that one would seal it."""
    from reprocheck.codec.canonical import canonical, digest

    document = json.loads(local_documents[0])
    document["schema_version"] = "1.7"
    document["novelty"] = {"deep": [1, 2, {"x": "y"}]}
    document["run"]["novelty"] = "text"
    whole = {key: value for key, value in document.items() if key not in ("digests", "source", "observation")}
    document["digests"]["manifest"] = digest(canonical(whole))
    (documents.cwd / "newer.json").write_text(json.dumps(document), encoding="utf-8")
    shown = documents.run("show", "newer.json")
    assert (shown.code, shown.err) == (0, "")
    for verb in (("graph", "newer.json"), ("diff", "newer.json", "newer.json")):
        done = documents.run(*verb)
        assert done.code == 0, done
        done.quiet()
    document["run"]["novelty"] = "changed"
    (documents.cwd / "newer.json").write_text(json.dumps(document), encoding="utf-8")
    documents.run("show", "newer.json").failed(2, "E_DIGEST", "newer.json")
    documents.check("good.json", "newer.json")


PLACES: dict[str, Callable[[Path], object]] = {
    "not existing": lambda path: None,
    "a directory": lambda path: path.mkdir(),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "unreadable": lambda path: path.touch(0),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_read_is_named(documents: World, place: str) -> None:
    path = documents.cwd / "bad.json"
    PLACES[place](path)
    documents.run("show", "bad.json", prefix=obeying_modes()).failed(2, "E_UNREADABLE", "bad.json")
    documents.check("good.json", *(["bad.json"] if os.path.lexists(path) else []))


@pytest.mark.parametrize("verb", [*MANIFEST_VERBS[1:], RECEIPT_VERBS[1]], ids=" ".join)
def test_every_verb_names_a_missing_file(documents: World, verb: tuple[str, ...]) -> None:
    documents.run(*verb).failed(2, "E_UNREADABLE", "bad.json")
    documents.check("good.json")


def test_a_fifo_without_a_writer_does_not_hang(documents: World) -> None:
    os.mkfifo(documents.cwd / "bad.json")
    for verb in (MANIFEST_VERBS[0], RECEIPT_VERBS[1]):
        documents.run(*verb, seconds=20).failed(2, "E_JSON", "bad.json", "is empty")
    documents.check("good.json", "bad.json")


def test_a_pipe_as_the_shell_hands_it_in_is_read(
    documents: World, local_documents: tuple[bytes, bytes]
) -> None:
    """`reprocheck show <(zcat run.json.gz)` names a pipe, whose writer may be slow."""
    read_end, write_end = os.pipe()
    child = documents.start("show", f"/dev/fd/{read_end}", streams={"pass_fds": (read_end,)})
    os.close(read_end)
    with os.fdopen(write_end, "wb") as stream:
        stream.write(local_documents[0])
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, b"")
    assert b"metrics.json" in out


@pytest.mark.parametrize(("path", "code"), [("/dev/null", "E_JSON"), ("/dev/zero", "E_TOO_LARGE")])
def test_devices_are_bounded(documents: World, path: str, code: str) -> None:
    documents.run("show", path).failed(2, code, path)
    documents.check("good.json")


def test_an_empty_standard_input_is_told(documents: World) -> None:
    for verb in (("show", "-"), ("graph", "-"), ("diff", "good.json", "-"), ("verify", "-", "--yes")):
        documents.run(*verb, stdin=b"").failed(2, "E_JSON", "is empty")
    documents.check("good.json")


def test_a_closed_standard_input_is_told(documents: World) -> None:
    """Started with `<&-`, a program has no standard input at all."""
    shell = ("sh", "-c", 'exec "$0" "$@" <&-')
    documents.run("show", "-", prefix=shell).failed(2, "E_UNREADABLE", "standard input")


def test_a_name_with_control_characters_stays_one_clean_line(documents: World) -> None:
    """File names are foreign text too: ESC, newline, bidi, bytes that are no UTF-8."""
    for name in ("a\x1b[31mb\nc\u202ed", os.fsdecode(b"caf\xe9")):
        documents.run("show", name).failed(2, "E_UNREADABLE")
        (documents.cwd / name).write_bytes(b"{")
        documents.run("show", name).failed(2, "E_JSON")
        (documents.cwd / name).unlink()
    documents.check("good.json")


def test_a_document_that_is_read_is_never_changed(
    documents: World, local_documents: tuple[bytes, bytes]
) -> None:
    """Reading verbs leave the file, its mode and its times alone."""
    path = documents.cwd / "good.json"
    path.chmod(0o444)
    before = path.stat()
    for verb in ("show", "graph", "check"):
        assert documents.run(verb, "good.json").code in (0, 1)
    after = path.stat()
    assert path.read_bytes() == local_documents[0]
    assert (before.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (after.st_mtime_ns, 0o444)
