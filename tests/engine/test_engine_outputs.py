"""What a stopped run left is found by pattern and opened without following anything."""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.outputs import (
    DiskOutput,
    archive_outputs,
    directory_outputs,
    layer_outputs,
    match_outputs,
)
from reprocheck.engine.patterns import Patterns
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.ports import OutputFile, RefusedOutput

PATHS = (
    "/app/train.py",
    "/out/a.pt",
    "/out/ckpt-1/model.pt",
    "/out/ckpt-1/deep/x.json",
    "/out/ckpt-2/model.pt",
    "/out/m.json",
    "/output.txt",
    "/out2/z",
)


def matched(*patterns: str, paths: Iterable[str] = PATHS) -> list[str]:
    tree = FileTree({path: Entry(path=path, kind="file") for path in paths})
    return [entry.path for entry in match_outputs(tree, patterns)]


def test_a_final_slash_changes_nothing_of_what_is_meant() -> None:
    assert matched("/out/") == matched("/out") != []
    assert matched("/out/ckpt-*/") == matched("/out/ckpt-*") != []
    assert Patterns(("/out/",)).bases == ("/out",)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/out/m.json", ["/out/m.json"]),
        ("/out2/", ["/out2/z"]),
        ("//out2/./z", ["/out2/z"]),
        ("/out/*.json", ["/out/m.json"]),
        ("/out/ckpt-?/model.pt", ["/out/ckpt-1/model.pt", "/out/ckpt-2/model.pt"]),
        ("/out/ckpt-[!1]", ["/out/ckpt-2/model.pt"]),
        ("/out/**/*.json", ["/out/ckpt-1/deep/x.json", "/out/m.json"]),
        ("/**/z", ["/out2/z"]),
        ("/out?/**", ["/out2/z"]),
        ("/none", []),
        ("/ou", []),
        ("/out/[", []),
    ],
)
def test_patterns(pattern: str, expected: list[str]) -> None:
    assert matched(pattern) == expected


def test_a_directory_means_all_below_it_also_when_a_glob_names_it() -> None:
    below = sorted(path for path in PATHS if path.startswith("/out/"))
    assert matched("/out") == below
    assert matched("/out/**") == below
    assert matched("/out/ckpt-*") == [path for path in below if "ckpt" in path]


def test_two_patterns_give_each_file_once_in_order() -> None:
    assert matched("/out/m.json", "/out/a.pt", "/out/*.json") == ["/out/a.pt", "/out/m.json"]


@pytest.mark.parametrize("pattern", ["", "/out/../etc", "a\0b", "/" + "x" * 5000])
def test_malformed_patterns_are_usage_errors(pattern: str) -> None:
    with pytest.raises(UsageFault) as caught:
        matched(pattern)
    assert caught.value.code == "E_OUTPUT_PATTERN"


def test_a_hostile_glob_is_matched_in_time() -> None:
    assert matched("/" + "*a" * 60 + "b", paths=["/" + "a" * 250]) == []
    assert matched("/" + "/".join(["**"] * 60) + "/b", paths=["/a" * 200]) == []


