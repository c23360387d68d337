"""DEP and PKG rules."""

from __future__ import annotations

import pytest

from reprocheck.model.package import DirectUrl
from tests.checks.recorded import clean, found, outcome, report
from tests.strategies import make_pypi, make_python, sha


def test_dep_405_a_pytorch_build_is_found_with_its_index() -> None:
    """The fix names the index that serves this label."""
    manifest = clean(packages=(make_pypi("torch", "2.3.0+cu126"),))
    assert [severity for severity, _ in found("DEP-405", manifest)] == ["high"]
    fixes = [finding.fix for finding in report(manifest).findings if finding.code == "DEP-405"]
    assert "download.pytorch.org/whl/cu126" in fixes[0]


def test_dep_405_other_labels_get_no_guessed_index() -> None:
    """Who serves it is not known."""
    manifest = clean(packages=(make_pypi("mine", "1.0+gabc"),))
    fixes = [finding.fix for finding in report(manifest).findings if finding.code == "DEP-405"]
    assert len(fixes) == 1
    assert "pytorch" not in fixes[0]


def test_dep_405_public_owned_shadowed_and_direct_ones_pass() -> None:
    """None of these is asked of an index by its version."""
    packages = (
        make_pypi("numpy", "2.1.0"),
        make_pypi("apt", "1.0+deb12", owner="pkg:deb/debian/python3-apt"),
        make_pypi("torch", "2.0+cpu", effective=False),
        make_pypi("x", "1+l", direct_url=DirectUrl(url="https://e.org/x.whl", archive_sha256=sha("1"))),
    )
    assert outcome("DEP-405", clean(packages=packages)) == "passed"


@pytest.mark.parametrize(
    ("url", "severity"),
    [
        (DirectUrl(url="file:///src/own", editable=True), "high"),
        (DirectUrl(url="https://github.com/a/b", vcs="git"), "high"),
        (DirectUrl(url="file:///tmp/own-1.0-py3-none-any.whl", archive_sha256=sha("1")), "medium"),
        (DirectUrl(url="https://example.org/own-1.0.tar.gz"), "medium"),
    ],
)
def test_pkg_307_a_source_that_can_change_is_found(url: DirectUrl, severity: str) -> None:
    """Editable and commit-less weigh more than a path."""
    assert [s for s, _ in found("PKG-307", clean(packages=(make_pypi("own", direct_url=url),)))] == [severity]


@pytest.mark.parametrize(
    "url",
    [
        None,
        DirectUrl(url="https://github.com/a/b", vcs="git", commit="a" * 40),
        DirectUrl(url="https://example.org/own-1.0.tar.gz", archive_sha256=sha("1")),
    ],
)
def test_pkg_307_an_index_a_commit_and_a_hash_pass(url: DirectUrl | None) -> None:
    """These name one content."""
    assert outcome("PKG-307", clean(packages=(make_pypi("own", direct_url=url),))) == "passed"


VENV = "/opt/venv/bin/python"
TWO = {
    "pythons": (make_python(), make_python(VENV, kind="venv", active=False)),
    "packages": (make_pypi("numpy"), make_pypi("numpy", environment=VENV)),
}


@pytest.mark.parametrize("argv", [("./train.sh",), ("bash", "-c", "python train.py"), ()])
def test_pkg_315_a_command_that_hides_the_interpreter_is_found(argv: tuple[str, ...]) -> None:
    """A shell's own PATH decides then."""
    assert found("PKG-315", clean(run={"argv": argv}, **TWO)) == (("medium", "run.argv[0]"),)


@pytest.mark.parametrize("command", [VENV, "/usr/bin/python3.11", "/opt/venv/bin/python3", "python3"])
def test_pkg_315_a_command_that_names_it_passes(command: str) -> None:
    """By path, or as the bare name whose target the snapshot has told."""
    assert outcome("PKG-315", clean(run={"argv": (command, "--seed")}, **TWO)) == "passed"


def test_pkg_315_a_second_interpreter_without_packages_passes() -> None:
    """It would fail at the first import."""
    pythons = (make_python(), make_python(VENV, active=False))
    assert outcome("PKG-315", clean(run={"argv": ("./train.sh", "--seed")}, pythons=pythons)) == "passed"
