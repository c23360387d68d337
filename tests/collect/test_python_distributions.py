"""Installed distributions from their metadata."""

from __future__ import annotations

import importlib.metadata
import io
import json
import sysconfig
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, python_distributions
from reprocheck.collect.observed import Observed
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.package import Distribution
from tests.collect.fakeview import Content, FakeView, Link, metadata, real_view

SITE = "/usr/local/lib/python3.11/site-packages"
INFO = f"{SITE}/demo-1.0.dist-info"


def collect(files: dict[str, Content], **more: frozenset[str]) -> Observed:
    return python_distributions.collect(FakeView(files, **more), DEFAULT)  # type: ignore[arg-type]


def names(files: dict[str, Content]) -> list[tuple[str, str]]:
    return [(item.name, item.version) for item in collect(files).packages]


def only(files: dict[str, Content]) -> Distribution:
    (package,) = collect(files).packages
    assert package.python is not None
    return package.python


def test_every_file_of_a_dist_info_is_used() -> None:
    python = only(
        {
            f"{INFO}/METADATA": metadata(
                "Demo.Pkg",
                "1.0+local",
                "Requires-Python: >=3.9",
                'Requires-Dist: numpy<3,>=1.23; extra == "a"',
                "Requires-Dist: torch",
                "Provides-Extra: a",
            ),
            f"{INFO}/RECORD": "demo.py,sha256=abc,10\ndemo-1.0.dist-info/RECORD,,\n",
            f"{INFO}/WHEEL": "Tag: cp311-cp311-linux_x86_64\nTag: cp311-abi3-any\nBuild: 7\n",
            f"{INFO}/INSTALLER": "pip\n",
            f"{INFO}/REQUESTED": "",
        }
    )
    assert python.requires == ('numpy<3,>=1.23; extra == "a"', "torch")
    assert (python.extras, python.requires_python) == (("a",), ">=3.9")
    assert python.tags == ("cp311-abi3-any", "cp311-cp311-linux_x86_64")
    assert (python.build, python.installer, python.requested) == ("7", "pip", True)
    assert (python.has_record, python.files) == (True, 2)
    assert (python.location, python.metadata) == (SITE, "demo-1.0.dist-info")


def test_name_and_version_stay_as_written() -> None:
    (package,) = collect({f"{INFO}/METADATA": metadata("Ruamel.YAML", "1.0+cpu")}).packages
    assert (package.name, package.version) == ("Ruamel.YAML", "1.0+cpu")
    assert package.purl == "pkg:pypi/ruamel.yaml@1.0%2Bcpu"


def test_all_but_the_metadata_may_be_missing() -> None:
    observed = collect({f"{INFO}/METADATA": metadata("demo", "1.0")})
    assert observed.unknowns == ()
    assert observed.packages[0].python is not None
    assert observed.packages[0].python.files_sha256 is None


