"""A lock against an environment: what is told, what is not, and the verdict."""

from __future__ import annotations

from typing import Any

from reprocheck.compare.lock import compare_lock
from reprocheck.model.image import Coverage, Source
from reprocheck.model.lock import Lock, LockReport, Pin
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl, Package
from reprocheck.model.unknown import Unknown
from tests.strategies import make_conda, make_deb, make_manifest, make_pypi, make_python

A, B = "a" * 64, "b" * 64
VENV = "/opt/venv/bin/python"


def make_pin(name: str, specifier: str = "===1.0", **overrides: Any) -> Pin:
    return Pin(**{"type": "pypi", "name": name, "specifier": specifier} | overrides)


def make_lock(*pins: Pin, **overrides: Any) -> Lock:
    fields: dict[str, Any] = {"format": "uv.lock", "pins": pins, "types": ("pypi",), "complete": True}
    return Lock(**fields | overrides)


def check(lock: Lock, *packages: Package, **overrides: Any) -> LockReport:
    return compare_lock(lock, make_manifest(packages=packages, **overrides), file="uv.lock")


def told(report: LockReport) -> list[tuple[str, str, str, str]]:
    return [(d.kind, d.name, d.locked, d.found) for d in report.differences]


def test_what_is_as_locked_is_identical() -> None:
    report = check(make_lock(make_pin("a")), make_pypi("A", "1.0"))
    assert (report.verdict, report.checked, report.differences) == ("identical", 1, ())


def test_missing_extra_and_version_are_told_in_this_order_with_a_command() -> None:
    report = check(
        make_lock(make_pin("gone"), make_pin("moved")), make_pypi("moved", "2.0"), make_pypi("new", "3")
    )
    assert report.verdict == "differs"
    assert told(report) == [
        ("missing", "gone", "1.0", ""),
        ("version", "moved", "1.0", "2.0"),
        ("extra", "new", "", "3"),
    ]
    assert [d.fix for d in report.differences] == [
        "pip install gone==1.0",
        "pip install moved==1.0",
        "pip uninstall -y new",
    ]


def test_a_local_label_is_another_version_than_the_one_that_a_resolver_locked() -> None:
    report = check(make_lock(make_pin("torch", "===2.1.0")), make_pypi("torch", "2.1.0+cu121"))
    assert told(report) == [("version", "torch", "2.1.0", "2.1.0+cu121")]
    assert check(make_lock(make_pin("torch", "==2.1.0")), make_pypi("torch", "2.1.0+cu121")).differences == ()


def test_pip_and_its_like_and_what_the_system_installed_are_no_extras() -> None:
    packages = (
        make_pypi("pip"),
        make_pypi("setuptools"),
        make_pypi("six", owner="pkg:deb/debian/python3-six"),
    )
    assert check(make_lock(), *packages, make_deb("libc6")).differences == ()


def test_an_incomplete_lock_has_no_extras() -> None:
    lock = make_lock(make_pin("a"), complete=False)
    report = check(lock, make_pypi("a"), make_pypi("new"), make_pypi("pip"), make_deb("libc6"))
    assert report.verdict == "identical"
    assert [(u.where, u.reason) for u in report.not_checked] == [
        ("1 package", "installed and not named by this file")
    ]


def test_a_lock_that_asks_for_nothing_checks_nothing() -> None:
    report = check(make_lock(complete=False), make_pypi("new"))
    assert (report.verdict, [u.where for u in report.unknowns]) == ("inconclusive", ["uv.lock"])


def test_what_an_extra_asks_for_is_checked() -> None:
    lock = make_lock(make_pin("a", extras=("socks", "tls")), complete=False)
    asks = (
        "b>=2; extra == 'socks'",
        "c; extra == 'tls' and sys_platform == 'win32'",
        "d",
        "e; extra == 'other'",
    )
    package = make_pypi("a", requires=asks)
    missing = check(lock, package)
    assert told(missing) == [("missing", "b", ">=2", "")]
    assert [u.where for u in missing.unknowns] == ["pypi:a[tls]"]
    assert told(check(lock, package, make_pypi("b", "1.0"))) == [("version", "b", ">=2", "1.0")]
    good = check(lock, package, make_pypi("b", "2.0"), make_pypi("c", "1.0"))
    assert (good.verdict, good.unknowns) == ("identical", ())


def test_an_extra_that_the_package_does_not_tell_is_unknown() -> None:
    lock = make_lock(make_pin("a", extras=("socks",)))
    report = check(lock, make_pypi("a"))
    assert (report.verdict, [u.where for u in report.unknowns]) == ("inconclusive", ["pypi:a[socks]"])


def test_what_is_optional_may_be_absent_but_not_another_version() -> None:
    lock = make_lock(make_pin("plots", optional=True))
    assert check(lock).verdict == "identical"
    assert told(check(lock, make_pypi("plots", "2.0"))) == [("version", "plots", "1.0", "2.0")]


def test_the_hash_of_a_recorded_archive_is_held_against_the_lock() -> None:
    url = DirectUrl(url="https://e.org/a-1.0-py3-none-any.whl", archive_sha256=A)
    package = make_pypi("a", "1.0", direct_url=url)
    assert check(make_lock(make_pin("a", hashes=(f"sha256:{A}",))), package).verdict == "identical"
    assert told(check(make_lock(make_pin("a", hashes=(f"sha256:{B}",))), package)) == [
        ("hash", "a", f"sha256:{B}", f"sha256:{A}")
    ]


def test_hashes_of_archives_from_an_index_are_not_checked_and_that_is_told_once() -> None:
    pins = [make_pin(name, hashes=(f"sha256:{A}",)) for name in ("a", "b")]
    report = check(make_lock(*pins), make_pypi("a", "1.0"), make_pypi("b", "1.0"))
    assert report.verdict == "identical"
    assert [unknown.where for unknown in report.not_checked] == ["2 packages"]


