"""On what `pip check` also checks, our answer equals its answer."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from reprocheck.graph import analyse
from reprocheck.limits import DEFAULT
from tests.strategies import make_image, make_manifest, make_pypi, make_python

Dist = tuple[str, str, tuple[str, ...]]

ENVIRONMENTS: dict[str, tuple[Dist, ...]] = {
    "fits": (("aa", "1.0", ("bb>=1",)), ("bb", "1.4", ())),
    "unsatisfied": (("aa", "1.0", ("bb>=2",)), ("bb", "1.4", ())),
    "missing": (("aa", "1.0", ("bb>=2", "cc")),),
    "missing by marker": (
        ("aa", "1.0", ("bb; sys_platform == 'linux'", "cc; sys_platform == 'win32'", "dd; extra == 'test'")),
    ),
    "pre-release": (("aa", "1.0", ("bb>=1.0", "cc>=2")), ("bb", "1.1.dev3", ()), ("cc", "2.0rc1", ())),
    "local and epoch": (("aa", "1.0", ("bb>=2.1", "cc<2")), ("bb", "2.1.0+cu118", ()), ("cc", "1!0.5", ())),
    "names": (("A.a_a", "1.0", ("B_b.B>=2",)), ("b-b-b", "1.0", ())),
    "two parents, disjoint": (("aa", "1.0", ("cc>=2",)), ("bb", "1.0", ("cc<2",)), ("cc", "1.5", ())),
    "exact pins": (("aa", "1.0", ("cc==1.0",)), ("bb", "1.0", ("cc==2.0", "cc!=1.5")), ("cc", "1.0", ())),
    "cycle": (("aa", "1.0", ("bb",)), ("bb", "1.0", ("aa>=2",))),
    "python version": (
        (
            "aa",
            "1.0",
            ("bb; python_version >= '3.8'", "cc; python_version < '3.8'", "dd; os_name == 'posix'"),
        ),
    ),
    "wildcard": (
        ("aa", "1.0", ("bb==1.*", "cc~=1.4.2", "dd!=3.*")),
        ("bb", "2.0", ()),
        ("cc", "1.5", ()),
        ("dd", "3.1", ()),
    ),
}

_ANSWER = re.compile(
    r"^(?P<name>\S+) \S+ (?:requires (?P<missing>\S+), which is not installed"
    r"|has requirement (?P<wanted>[^;]*?)(?:; .*)?, but you have \S+ (?P<have>\S+))\.$",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with its own pip."""
    path = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(path)], check=True, capture_output=True)
    return path


def ask_pip(venv: Path, dists: tuple[Dist, ...]) -> set[tuple[str, str, str]]:
    """Write metadata directories, run `pip check`, take (package, what it wants, what it has), clean up."""
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    written = []
    for name, version, requires in dists:
        folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text(
            "\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires)]) + "\n"
        )
        written.append(folder)
    result = subprocess.run(
        [str(venv / "bin" / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    for folder in written:
        (folder / "METADATA").unlink()
        folder.rmdir()
    answers: set[tuple[str, str, str]] = {
        (
            canonicalize_name(m["name"]),
            (m["missing"] or m["wanted"].replace(" ", "")).lower(),
            m["have"] or "",
        )
        for m in _ANSWER.finditer(result.stdout)
    }
    assert bool(answers) == (result.returncode == 1), result.stdout + result.stderr
    return answers


@pytest.mark.parametrize("kind", sorted(ENVIRONMENTS))
def test_our_answer_equals_pip_check(kind: str, venv: Path) -> None:
    """Same packages, same requirements, same versions found; no more and no fewer."""
    dists = ENVIRONMENTS[kind]
    python = make_python(
        version=platform.python_version(), implementation=platform.python_implementation().lower()
    )
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    manifest = make_manifest(
        packages=tuple(make_pypi(name, version, requires=requires) for name, version, requires in dists),
        pythons=(python,),
        image=make_image(architecture=machine),
        libraries=(),
    )
    report = analyse(manifest, limits=DEFAULT)
    ours = {
        (
            canonicalize_name(c.package),
            (c.requirement if c.kind == "unsatisfied" else re.split(r"[<>=!~ ]", c.requirement)[0]).lower(),
            c.found,
        )
        for c in report.conflicts
        if c.broken
    }
    assert ours == ask_pip(venv, dists)
    assert report.unknowns == ()


def test_the_environments_are_not_all_alike(venv: Path) -> None:
    """At least six of them are really broken, by pip's own judgement."""
    assert sum(bool(ask_pip(venv, dists)) for dists in ENVIRONMENTS.values()) >= 6
