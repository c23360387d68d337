"""An image is read once; what could come out otherwise the next time is read again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reprocheck.api import cache as tested
from reprocheck.api.cache import (
    Identity,
    Question,
    Seen,
    cache_text,
    describe_cache,
    is_lasting,
    prune_cache,
    see_image,
)
from reprocheck.api.outside import Outside
from reprocheck.api.sight import Sight, look
from reprocheck.codec.plain import decode_plain, encode_plain
from reprocheck.collect import Observed
from reprocheck.engine import disk
from reprocheck.engine.directory import open_directory
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import replace
from reprocheck.model.manifest import Disagreement, Tool
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, Interest
from tests.strategies import make_deb, make_image, make_manifest, make_pypi, make_python

PLAIN = Question(with_syft=False)
CHECKED = Question(with_syft=True)
IDENTITY = Identity(id="sha256:" + "1" * 64, image=make_image())
STATUS = "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2.13\nArchitecture: amd64\n"
NOTHING_UNKNOWN: tuple[Unknown, ...] = ()


@dataclass
class Opened:
    """A root file system that counts how often it is looked at."""

    root: Path
    times: int = 0

    @contextmanager
    def __call__(self, interest: Interest) -> Iterator[tuple[ContainerView, str]]:
        self.times += 1
        yield open_directory(str(self.root), interest=interest, limits=DEFAULT), "overlay"


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    root = tmp_path / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(STATUS)
    return Opened(root=root)


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(
        environ={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/nonexistent"},
        home=str(tmp_path),
        directory=str(tmp_path),
        use_cache=True,
    )


def test_the_second_look_is_spared_and_says_the_same(opened: Opened, outside: Outside) -> None:
    first = see_image(opened, IDENTITY, PLAIN, outside)
    second = see_image(opened, IDENTITY, PLAIN, outside)
    assert first == second
    assert [package.name for package in second.sight.observed.packages] == ["zlib1g"]
    assert (second.reader, opened.times) == ("overlay", 1)


def test_without_the_cache_nothing_is_taken_or_kept(opened: Opened, outside: Outside) -> None:
    see_image(opened, IDENTITY, PLAIN, replace(outside, use_cache=False))
    assert describe_cache(outside).entries == 0
    see_image(opened, IDENTITY, PLAIN, outside)
    see_image(opened, IDENTITY, PLAIN, replace(outside, use_cache=False))
    assert opened.times == 3


def test_a_home_that_is_none_means_no_cache(opened: Opened, outside: Outside) -> None:
    homeless = replace(outside, environ={})
    see_image(opened, IDENTITY, PLAIN, homeless)
    see_image(opened, IDENTITY, PLAIN, homeless)
    assert opened.times == 2
    assert describe_cache(homeless).place == ""
    assert "no cache" in cache_text(describe_cache(homeless), pruned=False)


@pytest.mark.parametrize(
    "other",
    [
        Identity(id="sha256:" + "2" * 64, image=IDENTITY.image),
        Identity(id=IDENTITY.id, image=make_image(diff_ids=("sha256:" + "7" * 64,))),
        Identity(id=IDENTITY.id, image=make_image(architecture="arm64")),
        Identity(id=IDENTITY.id, image=IDENTITY.image, source="archive"),
    ],
    ids=["id", "layers", "platform", "source"],
)
def test_another_image_is_looked_at(opened: Opened, outside: Outside, other: Identity) -> None:
    see_image(opened, IDENTITY, PLAIN, outside)
    see_image(opened, other, PLAIN, outside)
    assert opened.times == 2


@pytest.mark.parametrize("field", [name for name in Question.__struct_fields__ if name != "with_syft"])
def test_every_part_of_the_question_counts(opened: Opened, outside: Outside, field: str) -> None:
    see_image(opened, IDENTITY, PLAIN, outside)
    changes: dict[str, Any] = {field: True if field == "integrity" else "/other"}
    see_image(opened, IDENTITY, replace(PLAIN, **changes), outside)
    assert opened.times == 2


@pytest.mark.parametrize("limits", [DEFAULT.scaled(2), Limits(libraries=7)])
def test_other_limits_may_show_something_else(opened: Opened, outside: Outside, limits: Limits) -> None:
    see_image(opened, IDENTITY, PLAIN, outside)
    see_image(opened, IDENTITY, PLAIN, replace(outside, limits=limits))
    assert opened.times == 2


def test_another_program_looks_for_itself(
    opened: Opened, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever edits a reader sees what the edited one says; the old entry is pruned."""
    see_image(opened, IDENTITY, PLAIN, outside)
    monkeypatch.setattr(tested, "own_fingerprint", lambda: "e" * 64)
    see_image(opened, IDENTITY, PLAIN, outside)
    assert opened.times == 2
    assert prune_cache(outside, everything=False).removed == 1
    assert describe_cache(outside).entries == 1


