"""What moved only because something else did stands behind it."""

from __future__ import annotations

from hypothesis import given, settings

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import DiffReport
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, NativeLibrary, Package
from tests.strategies import (
    make_conda,
    make_cpu,
    make_deb,
    make_host,
    make_manifest,
    make_pypi,
    make_python,
    manifests,
)


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


def conda_heads(before: tuple[Package, ...], after: tuple[Package, ...]) -> dict[str, tuple[str, ...]]:
    return {f.name: f.folded for f in report(before, after).findings}


def test_a_framework_upgrade_with_all_that_it_pins_is_one_finding() -> None:
    """torch 2.12 to 2.13: another CUDA series, so packages come, go and move, two levels deep."""
    linux = "; platform_system == 'Linux'"

    def torch(version: str, cuda: str, pins: dict[str, str]) -> tuple[Package, ...]:
        lines = tuple(f"{name}=={v}{linux}" for name, v in pins.items())
        own = make_pypi("torch", version, requires=("filelock", "typing-extensions>=4.10", *lines))
        cudnn, cublas = f"nvidia-cudnn-{cuda}", f"nvidia-cublas-{cuda}"
        under = {cudnn: (cublas,), f"nvidia-cusolver-{cuda}": (cublas, f"nvidia-nvjitlink-{cuda}")}
        return (own, *(make_pypi(name, v, requires=under.get(name, ())) for name, v in pins.items()))

    names = ("nvidia-cudnn", "nvidia-cublas", "nvidia-cusolver", "nvidia-nvjitlink")
    before = torch("2.12.0", "cu12", {f"{n}-cu12": "12.8" for n in names} | {"triton": "3.6.0"})
    after = torch("2.13.0", "cu13", {f"{n}-cu13": "13.0" for n in names} | {"triton": "3.7.0"})
    same = (make_pypi("filelock"), make_pypi("typing-extensions", "4.12"))
    found = heads((*before, *same), (*after, *same))
    assert set(found) == {"torch"}
    assert len(found["torch"]) == 9
    assert heads((*after, *same), (*before, *same)).keys() == {"torch"}


def test_a_parent_that_left_takes_its_own_along_and_leaves_what_others_need() -> None:
    jax = (make_pypi("jax", requires=("jaxlib", "numpy")), make_pypi("jaxlib", requires=("ml-dtypes",)))
    rest = (make_pypi("numpy"), make_pypi("pandas", requires=("numpy",)))
    found = heads((*jax, make_pypi("ml-dtypes"), *rest), rest)
    assert {name: sorted(folded) for name, folded in found.items()} == {"jax": ["jaxlib", "ml-dtypes"]}


def test_markers_are_those_of_the_recorded_interpreter() -> None:
    """Two lines of one package that exclude each other: only the one for this Python speaks."""
    old, new = ("numpy<2; python_version < '3.10'", "numpy==1.26; python_version >= '3.10'"), "numpy==2.0"
    before = (make_pypi("p", "1", requires=old), make_pypi("numpy", "1.26"))
    after = (
        make_pypi("p", "2", requires=(old[0], f"{new}; python_version >= '3.10'")),
        make_pypi("numpy", "2.0"),
    )
    assert heads(before, after) == {"p": ("numpy",)}


def test_conda_packages_fold_by_their_own_depends() -> None:
    def side(version: str, blas: str) -> tuple[Package, ...]:
        return (
            make_conda("pytorch", version, depends=(f"libtorch {version}.*", "sympy >=1.13")),
            make_conda("libtorch", version, depends=(f"mkl >={blas},<{blas}.9a0",)),
            make_conda("mkl", blas),
            make_conda("sympy", "1.13" if blas == "2024" else "1.14"),
        )

    found = conda_heads(side("2.4", "2024"), side("2.5", "2025"))
    assert {name: sorted(folded) for name, folded in found.items()} == {
        "pytorch": ["libtorch", "mkl"],
        "sympy": [],
    }