def test_another_source_is_told() -> None:
    commit, other = "1" * 40, "2" * 40
    git = DirectUrl(url="https://e.org/a", vcs="git", commit=other)
    editable = DirectUrl(url="file:///src/a", editable=True)
    locked = make_pin("a", url="git+https://e.org/a.git", commit=commit)
    assert told(check(make_lock(locked), make_pypi("a", "1.0", direct_url=git))) == [
        ("source", "a", f"git+https://e.org/a.git@{commit}", f"git+https://e.org/a@{other}")
    ]
    assert told(check(make_lock(locked), make_pypi("a", "1.0"))) == [
        ("source", "a", f"git+https://e.org/a.git@{commit}", "an index")
    ]
    assert told(check(make_lock(make_pin("a")), make_pypi("a", "1.0", direct_url=editable))) == [
        ("source", "a", "an index", "file:///src/a (editable)")
    ]
    same = DirectUrl(url="https://e.org/a", vcs="git", commit=commit)
    assert check(make_lock(locked), make_pypi("a", "1.0", direct_url=same)).verdict == "identical"


def test_conda_packages_have_a_build_a_channel_and_a_hash() -> None:
    pin = make_pin("numpy", type="conda", build="py_0", channel="conda-forge", hashes=(f"sha256:{A}",))
    lock = make_lock(pin, format="conda-lock.yml", types=("conda", "pypi"))
    good = {"build": "py_0", "sha256": A}
    assert check(lock, make_conda("numpy", "1.0", **good)).verdict == "identical"
    for change, expected in (
        ({"build": "py_1"}, ("build", "numpy", "py_0", "py_1")),
        ({"channel": "pkgs/main"}, ("channel", "numpy", "conda-forge", "pkgs/main")),
        ({"sha256": B}, ("hash", "numpy", f"sha256:{A}", f"sha256:{B}")),
    ):
        report = check(lock, make_conda("numpy", "1.0", **good | change))
        assert told(report) == [expected]
        assert report.differences[0].fix == "conda install -p /opt/conda conda-forge::numpy=1.0=py_0"
    extra = check(lock, make_conda("numpy", "1.0", **good), make_conda("more"))
    assert told(extra) == [("extra", "more", "", "1.0")]
    assert extra.differences[0].fix == "conda remove -p /opt/conda more"


def test_the_environment_that_is_nearest_to_the_lock_is_meant() -> None:
    venv = make_python(VENV, kind="venv", prefix="/opt/venv", active=False, search_path=("/opt/venv/lib",))
    report = check(
        make_lock(make_pin("a"), make_pin("b")),
        make_pypi("a", "2.0"),
        make_pypi("a", "1.0", environment=VENV),
        make_pypi("b", "1.0", environment=VENV),
        pythons=(make_python(), venv),
    )
    assert report.verdict == "identical"


def test_an_interpreter_outside_the_range_is_told_and_an_imprecise_one_is_unknown() -> None:
    lock = make_lock(python=">=3.12")
    assert told(check(lock)) == [("python", "python", ">=3.12", "3.11.2")]
    vague = check(make_lock(python=">=3.11.5"), pythons=(make_python(version="3.11"),))
    assert (vague.verdict, [unknown.section for unknown in vague.unknowns]) == ("inconclusive", ["pythons"])
    assert check(make_lock(python=">=3.11"), pythons=(make_python(version="3.11"),)).verdict == "identical"


def test_what_could_not_be_read_forbids_identical() -> None:
    gone = Unknown(section="packages", where="/usr/lib/x.dist-info", reason="could not be read")
    assert check(make_lock(), unknowns=(gone,)).verdict == "inconclusive"
    assert check(make_lock(unknowns=(gone,))).verdict == "inconclusive"
    dpkg = Unknown(section="packages", where="/var/lib/dpkg/status bytes 0-9", reason="is cut")
    assert check(make_lock(), unknowns=(dpkg,)).verdict == "identical"


def test_a_version_that_cannot_be_held_against_a_range_is_unknown() -> None:
    report = check(make_lock(make_pin("a", ">=1")), make_pypi("a", "not a version"))
    assert (report.verdict, [unknown.where for unknown in report.unknowns]) == ("inconclusive", ["pypi:a"])


def test_one_of_several_pins_of_one_name_is_enough() -> None:
    lock = make_lock(make_pin("a", "===1.0"), make_pin("a", "===2.0"))
    assert check(lock, make_pypi("a", "2.0")).verdict == "identical"


def document(*packages: Package, **overrides: Any) -> Manifest:
    covers = Coverage(**{"format": "a list", "scope": "environment", "types": ("pypi",)} | overrides)
    return make_manifest(packages=packages, pythons=(), source=Source(kind="document", covers=covers))


def test_a_document_that_lists_another_type_or_some_packages_only_misses_nothing() -> None:
    lock = make_lock(make_pin("a"))
    assert compare_lock(lock, document(types=("conda",)), file="x").verdict == "inconclusive"
    assert compare_lock(lock, document(selected=True), file="x").verdict == "inconclusive"
    report = compare_lock(lock, document(), file="x")
    assert told(report) == [("missing", "a", "1.0", "")]
    package = make_pypi("a", "1.0", environment="", location="")
    assert compare_lock(lock, document(package), file="x").verdict == "identical"


def test_the_command_names_the_extras_too() -> None:
    report = check(make_lock(make_pin("a", extras=("socks",))))
    assert [d.fix for d in report.differences] == ["pip install 'a[socks]==1.0'"]
