"""On what `pip check` also checks, our answer equals its answer: broken environments, made for real."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.utils import canonicalize_name

from reprocheck.api.outside import Outside
from reprocheck.api.snapshot import SnapshotOptions, snapshot
from reprocheck.graph import analyse
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import GraphReport

SERIES = f"{sys.version_info[0]}{sys.version_info[1]}"
MACHINE = platform.machine()
OUTSIDE = Outside(environ={}, home="/nonexistent", directory="/")
OTHER_MACHINE = "aarch64" if MACHINE == "x86_64" else "x86_64"


class Dist(NamedTuple):
    """One installed distribution: what its METADATA and WHEEL files say."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("py3-none-any",)
    requires_python: str = ""


def _one(requirement: str, *installed: Dist) -> tuple[Dist, ...]:
    return (Dist("aa", "1.0", (requirement,)), *installed)


BROKEN: dict[str, tuple[Dist, ...]] = {
    "unsatisfied": _one("bb>=2", Dist("bb", "1.4")),
    "missing": _one("bb>=2"),
    "missing without a version": _one("bb"),
    "missing with an extra": _one("bb[x]>=1"),
    "one of several": (Dist("aa", "1.0", ("bb>=1", "cc<1", "dd")), Dist("bb", "1.4"), Dist("cc", "1.0")),
    "two parents": (Dist("aa", "1.0", ("cc>=2",)), Dist("bb", "1.0", ("cc<2",)), Dist("cc", "1.5")),
    "exact pins": (
        Dist("aa", "1.0", ("cc==1.0",)),
        Dist("bb", "1", ("cc==2.0", "cc!=1.0")),
        Dist("cc", "1.0"),
    ),
    "cycle": (Dist("aa", "1.0", ("bb",)), Dist("bb", "1.0", ("aa>=2",))),
    "itself": _one("aa>=2"),
    "pre-release below": _one("bb>=2", Dist("bb", "2.0rc1")),
    "pre-release excluded by <": _one("bb<2.0", Dist("bb", "2.0a1")),
    "development release": _one("bb>=1.1", Dist("bb", "1.1.dev3")),
    "post-release above": _one("bb<=1.0", Dist("bb", "1.0.post1")),
    "post-release not above": _one("bb>1.0", Dist("bb", "1.0.post1")),
    "post-release pinned": _one("bb==1.0.post1", Dist("bb", "1.0")),
    "local version pinned": _one("bb==2.1.0+cu126", Dist("bb", "2.1.0+cu118")),
    "local version wanted": _one("bb==2.1.0+cu118", Dist("bb", "2.1.0")),
    "local version not above": _one("bb>2.1.0", Dist("bb", "2.1.0+cu118")),
    "local version excluded": _one("bb!=2.1.0", Dist("bb", "2.1.0+cu118")),
    "epoch of the installed": _one("bb<2", Dist("bb", "1!0.5")),
    "epoch of the requirement": _one("bb>=1!0", Dist("bb", "99.0")),
    "wildcard": _one("bb==1.*", Dist("bb", "2.0")),
    "wildcard with zeros": _one("bb==1.0.*", Dist("bb", "1.1")),
    "wildcard excluded": _one("bb!=3.*", Dist("bb", "3.1")),
    "compatible release": _one("bb~=1.4.2", Dist("bb", "1.5")),
    "compatible release of two numbers": _one("bb~=1.4", Dist("bb", "2.0")),
    "compatible post-release": _one("bb~=1.4.post2", Dist("bb", "1.4")),
    "arbitrary equality": _one("bb===1.0", Dist("bb", "1.0.0")),
    "several bounds": _one("bb>=1,!=1.5,<2", Dist("bb", "1.5.0")),
    "bounds in brackets": _one("bb (>=2,<3)", Dist("bb", "3.0")),
    "contradiction": _one("bb>=2,<1", Dist("bb", "1.5")),
    "names": (Dist("A.a_a", "1.0", ("B_b.B>=2",)), Dist("b-b-b", "1.0")),
    "marker of the platform": _one("bb; sys_platform == 'linux'"),
    "marker of the machine": _one(f"bb; platform_machine == '{MACHINE}'"),
    "marker of the implementation": _one("bb; platform_python_implementation == 'CPython'"),
    "marker of the interpreter's name": _one("bb; implementation_name == 'cpython'"),
    "marker of the version": _one("bb>=2; python_version >= '3.8'", Dist("bb", "1.0")),
    "marker of the full version": _one(f"bb; python_full_version == '{platform.python_version()}'"),
    "marker with in": _one("bb; sys_platform in 'linux darwin'"),
    "marker turned round": _one("bb; '3.8' <= python_version"),
    "marker with brackets": _one("bb; (os_name == 'nt' or os_name == 'posix') and python_version > '3'"),
    "marker without extra": _one("bb; extra != 'x'"),
    "marker of an extra or a fact": _one("bb; extra == 'x' or os_name == 'posix'"),
    "wheel of another machine": (Dist("aa", "1.0", (), (f"cp{SERIES}-cp{SERIES}-linux_{OTHER_MACHINE}",)),),
    "wheel of another system": (Dist("aa", "1.0", (), ("py3-none-win_amd64",)),),
    "wheel of another series": (Dist("aa", "1.0", (), (f"cp36-cp36m-manylinux2014_{MACHINE}",)),),
    "wheel of a newer stable ABI": (Dist("aa", "1.0", (), (f"cp399-abi3-manylinux2014_{MACHINE}",)),),
    "wheel of a newer C library": (Dist("aa", "1.0", (), (f"py3-none-manylinux_2_99_{MACHINE}",)),),
    "wheel of another C library": (Dist("aa", "1.0", (), (f"py3-none-musllinux_1_1_{MACHINE}",)),),
    "wheel of Python 2": (Dist("aa", "1.0", (), ("py2-none-any",)),),
    "wheel for any place with an ABI": (Dist("aa", "1.0", (), (f"cp{SERIES}-abi3-any",)),),
}

