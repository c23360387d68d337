"""Python requirements: what fails, who causes it, and what mends it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from reprocheck.errors import InputFault
from reprocheck.graph import RULES, analyse
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import replace
from reprocheck.model.conflict import Cause, Conflict, GraphReport
from reprocheck.model.host import Driver
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import LoaderChoice, NativeLibrary, Package
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_conda,
    make_deb,
    make_gpu,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_python,
    manifests,
)


def graph(*packages: Package, **overrides: object) -> GraphReport:
    """The report of an environment with these packages."""
    manifest: Manifest = make_manifest(packages=packages, libraries=(), **overrides)
    return analyse(manifest, limits=DEFAULT)


def only(report: GraphReport) -> Conflict:
    """The one conflict of a report."""
    (conflict,) = report.conflicts
    return conflict


def test_an_environment_that_fits_has_no_conflict() -> None:
    """Nothing to show, both counts kept."""
    report = graph(make_pypi("A", requires=("b>=1",)), make_pypi("b", "1.4"))
    assert report.conflicts == ()
    assert report.unknowns == ()
    assert (report.packages, report.requirements) == (2, 1)
    assert report.nodes == ()


def test_an_unsatisfied_requirement_names_package_requirement_found_chain_and_fix() -> None:
    """The A 1.0 requires B>=2, you have 1.4 of the order."""
    conflict = only(
        graph(make_pypi("app", requires=("A",)), make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.4"))
    )
    assert conflict == Conflict(
        code="DEP-401",
        kind="unsatisfied",
        severity="high",
        package="A",
        requirement="B>=2",
        found="1.4",
        causes=(Cause(requirement="B>=2", parent="A 1.0", chain=("app 1.0", "A 1.0")),),
        broken=True,
        fix="pip install 'B>=2'",
        environment="/usr/bin/python3.11",
        type="pypi",
        solution="version",
        change="B>=2",
    )


def test_a_missing_requirement() -> None:
    """DEP-402 with the joint constraint of all who ask for it."""
    report = graph(make_pypi("A", requires=("B>=2",)), make_pypi("C", requires=("b<3",)))
    assert [(c.code, c.kind, c.package, c.requirement, c.found) for c in report.conflicts] == [
        ("DEP-402", "missing", "A", "B>=2", ""),
        ("DEP-402", "missing", "C", "b<3", ""),
    ]
    assert {c.fix for c in report.conflicts} == {"pip install 'b>=2,<3'"}
    assert ("b (missing)", True) in [(n.label, n.broken) for n in report.nodes]


def test_the_fix_names_the_interpreter_that_it_is_for() -> None:
    """A bare pip may be the system's."""
    venv = make_python("/opt/my venv/bin/python", prefix="/opt/my venv", kind="venv")
    for pythons in ((venv,), (venv, make_python())):
        package = make_pypi("A", requires=("B>=2",), environment=venv.executable)
        conflict = only(graph(package, pythons=pythons))
        assert conflict.fix == "'/opt/my venv/bin/python' -m pip install 'b>=2'"


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        ("torch==2.6.0+cu126", "torch==2.6.0+cu126 --extra-index-url https://download.pytorch.org/whl/cu126"),
        (
            "mine==1.0+g12",
            "mine==1.0+g12 --extra-index-url INDEX "
            "(a local version is not on PyPI; INDEX is where it was built)",
        ),
    ],
)
def test_a_local_version_is_not_asked_of_pypi(pin: str, expected: str) -> None:
    """PyPI takes none (PEP 440)."""
    assert only(graph(make_pypi("A", requires=(pin,)))).fix == f"pip install {expected}"


def test_constraints_that_no_version_meets_name_both_parents() -> None:
    """The fix says that there is none, the causes hold both sides."""
    conflict = only(
        graph(make_pypi("A", requires=("B>=2",)), make_pypi("C", requires=("B<2",)), make_pypi("B", "1.4"))
    )
    assert conflict.code == "DEP-401"
    assert [(c.parent, c.requirement) for c in conflict.causes] == [("A 1.0", "B>=2"), ("C 1.0", "B<2")]
    assert conflict.fix.startswith("No version of B satisfies all: A 1.0 needs B>=2; C 1.0 needs B<2.")


def test_exact_pins_that_collide_have_their_own_code() -> None:
    """Two frameworks pin one CUDA library (pytorch#97990)."""
    conflict = only(
        graph(
            make_pypi("torch", requires=("nvidia-cudnn-cu12==9.1.0.70",)),
            make_pypi("jaxlib", requires=("nvidia-cudnn-cu12==9.8.0.87",)),
            make_pypi("nvidia-cudnn-cu12", "9.1.0.70"),
        )
    )
    assert (conflict.code, conflict.package) == ("DEP-404", "jaxlib")
    assert [c.parent for c in conflict.causes] == ["jaxlib 1.0", "torch 1.0"]