def test_conda_packages_that_were_built_again_for_another_python_fold_under_it() -> None:
    def side(series: str) -> tuple[Package, ...]:
        upper = f"3.{int(series[2:]) + 1}.0a0"
        needs = (f"python >={series},<{upper}", "libstdcxx >=13")
        return (
            make_conda("python", f"{series}.4"),
            *(make_conda(name, "1.0", f"py{series.replace('.', '')}_0", depends=needs) for name in "abc"),
            make_conda("other", "1.0", "h1_0" if series == "3.11" else "h2_0", depends=("libstdcxx >=13",)),
        )

    found = conda_heads(side("3.11"), side("3.12"))
    assert {name: sorted(folded) for name, folded in found.items()} == {
        "python": ["a", "b", "c"],
        "other": [],
    }


def test_conda_specifications_outside_the_grammar_fold_nothing_and_break_nothing() -> None:
    odd = (
        "c >=",
        "c[version='>=1']",
        "c 1 2 3 4",
        "",
        "   ",
        "c " + "1|" * 5000,
        "c ~=1..",
        "__glibc >=2.17",
    )
    before = (make_conda("p", "1", depends=odd), make_conda("c", "1"))
    after = (make_conda("p", "2", depends=(*odd, "d")), make_conda("c", "2"))
    assert conda_heads(before, after) == {"p": (), "c": ()}


def test_how_a_framework_was_built_folds_under_the_package_that_brought_it() -> None:
    def side(version: str, cuda: str, packages: bool) -> Manifest:
        torch = Framework(name="torch", version=version, location="/s", cuda=cuda, git=version * 8)
        return make_manifest(packages=(make_pypi("torch", version),) if packages else (), frameworks=(torch,))

    a, b = side("2.3", "12.1", True), side("2.4", "12.4", True)
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.name, finding.section, len(finding.folded)) == ("torch", "packages", 3)
    a, b = side("2.3", "12.1", False), side("2.4", "12.4", False)
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.section, len(finding.folded)) == ("frameworks", 2)


def test_what_runs_loaded_folds_under_the_package_that_brought_it_and_a_move_does_not() -> None:
    def side(version: str, owner: str = "") -> Manifest:
        package = make_pypi("numpy", version)
        library = LoadedLibrary(
            path="/s/libopenblas.so.0", kind="openblas", owner=owner or package.purl, sha256=version * 8
        )
        module = ImportedModule(name="numpy", distribution="numpy", version=version)
        process = ObservedProcess(executable="/p", python="3.11.2", seen="both")
        loaded = Loaded(observer="hook", processes=(process,), libraries=(library,), modules=(module,))
        return make_manifest(packages=(package,), loaded=loaded)

    a, b = side("1"), side("2")
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.section, sorted(finding.folded)) == ("packages", ["libopenblas", "numpy (module)"])
    b = side("2", owner="pkg:deb/debian/libopenblas0@1")
    assert "libopenblas" in {f.name for f in rank(compare(a, b), a, b).findings}


def test_wheels_for_another_series_of_python_fold_under_the_interpreter() -> None:
    def side(version: str, tag: str) -> Manifest:
        packages = tuple(make_pypi(name, tags=(f"{tag}-{tag}-linux_x86_64",)) for name in "ab")
        return make_manifest(packages=packages, pythons=(make_python(version=version),))

    a, b = side("3.11.2", "cp311"), side("3.12.2", "cp312")
    (finding,) = rank(compare(a, b), a, b).findings
    assert (finding.section, finding.folded) == ("pythons", ("a", "b"))
    b = side("3.11.9", "cp312")
    assert len(rank(compare(a, b), a, b).findings) == 3


def test_a_long_chain_and_a_ring_of_thousands_are_folded_without_recursion() -> None:
    def ring(version: str) -> tuple[Package, ...]:
        return tuple(
            make_pypi(f"p{n}", version, requires=(f"p{(n + 1) % 2000}=={version}",)) for n in range(2000)
        )

    (finding,) = report(ring("1"), ring("2")).findings
    assert len(finding.folded) == 1999


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests())
def test_folding_loses_and_doubles_nothing(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    findings = rank(delta, a, b).findings
    assert sum(1 + len(f.folded) for f in findings) == len(delta.differences)
    heads_only = {(f.section, f.type, f.name, f.where, f.attribute) for f in findings}
    assert heads_only <= {(d.section, d.type, d.name, d.where, d.attribute) for d in delta.differences}
