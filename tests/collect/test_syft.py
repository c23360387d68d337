"""syft-json in, an allowlist of fields out; and what the two readers disagree on."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.syft import SyftPackage, cross_check, parse
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.package import Conda, Distribution, Package, PackageType

SITE = "/usr/lib/python3/dist-packages"
SECRET = "AKIAIOSFODNN7EXAMPLE"


def artifact(kind: str, name: str, version: str, *paths: str, **more: object) -> dict[str, object]:
    places = [{"path": path, "annotations": {"evidence": "primary"}} for path in paths]
    purl = f"pkg:{'pypi' if kind == 'python' else kind}/{name}@{version}"
    return {"name": name, "version": version, "type": kind, "purl": purl, "locations": places, **more}


def document(*artifacts: object) -> bytes:
    config = base64.b64encode(json.dumps({"Env": [f"TOKEN={SECRET}"]}).encode()).decode()
    return json.dumps(
        {
            "artifacts": list(artifacts),
            "source": {"metadata": {"config": config, "note": SECRET}},
            "descriptor": {"name": "syft", "version": "1.18.1", "configuration": {"password": SECRET}},
        }
    ).encode()


def package(
    name: str, version: str, kind: PackageType = "pypi", *, location: str = SITE, owner: str = ""
) -> Package:
    python = None
    if kind == "pypi":
        metadata = f"{name}-{version}.dist-info"
        python = Distribution(environment="/usr/bin/python3", location=location, metadata=metadata)
    conda = Conda(prefix="/opt/conda", build="0", channel="conda-forge") if kind == "conda" else None
    return Package(
        name=name,
        version=version,
        purl=f"pkg:{kind}/{name}@{version}",
        type=kind,
        owner=owner,
        python=python,
        conda=conda,
    )


def seen(kind: str, name: str, version: str, location: str = "/var/lib/dpkg/status") -> SyftPackage:
    return SyftPackage(
        type=kind, name=name, version=version, purl=f"pkg:{kind}/{name}@{version}", location=location
    )


def metadata(name: str, version: str, site: str = SITE) -> str:
    return f"{site}/{name}-{version}.dist-info/METADATA"


def facts(ours: tuple[Package, ...], theirs: tuple[SyftPackage, ...]) -> list[tuple[str, str, str]]:
    return [(one.subject, one.ours, one.theirs) for one in cross_check(ours, theirs, tool="syft 1.18.1")]


def test_known_types_are_read_sorted_and_others_left_out() -> None:
    found = parse(
        document(
            artifact("python", "numpy", "2.1.0", metadata("numpy", "2.1.0")),
            artifact("deb", "adduser", "3.134", "/var/lib/dpkg/status"),
            artifact("go-module", "example.org/x", "1"),
        ),
        limits=DEFAULT,
    )
    assert [(one.type, one.name, one.version) for one in found] == [
        ("deb", "adduser", "3.134"),
        ("pypi", "numpy", "2.1.0"),
    ]
    assert found[1].location == metadata("numpy", "2.1.0")


def test_nothing_outside_the_allowlist_comes_through() -> None:
    """The image's Env, syft's configuration and free metadata stay behind."""
    found = parse(
        document(artifact("deb", "a", "1", "/x", metadata={"files": [SECRET]}, licenses=[SECRET])),
        limits=DEFAULT,
    )
    assert len(found) == 1
    assert SECRET not in repr(found)


def test_one_artifact_in_two_places_is_two_packages_and_supporting_evidence_is_none() -> None:
    one = artifact("python", "six", "1.16.0", "/b/METADATA", "/a/METADATA")
    places = one["locations"]
    assert isinstance(places, list)
    places.append({"path": "/a/RECORD", "annotations": {"evidence": "supporting"}})
    assert [found.location for found in parse(document(one), limits=DEFAULT)] == [
        "/a/METADATA",
        "/b/METADATA",
    ]


def test_an_os_package_with_files_beside_its_record_is_one_package() -> None:
    one = artifact("deb", "a", "1", "/var/lib/dpkg/info/a.conffiles", "/var/lib/dpkg/status")
    assert [found.location for found in parse(document(one), limits=DEFAULT)] == ["/var/lib/dpkg/status"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"syft panicked",
        document(artifact("deb", "a", "1"))[:-10],
        b"[]",
        b"{}",
        b'{"artifacts": {}}',
        b'{"artifacts": [1]}',
        b'{"artifacts": [{"type": "deb", "name": ""}]}',
        b'{"artifacts": [{"type": "deb", "name": 3}]}',
        b'{"artifacts": [{"type": ["deb"], "name": "a"}]}',
        b'{"artifacts": [{"type": "deb", "name": "a", "locations": [{"path": 1}]}]}',
        b'{"artifacts": [{"type": "deb", "name": "a", "name": "b"}]}',
        b'{"artifacts": ' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_a_malformed_document_is_refused(raw: bytes) -> None:
    with pytest.raises(CouldNotRun) as caught:
        parse(raw, limits=DEFAULT)
    assert caught.value.code == "E_SYFT_OUTPUT"


def test_too_many_packages_or_too_long_a_name_is_refused() -> None:
    many = document(*(artifact("deb", f"p{n}", "1") for n in range(4)))
    with pytest.raises(CouldNotRun, match="limit of 3"):
        parse(many, limits=Limits(packages=3))
    with pytest.raises(CouldNotRun, match="usable text"):
        parse(document(artifact("deb", "n" * 100, "1")), limits=Limits(json_string=64))


def test_equal_lists_agree() -> None:
    ours = (package("adduser", "3.134", "deb"), package("Foo_Bar", "1.0"))
    theirs = (
        seen("deb", "adduser", "3.134"),
        seen("pypi", "foo-bar", "1.0", metadata("Foo_Bar", "1.0")),
    )
    assert facts(ours, theirs) == []


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"), [("pypi", "1.0.0-rc1", "1.0.0rc1"), ("rpm", "0:1.2-3", "1.2-3")]
)
def test_one_version_in_two_spellings_is_no_disagreement(kind: PackageType, ours: str, theirs: str) -> None:
    assert facts((package("a", ours, kind),), (seen(kind, "a", theirs, ""),)) == []


def test_an_interpreter_more_that_sees_the_same_metadata_is_no_disagreement() -> None:
    one = package("six", "1.16.0")
    assert facts((one, one), (seen("pypi", "six", "1.16.0", metadata("six", "1.16.0")),)) == []


def test_another_version_of_one_name_is_one_disagreement_with_both() -> None:
    found = cross_check(
        (package("libc6", "2.36-9+deb12u9", "deb"),), (seen("deb", "libc6", "2.36-9"),), tool="syft 1.18.1"
    )
    assert [(one.ours, one.theirs, one.tool) for one in found] == [
        ("2.36-9+deb12u9", "2.36-9", "syft 1.18.1")
    ]
    assert found[0].subject == "pkg:deb/libc6"
    assert "different versions" in found[0].reason


def test_a_vendored_copy_is_told_with_its_place() -> None:
    place = metadata("zipp", "3.19.2", f"{SITE}/setuptools/_vendor")
    found = cross_check((package("zipp", "3.20.0"),), (
        seen("pypi", "zipp", "3.20.0", metadata("zipp", "3.20.0")),
        seen("pypi", "zipp", "3.19.2", place),
    ), tool="syft 1.18.1")  # fmt: skip
    assert [(one.ours, one.theirs) for one in found] == [("", "3.19.2")]
    assert found[0].reason == f"vendored copy in {place}"


def test_a_second_copy_of_one_version_where_nobody_searches_is_told() -> None:
    stray = metadata("six", "1.16.0", "/aaa/stray")
    found = cross_check((package("six", "1.16.0"),), (
        seen("pypi", "six", "1.16.0", metadata("six", "1.16.0")),
        seen("pypi", "six", "1.16.0", stray),
    ), tool="syft 1.18.1")  # fmt: skip
    assert [(one.ours, one.theirs) for one in found] == [("", "1.16.0")]
    assert stray in found[0].reason


def test_a_package_database_of_an_unpacked_root_inside_is_told_with_its_place() -> None:
    place = "/srv/chroot/var/lib/dpkg/status"
    there = seen("deb", "apt", "2.6.1", place)
    found = cross_check((), (there,), tool="syft 1.18.1")
    assert [one.reason for one in found] == [f"a database of another root ({place})"]
    own = seen("deb", "apt", "2.6.1")
    assert [one.reason for one in cross_check((), (own,), tool="syft 1.18.1")] == [""]


def test_a_distribution_that_the_os_owns_and_syft_folds_has_its_reason() -> None:
    owner = "pkg:deb/debian/python3-numpy@1.24.2"
    found = cross_check((package("numpy", "1.24.2", owner=owner),), (), tool="syft 1.18.1")
    assert [(one.ours, one.theirs) for one in found] == [("1.24.2", "")]
    assert owner in found[0].reason


def test_a_syft_without_conda_is_one_disagreement_not_hundreds() -> None:
    ours = tuple(package(f"p{n}", "1", "conda") for n in range(300))
    found = cross_check(ours, (), tool="syft 1.18.1")
    assert [(one.subject, one.ours, one.theirs) for one in found] == [("pkg:conda", "300 packages", "")]
    assert "syft 1.18.1" in found[0].reason


def test_conda_packages_are_compared_one_by_one_when_syft_reads_conda() -> None:
    ours = (package("zlib", "1.3.1", "conda"), package("xz", "5.6", "conda"))
    theirs = (seen("conda", "zlib", "1.3.1", "/opt/conda/conda-meta/zlib-1.3.1-0.json"),)
    assert facts(ours, theirs) == [("pkg:conda/xz", "5.6", "")]


NAMES = st.sampled_from(["a", "b-b", "B_b", "c"])
VERSIONS = st.sampled_from(["1", "1.0", "2", "x!y"])
KINDS = st.sampled_from(["deb", "pypi"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(KINDS, NAMES, VERSIONS)), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_answer_and_nothing_is_lost(rows: list[Any], random: Any) -> None:
    theirs = [seen(kind, name, version, f"/{n}") for n, (kind, name, version) in enumerate(rows)]
    before = cross_check((), tuple(theirs), tool="t")
    random.shuffle(theirs)
    assert cross_check((), tuple(theirs), tool="t") == before
    assert len(before) == len(theirs)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_our_fault(raw: bytes) -> None:
    for body in (raw, b'{"artifacts": [' + raw + b"]}"):
        with contextlib.suppress(CouldNotRun):
            assert isinstance(parse(body, limits=DEFAULT), tuple)
