"""What moved only because something else did stands behind it."""

from __future__ import annotations

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import DiffReport
from reprocheck.model.package import NativeLibrary, Package
from tests.strategies import make_cpu, make_deb, make_host, make_manifest, make_pypi, make_python


def report(before: tuple[Package, ...], after: tuple[Package, ...]) -> DiffReport:
    a, b = make_manifest(packages=before), make_manifest(packages=after)
    return rank(compare(a, b), a, b)


def heads(before: tuple[Package, ...], after: tuple[Package, ...]) -> dict[str, tuple[str, ...]]:
    return {f.name: f.folded for f in report(before, after).findings}


def test_pins_of_the_parent_fold_its_children_and_theirs() -> None:
    linux = "; platform_system == 'Linux'"
    before = (
        make_pypi("torch", "2.3.0", requires=(f"nvidia-cudnn-cu12==8.9{linux}", "triton==2.3.0")),
        make_pypi("nvidia-cudnn-cu12", "8.9", requires=("nvidia-cublas-cu12",)),
        make_pypi("nvidia-cublas-cu12", "12.1"),
        make_pypi("triton", "2.3.0"),
    )
    after = (
        make_pypi("torch", "2.4.0", requires=(f"nvidia_cudnn.cu12==9.1{linux}", "triton==2.4.0", "newcomer")),
        make_pypi("nvidia-cudnn-cu12", "9.1", requires=("nvidia-cublas-cu12==12.4",)),
        make_pypi("nvidia-cublas-cu12", "12.4"),
        make_pypi("triton", "2.4.0"),
        make_pypi("newcomer", requires=("its-own",)),
        make_pypi("its-own"),
    )
    (finding,) = report(before, after).findings
    assert finding.name == "torch"
    assert sorted(finding.folded) == [
        "its-own",
        "newcomer",
        "nvidia-cublas-cu12",
        "nvidia-cudnn-cu12",
        "triton",
    ]


def test_a_child_whose_line_did_not_change_moved_on_its_own() -> None:
    before = (make_pypi("p", "1", requires=("c>=1",)), make_pypi("c", "1"))
    after = (make_pypi("p", "2", requires=("c>=1",)), make_pypi("c", "2"))
    assert heads(before, after) == {"p": (), "c": ()}


def test_a_line_that_also_allows_the_old_version_forces_nothing() -> None:
    before = (make_pypi("p", "1", requires=("c>=1.0",)), make_pypi("c", "1.5"))
    after = (make_pypi("p", "2", requires=("c>=1.2",)), make_pypi("c", "2.0"))
    assert heads(before, after) == {"p": (), "c": ()}


def test_a_new_version_outside_the_pin_is_not_explained_by_it() -> None:
    before = (make_pypi("p", "1", requires=("c==1",)), make_pypi("c", "1"))
    after = (make_pypi("p", "2", requires=("c==2",)), make_pypi("c", "3"))
    assert heads(before, after) == {"p": (), "c": ()}


def test_a_compatible_release_pin_folds_both_ways() -> None:
    old = (make_pypi("p", "1", requires=("c~=1.0",)), make_pypi("c", "1.3"))
    new = (make_pypi("p", "2", requires=("c~=2.0",)), make_pypi("c", "2.7"))
    assert heads(old, new) == heads(new, old) == {"p": ("c",)}


def test_an_unmoved_parent_folds_nothing() -> None:
    p = make_pypi("p", "1", requires=("c",))
    assert heads((p, make_pypi("c", "1")), (p, make_pypi("c", "2"))) == {"c": ()}


def test_what_came_with_its_only_parent_folds_and_leaves_with_it() -> None:
    alone = (make_pypi("x"),)
    both = (*alone, make_pypi("p", requires=("c",)), make_pypi("c"))
    assert heads(alone, both) == heads(both, alone) == {"p": ("c",)}


def test_what_an_unmoved_package_asks_for_as_well_is_not_folded() -> None:
    keeper = make_pypi("keeper", requires=("c",))
    after = (keeper, make_pypi("p", requires=("c",)), make_pypi("c"))
    assert heads((keeper,), after) == {"c": (), "p": ()}