@pytest.mark.parametrize(
    ("requirement", "version"),
    [
        ("B>=2", "2.0rc1.dev5+g1"),
        ("B>=1.0", "2.0.dev1"),
        ("B", "1.0a1"),
        ("torch>=2.1", "2.1.0+cu118"),
        ("B==1.4", "1.4.0"),
        ("B==1.*", "1.9"),
        ("B~=1.4.2", "1.4.9"),
        ("B<2", "1!0.5"),
        ("B @ https://example.org/b.whl", "0.1"),
        ("b_c.d>=1", "1"),
    ],
)
def test_versions_compare_as_pip_compares_them(requirement: str, version: str) -> None:
    """Pre-releases count; local versions, epochs and normalised names too."""
    name = {"torch": "torch", "b_c.d": "B-C_d"}.get(requirement.partition(">")[0], "B")
    report = graph(make_pypi("A", requires=(requirement,)), make_pypi(name, version))
    assert bool(report.conflicts) == (version in {"2.0rc1.dev5+g1", "1!0.5"})
    assert report.unknowns == ()


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("python_version < '3.11'", False),
        ("python_version >= '3.11'", True),
        ("python_full_version >= '3.11.2'", True),
        ("python_full_version < '3.11.2'", False),
        ("sys_platform == 'linux'", True),
        ("sys_platform == 'win32'", False),
        ("platform_machine == 'x86_64'", True),
        ("platform_machine == 'aarch64'", False),
        ("platform_python_implementation == 'CPython'", True),
        ("implementation_name == 'pypy'", False),
        ("os_name == 'posix' and platform_system == 'Linux'", True),
        ("extra == 'test'", False),
        ("extra == 'test' or sys_platform == 'linux'", True),
    ],
)
def test_markers_are_evaluated_for_the_recorded_interpreter(marker: str, applies: bool) -> None:
    """Whatever Python runs this test, the image's 3.11.2 on amd64 decides."""
    report = graph(make_pypi("A", requires=(f"B; {marker}",)))
    assert bool(report.conflicts) is applies
    assert report.unknowns == ()


def test_another_platform_gives_other_requirements() -> None:
    """The same packages in an arm64 image."""
    packages = (make_pypi("A", requires=("B; platform_machine == 'aarch64'",)),)
    assert graph(*packages).conflicts == ()
    assert only(graph(*packages, image=make_image(architecture="arm64"))).requirement == "B"


def test_a_marker_that_needs_an_unknown_fact_is_an_unknown() -> None:
    """A rootfs without any hint of its architecture: say so, do not guess."""
    report = graph(
        make_pypi("A", requires=("B; platform_machine == 'x86_64'", "C; sys_platform == 'linux'")),
        image=None,
        host=None,
    )
    assert [c.requirement for c in report.conflicts] == ["C"]
    assert len(report.unknowns) == 1
    assert report.unknowns[0].where == "A 1.0"


@pytest.mark.parametrize(
    ("wanted", "version", "kinds", "unknown"),
    [
        (">=3.12", "3.11.2", ["requires-python"], False),
        (">=3.8", "3.11.2", [], False),
        (">=3.8,<4,!=3.11.2", "3.11.2", ["requires-python"], False),
        (">=3.12", "3.11", ["requires-python"], False),
        (">=3.11", "3.11", [], False),
        (">=3.11.4", "3.11", [], True),
        (">=3.11", "3.11.0rc1", ["requires-python"], False),
        (">=3", "", [], True),
        ("not a specifier", "3.11.2", [], True),
        ("", "", [], False),
    ],
)
def test_requires_python(wanted: str, version: str, kinds: list[str], unknown: bool) -> None:
    """Checked against the recorded version; what `3.11` leaves open is unknown, not guessed."""
    report = graph(make_pypi("A", requires_python=wanted), pythons=(make_python(version=version),))
    assert [c.kind for c in report.conflicts] == kinds
    assert bool(report.unknowns) is unknown
    if kinds:
        assert (report.conflicts[0].code, report.conflicts[0].requirement) == ("DEP-409", f"Python {wanted}")