def remnants(files: dict[str, Content], directories: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """What was left over; nothing else was found, and nothing failed."""
    observed = python_distributions.collect(FakeView(files, directories=directories), DEFAULT)
    assert (observed.packages, observed.unknowns) == ((), ())
    return [(item.path, item.reason) for item in observed.remnants]


@pytest.mark.parametrize(
    ("files", "directories", "path", "reason"),
    [
        ({f"{INFO}/RECORD": "", f"{INFO}/INSTALLER": "pip"}, (), INFO, "no METADATA"),
        ({}, (INFO,), INFO, "is empty"),
        ({INFO: Link(target="/gone.dist-info")}, (), INFO, "leads nowhere"),
        ({f"{SITE}/x.egg-info": Link(target="/gone")}, (), f"{SITE}/x.egg-info", "leads nowhere"),
        ({f"{SITE}/x.egg-info/SOURCES.txt": ""}, (), f"{SITE}/x.egg-info", "no PKG-INFO"),
        (
            {f"{SITE}/~emo-1.0.dist-info/METADATA": metadata("demo", "1.0")},
            (),
            f"{SITE}/~emo-1.0.dist-info",
            "interrupted",
        ),
        ({f"{SITE}/gone.egg-link": "/mnt/src\n."}, (), f"{SITE}/gone.egg-link", "no metadata was found"),
        (
            {f"{SITE}/d.egg-link": "/src/d\n.", "/src/d/d.egg-info/PKG-INFO": metadata("d", "1")},
            (),
            f"{SITE}/d.egg-link",
            "no .pth file",
        ),
        (
            {f"{SITE}/e-1-py3.11.egg/EGG-INFO/PKG-INFO": metadata("e", "1")},
            (),
            f"{SITE}/e-1-py3.11.egg",
            "no .pth file",
        ),
        ({f"{SITE}/z-1-py3.11.egg": b"PK"}, (), f"{SITE}/z-1-py3.11.egg", "no .pth file"),
    ],
)
def test_what_describes_no_distribution_is_left_over(
    files: dict[str, Content], directories: tuple[str, ...], path: str, reason: str
) -> None:
    """importlib_metadata#291, cpython#100666: empty and half-removed metadata is a fact, not a failure."""
    ((found, why),) = remnants(files, directories)
    assert found == path
    assert reason in why


@pytest.mark.parametrize(
    ("raw", "found", "reason"),
    [
        (b"Name: demo\nName: evil\nVersion: 1\n", ("demo", "1"), "Name 2 times"),
        (b"Name: demo\nVersion: 1\nVersion: 2\n", ("demo", "1"), "Version 2 times"),
        (b"Name: demo\n", ("demo", ""), "no Version"),
        (b"Version: 1\n", None, "no Name"),
        (b"Name: demo\rName: evil\nVersion: 1\n", None, "control character"),
        (b"Name: d\0emo\nVersion: 1\n", None, "control character"),
        (b"Name: d\xe9mo\nVersion: 1\n", None, "not UTF-8"),
        (b"Name: ../../x\nVersion: 1\n", None, "no valid Name"),
        (b"Name: demo\nVersion: 1\x1b[2J\n", ("demo", ""), "no valid Version"),
        (b" x\nName: demo\nVersion: 1\n", None, "continuation"),
        (b"Name: demo\nVersion: 1\nnot a header\nRequires-Dist: x\n", ("demo", "1"), "line 3"),
        (b"", None, "no Name"),
    ],
)
def test_doubtful_metadata_is_named_and_the_rest_is_kept(
    raw: bytes, found: tuple[str, str] | None, reason: str
) -> None:
    observed = collect({f"{INFO}/METADATA": raw})
    assert [(item.name, item.version) for item in observed.packages] == ([found] if found else [])
    assert any(reason in item.reason for item in observed.unknowns)


def test_windows_line_ends_and_folded_lines_are_read() -> None:
    raw = (
        b"Name: demo\r\nVersion: 1.0\r\nRequires-Dist: numpy;\r\n  python_version > '3'\r\n\r\nName: body\r\n"
    )
    python = only({f"{INFO}/METADATA": raw})
    assert python.requires == ("numpy; python_version > '3'",)


def test_the_body_is_not_a_header() -> None:
    assert names({f"{INFO}/METADATA": "Name: demo\nVersion: 1\n\nName: other\nVersion: 2\n"}) == [
        ("demo", "1")
    ]


def test_metadata_over_the_limit_is_an_unknown() -> None:
    view = FakeView({f"{INFO}/METADATA": metadata("demo", "1") + "x" * 5000})
    observed = python_distributions.collect(view, Limits(metadata_file=4096))
    assert observed.packages == ()
    assert "more than 4096" in observed.unknowns[0].reason


def test_a_file_that_cannot_be_read_costs_only_itself() -> None:
    files: dict[str, Content] = {f"{INFO}/METADATA": metadata("demo", "1"), f"{INFO}/RECORD": ""}
    observed = collect(files, broken=frozenset({f"{INFO}/RECORD"}))
    assert len(observed.packages) == 1
    assert [item.where for item in observed.unknowns] == [f"{INFO}/RECORD"]


RECORD = (
    "demo/__init__.py,sha256=aaa,1\n"
    '"demo/with, comma.py",sha256=bbb,1\n'
    "../../../bin/demo,sha256=ccc,1\n"
    "demo-1.0.dist-info/INSTALLER,sha256=ddd,1\n"
    "demo-1.0.dist-info/direct_url.json,sha256=eee,1\n"
    "demo-1.0.dist-info/METADATA,sha256=fff,1\n"
    "demo/__pycache__/__init__.cpython-311.pyc,,\n"
    "demo-1.0.dist-info/RECORD,,\n"
)


def digest(record: str) -> str | None:
    return only({f"{INFO}/METADATA": metadata("demo", "1.0"), f"{INFO}/RECORD": record}).files_sha256


def test_equal_versions_with_other_files_differ() -> None:
    assert digest(RECORD) != digest(RECORD.replace("aaa", "aab"))
    assert digest(RECORD) != digest(RECORD.replace("demo/__init__", "demo/init"))


@pytest.mark.parametrize("volatile", ["ccc", "ddd", "eee"])
def test_what_the_installer_writes_does_not_count(volatile: str) -> None:
    assert digest(RECORD) == digest(RECORD.replace(volatile, "zzz"))


def test_the_order_of_rows_does_not_count() -> None:
    assert digest(RECORD) == digest("".join(reversed(RECORD.splitlines(keepends=True))))


@pytest.mark.parametrize("raw", [b"\xff,sha256=a,1\n", b'"open', b'"a"b,c\n', b"a" * 200_000])
def test_a_corrupt_record_is_an_unknown_and_the_distribution_stays(raw: bytes) -> None:
    observed = collect({f"{INFO}/METADATA": metadata("demo", "1"), f"{INFO}/RECORD": raw})
    assert len(observed.packages) == 1
    assert [item.where for item in observed.unknowns] == [f"{INFO}/RECORD"]


def test_where_it_came_from_is_kept_without_credentials() -> None:
    origin = {
        "url": "https://user:token@git.example/x.git?key=secret#frag",
        "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"},
        "subdirectory": "py",
    }
    python = only({f"{INFO}/METADATA": metadata("demo", "1"), f"{INFO}/direct_url.json": json.dumps(origin)})
    assert python.direct_url is not None
    assert python.direct_url.url == "https://git.example/x.git"
    assert (python.direct_url.vcs, python.direct_url.commit) == ("git", "abc")
    assert python.direct_url.subdirectory == "py"


