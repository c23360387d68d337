"""Commands that turn B into A: one test per kind of step and per reason, and the laws of the whole."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain.mending import mend, subject_of
from reprocheck.model.change import Delta, Difference
from reprocheck.model.image import Coverage, OperatingSystem, Source
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Mending
from reprocheck.model.package import DirectUrl, Framework, NativeLibrary, Remnant
from reprocheck.model.run import Resources
from tests.strategies import (
    PYTHON,
    make_conda,
    make_cpu,
    make_deb,
    make_gpu,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_python,
    make_run,
    make_variable,
    manifests,
    sha,
)

FAST = settings(deadline=None, max_examples=50)
APT, DNF, APK = make_deb("apt"), make_deb("dnf", type="rpm"), make_deb("apk-tools", type="apk")
PIP = make_pypi("pip", "23.0.1")
TOOLS = (APT, DNF, APK, PIP)
VENV = "/opt/my venv/bin/python"
INSIDE = {"environment": VENV, "location": "/opt/my venv/lib"}
IN_VENV = f" in {VENV}"
HERE = f" in {PYTHON}"
APT_GET = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"


def venv(**overrides: Any) -> Any:
    fields: dict[str, Any] = {
        "prefix": "/opt/my venv",
        "kind": "venv",
        "active": False,
        "search_path": ("/opt/my venv/lib",),
    }
    return make_python(VENV, **fields | overrides)


def with_packages(*packages: Any, **overrides: Any) -> Manifest:
    return make_manifest(packages=(*TOOLS, *packages), **overrides)


def mended(a: Manifest, b: Manifest) -> Mending:
    return mend(a, b, compare(a, b))


def commands(a: Manifest, b: Manifest) -> list[str]:
    return [step.command for step in mended(a, b).steps]


def reasons(a: Manifest, b: Manifest) -> dict[str, str]:
    return {f"{x.section}:{x.name}": x.reason for x in mended(a, b).unmended}


def test_nothing_differs_and_nothing_is_to_do() -> None:
    assert mended(make_manifest(), make_manifest()) == Mending(steps=(), unmended=())


BREAK = "--break-system-packages"
VCS = DirectUrl(url="https://example.org/r.git", vcs="git", commit="a" * 40, subdirectory="x y")
ARCHIVE = DirectUrl(url="https://example.org/x-1.0.zip", archive_sha256=sha("c"))
LOCAL = DirectUrl(url="file:///src/x", editable=True)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (make_pypi("x", "1.0"), make_pypi("x", "2.0"), f"pip install {BREAK} --no-deps x==1.0"),
        (make_pypi("x", "2.0"), make_pypi("x", "1.0"), f"pip install {BREAK} --no-deps x==2.0"),
        (make_pypi("x", "1.0"), None, f"pip install {BREAK} --no-deps x==1.0"),
        (None, make_pypi("x", "1.0"), f"pip uninstall -y {BREAK} x"),
        (
            make_pypi("x", files_sha256=sha("1")),
            make_pypi("x"),
            f"pip install {BREAK} --no-deps --force-reinstall x==1.0",
        ),
        (
            make_pypi("x", direct_url=VCS),
            make_pypi("x"),
            f"pip install {BREAK} --no-deps --force-reinstall "
            f"'x @ git+https://example.org/r.git@{'a' * 40}#subdirectory=x y'",
        ),
        (
            make_pypi("x", direct_url=ARCHIVE),
            make_pypi("x"),
            f"pip install {BREAK} --no-deps --force-reinstall "
            f"'x @ https://example.org/x-1.0.zip#sha256={sha('c')}'",
        ),
        (
            make_pypi("torch", "2.6.0+cu126"),
            make_pypi("torch", "2.6.0"),
            f"pip install {BREAK} --no-deps torch==2.6.0+cu126 "
            "--extra-index-url https://download.pytorch.org/whl/cu126",
        ),
        (
            make_conda("x", "1.2", "b_0"),
            make_conda("x", "1.3", "b_0"),
            "conda install -y --no-deps -p /opt/conda conda-forge::x=1.2=b_0",
        ),
        (
            make_conda("x", "1.2", "b_0"),
            make_conda("x", "1.2", "c_0"),
            "conda install -y --no-deps -p /opt/conda conda-forge::x=1.2=b_0",
        ),
        (
            make_conda("x", channel="bioconda"),
            make_conda("x"),
            "conda install -y --no-deps -p /opt/conda bioconda::x=1.0=h0_0",
        ),
        (None, make_conda("x"), "conda remove -y --force -p /opt/conda x"),
        (make_deb("x", "1-1"), make_deb("x", "2-1"), f"{APT_GET} --allow-downgrades x=1-1"),
        (make_deb("x", "1:1-1"), None, f"{APT_GET} --allow-downgrades x=1:1-1"),
        (None, make_deb("x"), f"{APT_GET} --allow-downgrades x-"),
        (
            make_deb("x", "1-1", type="rpm"),
            make_deb("x", "2-1", type="rpm"),
            "dnf install -y --allowerasing x-1-1",
        ),
        (None, make_deb("x", type="rpm"), "dnf remove -y --setopt=clean_requirements_on_remove=False x"),
        (make_deb("x", "1-r0", type="apk"), make_deb("x", "1-r1", type="apk"), "apk add x=1-r0"),
        (None, make_deb("x", type="apk"), "apk del x"),
    ],
)
def test_one_package(before: Any, after: Any, expected: str) -> None:
    sides = [with_packages(*([p] if p is not None else [])) for p in (before, after)]
    mending = mended(*sides)
    assert mending.steps[-1].command == expected
    assert mending.unmended == ()
    (difference, *_) = compare(*sides).differences
    assert mending.steps[-1].undoes == (subject_of(difference),)


def test_system_first_then_conda_then_pip_then_the_shell_and_removals_before_installs() -> None:
    local = Source(kind="local")
    a = with_packages(
        make_pypi("p", "1"), make_pypi("q", files_sha256=sha("1")), make_conda("c", "1"),
        make_deb("d", "1-1"), make_deb("r", "1-1", type="rpm"),
        environment=(make_variable("X", "1", origin="host"),), source=local, run=None,
    )  # fmt: skip
    b = with_packages(
        make_pypi("p", "2"), make_pypi("q"), make_pypi("old"), make_conda("c", "2"), make_conda("d"),
        make_deb("r", "2-1", type="rpm"), make_deb("s", type="rpm"),
        environment=(make_variable("Y", "1", origin="host"),), source=local, run=None,
    )  # fmt: skip
    assert commands(a, b) == [
        "apt-get update",
        f"{APT_GET} --allow-downgrades d=1-1",
        "dnf install -y --allowerasing r-1-1",
        "dnf remove -y --setopt=clean_requirements_on_remove=False s",
        "conda remove -y --force -p /opt/conda d",
        "conda install -y --no-deps -p /opt/conda conda-forge::c=1=h0_0",
        f"pip uninstall -y {BREAK} old",
        f"pip install {BREAK} --no-deps p==1",
        f"pip install {BREAK} --no-deps --force-reinstall q==1.0",
        "export X=1",
        "unset Y",
    ]


def test_all_pins_of_one_environment_are_one_command() -> None:
    a = with_packages(*(make_pypi(name, "1") for name in ("z", "y", "x")))
    b = with_packages(*(make_pypi(name, "2") for name in ("x", "y", "z")))
    (step,) = mended(a, b).steps
    assert step.command == f"pip install {BREAK} --no-deps x==1 y==1 z==1"
    assert step.undoes == tuple(f"pypi:{name}{HERE}" for name in "xyz")
    assert "index" in step.caution


def test_apt_installs_and_removes_in_one_transaction() -> None:
    a, b = with_packages(make_deb("mawk")), with_packages(make_deb("gawk"))
    assert commands(a, b)[1:] == [f"{APT_GET} --allow-downgrades gawk- mawk=1.0-1"]


def test_packages_of_two_architectures_are_told_apart() -> None:
    both = [make_deb("x", "1-1"), make_deb("x", "1-1", architecture="i386")]
    a, b = with_packages(*both), with_packages(both[0], make_deb("x", "2-1", architecture="i386"))
    assert commands(a, b)[1:] == [f"{APT_GET} --allow-downgrades x:i386=1-1"]


def test_a_virtual_environment_has_its_own_pip() -> None:
    pip = make_pypi("pip", "25.0", **INSIDE)
    pythons = (make_python(), venv())
    a = with_packages(pip, make_pypi("x", "1", **INSIDE), pythons=pythons)
    b = with_packages(pip, make_pypi("x", "2", **INSIDE), pythons=pythons)
    (step,) = mended(a, b).steps
    assert step.command == "'/opt/my venv/bin/python' -m pip install --no-deps x==1"
    assert step.undoes == (f"pypi:x{IN_VENV}",)


def test_a_virtual_environment_without_pip_is_changed_by_another_ones() -> None:
    pythons = (make_python(), venv())
    a = with_packages(make_pypi("x", "1", **INSIDE), pythons=pythons)
    b = with_packages(make_pypi("x", "2", **INSIDE), pythons=pythons)
    assert commands(a, b) == [f"{PYTHON} -m pip --python '/opt/my venv/bin/python' install --no-deps x==1"]
    old = [
        make_manifest(packages=(make_pypi("pip", "20.0"), make_pypi("x", n, **INSIDE)), pythons=pythons)
        for n in "12"
    ]
    assert reasons(*old) == {f"packages:pypi:x{IN_VENV}": "no pip is there to change its environment"}


def test_a_virtual_environment_that_sees_the_systems_packages_has_its_pip() -> None:
    pythons = (make_python(), venv(search_path=("/opt/my venv/lib", make_python().search_path[0])))
    a = with_packages(make_pypi("x", "1", **INSIDE), pythons=pythons)
    b = with_packages(make_pypi("x", "2", **INSIDE), pythons=pythons)
    assert commands(a, b) == ["'/opt/my venv/bin/python' -m pip install --no-deps x==1"]


@pytest.mark.parametrize(
    ("executable", "pip", "option"),
    [
        ("/usr/bin/python3.11", "23.0.1", BREAK),
        ("/usr/bin/python3.11", "22.0", ""),  # it neither refuses nor knows the option
        ("/usr/local/bin/python3.11", "25.0", ""),  # nobody marks what is not a distribution's
    ],
)
def test_pip_is_told_to_go_on_only_where_it_would_refuse(executable: str, pip: str, option: str) -> None:
    place = {"environment": executable}
    pythons = (make_python(executable),)
    a, b = (
        make_manifest(packages=(make_pypi("pip", pip, **place), make_pypi("x", n, **place)), pythons=pythons)
        for n in "12"
    )
    middle = f"{option} " if option else ""
    assert commands(a, b) == [f"pip install {middle}--no-deps x==1"]


def test_pip_removes_itself_last() -> None:
    base = make_manifest(packages=(make_pypi("x", "1"),))
    b = make_manifest(packages=(PIP, make_pypi("x", "2"), make_pypi("y")))
    assert [command.split()[1] for command in commands(base, b)] == ["uninstall", "install", "uninstall"]
    assert commands(base, b)[-1] == f"pip uninstall -y {BREAK} pip"


OWNED = {"owner": "pkg:deb/debian/python3-x@1.0-1?arch=amd64"}


def test_what_the_system_installed_is_left_to_the_system() -> None:
    """pip must not touch Debian's own distributions."""
    a = with_packages(make_pypi("x", "1.0", **OWNED), make_deb("python3-x", "1.0-1"))
    b = with_packages(make_pypi("x", "2.0", **OWNED), make_deb("python3-x", "2.0-1"))
    (_, step) = mended(a, b).steps
    assert step.command == f"{APT_GET} --allow-downgrades python3-x=1.0-1"
    assert step.undoes == ("deb:python3-x", f"pypi:x{HERE}")


