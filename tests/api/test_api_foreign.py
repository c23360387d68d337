"""Locks and documents of other tools through the use cases."""

from __future__ import annotations

import pytest

from reprocheck.api.foreign import check_lock, diff_documents, read_side
from reprocheck.codec import encode_manifest, seal
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT
from tests.foreign.samples import CONDA_LOCK, UV
from tests.strategies import make_conda, make_manifest, make_pypi, make_python

VENV = "/opt/venv/bin/python"


def test_markers_are_those_of_the_environment_that_is_nearest_to_the_lock() -> None:
    venv = make_python(
        VENV, kind="venv", prefix="/opt/venv", active=False, version="3.13.1", search_path=("/opt/venv/lib",)
    )
    installed = [("alpha", "1.2"), ("forked", "2.0"), ("from-git", "0.3"), ("speedup", "7")]
    manifest = make_manifest(
        packages=tuple(make_pypi(name, version, environment=VENV) for name, version in installed),
        pythons=(make_python(), venv),
    )
    report = check_lock(manifest, UV.encode(), name="uv.lock", limits=DEFAULT)
    # Only the repository is told: forked 2.0 is what the lock has for Python 3.13.
    assert [(one.kind, one.name) for one in report.differences] == [("source", "from-git")]
    system = check_lock(
        manifest, UV.encode(), name="uv.lock", limits=DEFAULT, executable="/usr/bin/python3.11"
    )
    assert {one.kind for one in system.differences} == {"missing"}


def test_a_conda_lock_is_read_for_the_platform_of_the_conda_packages() -> None:
    python = make_conda("python", "3.11.9", "h932a869_0_cpython", subdir="osx-arm64", md5="1" * 32)
    manifest = make_manifest(packages=(python,), pythons=())
    report = check_lock(manifest, CONDA_LOCK.encode(), name="conda-lock.yml", limits=DEFAULT)
    assert report.verdict == "identical"


def test_a_manifest_of_ours_stays_what_it_is() -> None:
    manifest = seal(make_manifest())
    assert read_side(encode_manifest(manifest), where="x", limits=DEFAULT) == manifest


def test_a_side_that_nobody_wrote_is_an_input_fault() -> None:
    with pytest.raises(InputFault):
        read_side(b"Dear reader", where="x", limits=DEFAULT)


def test_a_list_is_diffed_against_a_manifest_and_can_be_encoded() -> None:
    from reprocheck.codec import encode

    theirs = read_side(b"numpy==2.0\n", where="freeze.txt", limits=DEFAULT)
    report = diff_documents(make_manifest(), theirs)
    assert (report.verdict, [finding.name for finding in report.findings]) == ("differs", ["numpy"])
    same = diff_documents(make_manifest(), read_side(b"numpy==1.26.4\n", where="freeze.txt", limits=DEFAULT))
    assert same.verdict == "inconclusive"
    assert encode(report)


def test_secrets_of_a_document_do_not_get_into_values() -> None:
    token = "ghp_" + "a1B2" * 9
    side = read_side(f"a @ https://e.org/{token}/a.zip\n".encode(), where="f", limits=DEFAULT)
    assert token not in repr(side)
    report = check_lock(
        make_manifest(),
        f"a @ https://e.org/{token}/a.zip\n".encode(),
        name="requirements.txt",
        limits=DEFAULT,
    )
    assert token not in repr(report)