def test_extras_that_somebody_asks_for_are_followed() -> None:
    """`b[gpu]` makes b's requirements for gpu count, and gpu's own extras in turn (pip#4204)."""
    packages = (
        make_pypi("A", requires=("b[GPU]>=1",)),
        make_pypi(
            "b", requires=("b[all]; extra == 'gpu'", "missing1; extra == 'all'", "missing2; extra == 'x'")
        ),
    )
    conflict = only(graph(*packages))
    assert (conflict.package, conflict.requirement) == ("b", "missing1")
    assert conflict.causes[0].chain == ("A 1.0", "b 1.0")


def test_a_shadowed_distribution_and_another_environment_do_not_count() -> None:
    """Only what an import finds."""
    report = graph(
        make_pypi("A", requires=("B>=2",)),
        make_pypi("B", "1.0", effective=False, location="/old"),
        make_pypi("B", "2.0"),
        make_pypi("B", "1.0", environment="/venv/bin/python", location="/venv"),
        pythons=(make_python(), make_python("/venv/bin/python", prefix="/venv")),
    )
    assert report.conflicts == ()
    assert report.packages == 3


def test_a_conda_package_counts_as_the_distribution_it_installed() -> None:
    """When its own metadata directory was not seen."""
    python = make_python("/opt/conda/bin/python3.11", prefix="/opt/conda", kind="conda")
    packages = (
        make_pypi("A", requires=("torch>=2",), environment=python.executable),
        make_conda("pytorch", "2.1.0", pip_name="torch"),
    )
    assert graph(*packages, pythons=(python,)).conflicts == ()


@pytest.mark.parametrize(
    "line",
    [
        "((((", "", "B >=", "B; python_version", "B; nonsense == '1'", "B>=1.0.", "B" * 5000, "\x00", "B[",
        "B @ ", "B; " + "(" * 40 + "os_name=='x'", "B>=" + "9" * 5000 + "x",
        "B; python_version > 'x' and os_name < '1'",
    ],
)  # fmt: skip
def test_a_malformed_requirement_is_an_unknown_and_the_rest_goes_on(line: str) -> None:
    """Of that package, with the reason; the good requirement beside it is still checked."""
    report = graph(make_pypi("A", requires=(line, "C")))
    assert [c.requirement for c in report.conflicts] == ["C"]
    assert [u.where for u in report.unknowns] in ([], ["A 1.0"])
    if not line.startswith("B; python_version > 'x'"):
        assert report.unknowns
        assert report.unknowns[0].section == "graph"


def test_a_version_that_is_no_version_is_an_unknown_only_where_it_matters() -> None:
    """An unconstrained requirement is met by any version."""
    fine = graph(make_pypi("A", requires=("B",)), make_pypi("B", "not-a-version"))
    assert (fine.conflicts, fine.unknowns) == ((), ())
    report = graph(make_pypi("A", requires=("B>=1",)), make_pypi("B", "not-a-version"))
    assert report.conflicts == ()
    assert [u.where for u in report.unknowns] == ["B not-a-version"]


def test_unknowns_of_the_packages_section_are_carried_along() -> None:
    """A package that could not be read may be the missing one."""
    unread = Unknown(section="packages", where="/x/METADATA", reason="could not be read")
    other = Unknown(section="host", where="driver", reason="no nvidia-smi")
    assert graph(unknowns=(unread, other)).unknowns == (unread,)


def test_two_metadata_directories_of_one_project_are_a_remark() -> None:
    """PKG-301, not a broken requirement; a second environment that shares the directory adds nothing."""
    packages = (
        make_pypi("Foo_Bar", "1.0", effective=False),
        make_pypi("foo-bar", "1.1"),
        make_pypi("foo-bar", "1.1", environment="/venv/bin/python"),
    )
    conflict = only(graph(*packages))
    assert (conflict.code, conflict.kind, conflict.broken) == ("PKG-301", "duplicate", False)
    assert conflict.package == "foo-bar"
    assert conflict.found == "1.0 (Foo_Bar-1.0.dist-info), 1.1 (foo-bar-1.1.dist-info)"
    assert conflict.fix.endswith(", then: pip install --force-reinstall --no-deps foo-bar==1.1")


def test_a_stale_copy_in_a_venv_is_replaced_by_its_own_pip() -> None:
    """With the index of the version that stays."""
    python = make_python("/opt/venv/bin/python", prefix="/opt/venv", kind="venv")
    here = {"environment": python.executable, "location": "/opt/venv/lib"}
    packages = (
        make_pypi("torch", "2.5.0", effective=False, **here),
        make_pypi("torch", "2.6.0+cpu", **here),
    )
    assert only(graph(*packages, pythons=(python,))).fix.endswith(
        "/opt/venv/bin/python -m pip install --force-reinstall --no-deps torch==2.6.0+cpu "
        "--extra-index-url https://download.pytorch.org/whl/cpu"
    )