def test_a_distribution_whose_system_package_does_not_change_is_left() -> None:
    a, b = with_packages(make_pypi("x", "1.0", **OWNED)), with_packages(make_pypi("x", "2.0", **OWNED))
    assert reasons(a, b) == {
        f"packages:pypi:x{HERE}": "the package python3-x installed it, and no step changes that"
    }


def test_a_copy_before_the_systems_own_is_forced() -> None:
    """pip would call the requirement satisfied by Debian's copy, which the first side's own one shadows."""
    place = "/usr/lib/python3/dist-packages"
    debian = make_pypi("x", "1.0", location=place, **OWNED)
    hidden = make_pypi("x", "1.0", location=place, effective=False, **OWNED)
    a, b = with_packages(make_pypi("x", "1.0"), shadowed=(hidden,)), with_packages(debian)
    assert commands(a, b) == [f"pip install {BREAK} --no-deps --force-reinstall x==1.0"]


UNUSABLE = "its name is fit for no command"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            make_pypi("x", build="1"),
            make_pypi("x", build="2"),
            "an index gives no build of a wheel by its name",
        ),
        (make_pypi("x", tags=("a",)), make_pypi("x"), "an index gives no build of a wheel by its name"),
        (
            make_pypi("x", direct_url=LOCAL),
            make_pypi("x"),
            "it comes from a source tree of the first side's own",
        ),
        (
            make_pypi("x", "1.0+local"),
            make_pypi("x"),
            "a local version is not on PyPI, and the index where it was built is not told",
        ),
        (make_pypi("x", "what"), make_pypi("x"), "its version is none that pip would take"),
        (
            make_pypi("x", location="/a"),
            make_pypi("x", location="/b"),
            "it lies in another directory of its environment",
        ),
        (
            make_pypi("x", effective=False),
            make_pypi("x"),
            "another copy of it comes first on the search path",
        ),
        (make_pypi("x", effective=False), None, "an earlier copy shadows it on the first side"),
        (None, make_pypi("x", effective=False), "an earlier copy shadows it, and pip removes that one"),
        (make_pypi("x", extras=("a",)), make_pypi("x"), "only its metadata is written otherwise"),
        (make_pypi("x", environment=""), None, "it lies where no interpreter looks"),
        (make_pypi("x", **INSIDE), None, "the second side has no such environment"),
        (make_pypi("-r evil"), None, UNUSABLE),
        (None, make_pypi("--index-url=x"), UNUSABLE),
        (make_deb("$(id)"), None, UNUSABLE),
        (None, make_conda("a b"), UNUSABLE),
        (make_deb("x", "1 2"), None, "its version is fit for no command"),
        (make_conda("x", "1;2"), make_conda("x"), "its version is fit for no command"),
        (
            make_deb("x", depends=("a",)),
            make_deb("x"),
            "the archive gives no build of a version by its content",
        ),
        (make_deb("x", architecture="i386"), make_deb("x"), "it is built for another architecture"),
        (
            make_conda("x", subdir="linux-64"),
            make_conda("x", subdir="noarch"),
            "it is built for another platform",
        ),
        (make_conda("x", sha256=sha("1")), make_conda("x"), "the same build string names another archive"),
        (make_conda("x", depends=("y",)), make_conda("x"), "only its metadata is written otherwise"),
        (make_conda("x", prefix="/opt/lost"), None, "the second side has no such conda environment"),
    ],
)
def test_packages_that_no_command_puts_right(before: Any, after: Any, reason: str) -> None:
    """`/opt/here` holds the same on both sides, so that `/opt/lost` is not taken for it."""
    same = make_conda("same", prefix="/opt/here")
    pythons = (
        make_python(),
        make_python("/opt/other/bin/python", prefix="/opt/other", kind="venv", active=False),
    )
    a, b = (with_packages(same, *([p] if p is not None else []), pythons=pythons) for p in (before, after))
    assert mended(a, b).steps == ()
    assert set(reasons(a, b).values()) == {reason}


