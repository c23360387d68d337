"""What neither observed run loaded ranks behind all that one did; missing evidence demotes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.base import replace
from reprocheck.model.change import DiffReport
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, LoaderChoice, NativeLibrary, Package
from reprocheck.model.unknown import Unknown
from tests.strategies import SITE, make_conda, make_deb, make_manifest, make_pypi, manifests

HOOKED = (ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="both"),)


def module(name: str, version: str, **fields: Any) -> ImportedModule:
    return ImportedModule(name=name, distribution=name, version=version, **fields)


def saw(*modules: ImportedModule, **fields: Any) -> Loaded:
    base: dict[str, Any] = {"observer": "hook", "processes": HOOKED, "libraries": ()}
    return Loaded(**base | {"modules": modules} | fields)


def report(before: dict[str, Any], after: dict[str, Any]) -> DiffReport:
    a, b = make_manifest(**before), make_manifest(**after)
    return rank(compare(a, b), a, b)


def used(before: tuple[Package, ...], after: tuple[Package, ...], one: Loaded, two: Loaded) -> dict[str, str]:
    found = report({"packages": before, "loaded": one}, {"packages": after, "loaded": two}).findings
    return {f.name: f.used for f in found if f.section == "packages"}


def test_an_imported_package_is_loaded_and_one_that_nobody_imported_is_idle() -> None:
    before = (make_pypi("numpy", "1"), make_pypi("torch", "1"))
    after = (make_pypi("numpy", "2"), make_pypi("torch", "2"))
    assert used(before, after, saw(module("numpy", "1")), saw(module("numpy", "2"))) == {
        "numpy": "loaded",
        "torch": "idle",
    }


def test_one_side_that_loaded_it_is_enough() -> None:
    before, after = (make_pypi("torch", "1"),), (make_pypi("torch", "2"),)
    assert used(before, after, saw(), saw(module("torch", "2"))) == {"torch": "loaded"}
    assert used(before, after, saw(module("torch", "1")), saw()) == {"torch": "loaded"}


def test_what_nobody_loaded_ranks_last_and_explains_nothing() -> None:
    before = {"packages": (make_pypi("torch", "1"), make_deb("curl", "1-1")), "loaded": saw()}
    after = {"packages": (make_pypi("torch", "2"), make_deb("curl", "2-1")), "loaded": saw()}
    libc = LoadedLibrary(path="/usr/lib/libcurl.so", owner=make_deb("curl", "1-1").purl)
    before["loaded"] = saw(libraries=(libc,))
    found = report(before, after)
    assert [(f.name, f.used) for f in found.findings if f.section == "packages"] == [
        ("curl", "loaded"),
        ("torch", "idle"),
    ]
    assert found.findings[-1].effect == "result"
    idle = report({**before, "loaded": saw()}, after)
    assert {f.used for f in idle.findings} == {"idle"}
    assert not idle.explained
    assert idle.verdict == "differs"


def test_without_observation_of_both_sides_nothing_is_demoted() -> None:
    before, after = (make_pypi("torch", "1"),), (make_pypi("torch", "2"),)
    for one, two in ((None, None), (saw(), None), (None, saw())):
        found = report({"packages": before, "loaded": one}, {"packages": after, "loaded": two})
        assert [f.used for f in found.findings] == [""]
        assert found.explained


def test_an_observation_with_a_gap_demotes_nothing() -> None:
    gap = {"unknowns": (Unknown(section="loaded", where="child processes", reason="not sampled"),)}
    before = {"packages": (make_pypi("torch", "1"),), "loaded": saw()}
    after = {"packages": (make_pypi("torch", "2"),), "loaded": saw(), **gap}
    assert [f.used for f in report(before, after).findings] == [""]


def test_samples_alone_say_nothing_of_pure_python_and_much_of_libraries() -> None:
    sampled = (ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="maps"),)
    before = (make_pypi("pure", "1"), make_deb("curl", "1-1"))
    after = (make_pypi("pure", "2"), make_deb("curl", "2-1"))
    seen = saw(processes=sampled)
    assert used(before, after, seen, seen) == {"pure": "", "curl": "idle"}


def test_a_distribution_without_an_import_may_own_a_loaded_library() -> None:
    """nvidia-cudnn-cu12 has no module; torch opens its library."""
    sides = [make_pypi("nvidia-cudnn-cu12", version) for version in ("9.1", "9.2")]
    seen = [
        saw(libraries=(LoadedLibrary(path="/s/libcudnn.so.9", owner=p.purl, kind="cudnn"),)) for p in sides
    ]
    assert used((sides[0],), (sides[1],), seen[0], seen[1]) == {"nvidia-cudnn-cu12": "loaded"}


def test_a_package_whose_native_library_is_mapped_by_path_or_bytes_is_loaded() -> None:
    def side(version: str, **loaded: Any) -> dict[str, Any]:
        package = make_deb("libopenblas0", version)
        library = NativeLibrary(
            kind="openblas",
            name="libopenblas.so.0",
            path="/l/libopenblas.so.0",
            owner=package.purl,
            sha256="ab",
        )
        return {
            "packages": (package,),
            "libraries": (library,),
            "loaded": saw(libraries=(LoadedLibrary(**loaded),)),
        }

    for loaded in ({"path": "/l/libopenblas.so.0"}, {"path": "/other/copy.so", "sha256": "ab"}):
        (finding,) = report(side("1-1", **loaded), side("2-1", **loaded)).findings
        assert (finding.name, finding.used) == ("libopenblas0", "loaded")


def test_the_package_that_owns_an_imported_one_is_loaded_too() -> None:
    def side(version: str) -> tuple[Package, ...]:
        deb = make_deb("python3-numpy", f"{version}-1")
        return (deb, make_pypi("numpy", version, owner=deb.purl))

    found = used(side("1"), side("2"), saw(module("numpy", "1")), saw(module("numpy", "2")))
    assert set(found.values()) == {"loaded"}
    conda = [(make_conda("pytorch", v, pip_name="torch"), make_pypi("torch", v)) for v in ("1", "2")]
    found = used(conda[0], conda[1], saw(module("torch", "1")), saw(module("torch", "2")))
    assert set(found.values()) == {"loaded"}


def test_of_two_copies_only_the_imported_one_is_loaded() -> None:
    home, other = "/opt/a/bin/python", "/opt/b/bin/python"

    def side(version: str) -> tuple[Package, ...]:
        return (
            make_pypi("numpy", version, environment=home, location="/opt/a/lib"),
            make_pypi("numpy", version, environment=other, location="/opt/b/lib"),
        )

    seen = [saw(module("numpy", v, path="/opt/b/lib/numpy/__init__.py")) for v in ("1", "2")]
    a, b = (make_manifest(packages=side(v), loaded=s) for v, s in zip(("1", "2"), seen, strict=True))
    found = {f.where: f.used for f in rank(compare(a, b), a, b).findings if f.section == "packages"}
    assert found == {home: "idle", other: "loaded"}


def test_files_that_are_read_and_not_mapped_are_never_called_idle() -> None:
    before, after = (make_deb("tzdata", "1-1"),), (make_deb("tzdata", "2-1"),)
    assert used(before, after, saw(), saw()) == {"tzdata": ""}


def test_a_program_that_ran_leaves_open_which_os_package_it_came_from() -> None:
    shell = ObservedProcess(executable="/usr/bin/dash", seen="maps")
    seen = saw(processes=(*HOOKED, shell))
    before = (make_deb("dash", "1-1"), make_deb("libfoo1", "1-1"))
    after = (make_deb("dash", "2-1"), make_deb("libfoo1", "2-1"))
    assert used(before, after, seen, seen) == {"dash": "", "libfoo1": "idle"}
    assert used(before, after, saw(), saw()) == {"dash": "idle", "libfoo1": "idle"}


def test_libraries_frameworks_and_loader_choices_have_their_use_as_well() -> None:
    library = NativeLibrary(kind="cudnn", name="libcudnn.so.9", path="/a/libcudnn.so.9", version="9.0")
    framework = Framework(name="torch", version="2", location=SITE, cuda="12.1")
    choice = LoaderChoice(soname="libcudnn.so.9", consumer="/c", path="/a", rule="cache")
    before = {"libraries": (library,), "frameworks": (framework,), "loading": (choice,)}
    after = {
        "libraries": (replace(library, version="9.1"),),
        "frameworks": (replace(framework, cuda="12.4"),),
        "loading": (replace(choice, path="/b"),),
    }
    idle = report({**before, "loaded": saw()}, {**after, "loaded": saw()})
    assert {(f.section, f.used) for f in idle.findings} == {
        ("libraries", "idle"),
        ("frameworks", "idle"),
        ("loading", "idle"),
    }
    mapped = LoadedLibrary(path="/a/libcudnn.so.9", kind="cudnn")
    seen = saw(module("torch", "2"), libraries=(mapped,))
    busy = report({**before, "loaded": seen}, {**after, "loaded": seen})
    assert {f.used for f in busy.findings} == {"loaded"}


def test_a_loaded_member_is_never_hidden_behind_an_idle_head() -> None:
    """A package of nothing but pins moved numpy, which runs."""
    before = (make_pypi("my-stack", "1", requires=("numpy==1",)), make_pypi("numpy", "1"))
    after = (make_pypi("my-stack", "2", requires=("numpy==2",)), make_pypi("numpy", "2"))
    seen = [saw(module("numpy", v)) for v in ("1", "2")]
    other = (make_pypi("zz", "1"),), (make_pypi("zz", "2"),)
    found = report(
        {"packages": before + other[0], "loaded": seen[0]}, {"packages": after + other[1], "loaded": seen[1]}
    )
    first, *rest = [f for f in found.findings if f.section == "packages"]
    assert (first.name, first.used, first.effect) == ("my-stack", "loaded", "result")
    assert "numpy" in first.folded
    assert [(f.name, f.used) for f in rest] == [("zz", "idle")]


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests())
def test_idle_needs_two_whole_observations_and_stands_behind_everything(a: Manifest, b: Manifest) -> None:
    found = rank(compare(a, b), a, b).findings
    idle = [f.used == "idle" for f in found]
    assert idle == sorted(idle)
    observed = a.loaded is not None and b.loaded is not None
    assert observed or not any(f.used for f in found)