def test_a_cycle_is_a_remark_and_the_chain_starts_at_a_root() -> None:
    """Shortest way, same every time; a self-reference by extra is no cycle."""
    report = graph(
        make_pypi("root", requires=("b",)),
        make_pypi("a", requires=("b", "a[x]", "gone")),
        make_pypi("b", requires=("c", "a")),
        make_pypi("c", requires=("a",)),
    )
    broken, cycle = report.conflicts
    assert broken.causes[0].chain == ("root 1.0", "b 1.0", "a 1.0")
    assert (cycle.code, cycle.severity, cycle.broken) == ("DEP-431", "info", False)
    assert cycle.requirement == "a → b → a"
    assert cycle.found == "3 packages require each other"


def test_a_package_that_the_user_asked_for_is_a_root() -> None:
    """REQUESTED shortens the chain."""
    packages = (
        make_pypi("app", requires=("a",)),
        make_pypi("a", requires=("b",), requested=True),
        make_pypi("b", requires=("gone",)),
    )
    assert only(graph(*packages)).causes[0].chain == ("a 1.0", "b 1.0")


def test_any_order_of_packages_gives_the_same_report() -> None:
    """Determinism."""
    packages = (
        make_pypi("A", requires=("B>=2", "C")),
        make_pypi("D", requires=("B<1",)),
        make_pypi("B", "1.4", requires=("A",)),
    )
    assert graph(*packages) == graph(*reversed(packages))


def test_the_picture_holds_conflicts_chains_and_neighbours_or_everything() -> None:
    """`full=True` for the whole graph."""
    packages = (
        make_pypi("app", requires=("mid",)),
        make_pypi("mid", requires=("A",)),
        make_pypi("A", requires=("B>=2", "near")),
        make_pypi("B", "1.4"),
        make_pypi("near", requires=("far",)),
        make_pypi("far"),
        make_pypi("alone"),
    )
    small = graph(*packages)
    assert [n.label for n in small.nodes] == ["A 1.0", "app 1.0", "B 1.4", "mid 1.0", "near 1.0"]
    assert [(e.requirement, e.broken) for e in small.edges if e.broken] == [("B>=2", True)]
    whole = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT, full=True)
    assert len(whole.nodes) == 7


def test_over_the_limit_is_an_error_that_names_the_flag() -> None:
    """Never cut silently."""
    manifest = make_manifest(packages=(make_pypi("A", requires=("B", "C")),))
    with pytest.raises(InputFault) as caught:
        analyse(manifest, limits=Limits(graph_edges=1))
    assert caught.value.code == "E_LIMIT_GRAPH"
    with pytest.raises(InputFault):
        analyse(manifest, limits=Limits(packages=0))


def test_every_code_belongs_to_a_rule() -> None:
    """`explain` knows what `graph` says; sorted, unique."""
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert {
        "DEP-401", "DEP-402", "DEP-404", "DEP-409", "DEP-410", "DEP-430", "DEP-431", "DEP-440", "DRV-211",
        "PKG-301", "PKG-306", "PKG-314",
    } <= set(codes)  # fmt: skip


def test_a_host_without_python_packages_is_quiet() -> None:
    """No Python in the image is a fact, not an unknown."""
    report = analyse(make_manifest(packages=(), pythons=(), host=make_host(), libraries=()), limits=DEFAULT)
    assert (report.conflicts, report.unknowns, report.packages) == ((), (), 0)


@given(manifests())
@settings(deadline=None, max_examples=50)
def test_any_manifest_is_analysed_without_an_exception(manifest: Manifest) -> None:
    """Hostile versions and requirements included; the same answer from packages in another order."""
    report = analyse(manifest, limits=DEFAULT, full=True)
    turned = replace(manifest, packages=tuple(reversed(manifest.packages)))
    assert len(analyse(turned, limits=DEFAULT).conflicts) == len(report.conflicts)


def test_the_minimal_conflicting_set_is_the_smallest() -> None:
    """Three constraints of which any two hold together; the fourth has no part in it."""
    conflict = only(
        graph(
            make_pypi("A", requires=("D>=1,<=1",)),
            make_pypi("B", requires=("D!=1",)),
            make_pypi("C", requires=("D<9",)),
            make_pypi("D", "1.0"),
        )
    )
    assert (conflict.package, conflict.solution, conflict.change) == ("B", "none", "")
    assert [(c.parent, c.requirement) for c in conflict.minimal] == [("B 1.0", "D!=1"), ("A 1.0", "D<=1,>=1")]


