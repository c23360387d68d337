"""Lock files of every format: what they pin for one interpreter and platform."""

from __future__ import annotations

import pytest

from reprocheck.errors import InputFault
from reprocheck.foreign import Target, read_lock
from reprocheck.foreign.conda_locks import match_spec
from reprocheck.foreign.locks import format_of
from reprocheck.model.lock import Lock, Pin
from tests.foreign.samples import (
    CONDA_LOCK,
    ENVIRONMENT,
    EXPLICIT,
    POETRY_1,
    POETRY_2,
    PYLOCK,
    UV,
    A,
    B,
    C,
    target,
)


def read(text: str, name: str, where: Target | None = None) -> Lock:
    return read_lock(text.encode(), name=name, target=where or target())


def wanted(lock: Lock) -> dict[str, str]:
    """Return what must be there, with its specifier."""
    return {pin.name: pin.specifier for pin in lock.pins if not pin.optional}


def optional(lock: Lock) -> set[str]:
    return {pin.name for pin in lock.pins if pin.optional}


def pin(lock: Lock, name: str) -> Pin:
    (found,) = (one for one in lock.pins if one.name == name)
    return found


def fault(text: str, name: str, where: Target | None = None) -> str:
    with pytest.raises(InputFault) as caught:
        read(text, name, where)
    assert name in caught.value.message
    assert caught.value.hint.endswith(".")
    return caught.value.code


def test_uv_walks_from_the_project_along_edges_whose_markers_hold() -> None:
    lock = read(UV, "uv.lock")
    assert wanted(lock) == {"alpha": "===1.2", "forked": "===1.0", "from-git": "===0.3", "speedup": "===7"}
    assert optional(lock) == {"made-up", "devpkg", "optpkg"}
    assert (lock.format, lock.complete, lock.python, lock.unknowns) == ("uv.lock", True, ">=3.11", ())


def test_markers_are_evaluated_for_the_target_and_not_for_us() -> None:
    assert wanted(read(UV, "uv.lock", target("3.13.1")))["forked"] == "===2.0"
    windows = target(sys_platform="win32", platform_system="Windows", os_name="nt")
    assert wanted(read(UV, "uv.lock", windows))["winonly"] == "===3.0"


def test_uv_tells_hashes_and_the_commit_of_a_repository() -> None:
    lock = read(UV, "uv.lock")
    assert pin(lock, "alpha").hashes == (f"sha256:{A}", f"sha256:{B}")
    assert pin(lock, "from-git").url == "git+https://git.example.org/from-git.git"
    assert pin(lock, "from-git").commit == A[:40]
    assert pin(lock, "made-up").specifier == ""


def test_poetry_2_names_groups_and_markers() -> None:
    lock = read(POETRY_2, "poetry.lock")
    assert wanted(lock) == {"alpha": "===1.2", "beta": "===1.5"}
    assert optional(lock) == {"devpkg", "optpkg"}
    assert pin(lock, "alpha").hashes == (f"sha256:{A}",)


def test_poetry_1_has_markers_on_edges_and_hashes_at_the_end() -> None:
    lock = read(POETRY_1, "poetry.lock")
    assert wanted(lock) == {"alpha": "===1.2", "beta": "===1.5"}
    assert optional(lock) == {"devpkg", "optpkg", "winonly"}
    assert pin(lock, "alpha").hashes == (f"sha256:{A}",)


def test_a_range_of_pythons_that_excludes_the_interpreter_excludes_the_package() -> None:
    assert "beta" not in wanted(read(POETRY_2.replace(">=3.8", "<3.8"), "poetry.lock"))


def test_pylock_takes_the_default_groups_and_offers_extras() -> None:
    lock = read(PYLOCK, "pylock.toml")
    assert wanted(lock) == {"alpha": "===1.2", "devpkg": "===4.1", "from-git": "===0.3"}
    assert optional(lock) == {"optpkg"}
    assert pin(lock, "from-git").url == "git+https://git.example.org/from-git.git"
    assert read(PYLOCK, "pylock.gpu.toml").format == "pylock.toml"


def test_conda_lock_is_read_for_the_platform_of_the_target() -> None:
    lock = read(CONDA_LOCK, "conda-lock.yml")
    assert wanted(lock) == {"python": "===3.11.10", "some-wheel": "===1.10"}
    assert optional(lock) == {"pytest"}
    python = pin(lock, "python")
    assert (python.build, python.channel) == ("hc5c86c4_3_cpython", "conda-forge")
    assert python.hashes == (f"md5:{'0' * 32}", f"sha256:{A}")
    assert pin(lock, "some-wheel").type == "pypi"
    mac = read(CONDA_LOCK, "conda-lock.yml", Target(subdir="osx-arm64"))
    assert wanted(mac) == {"python": "===3.11.9"}


def test_conda_lock_version_2_names_categories() -> None:
    text = CONDA_LOCK.replace("version: 1\nmeta", "version: 2\nmeta")
    text = text.replace("  category: dev\n  optional: true", "  categories:\n  - dev")
    text = text.replace("  category: main\n  optional: false", "  categories:\n  - main\n  - dev")
    lock = read(text, "conda-lock.yml")
    assert (set(wanted(lock)), optional(lock)) == ({"python", "some-wheel"}, {"pytest"})


def test_a_platform_that_is_not_locked_is_an_error_and_not_an_empty_lock() -> None:
    assert fault(CONDA_LOCK, "conda-lock.yml", Target(subdir="linux-aarch64")) == "E_LOCK_PLATFORM"
    assert fault(EXPLICIT, "spec.txt", Target(subdir="osx-64")) == "E_LOCK_PLATFORM"