def test_another_release_has_another_archive() -> None:
    debian = {
        "11": OperatingSystem(id="debian", version_id="11"),
        "12": OperatingSystem(id="debian", version_id="12"),
    }
    a = with_packages(make_deb("x", "1-1"), os=debian["11"])
    b = with_packages(make_deb("x", "2-1"), os=debian["12"])
    assert reasons(a, b)["packages:deb:x"] == "it belongs to another release of the system"
    near = [
        with_packages(make_deb("x", version, type="rpm"), os=OperatingSystem(id="rocky", version_id=release))
        for version, release in (("1-1", "9.3"), ("2-1", "9.4"))
    ]
    assert commands(*near) == ["dnf install -y --allowerasing x-1-1"]
    far = [
        with_packages(make_deb("x", version, type="apk"), os=OperatingSystem(id="alpine", version_id=release))
        for version, release in (("1", "3.19.1"), ("2", "3.20.0"))
    ]
    assert reasons(*far)["packages:apk:x"] == "it belongs to another release of the system"


@pytest.mark.parametrize(("kind", "tool"), [("deb", "apt"), ("rpm", "dnf"), ("apk", "apk")])
def test_a_side_without_the_tool_cannot_be_mended(kind: str, tool: str) -> None:
    """A distroless image lists packages and has nothing that could change them."""
    a = make_manifest(packages=(make_deb("x", "1-1", type=kind),))
    b = make_manifest(packages=(make_deb("x", "2-1", type=kind),))
    assert reasons(a, b) == {f"packages:{kind}:x": f"the second side has no {tool}"}