@pytest.mark.parametrize("member", [{"hash": f"sha256={'0' * 64}"}, {"hashes": {"sha256": "0" * 64}}])
def test_both_forms_of_an_archive_hash_are_read(member: dict[str, object]) -> None:
    origin = json.dumps({"url": "file:///w.whl", "archive_info": member})
    python = only({f"{INFO}/METADATA": metadata("demo", "1"), f"{INFO}/direct_url.json": origin})
    assert python.direct_url is not None
    assert python.direct_url.archive_sha256 == "0" * 64


def test_a_corrupt_origin_is_an_unknown() -> None:
    observed = collect(
        {f"{INFO}/METADATA": metadata("demo", "1"), f"{INFO}/direct_url.json": '{"url": "http://['}
    )
    assert len(observed.packages) == 1
    assert len(observed.unknowns) == 1


def test_eggs_of_every_shape_are_read() -> None:
    files: dict[str, Content] = {
        f"{SITE}/file-1.0.egg-info": metadata("file", "1.0"),
        f"{SITE}/folder-2.0.egg-info/PKG-INFO": metadata("folder", "2.0"),
        f"{SITE}/folder-2.0.egg-info/requires.txt": 'numpy\n\n[plot]\nmpl\n\n[:os_name == "nt"]\nwin @ file:///w\n',
        f"{SITE}/packed-3.0-py3.11.egg/EGG-INFO/PKG-INFO": metadata("packed", "3.0"),
        f"{SITE}/linked.egg-link": "/src/linked\n.",
        f"{SITE}/easy-install.pth": "./packed-3.0-py3.11.egg\n/src/linked\n",
        "/src/linked/linked.egg-info/PKG-INFO": metadata("linked", "4.0"),
    }
    observed = collect(files)
    found = {item.name: item for item in observed.packages}
    assert {name: item.version for name, item in found.items()} == {
        "file": "1.0",
        "folder": "2.0",
        "linked": "4.0",
        "packed": "3.0",
    }
    folder, linked, packed = (found[name].python for name in ("folder", "linked", "packed"))
    assert packed is not None
    assert (packed.location, packed.metadata) == (f"{SITE}/packed-3.0-py3.11.egg", "EGG-INFO")
    assert folder is not None
    assert folder.requires == ("numpy", 'mpl; extra == "plot"', 'win @ file:///w ; os_name == "nt"')
    assert folder.extras == ("plot",)
    assert linked is not None
    assert linked.direct_url is not None
    assert (linked.location, linked.direct_url.editable) == ("/src/linked", True)


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/setuptools/_vendor/wheel-0.43.0.dist-info/METADATA",
        f"{SITE}/pip/_vendor/x-1.dist-info/METADATA",
        f"{SITE}/tool/vendor/x-1.dist-info/METADATA",
        f"{SITE}/tool/vendor/site/x.egg-info/PKG-INFO",
        "/app/_vendor/x-1.dist-info/METADATA",
        f"{SITE}/importlib_metadata/tests/data/x-1.dist-info/METADATA",
        "/root/.cache/uv/archive-v0/abc/x-1.dist-info/METADATA",
        "/app/src/mine.egg-info/PKG-INFO",
    ],
)
def test_copies_and_sources_are_not_installed(path: str) -> None:
    assert names({path: metadata("x", "1"), path.replace("METADATA", "RECORD"): metadata("x", "1")}) == []