def test_what_is_asked_for_behind_an_extra_only_is_not_folded() -> None:
    after = (make_pypi("p", requires=("c; extra == 'x'",)), make_pypi("c"))
    assert heads((), after) == {"c": (), "p": ()}


def test_a_circle_of_requirements_keeps_one_head() -> None:
    after = (make_pypi("p", requires=("c",)), make_pypi("c", requires=("p",)))
    found = heads((), after)
    assert len(found) == 1
    assert sum(len(folded) for folded in found.values()) == 1


def test_a_strong_child_lifts_the_rank_of_its_parent() -> None:
    before = (make_pypi("pip", "1", requires=("numpy==1",)), make_pypi("numpy", "1"))
    after = (make_pypi("pip", "2", requires=("numpy==2",)), make_pypi("numpy", "2"))
    (finding,) = report(before, after).findings
    assert (finding.name, finding.folded) == ("pip", ("numpy",))
    assert (finding.effect, finding.severity) == ("result", "high")


def test_malformed_requirements_are_ignored() -> None:
    bad = ("c==", "((((", "c " + "(" * 500, "c==" + "9" * 5000, "", "c; extra", "x" * 100_000, "\udcff")
    before = (make_pypi("p", "1", requires=("c==1", *bad)), make_pypi("c", "1"))
    after = (make_pypi("p", "2", requires=("c==2", *bad)), make_pypi("c", "2"))
    assert heads(before, after) == {"p": ("c",)}


def test_environments_do_not_fold_into_each_other() -> None:
    one, two = "/opt/a/bin/python", "/opt/b/bin/python"
    before = (
        make_pypi("p", "1", environment=one, requires=("c==1",)),
        make_pypi("p", "1", environment=two),
        make_pypi("c", "1", environment=two),
        make_pypi("c", "2", environment=one),
    )
    after = (
        make_pypi("p", "2", environment=one, requires=("c==2",)),
        make_pypi("p", "1", environment=two),
        make_pypi("c", "2", environment=two),
        make_pypi("c", "2", environment=one),
    )
    assert heads(before, after) == {"p": (), "c": ()}


def test_binary_packages_of_one_source_fold_under_the_strongest() -> None:
    def glibc(version: str) -> tuple[Package, ...]:
        return tuple(make_deb(n, version, source_name="glibc") for n in ("libc-bin", "libc6", "libc-l10n"))

    assert heads(glibc("2.36-1"), glibc("2.36-2")) == {"libc6": ("libc-bin", "libc-l10n")}


def test_a_library_folds_under_the_package_that_brings_it() -> None:
    def side(version: str) -> tuple[tuple[Package, ...], tuple[NativeLibrary, ...]]:
        package = make_pypi("nvidia-cudnn-cu12", version)
        library = NativeLibrary(
            kind="cudnn", name="libcudnn.so.9", path="/l", version=version, owner=package.purl
        )
        return (package,), (library,)

    (packages_a, libraries_a), (packages_b, libraries_b) = side("9.0"), side("9.1")
    a = make_manifest(packages=packages_a, libraries=libraries_a)
    b = make_manifest(packages=packages_b, libraries=libraries_b)
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.name, finding.folded) == ("nvidia-cudnn-cu12", ("libcudnn.so.9",))


def test_facets_of_one_cpu_fold() -> None:
    a = make_manifest()
    b = make_manifest(host=make_host(cpu=make_cpu(level="x86-64-v3", features=("avx",))))
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.name, finding.folded) == ("cpu.level", ("cpu.features",))


def test_folding_works_in_a_renamed_environment() -> None:
    def side(python: str, version: str) -> dict[str, tuple[Package, ...]]:
        return {
            "packages": (
                make_pypi("p", version, environment=python, requires=(f"c=={version}",)),
                make_pypi("c", version, environment=python),
            )
        }

    a = make_manifest(**side("/a/bin/python", "1"), pythons=(make_python("/a/bin/python"),))
    b = make_manifest(**side("/b/bin/python", "2"), pythons=(make_python("/b/bin/python"),))
    found = {f.name: f.folded for f in rank(compare(a, b), a, b).findings}
    assert found["p"] == ("c",)