def test_of_a_document_the_tools_are_taken_to_be_there() -> None:
    covers = Coverage(format="an SBOM", scope="target", types=("deb", "pypi"))
    source = Source(kind="document", covers=covers)
    plain: dict[str, Any] = {"pythons": (), "source": source, "run": None, "image": None, "host": None}
    bare = {"environment": "", "location": ""}
    a = make_manifest(packages=(make_deb("x", "1-1"), make_pypi("p", "1", **bare)), **plain)
    b = make_manifest(packages=(make_deb("x", "2-1"), make_pypi("p", "2", **bare)), **plain)
    assert commands(a, b)[1:] == [f"{APT_GET} --allow-downgrades x=1-1", "pip install --no-deps p==1"]


def test_files_that_lie_about_are_nobodys() -> None:
    b = make_manifest(remnants=(Remnant(path="/x.dist-info", reason="empty"),))
    assert reasons(make_manifest(), b) == {"packages:/x.dist-info": "no package manager knows the file"}


def lib(version: str, owner: str = "pkg:pypi/x@1") -> NativeLibrary:
    return NativeLibrary(kind="openblas", name="libopenblas.so.0", path="/l", version=version, owner=owner)


def test_a_library_goes_with_the_package_that_brought_it() -> None:
    a = with_packages(make_pypi("x", "1"), libraries=(lib("0.3.1"),))
    b = with_packages(make_pypi("x", "2"), libraries=(lib("0.3.2", "pkg:pypi/x@2"),))
    (step,) = mended(a, b).steps
    assert step.undoes == ("libraries:libopenblas.so.0", f"pypi:x{HERE}")
    loose = with_packages(make_pypi("x", "2"), libraries=(lib("0.3.2", ""),))
    assert reasons(a, loose) == {"libraries:libopenblas.so.0": "no package that a step changes brought it"}