def test_a_set_of_three_is_found_by_deletion() -> None:
    """No two of them exclude each other."""
    packages = (
        make_pypi("A", requires=("D>=1",)),
        make_pypi("B", requires=("D<=1.0",)),
        make_pypi("C", requires=("D!=1.0",)),
        make_pypi("E", requires=("D>0.5",)),
        make_pypi("D", "1.0"),
    )
    conflict = only(graph(*packages))
    assert [c.parent for c in conflict.minimal] == ["A 1.0", "B 1.0", "C 1.0"]
    assert conflict.fix.startswith(
        "No version of D satisfies all: A 1.0 needs D>=1; B 1.0 needs D<=1.0; C 1.0"
    )


def test_a_requirement_that_contradicts_itself_stands_alone() -> None:
    """No version can, whatever the others want; arbitrary equality is solved too."""
    conflict = only(graph(make_pypi("A", requires=("B>=2,<1",)), make_pypi("B", "1.5")))
    assert ([c.parent for c in conflict.minimal], conflict.solution) == (["A 1.0"], "none")
    packages = (
        make_pypi("A", requires=("B===1.0",)),
        make_pypi("C", requires=("B>=2",)),
        make_pypi("B", "2.0"),
    )
    assert [c.parent for c in only(graph(*packages)).minimal] == ["A 1.0", "C 1.0"]


def test_the_smallest_change_satisfies_everyone() -> None:
    """The joint range, without what is implied."""
    packages = (
        make_pypi("A", requires=("numpy>=1.26", "numpy!=0.5")),
        make_pypi("B", requires=("numpy[x]<2",)),
        make_pypi("numpy", "2.1"),
    )
    conflict = only(graph(*packages))
    assert (conflict.solution, conflict.change) == ("version", "numpy[x]>=1.26,<2")


def test_files_that_two_packages_own() -> None:
    """PKG-306, a remark; low for what lies aside; without a check of files it is not looked at."""
    packages = (make_pypi("opencv-python"), make_pypi("opencv-headless"), make_pypi("c"))
    a, b, c = (package.purl for package in packages)
    faults = tuple(
        FileFault(kind="owned-twice", path=f"/x/site-packages/{path}", owners=owners)
        for path, owners in (("cv2/a.so", (a, b)), ("cv2/b.so", (a, b)), ("tests/__init__.py", (b, c)))
    )
    report = graph(*packages, integrity=Integrity(checked=3, without_digest=0, faults=faults))
    assert [(x.code, x.severity, x.broken, x.found) for x in report.conflicts] == [
        ("PKG-306", "high", False, "opencv-python 1.0, opencv-headless 1.0"),
        ("PKG-306", "low", False, "opencv-headless 1.0, c 1.0"),
    ]
    assert report.not_examined == ()
    assert [one.needs for one in graph(*packages).not_examined] == ["snapshot --integrity"]


def test_a_distribution_that_another_directory_hides() -> None:
    """PKG-314; the same version there is only a remark."""
    hidden = tuple(make_pypi("b", version, effective=False, location="/old") for version in ("1.0", "2.0"))
    report = graph(make_pypi("b", "2.0"), shadowed=hidden)
    assert [(c.kind, c.severity, c.broken) for c in report.conflicts if c.code == "PKG-314"] == [
        ("shadowed", "low", False),
        ("shadowed", "info", False),
    ]


def test_the_graph_crosses_packages_libraries_driver_and_gpu() -> None:
    """One graph: a distribution owns a library, that needs another, the runtime needs driver and GPU."""
    torch = make_pypi("torch", owner="pkg:deb/debian/python3-torch@1")
    cudart = NativeLibrary(
        kind="cuda-runtime", name="libcudart.so.12", path="/t/libcudart.so.12", version="12.4"
    )
    manifest = make_manifest(
        packages=(torch, make_deb("python3-torch", "1", purl="pkg:deb/debian/python3-torch@1")),
        libraries=(replace(cudart, owner=torch.purl),),
        loading=(
            LoaderChoice(soname="libcudart.so.12", consumer="/t/libtorch.so", path=cudart.path, rule="rpath"),
        ),
        host=make_host(driver=Driver(version="550.54.14"), gpus=(make_gpu(),)),
    )
    report = analyse(manifest, limits=DEFAULT, full=True)
    labels = {node.id: (node.type, node.label) for node in report.nodes}
    found = {(labels[e.source][0], e.kind, labels[e.target][0]) for e in report.edges}
    assert found == {
        ("deb", "owns", "pypi"),
        ("pypi", "owns", "cuda"),
        ("library", "needs", "cuda"),
        ("cuda", "needs", "driver"),
        ("driver", "needs", "gpu"),
    }
