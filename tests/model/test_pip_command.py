"""Which pip changes an environment, and what it must be told."""

from __future__ import annotations

from reprocheck.model.installing import pip_command
from tests.strategies import make_manifest, make_pypi, make_python

SYSTEM = make_python()
VENV = make_python(
    "/opt/v/bin/python", prefix="/opt/v", kind="venv", search_path=("/opt/v/lib/site",), active=False
)


def pip(version: str, python: object = SYSTEM) -> object:
    executable, places = python.executable, python.search_path  # type: ignore[attr-defined]
    return make_pypi("pip", version, environment=executable, location=places[0])


def test_the_only_interpreter_has_the_bare_pip() -> None:
    made = make_manifest(pythons=(SYSTEM,), packages=(pip("22.0"),))
    assert pip_command("install", SYSTEM.executable, made) == "pip install"


def test_debian_refuses_since_pip_23_and_is_told_so() -> None:
    """PEP 668; without the option the advised command would change nothing."""
    made = make_manifest(pythons=(SYSTEM,), packages=(pip("23.0.1+dfsg"),))
    assert pip_command("install", SYSTEM.executable, made) == "pip install --break-system-packages"
    assert pip_command("uninstall", SYSTEM.executable, made) == "pip uninstall --break-system-packages"


def test_an_environment_without_pip_is_reached_from_another() -> None:
    made = make_manifest(pythons=(SYSTEM, VENV), packages=(pip("23.0.1"),))
    assert pip_command("install", VENV.executable, made) == (
        f"{SYSTEM.executable} -m pip --python /opt/v/bin/python install"
    )


def test_an_old_pip_cannot_reach_another_environment() -> None:
    made = make_manifest(pythons=(SYSTEM, VENV), packages=(pip("20.3"),))
    assert pip_command("install", VENV.executable, made) == "/opt/v/bin/python -m pip install"


def test_its_own_pip_comes_first() -> None:
    made = make_manifest(pythons=(SYSTEM, VENV), packages=(pip("23.0.1"), pip("26.0", VENV)))
    assert pip_command("install", VENV.executable, made) == "/opt/v/bin/python -m pip install"
