"""Which packages are the same one, and what differs between their two states."""

from __future__ import annotations

from reprocheck.codec import seal
from reprocheck.compare import compare
from reprocheck.compare.packages import compare_packages
from reprocheck.model.change import Difference
from reprocheck.model.package import DirectUrl, Package
from tests.strategies import SITE, make_conda, make_deb, make_manifest, make_pypi, sha

VENV = "/opt/a/bin/python"
OTHER = "/opt/b/bin/python"


def found(before: tuple[Package, ...], after: tuple[Package, ...]) -> tuple[Difference, ...]:
    return compare_packages(make_manifest(packages=before), make_manifest(packages=after)).differences


def attributes(before: Package, after: Package) -> list[str]:
    return [d.attribute for d in found((before,), (after,))]


def test_a_version_change_has_a_direction_and_names_no_consequences() -> None:
    (d,) = found((make_pypi("numpy", "1.9"),), (make_pypi("numpy", "1.10", files_sha256=sha("f")),))
    assert (d.attribute, d.kind, d.before, d.after, d.direction) == (
        "version",
        "changed",
        "1.9",
        "1.10",
        "upgrade",
    )


def test_versions_are_compared_whole() -> None:
    """Epoch, release and local part count (container-diff#297)."""
    assert attributes(make_pypi("torch", "2.1.0+cu118"), make_pypi("torch", "2.1.0+cu121")) == ["version"]
    assert attributes(make_deb("x", "1:1.0-1"), make_deb("x", "1.0-1")) == ["version"]
    assert attributes(make_deb("x", "1.0-1"), make_deb("x", "1.0-2")) == ["version"]


def test_an_unordered_change_has_no_direction() -> None:
    (d,) = found((make_pypi("x", "??"),), (make_pypi("x", "1.0"),))
    assert d.direction == ""


def test_pep503_spellings_are_one_package() -> None:
    assert found((make_pypi("Foo.Bar_baz"),), (make_pypi("foo-bar-baz"),)) == ()


def test_deb_names_are_not_normalised() -> None:
    kinds = {d.kind for d in found((make_deb("a.b"),), (make_deb("a-b"),))}
    assert kinds == {"added", "removed"}


def test_one_name_of_two_types_is_two_packages() -> None:
    assert len(found((make_pypi("x"),), (make_deb("x", "1.0"),))) == 2


def test_equal_versions_with_other_files_differ() -> None:
    assert attributes(make_pypi("pillow"), make_pypi("pillow", files_sha256=sha("f"))) == ["files"]


def test_another_wheel_tag_is_told_instead_of_its_files() -> None:
    other = make_pypi("pillow", tags=("cp311-cp311-linux_x86_64",), files_sha256=sha("f"))
    assert attributes(make_pypi("pillow"), other) == ["tags"]


def test_content_known_on_one_side_only_is_not_compared() -> None:
    delta = compare(
        make_manifest(packages=(make_pypi("x"),)),
        make_manifest(packages=(make_pypi("x", files_sha256=None),)),
    )
    assert delta.differences == ()
    assert [u.where for u in delta.unknowns] == ["pypi:x"]


def test_no_record_on_either_side_is_legal_and_silent() -> None:
    package = make_pypi("x", files_sha256=None, has_record=False)
    delta = compare_packages(make_manifest(packages=(package,)), make_manifest(packages=(package,)))
    assert delta.unknowns == ()


def test_conda_build_and_channel_count_at_equal_versions() -> None:
    a = make_conda("pillow", "8.4.0", "py39_0")
    assert attributes(a, make_conda("pillow", "8.4.0", "py39_1")) == ["build"]
    assert attributes(a, make_conda("pillow", "8.4.0", "py39_0", channel="defaults")) == ["channel"]
    assert attributes(a, make_conda("pillow", "8.4.0", "py39_0", sha256=sha("a"))) == ["sha256"]
    assert attributes(a, make_conda("pillow", "8.4.0", "py39_0", md5="0" * 32)) == ["md5"]


def test_another_commit_of_one_version_differs() -> None:
    urls = [DirectUrl(url="https://example.org/x", vcs="git", commit=c * 40) for c in "ab"]
    assert attributes(make_pypi("x", direct_url=urls[0]), make_pypi("x", direct_url=urls[1])) == [
        "direct_url"
    ]


def test_an_editable_install_of_an_equal_version_differs() -> None:
    url = DirectUrl(url="file:///src", editable=True)
    assert attributes(make_pypi("x"), make_pypi("x", direct_url=url)) == ["direct_url"]


def test_architecture_differs() -> None:
    assert attributes(make_deb("x"), make_deb("x", architecture="arm64")) == ["architecture"]


def test_dependencies_of_an_equal_os_package_count() -> None:
    assert attributes(make_deb("x"), make_deb("x", depends=("y",))) == ["depends"]


