"""All collectors together: order, scope, and the sieve of wanted paths."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import COLLECTORS, observe, wanted
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import Content, FakeView, Link, metadata

LOCAL = "/usr/local/lib/python3.11/dist-packages"
APT = "/usr/lib/python3/dist-packages"
FILES: dict[str, Content] = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "/etc/debian_version": "12\n",
    "/usr/bin/python3.11": b"\x7fELF",
    "/usr/bin/python3": Link(target="python3.11"),
    "/var/lib/dpkg/status": (
        "Package: python3-numpy\nStatus: install ok installed\nVersion: 1:1.24.2-1\nArchitecture: amd64\n\n"
        "Package: libgomp1\nStatus: install ok installed\nVersion: 12\nArchitecture: amd64\n"
    ),
    "/var/lib/dpkg/info/python3-numpy.list": f"{APT}\n{APT}/numpy-1.24.2.egg-info\n{APT}/numpy",
    f"{APT}/numpy-1.24.2.egg-info/PKG-INFO": metadata("numpy", "1.24.2"),
    f"{APT}/six-1.16.egg-info": metadata("six", "1.16"),
    f"{LOCAL}/NumPy-2.0.dist-info/METADATA": metadata("NumPy", "2.0"),
    "/v/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = true\n",
    "/v/bin/python3.11": Link(target="/usr/bin/python3.11"),
    "/v/lib/python3.11/site-packages/six-1.17.dist-info/METADATA": metadata("six", "1.17"),
    "/w/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\n",
    "/w/bin/python3.11": Link(target="/usr/bin/python3.11"),
    "/w/lib/python3.11/site-packages/torch-2.0.dist-info/METADATA": metadata("torch", "2.0"),
    "/w/lib/python3.11/site-packages/torch/lib/libgomp.so.1": b"",
    "/w/lib/python3.11/site-packages/bad-1.dist-info/METADATA": b"Version: 1\n",
    "/w/lib/python3.11/site-packages/stale-1.dist-info/RECORD": b"",
    "/w/lib/python3.11/site-packages/wheels/demo-1.0-py3-none-any.whl": b"",
    "/usr/lib/python3/dist-packages/old.egg-info/SOURCES.txt": b"",
    "/usr/share/python-wheels/pip-24.0-py3-none-any.whl": b"",
    "/deps/x-1.dist-info/METADATA": metadata("x", "1"),
    "/deps/x-1.dist-info/INSTALLER": "pip\n",
    "/opt/app/libs/libiomp5.so": b"",
}


def rows(view: FakeView, only_prefix: str | None = None) -> list[tuple[str, str, str, bool]]:
    observed = observe(view, DEFAULT, path_variable="/usr/bin", only_prefix=only_prefix)
    return [
        (item.python.environment, item.name, item.version, item.python.effective)
        for item in observed.packages
        if item.python is not None
    ]


def test_each_interpreter_sees_its_own_and_the_first_one_wins() -> None:
    assert sorted(rows(FakeView(FILES))) == [
        ("", "x", "1", True),
        ("/usr/bin/python3.11", "NumPy", "2.0", True),
        ("/usr/bin/python3.11", "numpy", "1.24.2", False),
        ("/usr/bin/python3.11", "six", "1.16", True),
        ("/v/bin/python3.11", "NumPy", "2.0", True),
        ("/v/bin/python3.11", "numpy", "1.24.2", False),
        ("/v/bin/python3.11", "six", "1.16", False),
        ("/v/bin/python3.11", "six", "1.17", True),
        ("/w/bin/python3.11", "torch", "2.0", True),
    ]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("1.0", [("demo-1.0.dist-info", True), ("demo.egg-info", False)]),
        ("0.9", [("demo.egg-info", True), ("demo-1.0.dist-info", True)]),
    ],
)
def test_one_version_described_twice_counts_once_and_two_versions_count_both(
    other: str, expected: list[tuple[str, bool]]
) -> None:
    """Debian's python3-cryptography has both; `pip list` shows it once."""
    view = FakeView(
        {
            "/usr/local/bin/python3.11": b"",
            "/usr/local/lib/python3.11/site-packages/demo-1.0.dist-info/METADATA": metadata("demo", "1.0"),
            "/usr/local/lib/python3.11/site-packages/demo.egg-info/PKG-INFO": metadata("demo", other),
        }
    )
    packages = observe(view, DEFAULT).packages
    assert [(item.python.metadata, item.python.effective) for item in packages if item.python] == expected