def test_a_library_of_a_package_that_cannot_be_mended_is_not_promised() -> None:
    a = with_packages(make_pypi("x", "1", location="/a"), libraries=(lib("0.3.1"),))
    b = with_packages(make_pypi("x", "2", location="/b"), libraries=(lib("0.3.2"),))
    assert mended(a, b).steps == ()


def test_a_framework_goes_with_its_distribution() -> None:
    a = with_packages(
        make_pypi("torch", "2.5"), frameworks=(Framework(name="torch", version="2.5", location="/s"),)
    )
    b = with_packages(
        make_pypi("torch", "2.6"), frameworks=(Framework(name="torch", version="2.6", location="/s"),)
    )
    assert mended(a, b).steps[0].undoes == ("frameworks:torch", f"pypi:torch{HERE}")


def faulty(*faults: FileFault) -> Integrity:
    return Integrity(checked=10, without_digest=0, faults=faults)


def edited(owner: str, **overrides: Any) -> FileFault:
    fields: dict[str, Any] = {"kind": "changed", "path": "/f", "owners": (owner,), "actual": "sha256:1"}
    return FileFault(**fields | overrides)


@pytest.mark.parametrize(
    ("package", "owner", "command"),
    [
        (make_pypi("x"), "pkg:pypi/x@1.0", f"pip install {BREAK} --no-deps --force-reinstall x==1.0"),
        (make_deb("x"), "pkg:deb/debian/x@1.0-1?arch=amd64", f"{APT_GET} --reinstall x=1.0-1"),
        (make_deb("x", type="rpm"), "pkg:rpm/x@1.0-1", "dnf reinstall -y x-1.0-1"),
    ],
)
def test_an_edited_file_comes_back_with_its_package(package: Any, owner: str, command: str) -> None:
    a, b = with_packages(package, integrity=faulty()), with_packages(package, integrity=faulty(edited(owner)))
    step = mended(a, b).steps[-1]
    assert step.command == command
    assert step.undoes == ("integrity:/f",)


@pytest.mark.parametrize(
    "fault",
    [
        edited("pkg:pypi/x@1.0", kind="unowned", owners=()),
        edited("pkg:pypi/x@1.0", owners=("pkg:pypi/x@1.0", "pkg:pypi/y@1.0")),
        edited("pkg:deb/debian/y@1", configuration=True),
        edited("pkg:pypi/absent@1"),
    ],
)
def test_an_edited_file_that_no_one_package_would_write_is_left(fault: FileFault) -> None:
    a, b = (with_packages(make_pypi("x"), integrity=faulty(*side)) for side in ((), (fault,)))
    assert set(reasons(a, b)) == {"integrity:/f"}