SOUND: dict[str, tuple[Dist, ...]] = {
    "fits": _one("bb>=1", Dist("bb", "1.4")),
    "pre-release": _one("bb>=1.0", Dist("bb", "1.1.dev3")),
    "local version": _one("bb==2.1.0", Dist("bb", "2.1.0+cu118")),
    "zeros": _one("bb==1.4", Dist("bb", "1.4.0")),
    "wildcard": _one("bb==1.4.*", Dist("bb", "1.4.post3")),
    "marker that is false": _one("bb; sys_platform == 'win32' or python_version < '3'"),
    "extra that nobody asks for": _one("bb; extra == 'test'"),
    "URL": _one("bb @ https://example.org/bb.whl", Dist("bb", "0.1")),
    "Requires-Python": (Dist("aa", "1.0", requires_python=">=2.7"),),
    "wheels": (
        Dist("aa", "1.0", (), (f"cp{SERIES}-cp{SERIES}-manylinux2014_{MACHINE}",)),
        Dist("bb", "1.0", (), (f"cp32-abi3-linux_{MACHINE}", "py2-none-win32")),
        Dist("cc", "1.0", (), (f"py3-none-manylinux_2_5_{MACHINE}.manylinux_2_17_{MACHINE}",)),
        Dist("dd", "1.0", (), (f"cp{SERIES}-none-any",)),
    ),
}

Row = tuple[str, str, str]
"""Package, what it wants (a requirement, a name, or 'platform'), what is there."""