def test_debian_owns_what_its_file_list_names() -> None:
    owners = {
        item.version: item.owner for item in observe(FakeView(FILES), DEFAULT).packages if item.type == "pypi"
    }
    assert owners["1.24.2"] == "pkg:deb/debian/python3-numpy@1:1.24.2-1?arch=amd64&distro=debian-12"
    assert owners["2.0"] == owners["1.16"] == ""


def test_packages_come_in_one_order() -> None:
    packages = observe(FakeView(FILES), DEFAULT).packages
    keys = [(item.type, item.name.lower(), item.version) for item in packages]
    assert keys == sorted(keys)


def test_one_prefix_is_all_that_is_reported_of_python() -> None:
    observed = observe(FakeView(FILES), DEFAULT, only_prefix="/v")
    assert [item.executable for item in observed.pythons] == ["/v/bin/python3.11"]
    assert {item.python.environment for item in observed.packages if item.python} == {"/v/bin/python3.11"}
    assert {item.version for item in observed.packages if item.name == "six"} == {"1.16", "1.17"}
    assert [item.name for item in observed.packages if item.type == "deb"] == ["libgomp1", "python3-numpy"]
    assert [item.path for item in observed.libraries] == ["/opt/app/libs/libiomp5.so"]
    assert observed.unknowns == ()


def test_what_belongs_to_the_prefix_stays() -> None:
    observed = observe(FakeView(FILES), DEFAULT, only_prefix="/w")
    site = "/w/lib/python3.11/site-packages"
    assert [item.where for item in observed.unknowns] == [f"{site}/bad-1.dist-info/METADATA"]
    assert [item.path for item in observed.remnants] == [f"{site}/stale-1.dist-info"]
    assert [item.path for item in observed.wheels] == [f"{site}/wheels/demo-1.0-py3-none-any.whl"]
    assert len(observed.libraries) == 2


def test_a_whole_system_has_the_remnants_and_wheels_of_all() -> None:
    observed = observe(FakeView(FILES), DEFAULT)
    assert (len(observed.remnants), len(observed.wheels)) == (2, 2)


def test_a_prefix_without_python_is_an_unknown() -> None:
    observed = observe(FakeView(FILES), DEFAULT, only_prefix="/opt/app")
    assert observed.pythons == ()
    assert [item.where for item in observed.unknowns] == ["/opt/app"]


def test_the_order_of_entries_changes_nothing() -> None:
    expected = observe(FakeView(FILES), DEFAULT)
    for seed in range(5):
        items = list(FILES.items())
        random.Random(seed).shuffle(items)
        assert observe(FakeView(dict(items)), DEFAULT) == expected


def test_undecodable_paths_become_valid_text() -> None:
    site = "/opt/\udcff/lib/python3.11/site-packages"
    files: dict[str, Content] = {
        f"{site}/x-1.dist-info/METADATA": metadata("x", "1"),
        f"{site}/y-1.dist-info/RECORD": "",
        "/opt/\udcff/bin/python3.11": b"\x7fELF",
        f"{site}/libgomp.so.1": b"",
    }
    observed = observe(FakeView(files), DEFAULT)
    assert [item.executable for item in observed.pythons] == ["/opt/\\xff/bin/python3.11"]
    assert observed.packages[0].python is not None
    assert observed.packages[0].python.environment == "/opt/\\xff/bin/python3.11"
    assert observed.libraries[0].path.isascii()
    assert observed.remnants[0].path.isascii()


PARTS = [
    "var",
    "lib",
    "dpkg",
    "status",
    "status.d",
    "info",
    "x.list",
    "x.dist-info",
    "METADATA",
    "_vendor",
    "conda-meta",
    "x.json",
    "pyvenv.cfg",
    "os-release",
    "etc",
    "libc.so.6",
    "apk",
    "db",
    "installed",
    "usr",
    "local",
    "cuda",
    "version.json",
    "x.egg-link",
    "x.egg",
    "x.pth",
    "site-packages",
    "EGG-INFO",
    "x.egg-info",
    "installed-files.txt",
    "include",
    "patchlevel.h",
]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6))
def test_the_sieve_loses_nothing_that_a_collector_wants(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert wanted(path) or not any(collector.wants(path) for collector in COLLECTORS)


def test_ordinary_files_are_not_wanted() -> None:
    paths = [
        "/usr/bin/ls",
        "/root/.ssh/id_rsa",
        "/etc/shadow",
        "/app/.env",
        "/usr/lib/python3/dist-packages/x.py",
    ]
    assert not any(map(wanted, paths))