@settings(deadline=None, max_examples=50)
@given(
    pattern=st.lists(st.sampled_from(["a", "b", "*", "**", "?b", "a*"]), min_size=1, max_size=4),
    path=st.lists(st.sampled_from(["a", "b", "ab", "bb"]), min_size=1, max_size=4),
)
def test_globs_agree_with_a_plain_definition(pattern: list[str], path: list[str]) -> None:
    def full(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            return any(full(parts[1:], names[count:]) for count in range(len(names) + 1))
        return bool(names) and PurePosixPath(names[0]).match(parts[0]) and full(parts[1:], names[1:])

    expected = any(full(pattern, path[:length]) for length in range(len(path) + 1))
    assert Patterns(("/" + "/".join(pattern),)).match("/" + "/".join(path)) is expected


def read(output: OutputFile | RefusedOutput) -> bytes:
    assert isinstance(output, DiskOutput)
    with output.open() as file:
        content = file.read()
        file.seek(0)
        assert file.read() == content
    assert len(content) == output.size
    return content


def append(path: Path, *, then: Exception | None = None) -> None:
    with path.open("ab") as file:
        file.write(b"more")
    if then is not None:
        raise then


def reasons(outputs: Iterable[OutputFile | RefusedOutput]) -> dict[str, str]:
    return {output.name: output.reason for output in outputs if isinstance(output, RefusedOutput)}


def contents(outputs: Iterable[OutputFile | RefusedOutput]) -> dict[str, bytes]:
    return {output.name: read(output) for output in outputs if not isinstance(output, RefusedOutput)}


def test_a_mount_is_read_under_the_names_that_the_program_knew(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "proc").mkdir()
    for name in ("b.pt", "a.json", "sub/c.pt", "proc/d.pt"):
        (tmp_path / name).write_bytes(name.encode())
    found = list(directory_outputs(str(tmp_path), "/out", ("/out/**/*.pt", "/none"), limits=DEFAULT))
    assert [output.name for output in found] == ["/out/b.pt", "/out/proc/d.pt", "/out/sub/c.pt"]
    assert contents(found)["/out/sub/c.pt"] == b"sub/c.pt"


def test_a_workspace_is_read_under_relative_names(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/m.json").write_bytes(b"{}")
    (tmp_path / "train.py").write_bytes(b"")
    assert contents(directory_outputs(str(tmp_path), "", ("./out",), limits=DEFAULT)) == {"out/m.json": b"{}"}


def test_a_mounted_file_is_one_output(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_bytes(b"{}")
    found = directory_outputs(str(tmp_path / "host.json"), "/out/m.json", ("/out",), limits=DEFAULT)
    assert contents(found) == {"/out/m.json": b"{}"}
    found = directory_outputs(str(tmp_path / "host.json"), "/out/m.json", ("/other",), limits=DEFAULT)
    assert list(found) == []


def test_what_is_no_ordinary_file_is_refused_by_name(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    out = tmp_path / "out"
    out.mkdir()
    (out / "good").write_bytes(b"good")
    (out / "link").symlink_to(secret)
    (out / "dir").symlink_to(tmp_path)
    (out / "twin").hardlink_to(secret)
    os.mkfifo(out / "pipe")
    os.mknod(out / "device", stat.S_IFCHR, 0)
    with (out / "sparse").open("wb") as file:
        file.truncate(2**43)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(out / "sock"))
        found = list(directory_outputs(str(out), "/out", ("/out",), limits=DEFAULT))
    assert contents(found) == {"/out/good": b"good"}
    why = reasons(found)
    assert sorted(why) == [
        "/out/device",
        "/out/dir",
        "/out/link",
        "/out/pipe",
        "/out/sock",
        "/out/sparse",
        "/out/twin",
    ]
    assert "symbolic link" in why["/out/link"]
    assert "FIFO" in why["/out/pipe"]
    assert "hard links" in why["/out/twin"]
    assert "output_bytes" in why["/out/sparse"]


def test_a_link_that_a_declared_path_leads_through_is_named(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("run-1")
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1/m.json").write_bytes(b"{}")
    found = list(directory_outputs(str(tmp_path), "/out", ("/out/latest/m.json",), limits=DEFAULT))
    assert found == [RefusedOutput(name="/out/latest", reason="is a symbolic link to 'run-1'")]


@pytest.mark.parametrize("limits", [replace(DEFAULT, outputs=2), replace(DEFAULT, outputs_bytes=25)])
def test_number_and_size_of_all_outputs_are_bounded(tmp_path: Path, limits: Limits) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 10)
    with pytest.raises(CouldNotRun) as caught:
        list(directory_outputs(str(tmp_path), "/out", ("/out",), limits=limits))
    assert caught.value.code == "E_LIMIT"


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (output,) = directory_outputs(str(tmp_path), "/out", ("/out",), limits=DEFAULT)
    assert isinstance(output, DiskOutput)
    with pytest.raises(CouldNotRun, match="written to") as caught, output.open():
        append(tmp_path / "a")
    assert caught.value.code == "E_OUTPUT_CHANGED"


def test_a_file_that_is_swapped_before_it_is_read_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    first, second = directory_outputs(str(tmp_path), "/out", ("/out",), limits=DEFAULT)
    assert isinstance(first, DiskOutput)
    assert isinstance(second, DiskOutput)
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(CouldNotRun, match="link"), first.open():
        pass
    (tmp_path / "new").write_bytes(b"x")
    (tmp_path / "new").replace(tmp_path / "b")
    with pytest.raises(CouldNotRun, match="found first"), second.open():
        pass


def test_an_error_while_reading_is_not_hidden_by_a_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (output,) = directory_outputs(str(tmp_path), "/out", ("/out",), limits=DEFAULT)
    assert isinstance(output, DiskOutput)
    with pytest.raises(KeyError), output.open():
        append(tmp_path / "a", then=KeyError())


def test_layers_give_the_topmost_file_and_no_deleted_one(tmp_path: Path) -> None:
    low, top = tmp_path / "low", tmp_path / "top"
    for layer in (low, top):
        (layer / "out").mkdir(parents=True)
    (low / "out/a").write_bytes(b"old")
    (low / "out/gone").write_bytes(b"old")
    (low / "out/kept").write_bytes(b"kept")
    (top / "out/a").write_bytes(b"new")
    os.mknod(top / "out/gone", stat.S_IFCHR, 0)
    (top / "out/link").symlink_to("/etc/passwd")
    (top / "elsewhere").write_bytes(b"")
    found = list(layer_outputs((str(low), str(top)), ("/out", "/missing"), limits=DEFAULT))
    assert contents(found) == {"/out/a": b"new", "/out/kept": b"kept"}
    assert list(reasons(found)) == ["/out/link"]


def archive(*parts: tuple[str, bytes, bytes | str]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, content in parts:
            member = tarfile.TarInfo(name)
            member.type = kind
            if isinstance(content, str):
                member.linkname = content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    out.seek(0)
    return out


PARTS: tuple[tuple[str, bytes, bytes | str], ...] = (
    ("out/", tarfile.DIRTYPE, b""),
    ("out/b.pt", tarfile.REGTYPE, b"b"),
    ("out/sub/", tarfile.DIRTYPE, b""),
    ("out/sub/a.pt", tarfile.REGTYPE, b"aa"),
    ("out/note.txt", tarfile.REGTYPE, b"not wanted"),
    ("out/l.pt", tarfile.SYMTYPE, "/etc/passwd"),
    ("out/first.pt", tarfile.REGTYPE, b"shared"),
    ("out/twin.pt", tarfile.LNKTYPE, "out/first.pt"),
    ("out/pipe.pt", tarfile.FIFOTYPE, b""),
)


def test_an_archive_is_spooled_under_numbers(tmp_path: Path) -> None:
    found = list(
        archive_outputs(
            archive(*PARTS).read,
            ("/work/out/**/*.pt",),
            scratch=str(tmp_path),
            base="/work/out",
            limits=DEFAULT,
            where="the outputs",
        )
    )
    assert [output.name for output in found] == sorted(output.name for output in found)
    assert contents(found) == {"/work/out/b.pt": b"b", "/work/out/sub/a.pt": b"aa"}
    assert sorted(reasons(found)) == [f"/work/out/{name}.pt" for name in ("first", "l", "pipe", "twin")]
    for path in tmp_path.iterdir():
        assert path.name.isdigit()
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_truncated_archive_gives_no_output_at_all(tmp_path: Path) -> None:
    raw = archive(*PARTS).getvalue()[:2048]
    outputs = archive_outputs(
        io.BytesIO(raw).read,
        ("/out",),
        scratch=str(tmp_path),
        base="/out",
        limits=DEFAULT,
        where="the outputs",
    )
    with pytest.raises(CouldNotRun) as caught:
        next(outputs)
    assert caught.value.code == "E_TAR_TRUNCATED"


def test_limits_hold_for_archives(tmp_path: Path) -> None:
    def outputs(limits: Limits) -> list[OutputFile | RefusedOutput]:
        return list(
            archive_outputs(
                archive(*PARTS).read,
                ("/out",),
                scratch=str(tmp_path),
                base="/out",
                limits=limits,
                where="the outputs",
            )
        )

    with pytest.raises(CouldNotRun, match="outputs "):
        outputs(replace(DEFAULT, outputs=2))
    with pytest.raises(CouldNotRun, match="outputs_bytes"):
        outputs(replace(DEFAULT, outputs_bytes=3000))
    assert "output_bytes" in reasons(outputs(replace(DEFAULT, output_bytes=1)))["/out/sub/a.pt"]
