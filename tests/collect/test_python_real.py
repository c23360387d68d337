"""Real trees: what an interpreter says of itself, and what we tell from its files alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from reprocheck.api.sight import interest
from reprocheck.collect import Observed, observe
from reprocheck.engine.directory import open_directory
from reprocheck.limits import DEFAULT
from reprocheck.model.package import PythonEnvironment
from tests.collect.fakeview import metadata

_QUESTION = """
import importlib.metadata, json, os, sys, sysconfig
found = importlib.metadata.distributions()
loaded = (sys.modules.get(name) for name in ("sitecustomize", "usercustomize"))
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "soabi": sysconfig.get_config_var("SOABI"),
    "path": [os.path.realpath(place) for place in sys.path if place],
    "distributions": [(d.metadata["Name"], d.version, os.path.realpath(str(d._path))) for d in found],
    "customizations": [module.__file__ for module in loaded if module],
}))
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an interpreter says when it is asked."""

    version: str
    soabi: str
    path: list[str]
    distributions: list[tuple[str, str, str]]
    customizations: list[str]


def ask(executable: Path) -> Answer:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(executable), "-c", _QUESTION]
    raw = subprocess.run(command, check=True, capture_output=True, cwd="/", env=environ).stdout
    fields = json.loads(raw)
    fields["distributions"] = [tuple(row) for row in fields["distributions"]]
    return Answer(**fields)


def see(*places: Path | str) -> Observed:
    view = open_directory(
        "/", only=tuple(map(str, places)), interest=interest(digests=False, limits=DEFAULT), limits=DEFAULT
    )
    return observe(view, DEFAULT)


def at(observed: Observed, prefix: Path | str) -> PythonEnvironment:
    (found,) = (item for item in observed.pythons if item.prefix == str(prefix))
    return found


BASE = Path(sys.base_prefix).resolve()
NEIGHBOURS = sorted(
    path.parent.parent.resolve()
    for path in BASE.parent.glob("*/bin/python3")
    if path.parent.parent.name[:4] not in ("3.6.", "3.7.")
    and not (path.parent.parent / "pyvenv.cfg").exists()
)
"""The prefix of the interpreter that runs the tests, and the versions that pyenv keeps beside it."""


def of_sites(answer: Answer) -> list[str]:
    """Drop the standard library, which holds no distributions."""
    first = next(index for index, place in enumerate(answer.path) if place.endswith("-packages"))
    return answer.path[first:]


@pytest.mark.parametrize("prefix", sorted({BASE, *NEIGHBOURS}), ids=lambda prefix: prefix.name)
def test_an_interpreter_is_what_it_says_it_is(prefix: Path) -> None:
    answer = ask(prefix / "bin" / "python3")
    library = prefix / "lib"
    observed = see(
        *sorted((prefix / "bin").glob("python*")),
        *sorted((prefix / "include").glob("python*/patchlevel.h")),
        *([library] if prefix != Path("/usr") else sorted(library.glob("python3*"))),
        *of_sites(answer),
    )
    found = at(observed, prefix)
    assert (found.version.split("."), found.implementation) == (
        answer.version.split(".")[: len(found.version.split("."))],
        "cpython",
    )
    _, digits, platform = answer.soabi.split("-", 2)
    assert (found.abi, found.platform) == (f"cp{digits}", platform)
    assert list(found.search_path) == list(dict.fromkeys(of_sites(answer)))
    ours = {
        (item.name, item.version)
        for item in observed.packages
        if item.python is not None and item.python.environment == found.executable
    }
    assert ours == {(name, version) for name, version, _ in answer.distributions}


def make_distribution(site: Path, name: str, version: str) -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(metadata(name, version))


def make_sources(place: Path, name: str, version: str) -> None:
    info = place / f"{name}.egg-info"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text(metadata(name, version))


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A venv with one of everything, made as the tools of their time made it."""
    root = tmp_path.resolve() / "v"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    series = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = root / "lib" / series / "site-packages"
    make_distribution(site, "plain", "1.0")
    make_distribution(site, "twice", "2.0")
    make_sources(tmp_path.resolve() / "src" / "twice", "twice", "1.0")
    make_sources(tmp_path.resolve() / "src" / "linked", "linked", "3.0")
    (site / "linked.egg-link").write_text(f"{tmp_path.resolve()}/src/linked\n.")
    (site / "folder-4.0-py3.egg" / "EGG-INFO").mkdir(parents=True)
    (site / "folder-4.0-py3.egg" / "EGG-INFO" / "PKG-INFO").write_text(metadata("folder", "4.0"))
    with zipfile.ZipFile(site / "zipped-5.0-py3.egg", "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", metadata("zipped", "5.0"))
    (site / "easy-install.pth").write_text(
        f"./zipped-5.0-py3.egg\n./folder-4.0-py3.egg\n{tmp_path.resolve()}/src/linked\n"
    )
    (site / "a.pth").write_text(f"# nothing\n{tmp_path.resolve()}/src/twice\n/not/there\nimport sys\n")
    (tmp_path / "src" / "linked" / "b.pth").write_text("/tmp\n")
    (site / "sitecustomize.py").write_text("")
    return root


def test_a_venv_with_one_of_everything(venv: Path) -> None:
    """Search path, distributions and their order are those of `importlib.metadata` in that venv."""
    answer = ask(venv / "bin" / "python3")
    observed = see(
        venv,
        venv.parent / "src",
        *sorted((BASE / "bin").glob("python*")),
        *sorted((BASE / "include").glob("python*/patchlevel.h")),
    )
    found = at(observed, venv)
    assert list(found.search_path) == of_sites(answer)
    theirs: dict[str, str] = {}
    for name, version, _ in answer.distributions:
        theirs.setdefault(name, version)
    rows = [
        (item, item.python)
        for item in observed.packages
        if item.python is not None and item.python.environment == found.executable
    ]
    assert {item.name: item.version for item, python in rows if python.effective} == theirs
    assert {
        (item.name, item.version, f"{python.location}/{python.metadata}") for item, python in rows
    } == set(answer.distributions)
    assert [item.name for item, python in rows if python.direct_url is not None] == ["linked"]
    assert list(found.customizations) == answer.customizations
    assert observed.remnants == ()


def test_a_venv_that_sees_the_system_sees_what_it_says(venv: Path) -> None:
    config = venv / "pyvenv.cfg"
    config.write_text(config.read_text().replace("packages = false", "packages = true"))
    answer = ask(venv / "bin" / "python3")
    observed = see(
        venv,
        venv.parent / "src",
        "/etc/debian_version",
        *sorted((BASE / "bin").glob("python*")),
        *of_sites(answer),
        Path.home() / ".local" / "lib",
    )
    found = at(observed, venv)
    assert [place for place in found.search_path if place in answer.path] == of_sites(answer)
