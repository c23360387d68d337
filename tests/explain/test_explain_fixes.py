"""One command per finding, safe to paste."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.fixes import fix_of
from reprocheck.explain.sides import sides_of
from reprocheck.model.image import OperatingSystem, Source
from reprocheck.model.package import DirectUrl
from reprocheck.model.run import Resources
from tests.strategies import (
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
    sha,
)

Side = dict[str, Any]


def fix(before: Side, after: Side) -> str:
    a, b = make_manifest(**before), make_manifest(**after)
    (finding,) = rank(compare(a, b), a, b).findings
    return finding.fix


EVERYWHERE = (make_deb("libc6"), make_deb("glibc", type="rpm"), make_deb("musl", type="apk"))
"""Both sides have a system: of a side that lists none nothing is to be removed."""


def packages(*found: Any) -> Side:
    return {"packages": (*EVERYWHERE, *found)}


VCS = DirectUrl(url="https://example.org/r.git", vcs="git", commit="a" * 40)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (make_pypi("numpy", "1.26.4"), make_pypi("numpy", "2"), "pip install numpy==1.26.4"),
        (make_pypi("numpy", "1.26.4"), None, "pip install numpy==1.26.4"),
        (None, make_pypi("numpy"), "pip uninstall -y numpy"),
        (
            make_pypi("x", files_sha256=sha("1")),
            make_pypi("x"),
            "pip install --force-reinstall --no-deps x==1.0",
        ),
        (
            make_pypi("x", direct_url=VCS),
            make_pypi("x"),
            f"pip install 'x @ git+https://example.org/r.git@{'a' * 40}'",
        ),
        (
            make_deb("libgomp1", "12.2.0-14"),
            make_deb("libgomp1", "13-1"),
            "apt-get install --allow-downgrades libgomp1=12.2.0-14",
        ),
        (make_deb("curl", "8-1"), make_deb("curl", "7-1"), "apt-get install curl=8-1"),
        (make_deb("curl", "8-1"), None, "apt-get install curl=8-1"),
        (make_deb("curl"), make_deb("curl", depends=("x",)), "apt-get install --reinstall curl=1.0-1"),
        (None, make_deb("curl"), "apt-get remove curl"),
        (
            make_conda("x", "1.2", "build"),
            make_conda("x", "1.3", "b"),
            "conda install -p /opt/conda -c conda-forge x=1.2=build",
        ),
        (None, make_conda("x"), "conda remove -p /opt/conda x"),
        (
            make_conda("x", "1.2", "build", prefix="/opt/a b"),
            make_conda("x", "1.3", "b", prefix="/srv/my conda"),
            "conda install -p '/srv/my conda' -c conda-forge x=1.2=build",
        ),
        (
            make_pypi("torch", "2.13.0+cpu"),
            make_pypi("torch", "2.13.0"),
            "pip install torch==2.13.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu",
        ),
        (
            make_pypi("torchvision", "0.25.0+cu126"),
            None,
            "pip install torchvision==0.25.0+cu126 --extra-index-url https://download.pytorch.org/whl/cu126",
        ),
        (
            make_pypi("mine", "1.0+g12ab"),
            make_pypi("mine", "1.0"),
            "pip install mine==1.0+g12ab --extra-index-url INDEX "
            "(a local version is not on PyPI; INDEX is where it was built)",
        ),
        (make_deb("x", "1-1", type="rpm"), make_deb("x", "2-1", type="rpm"), "dnf downgrade x-1-1"),
        (make_deb("x", "1-r1", type="apk"), make_deb("x", "2-r1", type="apk"), "apk add x=1-r1"),
    ],
)
def test_packages(before: Any, after: Any, expected: str) -> None:
    sides = [packages(p) if p is not None else packages() for p in (before, after)]
    assert fix(*sides) == expected


def test_the_right_pip_is_named_where_there_are_two() -> None:
    pythons = (make_python(), make_python("/opt/my venv/bin/python", kind="venv", active=False))
    here = {"environment": "/opt/my venv/bin/python"}
    before, after = packages(make_pypi("x", "1", **here)), packages(make_pypi("x", "2", **here))
    assert fix(before | {"pythons": pythons}, after | {"pythons": pythons}) == (
        "'/opt/my venv/bin/python' -m pip install x==1"
    )


def venv(executable: str) -> Any:
    return make_python(executable, prefix=executable.removesuffix("/bin/python"), kind="venv")


def test_a_lone_venv_is_named_too() -> None:
    here = {"environment": "/opt/venv/bin/python"}
    pythons = {"pythons": (venv("/opt/venv/bin/python"),)}
    before, after = packages(make_pypi("x", "1", **here)), packages(make_pypi("x", "2", **here))
    assert fix(before | pythons, after | pythons) == "/opt/venv/bin/python -m pip install x==1"
    assert fix(pythons | packages(), after | pythons) == "/opt/venv/bin/python -m pip uninstall -y x"
    assert fix(before | pythons, pythons | packages()) == "/opt/venv/bin/python -m pip install x==1"


def test_the_interpreter_of_the_second_side_is_named_where_the_paths_differ() -> None:
    """A fix is run on B's side, where A's path does not exist."""
    sides = []
    for home, version in (("/a/bin/python", "1"), ("/b/bin/python", "2")):
        found = make_pypi("x", version, environment=home, location=f"{home}/site")
        sides.append({"pythons": (make_python(), venv(home)), "packages": (found,)})
    for before, after in (sides, [sides[0], sides[1] | {"packages": ()}]):
        a, b = make_manifest(**before), make_manifest(**after)
        (finding,) = [f for f in rank(compare(a, b), a, b).findings if f.section == "packages"]
        assert finding.fix == "/b/bin/python -m pip install x==1"


def test_an_equal_environment_in_another_directory_needs_no_fix() -> None:
    """The paths are told, and nothing more: they change no result."""
    sides = []
    for home in ("/a/venv", "/b/venv"):
        executable = f"{home}/bin/python"
        found = make_pypi("x", environment=executable, location=f"{home}/lib")
        python = make_python(
            executable, prefix=home, kind="venv", base=f"{home}-base/python", search_path=(f"{home}/lib",)
        )
        sides.append(make_manifest(packages=(found,), pythons=(python,)))
    findings = rank(compare(*sides), *sides).findings
    assert {(f.section, f.attribute) for f in findings} == {("pythons", "executable"), ("pythons", "base")}
    assert {(f.effect, f.severity, f.fix) for f in findings} == {("none", "info", "")}


def test_variables() -> None:
    def side(value: str | None, **fields: Any) -> Side:
        return {"environment": (make_variable("TZ", value, **fields),)}

    none: Side = {"environment": ()}
    local = {"run": make_run(engine="local"), "source": Source(kind="local")}
    container = {"source": Source(kind="container")}
    image: Side = {"run": None}
    machine = {"run": None, "source": Source(kind="local")}
    assert fix(side("a b;$(x)"), none) == "reprocheck run --env TZ='a b;$(x)'"
    assert fix(side("UTC") | local, none | local) == "reprocheck run --env TZ=UTC"
    assert fix(side("UTC", origin="host") | local, none | local) == "export TZ=UTC"
    assert fix(side("UTC", origin="host") | machine, none | machine) == "export TZ=UTC"
    assert fix(side("UTC", origin="container") | container, none | container) == "docker run -e TZ=UTC"
    assert fix(side("UTC", origin="image") | image, none | image) == "docker run -e TZ=UTC"
    assert fix(side(None), none) == "set TZ as the first side has it; its value is not recorded"


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        (("run",), "run without --env TZ"),
        (("container",), "docker run without -e TZ"),
        (("host",), "unset TZ"),
        (("image",), "rebuild the image without ENV TZ, or run the command under `env -u TZ`"),
        (("run", "image"), "rebuild the image without ENV TZ, or run the command under `env -u TZ`"),
    ],
)
def test_a_variable_goes_where_it_came_from(origins: tuple[str, ...], expected: str) -> None:
    """A shell cannot unset what the image or the command line sets."""
    present = tuple(make_variable("TZ", "UTC", origin=origin) for origin in origins)
    assert fix({"environment": ()}, {"environment": present}) == expected


def test_the_run() -> None:
    assert fix({}, {"run": make_run(argv=("x",))}) == "start the recorded command: python3 /app/train.py"
    limited = make_run(resources=Resources(nano_cpus=1_500_000_000))
    assert fix({"run": limited}, {}) == "docker run --cpus 1.5"
    assert fix({}, {"run": limited}) == "docker run without --cpus"
    assert fix({"run": make_run(user="1000 x")}, {}) == "docker run -u '1000 x'"
    assert fix({"run": make_run(network="unknown")}, {}) == ""


@pytest.mark.parametrize(
    ("request_", "expected"),
    [("all", "all"), ("2", "2"), ("device=0", "device=0"), ("device=0,1", "'\"device=0,1\"'")],
)
def test_several_gpus_are_quoted_for_dockers_own_parser(request_: str, expected: str) -> None:
    before = {"run": make_run(resources=Resources(gpus=request_))}
    assert fix(before, {}) == f"docker run --gpus {expected}"


def test_the_machine() -> None:
    assert fix({}, {"host": make_host(cpu=make_cpu(level="x86-64-v3"))}) == (
        "run on a CPU with x86-64-v4, or on both sides: "
        "export ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=COMPATIBLE"
    )
    sides = [{"host": make_host(gpus=(make_gpu(compute_capability=c),))} for c in ("8.0", "9.0")]
    assert fix(*sides) == "run on a GPU of compute capability 8.0"


def test_the_image_is_named_by_digest_and_never_by_tag() -> None:
    other = {"image": make_image(diff_ids=())}
    assert fix({}, other) == "start from the first side's image"
    pinned = {"source": Source(kind="image", reference="t:latest", repo_digests=(f"t@sha256:{sha('1')}",))}
    assert fix(pinned, other) == f"docker pull t@sha256:{sha('1')}"
    built = {"source": Source(kind="image", reference="t:latest", config_digest=f"sha256:{sha('2')}")}
    assert fix(built, other) == f"use the first image: sha256:{sha('2')}"


def test_a_system_that_is_no_image_gets_no_advice_about_images() -> None:
    def machine(**fields: str) -> Side:
        return {"image": None, "os": OperatingSystem(**{"id": "debian", "version_id": "12"} | fields)}

    assert fix(machine(), machine(version_id="13")) == "run on debian 12, as the first side did"
    assert fix(machine(libc="glibc 2.36"), machine(libc="glibc 2.41")) == (
        "run on glibc 2.36, as the first side did"
    )
    image = {"source": Source(kind="image", config_digest=f"sha256:{sha('2')}")}
    other = {"os": OperatingSystem(id="alpine", libc="glibc 2.36")}
    assert fix(image, other) == f"use the first image: sha256:{sha('2')}"


HOSTILE = ["-rhttp://x", "--index-url=x", "a;rm -rf ~", "$(id)", "a\nb", "a b", "\u202ex", "`id`"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("make", [make_pypi, make_deb, make_conda])
def test_a_hostile_name_or_version_never_becomes_part_of_a_command(make: Any, name: str) -> None:
    for before, after in (
        ([make(name)], []),
        ([], [make(name)]),
        ([make(name, "1")], [make(name, "2")]),
        ([make("x", name)], [make("x", "1")]),
    ):
        text = fix(packages(*before), packages(*after))
        assert name not in text
        assert text.split()[0] in ("install", "uninstall")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_variable_is_quoted(name: str) -> None:
    text = fix({"environment": (make_variable(name, name),)}, {"environment": ()})
    assert text == f"set the variable {shlex.quote(name)} as the first side has it"


DEBIAN_PIP = make_pypi("pip", "23.0.1")


@pytest.mark.parametrize(
    ("pip", "expected"),
    [("23.0.1", "pip install --break-system-packages x==1"), ("22.3", "pip install x==1")],
)
def test_a_distributions_own_interpreter_refuses_without_a_word(pip: str, expected: str) -> None:
    """PEP 668; what is older than 23.0.1 neither refuses nor knows the option."""
    before, after = (packages(make_pypi("pip", pip), make_pypi("x", n)) for n in "12")
    assert fix(before, after) == expected
    removed = fix(packages(DEBIAN_PIP), packages(DEBIAN_PIP, make_pypi("y")))
    assert removed == "pip uninstall -y --break-system-packages y"


def test_an_environment_without_pip_is_changed_by_another_ones() -> None:
    here = {"environment": "/opt/venv/bin/python", "location": "/opt/venv/lib"}
    alone = make_python(
        "/opt/venv/bin/python", prefix="/opt/venv", kind="venv", search_path=("/opt/venv/lib",)
    )
    pythons = {"pythons": (make_python(), alone)}
    before, after = (packages(DEBIAN_PIP, make_pypi("x", n, **here)) for n in "12")
    assert fix(before | pythons, after | pythons) == (
        "/usr/bin/python3.11 -m pip --python /opt/venv/bin/python install x==1"
    )


def test_an_environment_that_the_second_side_lacks_is_not_taken_for_another_one() -> None:
    here = {"environment": "/opt/venv/bin/python", "location": "/opt/venv/lib"}
    a = make_manifest(
        packages=(make_pypi("x", "1", **here),), pythons=(make_python(), venv("/opt/venv/bin/python"))
    )
    b = make_manifest(packages=(), pythons=(make_python(),))
    fixes = {d.name: fix_of(d, sides_of(a, b)) for d in compare(a, b).differences}
    assert fixes["x"] == "make the environment of /opt/venv/bin/python first, then install x 1"


@pytest.mark.parametrize(
    ("kind", "installed", "removed"),
    [
        ("deb", "apt-get install --allow-downgrades python3-x=1.0-1", "apt-get remove python3-x"),
        ("rpm", "dnf install python3-x-1.0-1", "dnf remove python3-x"),
        ("apk", "apk add python3-x=1.0-1", "apk del python3-x"),
    ],
)
def test_what_the_system_installed_is_put_right_by_the_system(
    kind: str, installed: str, removed: str
) -> None:
    def side(version: str) -> Side:
        owner = f"pkg:{kind}/debian/python3-x@{version}-1?arch=amd64"
        return packages(
            make_deb("python3-x", f"{version}-1", type=kind), make_pypi("x", version, owner=owner)
        )

    for before, after, expected in (
        (side("1.0"), side("2.0"), installed),
        (packages(), side("1.0"), removed),
    ):
        a, b = make_manifest(**before), make_manifest(**after)
        found = {f.fix for f in rank(compare(a, b), a, b).findings if f.section == "packages"}
        assert expected in found


def test_no_index_gives_a_build_by_its_name() -> None:
    before, after = packages(make_pypi("x", build="1")), packages(make_pypi("x", build="2"))
    assert fix(before, after) == "install the first side's own wheel of x 1.0 (wheel build 1)"
    before = packages(make_pypi("x", tags=("cp311-cp311-linux_x86_64",)))
    assert fix(before, after | packages(make_pypi("x"))) == (
        "install the first side's own wheel of x 1.0 (tags cp311-cp311-linux_x86_64)"
    )


def test_a_memory_limit_is_an_option_of_docker_run() -> None:
    limited, free = {"host": make_host(memory_limit_bytes=512)}, {"host": make_host()}
    assert fix(limited, free) == "docker run --memory 512"
    assert fix(free, limited) == "docker run without --memory"