def test_a_target_directory_is_installed_without_an_interpreter() -> None:
    python = only(
        {"/deps/x-1.dist-info/METADATA": metadata("x", "1"), "/deps/x-1.dist-info/INSTALLER": "pip"}
    )
    assert (python.environment, python.location) == ("", "/deps")


def test_a_linked_metadata_file_is_read_where_it_lies() -> None:
    files: dict[str, Content] = {
        f"{INFO}/METADATA": Link(target="/store/x-1.dist-info/METADATA"),
        "/store/x-1.dist-info/METADATA": metadata("x", "1"),
    }
    assert names(files) == [("x", "1")]


def test_a_target_directory_of_old_tools_is_installed() -> None:
    """Paths in installed-files.txt start at the .egg-info directory, those in RECORD beside it (syft#947)."""
    observed = collect(
        {
            "/deps/x.egg-info/PKG-INFO": metadata("x", "1"),
            "/deps/x.egg-info/installed-files.txt": "../x/libgomp.so.1\n../x/__init__.py\nPKG-INFO\n",
        }
    )
    assert [(item.name, item.version) for item in observed.packages] == [("x", "1")]
    assert [claim.path for claim in observed.claims] == ["/deps/x/libgomp.so.1"]


def test_uv_may_install_as_links_into_its_cache() -> None:
    cached = "/root/.cache/uv/archive-v0/abc/demo-1.0.dist-info/METADATA"
    assert names({f"{INFO}/METADATA": Link(target=cached), cached: metadata("demo", "1.0")}) == [
        ("demo", "1.0")
    ]


def test_two_versions_in_one_directory_both_count() -> None:
    """importlib_metadata#106: which one is found depends on the order of the directory."""
    files: dict[str, Content] = {
        "/usr/local/bin/python3.11": b"",
        f"{INFO}/METADATA": metadata("demo", "1.0"),
        f"{SITE}/demo-2.0.dist-info/METADATA": metadata("demo", "2.0"),
    }
    rows = [
        (item.version, item.python.effective)
        for item in observe(FakeView(files), DEFAULT).packages
        if item.python
    ]
    assert rows == [("1.0", True), ("2.0", True)]