_ANSWER = re.compile(
    r"^(?P<name>\S+) \S+ (?:requires (?P<missing>\S+), which is not installed\."
    r"|has requirement (?P<wanted>[^;@]*?)(?:[;@] .*)?, but you have \S+ (?P<have>\S+)\."
    r"|(?P<platform>is not supported on this platform))$",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment without anything in it; the pip that tests run with looks into it."""
    path = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(path)], check=True, capture_output=True
    )
    return path


def install(venv: Path, dists: tuple[Dist, ...]) -> Iterator[Path]:
    """Write what an installer would write."""
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    for dist in dists:
        folder = site / f"{dist.name.replace('-', '_')}-{dist.version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {dist.name}", f"Version: {dist.version}"]
        lines += [f"Requires-Dist: {line}" for line in dist.requires]
        lines += [f"Requires-Python: {dist.requires_python}"] if dist.requires_python else []
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
        tags = [f"Tag: {tag}" for tag in dist.tags]
        (folder / "WHEEL").write_text("\n".join(["Wheel-Version: 1.0", *tags]) + "\n")
        (folder / "RECORD").write_text("")
        yield folder


def remove(folders: list[Path]) -> None:
    """Leave the environment empty again."""
    for folder in folders:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def ask_pip(venv: Path) -> tuple[set[Row], subprocess.CompletedProcess[str]]:
    """Run `pip check` on the environment and read its lines."""
    python = str(venv / "bin" / "python")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--isolated",
            "--disable-pip-version-check",
            "--python",
            python,
            "check",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    rows: set[Row] = set()
    for m in _ANSWER.finditer(done.stdout):
        name = canonicalize_name(m["name"])
        wanted = "platform" if m["platform"] else m["missing"] or m["wanted"].replace(" ", "")
        rows.add((name, wanted.lower(), m["have"] or ""))
    return rows, done


def ask_us(venv: Path) -> tuple[set[Row], GraphReport]:
    """Snapshot the environment and read the broken requirements that pip looks at as well."""
    options = SnapshotOptions(with_syft=False)
    report = analyse(snapshot(f"env:{venv}", options, OUTSIDE), limits=DEFAULT)
    rows: set[Row] = set()
    for c in report.conflicts:
        if c.broken and not c.extra and c.kind != "requires-python":
            missing = canonicalize_name(re.split(r"[\[<>=!~ ]", c.requirement)[0])
            wanted = {"missing": missing, "wheel-tag": "platform"}.get(c.kind, c.requirement.lower())
            have = "" if c.kind == "wheel-tag" else c.found
            rows.add((canonicalize_name(c.package), wanted, have))
    return rows, report


@pytest.mark.parametrize("kind", [*sorted(BROKEN), *sorted(SOUND)])
def test_our_answer_equals_pip_check(kind: str, venv: Path) -> None:
    """Same packages, same requirements, same versions found; no more and no fewer."""
    folders = list(install(venv, BROKEN.get(kind) or SOUND[kind]))
    try:
        theirs, done = ask_pip(venv)
        ours, report = ask_us(venv)
    finally:
        remove(folders)
    assert bool(theirs) == (kind in BROKEN) == (done.returncode == 1), done.stdout + done.stderr
    assert ours == theirs
    assert report.unknowns == ()


def test_a_malformed_requirement_is_no_clean_answer_for_either(venv: Path) -> None:
    """pip leaves the whole distribution out and fails; we leave out the line and say so."""
    dists = (Dist("aa", "1.0", ("bb>=2", "cc >>> 1")), Dist("bb", "1.0"), Dist("dd", "1.0", ("bb>=3",)))
    folders = list(install(venv, dists))
    try:
        theirs, done = ask_pip(venv)
        ours, report = ask_us(venv)
    finally:
        remove(folders)
    assert done.returncode == 1
    assert "aa" in done.stderr
    assert ours - theirs == {("aa", "bb>=2", "1.0")}
    assert theirs <= ours
    assert [u.where for u in report.unknowns] == ["aa 1.0"]


def test_what_pip_does_not_look_at(venv: Path) -> None:
    """Extras that somebody asks for, and Requires-Python."""
    dists = (
        Dist("aa", "1.0", ("bb[x]",), requires_python=">=99"),
        Dist("bb", "1.0", ("cc; extra == 'x'", "dd; extra == 'y'")),
    )
    folders = list(install(venv, dists))
    try:
        theirs, done = ask_pip(venv)
        ours, report = ask_us(venv)
    finally:
        remove(folders)
    assert (theirs, ours, done.returncode) == (set(), set(), 0)
    assert [(c.kind, c.package, c.extra) for c in report.conflicts if c.broken] == [
        ("missing", "bb", "x"),
        ("requires-python", "aa", ""),
    ]


def test_enough_of_the_environments_are_broken() -> None:
    """At least thirty, by the order; that each one is, pip itself says above."""
    assert len(BROKEN) >= 30