def test_environment_yml_keeps_versions_as_text_and_is_never_complete() -> None:
    lock = read(ENVIRONMENT, "environment.yml")
    assert wanted(lock) == {
        "blas": "",
        "numpy": "===1.26.4",
        "pip": "",
        "python": "3.10.*",
        "pytorch": "===2.1.0",
        "scipy": ">=1.10,<2",
        "some-wheel": "==1.10",
    }
    assert not lock.complete
    assert pin(lock, "numpy").build == "py310hb13e2d6_0"
    assert pin(lock, "blas").build == "mkl"
    assert (pin(lock, "scipy").channel, pin(lock, "pytorch").channel) == ("conda-forge", "pytorch")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy", ("numpy", "", "")),
        ("numpy=1.2", ("numpy", "1.2.*", "")),
        ("numpy==1.2", ("numpy", "===1.2", "")),
        ("numpy 1.2", ("numpy", "===1.2", "")),
        ("numpy 1.2.*", ("numpy", "1.2.*", "")),
        ("numpy=1.2.*", ("numpy", "1.2.*", "")),
        ("numpy >=1.2, <2", ("numpy", ">=1.2,<2", "")),
        ("numpy=1.2=py*", ("numpy", "===1.2", "py*")),
        ("numpy 1.2 py_0", ("numpy", "===1.2", "py_0")),
        ("numpy 1.2|1.4", ("numpy", "1.2|1.4", "")),
        ("NumPy *", ("numpy", "", "")),
    ],
)
def test_match_specifications_of_conda(text: str, expected: tuple[str, str, str]) -> None:
    found = match_spec(text)
    assert found is not None
    assert (found.name, found.specifier, found.build) == expected


def test_an_explicit_list_is_complete_and_holds_no_access_token() -> None:
    lock = read(EXPLICIT, "spec-file.txt")
    assert (lock.format, lock.complete, lock.types) == ("conda-explicit", True, ("conda",))
    found = {one.name: (one.specifier, one.build, one.channel) for one in lock.pins}
    assert found == {
        "python": ("===3.11.10", "hc5c86c4_3_cpython", "conda-forge"),
        "thing-with-dash": ("===1.0", "0", "private"),
        "tzdata": ("===2024b", "h04d1e81_0", "pkgs/main"),
    }
    assert pin(lock, "thing-with-dash").hashes == (f"sha256:{C}",)
    assert "tk-123" not in repr(lock)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (UV, "uv.lock", "uv.lock"),
        (UV, "copy-of-it", "uv.lock"),
        (UV, "script.py.lock", "uv.lock"),
        (POETRY_2, "copy-of-it", "poetry.lock"),
        (POETRY_1, "copy-of-it", "poetry.lock"),
        (PYLOCK, "copy-of-it", "pylock.toml"),
        (CONDA_LOCK, "copy-of-it", "conda-lock.yml"),
        (CONDA_LOCK, "gpu.conda-lock.yml", "conda-lock.yml"),
        (ENVIRONMENT, "env.yaml", "environment.yml"),
        (ENVIRONMENT, "copy-of-it", "environment.yml"),
        (EXPLICIT, "copy-of-it", "conda-explicit"),
        (EXPLICIT, "requirements.txt", "conda-explicit"),
        ("numpy==1.0\n", "requirements-dev.txt", "requirements.txt"),
        ("numpy==1.0\n", "copy-of-it", "requirements.txt"),
        ("", "requirements.txt", "requirements.txt"),
        ('{"a": 1}', "uv.json", None),
        ("Dear reader, this is prose.\n", "notes.txt", None),
        ("", "empty", None),
    ],
)
def test_name_and_content_tell_the_format(text: str, name: str, expected: str | None) -> None:
    assert format_of(f"some/where/{name}", text) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (UV.replace("version = 1\n", "version = 2\n", 1), "uv.lock"),
        (UV.replace("version = 1\n", "version = true\n", 1), "uv.lock"),
        (POETRY_2.replace('"2.1"', '"3.0"'), "poetry.lock"),
        (POETRY_2.replace('lock-version = "2.1"', ""), "poetry.lock"),
        (PYLOCK.replace('"1.0"', '"2.0"', 1), "pylock.toml"),
        (CONDA_LOCK.replace("version: 1\nm", "version: 3\nm"), "conda-lock.yml"),
    ],
)
def test_a_lock_of_an_unknown_version_is_refused(text: str, name: str) -> None:
    assert fault(text, name) == "E_LOCK_VERSION"


def test_what_is_no_lock_is_refused_with_the_list_of_formats() -> None:
    assert fault("Dear reader, this is prose.\n", "notes.txt") == "E_LOCK_FORMAT"


def test_without_an_interpreter_a_marker_cannot_be_told() -> None:
    lock = read("numpy==1.0\ncolorama==2 ; sys_platform == 'win32'\n", "requirements.txt", Target())
    assert (set(wanted(lock)), optional(lock)) == ({"numpy"}, {"colorama"})
    assert [unknown.where for unknown in lock.unknowns] == ["requirements.txt:2 colorama"]


def test_a_version_that_is_known_in_part_answers_what_it_can() -> None:
    low, high = target("3.11.0").environments[0], target("3.11.10000").environments[0]
    lock = read(
        "a==1 ; python_version < '3.12'\nb==1 ; python_full_version < '3.11.5'\n",
        "requirements.txt",
        Target(environments=(low, high)),
    )
    assert (set(wanted(lock)), optional(lock)) == ({"a"}, {"b"})