EGG = f"{SITE}/z-1.0-py3.11.egg"


def zipped(members: dict[str, str], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as archive:
        for label, text in members.items():
            archive.writestr(label, text)
    return raw.getvalue()


def test_a_zipped_egg_on_the_path_is_read() -> None:
    raw = zipped({"EGG-INFO/PKG-INFO": metadata("z", "1.0"), "EGG-INFO/requires.txt": "numpy\n", "z.py": ""})
    python = only({EGG: raw, f"{SITE}/easy-install.pth": "./z-1.0-py3.11.egg\n"})
    assert (python.location, python.metadata, python.requires) == (EGG, "EGG-INFO", ("numpy",))


def test_a_zipped_egg_without_metadata_is_left_over() -> None:
    files: dict[str, Content] = {
        EGG: zipped({"z.py": ""}),
        f"{SITE}/easy-install.pth": "./z-1.0-py3.11.egg\n",
    }
    assert remnants(files) == [(EGG, "has no EGG-INFO/PKG-INFO, so it describes nothing")]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no zip file"),
        (b"PK\x03\x04" + b"\0" * 60, "no zip file"),
        (zipped({"EGG-INFO/PKG-INFO": metadata("z", "1") + "x" * 2_000_000}), "more than"),
        (zipped({"EGG-INFO/PKG-INFO": "Version: 1\n"}), "no Name"),
        (zipped({f"{number}": "" for number in range(10_001)}), "members"),
        (zipped({"EGG-INFO/PKG-INFO": metadata("z", "1")}).replace(b"Name: z", b"Name: y"), "no zip file"),
    ],
)
def test_a_hostile_egg_is_an_unknown(raw: bytes, reason: str) -> None:
    if reason == "no zip file" and raw:
        raw = raw[:40] + bytes([raw[40] ^ 0xFF]) + raw[41:]
    observed = collect({EGG: raw, f"{SITE}/easy-install.pth": "./z-1.0-py3.11.egg\n"})
    assert observed.packages == ()
    assert reason in observed.unknowns[0].reason


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_any_egg_is_survived(noise: bytes, place: int, byte: int) -> None:
    good = bytearray(zipped({"EGG-INFO/PKG-INFO": metadata("z", "1")}))
    good[place % len(good)] = byte
    for raw in (noise, bytes(good), bytes(good) + noise, noise + bytes(good)):
        observed = collect({EGG: raw, f"{SITE}/easy-install.pth": "./z-1.0-py3.11.egg\n"})
        assert observed.packages or observed.unknowns or observed.remnants


def test_this_interpreter_gives_what_importlib_metadata_gives() -> None:
    site = sysconfig.get_path("purelib")
    expected = sorted(
        (item.metadata["Name"], item.version) for item in importlib.metadata.distributions(path=[site])
    )
    view = real_view(Path(site), SITE)
    observed = python_distributions.collect(view, DEFAULT)
    assert sorted((item.name, item.version) for item in observed.packages) == expected
    requires = {item.name: item.python.requires for item in observed.packages if item.python}
    for item in importlib.metadata.distributions(path=[site]):
        assert [" ".join(line.split()) for line in requires[item.metadata["Name"]]] == [
            " ".join(line.split()) for line in item.requires or ()
        ]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=100))
def test_any_bytes_are_survived(meta: bytes, record: bytes, other: bytes) -> None:
    files: dict[str, Content] = {
        f"{INFO}/METADATA": b"Name: demo\n" + meta,
        f"{INFO}/RECORD": record,
        f"{INFO}/WHEEL": other,
        f"{INFO}/INSTALLER": other,
        f"{INFO}/direct_url.json": other,
        f"{SITE}/a.egg-info": meta,
        f"{SITE}/b.egg-info/PKG-INFO": b"Name: b\n" + meta,
        f"{SITE}/b.egg-info/requires.txt": other,
        f"{SITE}/c.egg-link": other,
    }
    found = {item.name for item in collect(files).packages}
    assert {"demo", "b"} <= found or collect(files).unknowns
