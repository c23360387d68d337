"""What a document of another tool cannot say is unknown, never different."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.compare.coverage import common, merge
from reprocheck.model.base import replace
from reprocheck.model.change import Delta
from reprocheck.model.host import Driver
from reprocheck.model.image import Coverage, OperatingSystem, Source
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl, Framework, Package
from tests.strategies import (
    SITE,
    make_conda,
    make_deb,
    make_gpu,
    make_host,
    make_manifest,
    make_pypi,
    make_python,
    packages,
)

VENV = "/opt/venv/bin/python"
FIRST_ONLY = {"image": None, "os": None, "host": None, "run": None, "libraries": (), "environment": ()}


def document(*listed: Package, **overrides: Any) -> Manifest:
    """Return what another tool lists; keywords of `Coverage` and of `Manifest` are told apart."""
    covers: dict[str, Any] = {"format": "a list", "scope": "environment", "types": ("pypi",)}
    rest: dict[str, Any] = {**FIRST_ONLY, "pythons": ()}
    for key, value in overrides.items():
        (covers if key in Coverage.__struct_fields__ else rest)[key] = value
    source = Source(kind="document", covers=Coverage(**covers))
    return make_manifest(packages=listed, source=source, **rest)


def bare(name: str, version: str = "1.0", **overrides: Any) -> Package:
    """Return a distribution of which no place is known."""
    fields = {"environment": "", "location": "", "tags": (), "files_sha256": None, **overrides}
    return make_pypi(name, version, **fields)


def delta(a: Manifest, b: Manifest) -> Delta:
    shared = common(a, b)
    return merge(compare(shared.first, shared.second), shared)


def told(a: Manifest, b: Manifest) -> list[tuple[str, str, str]]:
    return [(d.section, d.name, d.attribute) for d in delta(a, b).differences]


def test_two_manifests_of_ours_are_left_as_they_are() -> None:
    a, b = make_manifest(), make_manifest(os=None)
    shared = common(a, b)
    assert (shared.first, shared.second, shared.unknowns) == (a, b, ())


def test_a_list_of_the_same_packages_has_no_difference_and_is_inconclusive() -> None:
    found = delta(make_manifest(), document(bare("NumPy", "1.26.4")))
    assert found.differences == ()
    reasons = {(unknown.section, unknown.where) for unknown in found.unknowns}
    assert ("packages", "packages of the type deb") in reasons
    assert ("packages", "the files of packages") in reasons
    assert {"host", "image", "libraries", "os", "pythons", "environment", "run"} <= {s for s, _ in reasons}
    assert all("second side" in unknown.reason for unknown in found.unknowns)


def test_what_a_list_does_tell_is_compared_and_has_the_place_of_our_side() -> None:
    (difference,) = delta(make_manifest(), document(bare("numpy", "2.0"))).differences
    assert (difference.attribute, difference.before, difference.after) == ("version", "1.26.4", "2.0")
    assert difference.where == "/usr/bin/python3.11"


def test_two_equal_lists_are_identical_and_nothing_is_missing() -> None:
    found = delta(document(bare("a")), document(bare("A")))
    assert (found.differences, found.unknowns) == ((), ())
    assert told(document(bare("a")), document()) == [("packages", "a", "presence")]


def test_versions_are_compared_in_one_spelling() -> None:
    ours = make_manifest(packages=(make_pypi("a", "2.0.0.RC1"),))
    assert told(ours, document(bare("a", "2.0.0rc1"))) == []
    assert told(ours, document(bare("a", "2.0.0"))) == [("packages", "a", "version")]


def test_what_a_list_leaves_out_by_design_is_left_out() -> None:
    ours = make_manifest(packages=(make_pypi("pip"), make_pypi("a")))
    found = delta(ours, document(bare("a"), omits=("pip",)))
    assert found.differences == ()
    assert [unknown.where for unknown in found.left_out] == ["1 Python distribution"]
    assert told(ours, document(bare("a"), bare("pip", "0"), omits=("pip",))) == [
        ("packages", "pip", "version")
    ]


def test_a_list_of_some_packages_says_nothing_of_the_others() -> None:
    ours = make_manifest(packages=(make_pypi("a"), make_pypi("b")))
    found = delta(ours, document(bare("a"), selected=True))
    assert found.differences == ()
    assert "packages that it does not name" in {unknown.where for unknown in found.unknowns}
    assert told(ours, document(bare("c"), selected=True)) == [("packages", "c", "presence")]


def test_a_package_without_a_version_is_unknown_and_not_different() -> None:
    url = DirectUrl(url="https://e.org/a.zip", archive_sha256="a" * 64)
    ours = make_manifest(packages=(make_pypi("a", direct_url=url),))
    theirs = document(
        bare("a", "", direct_url=DirectUrl(url="https://e.org/a.zip")), facts=("packages.source",)
    )
    found = delta(ours, theirs)
    assert found.differences == ()
    assert "a" in {unknown.where for unknown in found.unknowns}
    other = document(
        bare("a", "", direct_url=DirectUrl(url="https://e.org/b.zip")), facts=("packages.source",)
    )
    assert told(ours, other) == [("packages", "a", "direct_url")]


def test_the_nearest_environment_is_compared_and_the_choice_is_told() -> None:
    venv = make_python(VENV, kind="venv", prefix="/opt/venv", active=False, search_path=("/opt/venv/lib",))
    ours = make_manifest(
        packages=(
            make_pypi("a", "1.0"),
            make_pypi("a", "2.0", environment=VENV),
            make_pypi("b", environment=VENV),
        ),
        pythons=(make_python(), venv),
    )
    found = delta(ours, document(bare("a", "2.0"), bare("b")))
    assert found.differences == ()
    assert VENV in {unknown.where for unknown in found.left_out}
    assert delta(ours, document(bare("a", "1.0"))).differences == ()


def test_a_report_that_tells_places_chooses_by_them() -> None:
    venv = make_python(VENV, kind="venv", prefix="/opt/venv", active=False, search_path=("/opt/venv/lib",))
    ours = make_manifest(
        packages=(make_pypi("a", "1.0"), make_pypi("a", "2.0", environment=VENV)),
        pythons=(make_python(), venv),
    )
    listed = document(bare("a", "1.0", location="/opt/venv/lib"), facts=("packages.location",))
    assert told(ours, listed) == [("packages", "a", "version")]


def test_the_same_interpreter_in_other_precision_is_the_same() -> None:
    for ours, theirs, expected in (("3.11", "3.11.2", []), ("3.12", "3.11.2", ["version"])):
        listed = document(pythons=(make_python("python", version=theirs),), facts=("pythons.version",))
        found = told(make_manifest(packages=(), pythons=(make_python(version=ours),)), listed)
        assert [attribute for _, _, attribute in found] == expected


def test_conda_lists_tell_build_channel_and_the_hashes_that_all_have() -> None:
    ours = make_manifest(
        packages=(make_conda("a", md5="1" * 32, subdir="noarch"), make_deb("libc6")), pythons=()
    )
    facts = ("packages.build", "packages.channel", "packages.md5", "packages.subdir")
    for change, expected in (
        ({}, []),
        ({"build": "other"}, ["build"]),
        ({"channel": "pkgs/main"}, ["channel"]),
        ({"md5": "2" * 32}, ["md5"]),
        ({"md5": ""}, []),
    ):
        fields = {"prefix": "", "md5": "1" * 32, "subdir": "noarch"} | change
        listed = document(make_conda("a", **fields), types=("conda",), facts=facts)
        assert [attribute for _, _, attribute in told(ours, listed)] == expected


def sbom(*listed: Package, **overrides: Any) -> Manifest:
    fields: dict[str, Any] = {"scope": "target", "types": ("deb", "pypi")} | overrides
    return document(*listed, **fields)


def test_an_sbom_is_of_all_environments_and_tells_no_copies_apart() -> None:
    ours = make_manifest(packages=(make_pypi("a"), make_pypi("a", environment=VENV), make_deb("libc6")))
    assert told(ours, sbom(bare("a"), make_deb("libc6", source_name=""))) == []
    assert told(ours, sbom(bare("a"), make_deb("libc6", "2"))) == [("packages", "libc6", "version")]


def test_an_architecture_counts_where_the_sbom_tells_it() -> None:
    ours = make_manifest(packages=(make_deb("libc6", architecture="amd64"),))
    other = make_deb("libc6", architecture="i386")
    assert told(ours, sbom(other)) == []
    assert told(ours, sbom(other, facts=("packages.architecture",))) == [
        ("packages", "libc6", "architecture")
    ]


def test_a_distribution_that_the_system_installed_may_be_listed_as_its_package_alone() -> None:
    ours = make_manifest(packages=(make_pypi("six", owner="pkg:deb/debian/python3-six"),))
    assert told(ours, sbom()) == []
    assert told(make_manifest(packages=(make_pypi("six"),)), sbom()) == [("packages", "six", "presence")]


def test_a_vendored_copy_that_no_interpreter_finds_is_no_difference() -> None:
    ours = make_manifest(packages=(make_pypi("a"),))
    listed = sbom(bare("a", location=SITE), bare("six", location=f"{SITE}/setuptools/_vendor"))
    found = delta(ours, listed)
    assert found.differences == ()
    assert [unknown.where for unknown in found.left_out] == ["1 Python distribution"]
    assert told(ours, sbom(bare("a", location=SITE), bare("six", location=SITE))) == [
        ("packages", "six", "presence")
    ]


def test_of_the_machine_and_the_system_only_told_facts_are_compared() -> None:
    ours = make_manifest(
        packages=(),
        host=make_host(gpus=(make_gpu(),), driver=Driver(version="1")),
        frameworks=(Framework(name="torch", version="2.1", location=SITE, cuda="12.1", git="abc"),),
    )
    theirs = {
        "host": make_host(
            kernel="", memory_bytes=0, gpus=(make_gpu(name="H100"),), driver=Driver(version="2")
        ),
        "os": OperatingSystem(id="", name="Other", libc="glibc 2.36"),
        "frameworks": (Framework(name="torch", version="2.1", location="", cuda="11.8"),),
        "facts": ("frameworks.torch", "host.driver", "host.gpus", "os.libc"),
    }
    assert told(ours, document(**theirs)) == [
        ("frameworks", "torch", "cuda"),
        ("host", "driver.version", "value"),
        ("host", "gpus[0].name", "value"),
    ]


@settings(max_examples=50)
@given(st.lists(packages(), max_size=6), st.lists(packages(), max_size=6), st.booleans(), st.booleans())
def test_the_cut_mirrors_and_a_document_never_differs_from_itself(
    ours: list[Package], theirs: list[Package], whole: bool, partly: bool
) -> None:
    a = make_manifest(packages=tuple(ours), pythons=(make_python(), make_python(VENV, active=False)))
    b = document(
        *theirs,
        scope="target" if whole else "environment",
        types=("apk", "conda", "deb", "pypi", "rpm"),
        facts=("packages.architecture", "packages.build", "packages.location", "packages.source"),
        selected=partly,
    )
    forth, back = common(a, b), common(b, a)
    assert (forth.first, forth.second) == (back.second, back.first)
    assert forth.left_out == back.left_out
    assert len(forth.unknowns) == len(back.unknowns)
    assert delta(b, b).differences == ()


@settings(max_examples=50)
@given(st.lists(packages(), max_size=6))
def test_what_a_document_lists_of_a_target_is_no_difference_to_that_target(listed: list[Package]) -> None:
    ours = make_manifest(packages=tuple(listed), pythons=())
    theirs = document(
        *(replace(package, owner="") for package in listed),
        scope="target",
        types=("apk", "conda", "deb", "pypi", "rpm"),
    )
    assert delta(ours, theirs).differences == ()
