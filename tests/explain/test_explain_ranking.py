"""Order, verdict, and what is said when nothing explains."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.suspicion import EFFECTS
from reprocheck.model.base import replace
from reprocheck.model.change import DiffReport, Finding
from reprocheck.model.host import Driver
from reprocheck.model.manifest import Manifest
from tests.strategies import (
    make_cpu,
    make_deb,
    make_host,
    make_input,
    make_manifest,
    make_output,
    make_pypi,
    make_run,
    make_variable,
    manifests,
    sha,
)

FAST = settings(deadline=None, max_examples=50)


def report(before: dict[str, Any], after: dict[str, Any]) -> DiffReport:
    a, b = make_manifest(**before), make_manifest(**after)
    return rank(compare(a, b), a, b)


def test_the_variable_comes_first_and_the_outputs_last() -> None:
    """Two records of one training: only ATEN_CPU_CAPABILITY was set, and the outputs came out otherwise."""
    outputs = tuple(make_output(f"/out/{n}", sha256=sha("9"), content=f"sha256:{sha('8')}") for n in "abc")
    before = {"run": make_run(outputs=tuple(make_output(f"/out/{n}") for n in "abc"))}
    after = {
        "run": make_run(outputs=outputs),
        "environment": (
            *make_manifest().environment,
            make_variable("ATEN_CPU_CAPABILITY", "default"),
            make_variable("HOSTNAME", "c0ffee"),
        ),
    }
    found = report(before, after)
    assert (found.findings[0].name, found.findings[0].code) == ("ATEN_CPU_CAPABILITY", "ENV-607")
    assert found.findings[0].fix == "unset ATEN_CPU_CAPABILITY"
    assert [f.effect for f in found.findings] == ["result", "none", "symptom", "symptom", "symptom"]
    assert found.explained


def test_groups_come_in_the_order_of_the_house() -> None:
    before = {
        "packages": (make_pypi("numpy", "1"), make_pypi("mine", "1"), make_deb("libc6", "1-1")),
        "host": make_host(driver=Driver(version="1")),
        "environment": (make_variable("OMP_NUM_THREADS", "1"), make_variable("SEED", "1")),
        "run": make_run(inputs=(make_input(), make_input("/app/t.py", kind="file"))),
    }
    after = {
        "packages": (make_pypi("numpy", "2"), make_pypi("mine", "2"), make_deb("libc6", "2-1")),
        "host": make_host(driver=Driver(version="2"), cpu=make_cpu(level="x86-64-v2")),
        "environment": (make_variable("OMP_NUM_THREADS", "2"), make_variable("SEED", "2")),
        "run": make_run(
            argv=("x",),
            inputs=(make_input(sha256=sha("8")), make_input("/app/t.py", kind="file", sha256=sha("9"))),
            outputs=(),
        ),
    }
    assert [f.name for f in report(before, after).findings] == [
        "/data",
        "/app/t.py",
        "argv",
        "OMP_NUM_THREADS",
        "numpy",
        "cpu.level",
        "mine",
        "SEED",
        "libc6",
        "driver.version",
        "/out/model.safetensors",
    ]


def test_only_outputs_that_differ_are_explained_by_nothing() -> None:
    found = report({}, {"run": make_run(outputs=(make_output(content=f"sha256:{sha('8')}"),))})
    assert (found.verdict, found.explained) == ("differs", False)


def test_noise_differs_but_explains_nothing() -> None:
    sides = [{"environment": (make_variable(n, v),)} for n, v in (("HOSTNAME", "a"), ("HOSTNAME", "b"))]
    found = report(*sides)
    assert (found.verdict, found.explained, found.findings[0].effect) == ("differs", False, "none")


def test_what_could_not_be_compared_is_handed_on() -> None:
    found = report({"host": None}, {})
    assert (found.verdict, found.schema_version) == ("identical", "1.0")
    assert [u.section for u in found.not_compared] == ["host"]


def key_parts(finding: Finding) -> int:
    return EFFECTS.index(finding.effect)


@FAST
@given(manifests(), manifests())
def test_the_verdict_follows_the_differences_alone(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    found = rank(delta, a, b)
    assert found.verdict == ("differs" if delta.differences else "identical")
    assert bool(found.findings) == bool(delta.differences)
    assert sum(1 + len(f.folded) for f in found.findings) == len(delta.differences)
    assert [key_parts(f) for f in found.findings] == sorted(key_parts(f) for f in found.findings)
    assert found.explained == any(f.effect == "result" for f in found.findings)


@FAST
@given(manifests(), manifests(), st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_count(a: Manifest, b: Manifest, random: Any) -> None:
    parts = {
        name: tuple(random.sample(getattr(b, name), len(getattr(b, name))))
        for name in ("packages", "pythons", "libraries", "environment")
    }
    shuffled = replace(b, **parts)
    assert rank(compare(a, shuffled), a, shuffled) == rank(compare(a, b), a, b)


@FAST
@given(manifests())
def test_a_manifest_against_itself_is_identical(manifest: Manifest) -> None:
    assert rank(compare(manifest, manifest), manifest, manifest).verdict == "identical"