def test_a_file_that_the_first_side_edited_is_nobodys_to_write() -> None:
    a = with_packages(make_pypi("x"), integrity=faulty(edited("pkg:pypi/x@1.0")))
    b = with_packages(make_pypi("x"), integrity=faulty())
    assert set(reasons(a, b)) == {"integrity:/f"}


def environment(name: str, value: str | None, **overrides: Any) -> dict[str, Any]:
    return {"environment": (make_variable(name, value, **overrides),)}


NONE: dict[str, Any] = {"environment": ()}


def on(kind: str) -> dict[str, Any]:
    return {"source": Source(kind=kind), "run": None}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("local", environment("X", "a b"), environment("X", "c"), "export X='a b'"),
        ("local", environment("X", "it's"), NONE, "export X='it'\"'\"'s'"),
        ("local", environment("X", ""), NONE, "export X=''"),
        ("local", NONE, environment("X", "c"), "unset X"),
        ("image", environment("X", "a b"), environment("X", "c"), "-e 'X=a b'"),
        ("container", environment("X", "1"), NONE, "-e X=1"),
    ],
)
def test_variables(kind: str, before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    mending = mended(make_manifest(**on(kind), **before), make_manifest(**on(kind), **after))
    assert [step.command for step in mending.steps] == [expected]
    assert mending.steps[0].undoes == ("environment:X",)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (environment("X", None), NONE, "its value is not recorded"),
        (environment("A B", "1"), NONE, "its name is none that a shell takes"),
        (
            environment("X", "a\nrm -r /"),
            NONE,
            "its value holds characters that do not fit one line of a script",
        ),
        (
            environment("X", "a\u202eb"),
            NONE,
            "its value holds characters that do not fit one line of a script",
        ),
        (
            NONE,
            environment("X", "1", origin="image"),
            "the image declares it: build it without ENV X, or start under `env -u X`",
        ),
        (
            NONE,
            environment("X", "1", origin="container"),
            "a container that is started without `-e X` has it no more",
        ),
        (
            environment("X", "1"),
            environment("X", "1", origin="image"),
            "only who sets it differs, or what is overridden; the value in force is the same",
        ),
    ],
)
def test_variables_that_no_command_puts_right(
    before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    a, b = make_manifest(**on("image"), **before), make_manifest(**on("image"), **after)
    assert mended(a, b).steps == ()
    assert set(reasons(a, b).values()) == {reason}


def run(**overrides: Any) -> Manifest:
    return make_manifest(run=make_run(**overrides))


def limits(**overrides: Any) -> Manifest:
    return run(resources=Resources(**overrides))


def machine(**cpu: Any) -> Manifest:
    return make_manifest(host=make_host(cpu=make_cpu(**cpu)))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (run(working_dir="/a b"), run(), "-w '/a b'"),
        (run(user="1000"), run(), "-u 1000"),
        (run(), run(network="bridge"), "--network none"),
        (limits(nano_cpus=1_500_000_000), limits(), "--cpus 1.5"),
        (limits(memory_bytes=1024), limits(), "--memory 1024"),
        (limits(shm_bytes=1024), limits(shm_bytes=1), "--shm-size 1024"),
        (limits(gpus="device=0,1"), limits(), "--gpus '\"device=0,1\"'"),
        (machine(quota_millicpus=500), machine(), "--cpus 0.5"),
        (machine(allowed=2), machine(), "--cpuset-cpus 0-1"),
        (
            make_manifest(host=make_host(memory_limit_bytes=512)),
            make_manifest(host=make_host()),
            "--memory 512",
        ),
    ],
)
def test_options_of_docker_run(a: Manifest, b: Manifest, expected: str) -> None:
    (step,) = mended(a, b).steps
    assert (step.tool, step.command) == ("docker", expected)
    assert len(step.undoes) == 1


