"""One command per finding, safe to paste."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.image import Source
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


def packages(*found: Any) -> Side:
    return {"packages": found}


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
            "apt-get install libgomp1=12.2.0-14",
        ),
        (None, make_deb("curl"), "apt-get remove curl"),
        (
            make_conda("x", "1.2", "build"),
            make_conda("x", "1.3", "b"),
            "conda install -c conda-forge x=1.2=build",
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


def test_variables() -> None:
    def side(value: str | None, **fields: Any) -> Side:
        return {"environment": (make_variable("TZ", value, **fields),)}

    none: Side = {"environment": ()}
    local = {"run": make_run(engine="local")}
    assert fix(none, side("UTC")) == "unset TZ"
    assert fix(side("a b;$(x)"), none) == "docker run -e TZ='a b;$(x)'"
    assert fix(side("UTC") | local, none | local) == "export TZ=UTC"
    assert fix(side(None), none) == "set TZ as the first side has it; its value is not recorded"


def test_the_run() -> None:
    assert fix({}, {"run": make_run(argv=("x",))}) == "start the recorded command: python3 /app/train.py"
    limited = make_run(resources=Resources(nano_cpus=1_500_000_000))
    assert fix({"run": limited}, {}) == "docker run --cpus 1.5"
    assert fix({}, {"run": limited}) == "docker run without --cpus"
    assert fix({"run": make_run(user="1000 x")}, {}) == "docker run -u '1000 x'"


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
