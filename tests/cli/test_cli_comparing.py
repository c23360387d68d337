"""`diff` and `graph` on documents that are partial, odd, huge or no documents: one answer in every format."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprocheck.codec import encode_manifest, seal
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl
from reprocheck.model.unknown import Unknown
from tests.faults.harness import COMMAND, Done, World, acting
from tests.strategies import (
    make_cpu,
    make_deb,
    make_gpu,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_variable,
    sha,
)

FULL = make_manifest()
EMPTY = replace(
    FULL,
    image=None,
    os=None,
    packages=(),
    pythons=(),
    libraries=(),
    environment=(),
    host=None,
    run=None,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path / "world")


def write(world: World, name: str, manifest: Manifest) -> str:
    (world.cwd / name).write_bytes(encode_manifest(seal(manifest)))
    return name


def formats(verb: str) -> list[str]:
    """What `--help` of a verb lists behind --format, or behind -o as FORMAT=PATH."""
    done = subprocess.run([COMMAND, verb, "--help"], capture_output=True, text=True, check=True)
    match = re.search(r"--format\s+\[([a-z0-9|-]+)\]", re.sub(r"\n\s+", "", done.stdout))
    assert match, done.stdout
    return match[1].split("|")


DIFF_FORMATS, GRAPH_FORMATS = formats("diff"), formats("graph")


def every_format(world: World, *argv: str, code: int) -> dict[str, Done]:
    """Run a verb in all its formats: one exit code, nothing on stderr, something on stdout."""
    found: dict[str, Done] = {}
    for format_ in DIFF_FORMATS if argv[0] == "diff" else GRAPH_FORMATS:
        done = world.run(*argv, "--format", format_)
        assert (done.code, done.err) == (code, ""), (format_, done)
        assert done.out
        if format_ != "html":  # its scripts hold tabs
            assert not acting(done.out), format_
        found[format_] = done
    return found


def report_of(world: World, *argv: str, code: int) -> Any:
    done = world.run(*argv, "--format", "json")
    assert (done.code, done.err) == (code, ""), done
    return json.loads(done.out)


def test_there_are_several_formats() -> None:
    assert {"text", "json"} <= set(DIFF_FORMATS)
    assert {"text", "json", "dot", "mermaid"} <= set(GRAPH_FORMATS)


PARTIAL: dict[str, tuple[Manifest, int]] = {
    "no python": (replace(FULL, pythons=(), packages=(make_deb("libc6", "2.36-9+deb12u7"),)), 1),
    "no host": (replace(FULL, host=None), 4),
    "no image": (replace(FULL, image=None), 4),
    "no run": (replace(FULL, run=None), 4),
    "nothing but a schema": (EMPTY, 1),
    "a card that could not be asked": (
        replace(FULL, unknowns=(Unknown(section="host", where="GPU", reason="nvidia-smi failed"),)),
        4,
    ),
    "a card": (replace(FULL, host=make_host(gpus=(make_gpu(),))), 1),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_partial_manifest_is_compared_as_far_as_it_goes(world: World, name: str) -> None:
    """What one side lacks is said and forbids identical; from either side the answer is the same."""
    partial, code = PARTIAL[name]
    write(world, "full.json", FULL)
    write(world, "partial.json", partial)
    there = json.loads(every_format(world, "diff", "full.json", "partial.json", code=code)["json"].out)
    back = report_of(world, "diff", "partial.json", "full.json", code=code)
    assert there["verdict"] == back["verdict"] == {1: "differs", 4: "inconclusive"}[code]
    assert bool(there["findings"]) == (code == 1)
    if code == 4:
        assert there["unknowns"]
    alone = report_of(world, "diff", "partial.json", "partial.json", code=4 if partial.unknowns else 0)
    assert alone["findings"] == []
    assert report_of(world, "graph", "partial.json", code=0)["conflicts"] == []


def test_the_same_document_under_other_names_is_identical(world: World) -> None:
    write(world, "a.json", FULL)
    (world.cwd / "link.json").symlink_to("a.json")
    (world.cwd / "copy.json").write_bytes((world.cwd / "a.json").read_bytes())
    for other in ("a.json", "./a.json", "link.json", "copy.json"):
        assert report_of(world, "diff", "a.json", other, code=0)["findings"] == []
    done = every_format(world, "diff", "a.json", "a.json", code=0)
    assert done["text"].out.startswith("identical: nothing differs\n")


def test_another_architecture_is_said_once(world: World) -> None:
    """Not once for each package of the system."""

    def of(architecture: str) -> tuple[Any, ...]:
        return tuple(make_deb(f"lib{n}", architecture=architecture) for n in range(40))

    arm = make_cpu(architecture="aarch64", vendor="ARM", model="Neoverse-N1", level="", features=("sve",))
    write(world, "x86.json", replace(FULL, packages=of("amd64")))
    image = make_image(architecture="arm64", variant="v8")
    write(world, "arm.json", replace(FULL, packages=of("arm64"), image=image, host=make_host(cpu=arm)))
    findings = report_of(world, "diff", "x86.json", "arm.json", code=1)["findings"]
    assert findings[0]["name"] == "cpu.architecture"
    assert {finding["section"] for finding in findings} == {"host", "image"}
    assert sum(len(finding.get("folded", ())) for finding in findings) >= 40
    text = world.run("diff", "x86.json", "arm.json").out
    assert "--reinstall" not in text


def test_ten_thousand_variables_are_compared_and_more_need_a_flag(world: World) -> None:
    def record(name: str, count: int, step: int) -> None:
        variables = tuple(make_variable(f"V{n:05}", str(n + step)) for n in range(count))
        write(world, name, replace(FULL, environment=variables))

    record("a.json", 10_000, 0)
    record("b.json", 10_000, 1)
    done = world.run("diff", "a.json", "b.json")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("differs: 10000 differences")
    assert len(done.out.splitlines()) < 60
    same = world.run("diff", "a.json", "a.json")
    assert (same.code, same.err) == (0, "")
    record("large.json", 20_001, 0)
    for verb in (("diff", "large.json", "b.json"), ("graph", "large.json")):
        world.run(*verb).failed(2, "E_TOO_LARGE", "large.json", "20001 variables", "--limit-scale")
    assert world.run("graph", "large.json", "--limit-scale", "2").code == 0


def test_one_archive_from_two_directories_is_one_archive(world: World) -> None:
    """`pip install` of a file remembers where it lay; what it held is told by its digest."""
    for name in ("a", "b"):
        url = DirectUrl(url=f"file:///tmp/build-{name}/x-1.0-py3-none-any.whl", archive_sha256=sha("1"))
        write(world, f"{name}.json", replace(FULL, packages=(make_pypi("x", direct_url=url),)))
    assert report_of(world, "diff", "a.json", "b.json", code=0)["findings"] == []
    url = DirectUrl(url="file:///tmp/build-a/x-1.0-py3-none-any.whl", archive_sha256=sha("2"))
    write(world, "c.json", replace(FULL, packages=(make_pypi("x", direct_url=url),)))
    assert len(report_of(world, "diff", "a.json", "c.json", code=1)["findings"]) == 1


CYRILLIC_ER, CYRILLIC_A = "\u0440", "\u0410"


def test_names_that_only_look_the_same_are_flagged(world: World) -> None:
    """`numpy` and `num\u0440y`: both would be read as one name, and one of them is not what it seems."""
    names = ("numpy", f"num{CYRILLIC_ER}y")
    variables = ("DATA", f"DAT{CYRILLIC_A}")
    for file, package, variable in zip(("a.json", "b.json"), names, variables, strict=True):
        manifest = replace(FULL, packages=(make_pypi(package),), environment=(make_variable(variable),))
        write(world, file, manifest)
    done = every_format(world, "diff", "a.json", "b.json", code=1)
    findings = {finding["name"]: finding for finding in json.loads(done["json"].out)["findings"]}
    assert set(findings) == {*names, *variables}
    for mine, other in (names, variables):
        assert other in findings[mine].get("alike", ())
        assert mine in findings[other].get("alike", ())


def test_what_cannot_be_read_of_a_package_leaves_the_rest(world: World) -> None:
    """Malformed requirements and markers: each is an unknown of its package."""
    bad = ("((((", "b ; python_version <", "c>=", "((" * 5_000, 'e==1.0; extra == "x', "", "\x00", "é>=1")
    packages = (make_pypi("a", requires=bad), make_pypi("d", requires=("missing>=2",)))
    write(world, "bad.json", replace(FULL, packages=packages))
    report = json.loads(every_format(world, "graph", "bad.json", code=1)["json"].out)
    assert [conflict["package"] for conflict in report["conflicts"] if conflict["broken"]] == ["d"]
    assert {unknown["where"] for unknown in report["unknowns"]} == {"a 1.0"}
    write(world, "good.json", replace(FULL, packages=(packages[0],)))
    assert report_of(world, "graph", "good.json", code=4)["conflicts"] == []
    report = report_of(world, "diff", "bad.json", "good.json", code=1)
    assert [finding["name"] for finding in report["findings"]] == ["d"]


def test_packages_that_require_each_other_end_the_walk(world: World) -> None:
    ring = 300
    packages = [make_pypi(f"p{n}", requires=(f"p{(n + 1) % ring}", f"p{n}")) for n in range(ring)]
    write(world, "a.json", replace(FULL, packages=tuple(packages)))
    moved = [make_pypi(p.name, "2.0", requires=(f"p{(n + 1) % ring}==2.0",)) for n, p in enumerate(packages)]
    write(world, "b.json", replace(FULL, packages=tuple(moved)))
    every_format(world, "graph", "a.json", code=0)
    report = report_of(world, "diff", "a.json", "b.json", code=1)
    assert len(report["findings"]) + sum(len(f.get("folded", ())) for f in report["findings"]) == ring


def _edited(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def edit(raw: bytes) -> bytes:
        document = json.loads(raw)
        change(document)
        return json.dumps(document).encode()

    return edit


NO_DOCUMENT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda raw: b"", "E_JSON"),
    "truncated": (lambda raw: raw[: len(raw) // 3], "E_JSON"),
    "a newer major version": (_edited(lambda d: d.update(schema_version="2.0")), "E_SCHEMA_VERSION"),
    "a version of long ago": (_edited(lambda d: d.update(schema_version="0.9")), "E_SCHEMA_VERSION"),
    "a wrong digest": (_edited(lambda d: d["digests"].update(manifest=f"sha256:{'0' * 64}")), "E_DIGEST"),
    "edited packages": (_edited(lambda d: d["packages"][0].update(version="6.6.6")), "E_DIGEST"),
}


@pytest.mark.parametrize("name", NO_DOCUMENT)
def test_a_bad_side_is_refused_alike_in_every_format(world: World, name: str) -> None:
    """Exit 2 and one line that names the file, whichever side it is."""
    write(world, "good.json", FULL)
    change, code = NO_DOCUMENT[name]
    (world.cwd / "bad.json").write_bytes(change((world.cwd / "good.json").read_bytes()))
    calls: list[tuple[str, ...]] = [
        ("diff", "good.json", "bad.json", "--format", format_) for format_ in DIFF_FORMATS
    ]
    calls += [("diff", "bad.json", "good.json"), ("diff", "bad.json", "bad.json"), ("graph", "bad.json")]
    for argv in calls:
        done = world.run(*argv)
        done.failed(2, code, "bad.json")
        assert done.out == ""
    world.check("bad.json", "good.json")


def test_a_file_beyond_the_limit_is_not_read_to_its_end(world: World) -> None:
    """Sparse, and larger than any memory that a test may take."""
    write(world, "good.json", FULL)
    with (world.cwd / "huge.json").open("wb") as stream:
        stream.truncate(100 * 2**30)
    for sides in (("good.json", "huge.json"), ("huge.json", "good.json")):
        world.run("diff", *sides).failed(2, "E_TOO_LARGE", "huge.json", "--limit-scale")
    world.run("graph", "huge.json").failed(2, "E_TOO_LARGE", "huge.json")


def test_an_empty_directory_is_no_side(world: World) -> None:
    write(world, "good.json", FULL)
    (world.cwd / "folder").mkdir()
    for argv in (("diff", "folder", "good.json"), ("diff", "good.json", "folder"), ("graph", "folder")):
        done = world.run(*argv)
        assert done.code == 2
        done.failed(2, done.err.removeprefix("error[").partition("]")[0], "folder")


def test_standard_input_is_one_side_and_never_both(world: World) -> None:
    raw = encode_manifest(seal(FULL))
    write(world, "good.json", FULL)
    for sides in (("-", "good.json"), ("good.json", "-")):
        done = world.run("diff", *sides, stdin=raw)
        assert (done.code, done.err) == (0, "")
    both = world.run("diff", "-", "-", stdin=raw)
    assert both.code == 2
    assert "standard input" in both.err
    assert "is empty" not in both.err


COLOUR: dict[str, tuple[tuple[str, ...], dict[str, str], bool]] = {
    "piped": ((), {}, False),
    "NO_COLOR": ((), {"NO_COLOR": "1"}, False),
    "FORCE_COLOR": ((), {"FORCE_COLOR": "1"}, True),
    "both variables": ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    "an empty NO_COLOR does not count": ((), {"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    "--color always": (("--color", "always"), {"NO_COLOR": "1"}, True),
    "--color never": (("--color", "never"), {"FORCE_COLOR": "1"}, False),
}


@pytest.mark.parametrize("name", COLOUR)
def test_colour_only_where_it_is_wanted(world: World, name: str) -> None:
    words, environ, coloured = COLOUR[name]
    write(world, "a.json", FULL)
    write(world, "b.json", replace(FULL, environment=()))
    done = world.run("diff", "a.json", "b.json", *words, environ={"NO_COLOR": None, **environ})
    assert (done.code, done.err) == (1, "")
    assert ("\x1b[" in done.out) == coloured
    if coloured:
        plain = world.run("diff", "a.json", "b.json", "--color", "never").out
        assert re.sub(r"\x1b\[[0-9;]*m", "", done.out) == plain


def test_documents_are_never_coloured(world: World) -> None:
    write(world, "a.json", FULL)
    for verb, formats_ in (
        (("diff", "a.json", "a.json"), DIFF_FORMATS),
        (("graph", "a.json"), GRAPH_FORMATS),
    ):
        for format_ in set(formats_) - {"text"}:
            done = world.run(*verb, "--format", format_, "--color", "always")
            assert (done.code, done.err) == (0, "")
            assert "\x1b" not in done.out


def test_a_file_that_is_written_from_a_terminal_is_plain(world: World) -> None:
    write(world, "a.json", FULL)
    write(world, "b.json", replace(FULL, environment=()))
    master, slave = os.openpty()
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    environ = {"TERM": "xterm", "NO_COLOR": None}
    child = world.start("diff", "a.json", "b.json", "-o", "out.txt", environ=environ, streams=streams)
    assert child.wait(60) == 1
    os.close(slave)
    os.close(master)
    assert (world.cwd / "out.txt").read_bytes().startswith(b"differs: ")
