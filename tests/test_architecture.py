"""Borders, bans and sizes: that the package keeps them, and that the checker sees a planted violation."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap

import pytest

from reprocheck.cli.main import VERBS
from tests.architecture import (
    ALLOWED,
    LIBRARIES,
    MODULE_LINES,
    ROOMS,
    ROOT,
    faults,
    imports,
    modules,
    observer_parts,
    unused_allowances,
)

MODULES = tuple(modules())


@pytest.mark.parametrize(("module", "is_package", "source"), MODULES, ids=[name for name, _, _ in MODULES])
def test_the_module_keeps_the_rules_of_the_house(module: str, is_package: bool, source: str) -> None:
    """Each module on its own, so that a failure names it."""
    broken = faults(module, source, is_package=is_package)
    assert not broken, "\n" + "\n".join(map(str, broken))


def test_the_parts_of_the_observer_keep_to_the_size_of_a_module() -> None:
    """Each script is one file in a target, and several here."""
    assert [name for name, lines in observer_parts() if lines > MODULE_LINES] == []
    assert len(list(observer_parts())) > 2


def test_every_allowance_is_still_needed() -> None:
    """One that nothing uses is a hole for the next mistake."""
    assert not unused_allowances()
    assert all(reason for reason in ALLOWED.values())


def test_the_rooms_are_the_folders() -> None:
    """A new folder needs a line in the table (bisect is planned, versions and strictjson are modules)."""
    rooms = {path.name for path in (ROOT / "reprocheck").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(ROOMS)


def test_every_library_is_declared() -> None:
    """A library that a room may import is one that setup.cfg installs, or comes with docker."""
    text = (
        (ROOT / "setup.cfg")
        .read_text(encoding="utf-8")
        .replace("packageurl-python", "packageurl")
        .replace("nvidia-ml-py", "pynvml")
        .replace("PyYAML", "yaml")
    )
    brought_by_docker = {"requests", "urllib3"}
    assert [name for name in LIBRARIES if name not in text and name not in brought_by_docker] == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("reprocheck.model.x", "from reprocheck.engine import tar", "border"),
        ("reprocheck.model.x", "import reprocheck.codec", "border"),
        ("reprocheck.render.x", "from reprocheck import engine", "border"),
        ("reprocheck.compare.x", "def f():\n from ..engine.tar import read", "border"),
        ("reprocheck.cli.x", "from reprocheck.engine.process import run_tool", "border"),
        ("reprocheck.cli.x", "from reprocheck.checks import check", "border"),
        ("reprocheck.engine.x", "from reprocheck.artifacts.formats import describe", "border"),
        ("reprocheck.api.x", "from reprocheck.cli import main", "border"),
        ("reprocheck.attic.x", "", "border"),
        ("reprocheck.errors", "from reprocheck.model.base import Value", "border"),
        ("reprocheck.api.x", "import docker", "library"),
        ("reprocheck.render.x", "from networkx import DiGraph", "library"),
        ("reprocheck.checks.x", "import msgspec", "library"),
        ("reprocheck.engine.x", "import paramiko", "library"),
        ("reprocheck.engine.x", "import numpy as np\nnp.load(f)", "library"),
        ("reprocheck.engine.x", "run(argv, shell=True)", "shell"),
        ("reprocheck.engine.x", "run(argv, shell=flag)", "shell"),
        ("reprocheck.engine.x", "from os import system\nsystem('x')", "shell"),
        ("reprocheck.engine.x", "import os as o\nf = o.system", "shell"),
        ("reprocheck.engine.x", "import subprocess", "subprocess"),
        ("reprocheck.collect.x", "import pickle", "unpickling"),
        ("reprocheck.collect.x", "import pickletools", "pickletools"),
        ("reprocheck.artifacts.x", "from pickle import loads", "unpickling"),
        ("reprocheck.artifacts.x", "import torch\ntorch.load(f)", "unpickling"),
        ("reprocheck.engine.x", "import tarfile", "unpacking"),
        ("reprocheck.engine.x", "archive.extractall(path)", "unpacking"),
        ("reprocheck.engine.x", "import shutil\nshutil.unpack_archive(f)", "unpacking"),
        ("reprocheck.collect.x", "import yaml", "yaml"),
        ("reprocheck.engine.x", "import docker\ndocker.from_env()", "docker.from_env"),
        ("reprocheck.engine.x", "client.put_archive(a, b)", "put_archive"),
        ("reprocheck.api.x", "eval('1')", "eval"),
        ("reprocheck.api.x", "exec('1')", "eval"),
        ("reprocheck.api.x", "open(path, 'w')", "writing"),
        ("reprocheck.api.x", "open(path, mode='ab')", "writing"),
        ("reprocheck.api.x", "path.open('x')", "writing"),
        ("reprocheck.api.x", "path.open(mode='r+b')", "writing"),
        ("reprocheck.api.x", "path.write_text('x')", "writing"),
        ("reprocheck.api.x", "import tempfile", "writing"),
        ("reprocheck.engine.x", "import os\nos.open(p, os.O_WRONLY)", "writing"),
        ("reprocheck.engine.x", "from shutil import rmtree", "removing"),
        ("reprocheck.api.x", "print('x')", "print"),
        ("reprocheck.engine.x", "import json\njson.loads(raw)", "json.loads"),
        ("reprocheck.engine.x", "from json import loads", "json.loads"),
        ("reprocheck.api.x", "import importlib\nimportlib.import_module(x)", "dynamic import"),
        ("reprocheck.collect.x", "import os", "pure core"),
        ("reprocheck.checks.x", "open('f')", "pure core"),
        ("reprocheck.compare.x", "from pathlib import Path", "pure core"),
        ("reprocheck.compare.x", "import time", "pure core"),
        ("reprocheck.api.x", "x = 1\n" * 351, "size"),
        ("reprocheck.api.x", "def f():\n" + " x = 1\n" * 70, "size"),
    ],
)
def test_a_planted_violation_is_seen(module: str, source: str, rule: str) -> None:
    """The checker can fail, and says which rule was broken."""
    assert rule in {fault.rule for fault in faults(module, source)}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("reprocheck.engine.x", "from reprocheck.artifacts.tree import digest\nimport docker"),
        ("reprocheck.cli.x", "from reprocheck.engine.writing import write_atomic\nimport click"),
        ("reprocheck.model.x", "import msgspec\nfrom reprocheck import __version__, errors, strictjson"),
        ("reprocheck.artifacts.x", "import pickletools\nfrom . import raw"),
        ("reprocheck.engine.writing", "import os\nopen(p, 'wb')\nos.replace(a, b)"),
        ("reprocheck.api.x", "open(p)\nopen(p, 'rb')\npath.open('r')\nimage.open('latest')\nre.compile('x')"),
        ("reprocheck.checks.x", "'os.system(1)'  # pickle.loads\nfrom pathlib import PurePosixPath"),
        ("reprocheck.collect.x", "def eval_marker(print):\n return text.replace('a', 'b')"),
        ("reprocheck.api.x", "def f():\n" + " x = 1\n" * 69 + "x = 1\n" * 280),
        ("reprocheck.engine.x", "run(argv, shell=False)"),
    ],
)
def test_what_is_allowed_raises_no_alarm(module: str, source: str) -> None:
    """Text, comments, names that only look alike, and the allowances."""
    assert faults(module, source) == []


def test_relative_imports_are_resolved_as_python_does() -> None:
    """From a package one dot is the package itself, from a module the package around it."""
    tree = ast.parse("from . import a\nfrom .b import c\nfrom ..d import e")
    inside = [name for _, _, name in imports("reprocheck.engine.tar", tree, is_package=False)]
    assert inside == ["reprocheck.engine.a", "reprocheck.engine.b.c", "reprocheck.d.e"]
    package = [name for _, _, name in imports("reprocheck.engine", tree, is_package=True)]
    assert package == inside


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_imports_none_of_the_slow_libraries(verb: str) -> None:
    """`reprocheck --help` and `reprocheck VERB --help` answer without docker, networkx and the like."""
    program = textwrap.dedent(
        f"""
        import json, sys
        sys.argv = ["reprocheck", *{verb!r}.split(), "--help"]
        from reprocheck.cli.main import main
        try:
            main()
        except SystemExit as end:
            print("\\n" + json.dumps([end.code, sorted(sys.modules)]))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "Usage: reprocheck" in done.stdout
    assert "reprocheck.cli.main" in loaded
    slow = {"docker", "networkx", "tabulate", "jinja2", "requests", "urllib3", "packageurl"}
    assert slow.isdisjoint(loaded)
