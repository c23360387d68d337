"""Which pip changes an environment, and from where a version is had."""

from __future__ import annotations

import pytest

from reprocheck.model.installing import breaking, pip_for, pip_of, pytorch_index, wanted
from tests.strategies import PYTHON, make_python

VENV = make_python("/v/bin/python", kind="venv", active=False)


@pytest.mark.parametrize(
    ("executable", "kind", "pip", "expected"),
    [
        (PYTHON, "system", "23.0.1", "--break-system-packages"),
        (PYTHON, "system", "26.0", "--break-system-packages"),
        (PYTHON, "system", "23.0", ""),
        (PYTHON, "system", "", ""),
        (PYTHON, "system", "no version", ""),
        (PYTHON, "system", "9" * 10_000, "--break-system-packages"),
        (PYTHON, "venv", "25.0", ""),
        ("/usr/local/bin/python3.11", "system", "25.0", ""),
        ("/opt/conda/bin/python", "conda", "25.0", ""),
    ],
)
def test_pep_668_is_answered_where_it_holds(executable: str, kind: str, pip: str, expected: str) -> None:
    assert breaking(executable, (make_python(executable, kind=kind),), pip) == expected


def test_an_interpreter_that_is_not_listed_is_nobodys() -> None:
    assert breaking(PYTHON, (), "25.0") == ""


def test_the_pip_of_an_environment_is_its_own_when_it_has_one() -> None:
    both = (make_python(), VENV)
    assert pip_for("/v/bin/python", both, {"/v/bin/python": "20.0"}) == "/v/bin/python -m pip"
    assert pip_for(PYTHON, (make_python(),), {PYTHON: "20.0"}) == "pip"
    assert pip_for("", (), {}) == "pip"


def test_another_pip_reaches_an_environment_without_one_from_22_3_on() -> None:
    both = (make_python(), VENV)
    assert pip_for("/v/bin/python", both, {PYTHON: "22.3"}) == f"{PYTHON} -m pip --python /v/bin/python"
    assert pip_for("/v/bin/python", both, {PYTHON: "22.2.2"}) == ""
    assert pip_for("/v/bin/python", both, {}) == ""


def test_names_are_quoted() -> None:
    odd = make_python("/my venv/python", kind="venv")
    assert pip_of("/my venv/python", (odd,)) == "'/my venv/python' -m pip"
    told = pip_for("/my venv/python", (make_python(), odd), {PYTHON: "25.0"})
    assert told == f"{PYTHON} -m pip --python '/my venv/python'"


@pytest.mark.parametrize(
    ("name", "version", "index"),
    [
        ("torch", "2.3.0+cu126", "https://download.pytorch.org/whl/cu126"),
        ("TorchVision", "0.1+cpu", "https://download.pytorch.org/whl/cpu"),
        ("torch", "2.3.0", ""),
        ("torch", "2.3.0+mine", ""),
        ("numpy", "1.0+cu126", ""),
    ],
)
def test_local_versions_of_pytorch_have_an_index(name: str, version: str, index: str) -> None:
    assert pytorch_index(name, version) == index


def test_a_local_version_says_where_it_is_not() -> None:
    assert wanted("x==1", name="x", version="1") == "x==1"
    assert "INDEX" in wanted("x==1+a", name="x", version="1+a")
    assert wanted("x y", name="x", version="") == "'x y'"