def test_how_it_was_installed_does_not_count() -> None:
    assert found((make_pypi("x", installer="pip"),), (make_pypi("x", installer="uv", requested=True),)) == ()


def test_an_identical_second_copy_is_added() -> None:
    (d,) = found((make_pypi("x"),), (make_pypi("x"), make_pypi("x")))
    assert (d.kind, d.name, d.where) == ("added", "x", SITE)


def test_two_copies_keep_their_own_environments() -> None:
    before = (make_pypi("x", "1", environment=VENV), make_pypi("x", "2", environment=OTHER))
    after = (make_pypi("x", "1", environment=VENV), make_pypi("x", "3", environment=OTHER))
    (d,) = found(before, after)
    assert (d.before, d.after, d.where) == ("2", "3", OTHER)


def test_swapped_versions_of_two_environments_differ() -> None:
    before = (make_pypi("x", "1", environment=VENV), make_pypi("x", "2", environment=OTHER))
    after = (make_pypi("x", "2", environment=VENV), make_pypi("x", "1", environment=OTHER))
    assert len(found(before, after)) == 2


def test_a_renamed_environment_is_still_the_same() -> None:
    before = (make_pypi("x", environment="/usr/bin/python3"), make_pypi("x", environment=VENV, location="/l"))
    after = (make_pypi("x", environment="/usr/bin/python3"), make_pypi("x", environment=OTHER, location="/m"))
    assert found(before, after) == ()


def test_another_environment_is_matched_when_each_side_has_one_copy() -> None:
    a = (make_pypi("x", "1", environment=VENV), make_pypi("y", environment=OTHER))
    b = (make_pypi("x", "2", environment=OTHER), make_pypi("y", environment=VENV))
    assert [(d.attribute, d.before, d.after) for d in found(a, b)] == [("version", "1", "2")]


def test_foreign_architectures_of_one_name_stay_apart() -> None:
    before = (make_deb("libc6"), make_deb("libc6", architecture="i386"))
    after = (make_deb("libc6"), make_deb("libc6", "2.0-1", architecture="i386"))
    (d,) = found(before, after)
    assert (d.where, d.attribute) == ("i386", "version")


def test_a_shadowed_copy_that_becomes_effective_differs() -> None:
    assert attributes(make_pypi("x", effective=False), make_pypi("x")) == ["effective"]


def test_one_archive_is_the_same_wherever_it_lay() -> None:
    """What it held decides; where somebody built it does not, and hides no difference in it."""
    one, two = (
        make_pypi("x", direct_url=DirectUrl(url=f"file:///{place}/x.whl", archive_sha256=sha("1")))
        for place in ("a", "b")
    )
    assert found((one,), (two,)) == ()
    sealed = [seal(make_manifest(packages=(p,))) for p in (one, two)]
    assert compare(*sealed).differences == ()


def test_what_the_digest_of_an_archive_does_not_explain_is_no_matter_of_its_place() -> None:
    """Another installer beside another place: the sealed contents differ, and that is said."""
    one, two = (
        make_pypi("x", installer=tool, direct_url=DirectUrl(url=f"file:///{tool}", archive_sha256=sha("1")))
        for tool in ("pip", "uv")
    )
    sealed = [seal(make_manifest(packages=(p,))) for p in (one, two)]
    assert [d.name for d in compare(*sealed).differences] == ["content digest"]


def test_another_archive_or_an_archive_without_a_digest_is_told_with_its_place() -> None:
    def of(place: str, digest: str, subdirectory: str = "") -> Package:
        url = DirectUrl(url=f"file:///{place}", archive_sha256=digest, subdirectory=subdirectory)
        return make_pypi("x", direct_url=url)

    for one, two in (
        (of("a", ""), of("b", "")),
        (of("a", sha("1")), of("a", sha("2"))),
        (of("a", sha("1")), of("b", "")),
        (of("a", sha("1")), of("b", sha("1"), "src")),
    ):
        assert attributes(one, two) == attributes(two, one) == ["direct_url"]


def test_the_wheel_of_one_archive_is_told_by_its_tag_and_not_by_its_place() -> None:
    one, two = (
        make_pypi("x", build=place, direct_url=DirectUrl(url=f"file:///{place}", archive_sha256=sha("1")))
        for place in ("1", "2")
    )
    assert attributes(one, two) == ["wheel-build"]


def test_of_several_copies_the_equal_ones_are_one_whoever_installed_them() -> None:
    shadowed = make_pypi("x", effective=False, installer="pip")
    again = make_pypi("X", effective=False, installer="uv", requested=True)
    (d,) = found((shadowed,), (again, make_pypi("x")))
    assert (d.attribute, d.before, d.after) == ("presence", None, "1.0")