def test_all_options_are_one_step_and_an_option_has_one_value() -> None:
    a = make_manifest(
        run=make_run(resources=Resources(nano_cpus=10**9), user="1"),
        host=make_host(cpu=make_cpu(quota_millicpus=2000)),
    )
    mending = mended(a, make_manifest(host=make_host()))
    (step,) = mending.steps
    assert shlex.split(step.command) == ["--cpus", "2", "-u", "1"]
    assert [x.reason for x in mending.unmended] == [
        "`--cpus` takes one value, and another difference asks for another one"
    ]


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (run(), run(user="1"), "a container that is started without `-u` has it no more"),
        (run(network="unknown"), run(), "it is not told as an amount that fits a command"),
        (
            run(user="1", engine="local"),
            run(engine="local"),
            "it is set where the program is started, and that is no container",
        ),
        (machine(allowed=9), machine(), "the machine has fewer CPUs than the first side was allowed"),
        (run(argv=("a",)), run(), "the run is started with its own command and options"),
        (machine(model="x"), machine(), "another CPU"),
        (
            make_manifest(host=make_host(gpus=(make_gpu(),))),
            make_manifest(host=make_host()),
            "another GPU, or another number of them",
        ),
        (make_manifest(host=make_host(kernel="5")), make_manifest(), "the kernel belongs to the machine"),
        (
            make_manifest(image=make_image(diff_ids=())),
            make_manifest(),
            "layers and configuration of an image are built, not changed",
        ),
        (
            make_manifest(os=OperatingSystem(id="debian", version_id="12", codename="bookworm", libc="x")),
            make_manifest(),
            "the C library comes with the release of the system",
        ),
        (make_manifest(pythons=()), make_manifest(), "an interpreter or environment is made, not changed"),
    ],
)
def test_what_no_command_puts_right(a: Manifest, b: Manifest, reason: str) -> None:
    mending = mended(a, b)
    assert mending.steps == ()
    assert {x.reason for x in mending.unmended} == {reason}


def labels(mending: Mending) -> Counter[str]:
    """Every subject of a mending; of packages the section is left out, as `subject_of` does."""
    undone = Counter(name for step in mending.steps for name in step.undoes)
    left = Counter(x.name if x.section == "packages" else f"{x.section}:{x.name}" for x in mending.unmended)
    return undone + left


@FAST
@given(manifests(), manifests())
def test_every_subject_is_undone_or_left_and_none_twice(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    told = labels(mend(a, b, delta))
    assert set(told) == {subject_of(d).removeprefix("packages:") for d in delta.differences}
    assert set(told.values()) <= {1}


@FAST
@given(manifests(), manifests(), st.randoms(use_true_random=False))
def test_the_order_of_differences_decides_nothing(a: Manifest, b: Manifest, random: Any) -> None:
    delta = compare(a, b)
    shuffled = Delta(differences=tuple(random.sample(delta.differences, len(delta.differences))), unknowns=())
    assert mend(a, b, shuffled) == mend(a, b, delta)


@FAST
@given(manifests(), manifests())
def test_every_command_is_one_line_that_a_shell_can_read(a: Manifest, b: Manifest) -> None:
    tools = make_manifest(packages=(*TOOLS, *b.packages), pythons=b.pythons, environment=b.environment)
    for other in (b, tools):
        for step in mend(a, other, compare(a, other)).steps:
            assert step.command.isprintable()
            assert shlex.split(step.command)
            assert list(step.undoes) == sorted(step.undoes)


@FAST
@given(manifests())
def test_one_environment_needs_no_mending(manifest: Manifest) -> None:
    assert mended(manifest, manifest) == Mending(steps=(), unmended=())


def test_a_part_of_the_differences_is_mended_alone() -> None:
    a, b = (
        with_packages(make_pypi("x", "1"), make_pypi("y", "1")),
        with_packages(make_pypi("x", "2"), make_pypi("y", "2")),
    )
    some = tuple(d for d in compare(a, b).differences if d.name == "x")
    (step,) = mend(a, b, Delta(differences=some, unknowns=())).steps
    assert step.undoes == (f"pypi:x{HERE}",)


def test_a_difference_about_nothing_that_is_there_is_left() -> None:
    """A hand-made delta: neither side has the package."""
    d = Difference(
        section="packages", kind="changed", name="x", attribute="version", before="1", after="2", type="pypi"
    )
    mending = mend(make_manifest(), make_manifest(), Delta(differences=(d,), unknowns=()))
    assert [x.reason for x in mending.unmended] == ["it is not told how it was installed"]


def test_five_thousand_packages_are_one_command() -> None:
    names = [f"p{number}" for number in range(5_000)]
    a, b = (with_packages(*(make_pypi(name, version) for name in names)) for version in "12")
    (step,) = mended(a, b).steps
    assert len(step.undoes) == 5_000