def test_an_image_that_nothing_identifies_is_not_kept(opened: Opened, outside: Outside) -> None:
    for identity in (Identity(id="", image=IDENTITY.image), Identity(id="x", image=make_image(diff_ids=()))):
        see_image(opened, identity, PLAIN, outside)
    assert describe_cache(outside).entries == 0


def test_what_the_image_itself_hides_is_kept_as_an_unknown(opened: Opened, outside: Outside) -> None:
    """A broken stanza will be as broken the next time."""
    (opened.root / "var/lib/dpkg/status").write_text("Version: 1\n\n" + STATUS)
    seen = see_image(opened, IDENTITY, PLAIN, outside)
    assert seen.sight.unknowns
    assert see_image(opened, IDENTITY, PLAIN, outside) == seen
    assert opened.times == 1


def test_a_read_that_failed_is_tried_again(
    opened: Opened, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are those of the real reader, whose first read fails (address 0 of a process)."""
    with monkeypatch.context() as broken:
        broken.setattr(disk, "open_beneath", lambda _root, _path: os.open("/proc/self/mem", os.O_RDONLY))
        seen = see_image(opened, IDENTITY, PLAIN, outside)
    assert "input/output error" in seen.sight.unknowns[0].reason
    assert see_image(opened, IDENTITY, PLAIN, outside).sight.unknowns == ()
    assert opened.times == 2


@pytest.mark.parametrize(
    "reason", [*(os.strerror(code) for code in (errno.EACCES, errno.ESTALE, errno.EMFILE))]
)
def test_every_refusal_of_the_system_may_pass(reason: str) -> None:
    unknown = Unknown(section="packages", where="/x", reason=f"cannot be opened: {reason.lower()}")
    assert not is_lasting(sight(unknowns=(unknown,)), with_syft=False)
    noted = replace(sight(), notes=(f"not shown to syft: /x: {reason}",))
    assert not is_lasting(noted, with_syft=False)


def test_a_missing_syft_is_looked_for_again(opened: Opened, outside: Outside) -> None:
    """And its Unknown is never kept."""
    outside = replace(outside, environ={**outside.environ, "REPROCHECK_SYFT": "/nonexistent/syft"})
    see_image(opened, IDENTITY, CHECKED, outside)
    see_image(opened, IDENTITY, CHECKED, outside)
    assert opened.times == 2
    assert describe_cache(outside).entries == 0


@pytest.fixture
def syft(tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Outside]:
    """Install a syft of a version: a file that looks like a program, and answers for it."""
    binary = tmp_path / "syft"

    def install(version: str, *, script: bool = False) -> Outside:
        binary.unlink(missing_ok=True)
        binary.write_bytes(b"#!/bin/sh\n" if script else f"\x7fELF {version}".encode())
        binary.chmod(0o755)

        def looked(view: ContainerView, outside: Outside, *, with_syft: bool, **rest: object) -> Sight:
            del rest
            plain = look(view, outside, with_syft=False)
            return replace(plain, tools=(Tool(name="syft", version=version),)) if with_syft else plain

        monkeypatch.setattr(tested, "look", looked)
        return replace(outside, environ={**outside.environ, "REPROCHECK_SYFT": str(binary)})

    return install


def test_the_version_of_syft_is_remembered_for_its_file(opened: Opened, syft: Callable[..., Outside]) -> None:
    see_image(opened, IDENTITY, CHECKED, syft("1.18.1"))
    second = see_image(opened, IDENTITY, CHECKED, syft("1.18.1"))
    assert second.sight.tools == (Tool(name="syft", version="1.18.1"),)
    # The file was replaced, so what it is must be asked again; then the entry of its version is found.
    assert opened.times == 2
    current = syft("1.19.0")
    see_image(opened, IDENTITY, CHECKED, current)
    see_image(opened, IDENTITY, CHECKED, current)
    assert opened.times == 3


@pytest.mark.parametrize(("version", "script"), [("1.18.1", True), ("[not provided]", False)])
def test_a_syft_that_cannot_be_told_by_its_file_is_asked_each_time(
    opened: Opened, syft: Callable[..., Outside], version: str, script: bool
) -> None:
    """A script may start another program tomorrow; a build without a version may be any."""
    current = syft(version, script=script)
    see_image(opened, IDENTITY, CHECKED, current)
    see_image(opened, IDENTITY, CHECKED, current)
    assert opened.times == 2


def test_with_and_without_syft_are_two_answers(opened: Opened, syft: Callable[..., Outside]) -> None:
    current = syft("1.18.1")
    assert see_image(opened, IDENTITY, CHECKED, current).sight.tools
    assert not see_image(opened, IDENTITY, PLAIN, current).sight.tools


def test_a_tampered_entry_is_read_again(opened: Opened, outside: Outside, tmp_path: Path) -> None:
    first = see_image(opened, IDENTITY, PLAIN, outside)
    (entry,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    entry.write_bytes(entry.read_bytes().replace(b"1.2.13", b"6.6.66"))
    assert see_image(opened, IDENTITY, PLAIN, outside) == first
    assert opened.times == 2


def test_what_is_kept_is_the_sight_and_nothing_else(
    opened: Opened, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No facts of this machine, no variables of the image or the user."""
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2-hunter2")
    question = replace(PLAIN, path_variable="/opt/odd-place/bin", library_path="/opt/odd-libraries")
    see_image(opened, IDENTITY, question, outside)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert b"zlib1g" in kept
    for word in (b"hunter2", b"odd-place", b"odd-libraries", os.uname().nodename.encode(), b"cpu"):
        assert word not in kept


def test_every_kind_of_sight_comes_back_equal() -> None:
    """Each field that a sight has today, filled."""
    manifest = make_manifest()
    filled = Sight(
        observed=Observed(
            os=manifest.os,
            packages=(make_deb("zlib1g"), make_pypi("numpy")),
            pythons=(make_python(),),
            libraries=manifest.libraries,
            wheels=manifest.wheels,
            remnants=manifest.remnants,
            frameworks=manifest.frameworks,
            loading=manifest.loading,
            hub=manifest.hub,
            integrity=manifest.integrity,
        ),
        tools=(Tool(name="syft", version="1"),),
        disagreements=(Disagreement(subject="a", ours="1", theirs="2", tool="syft 1"),),
        unknowns=(Unknown(section="packages", where="/x", reason="é\n"),),
        notes=("a note",),
    )
    seen = Seen(sight=filled, reader="export")
    raw = encode_plain(seen)
    assert raw is not None
    assert decode_plain(raw, Seen) == seen


def sight(*, unknowns: tuple[Unknown, ...] = NOTHING_UNKNOWN, version: str | None = None) -> Sight:
    tools = () if version is None else (Tool(name="syft", version=version),)
    return Sight(observed=Observed(), tools=tools, disagreements=(), unknowns=unknowns)


def test_only_a_whole_sight_lasts() -> None:
    unknown = Unknown(section="packages", where="/x", reason="is missing")
    assert is_lasting(sight(), with_syft=False)
    assert is_lasting(sight(version="1.18.1"), with_syft=True)
    assert not is_lasting(sight(unknowns=(unknown,)), with_syft=False)
    limit = Unknown(section="libraries", where="/x", reason="has 9 bytes, more than the limit of 8")
    assert is_lasting(sight(unknowns=(limit,)), with_syft=False)
    assert not is_lasting(sight(version=""), with_syft=True)
    assert not is_lasting(sight(), with_syft=True)
