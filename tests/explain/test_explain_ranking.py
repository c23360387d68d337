"""Order, verdict, and what is said when nothing explains."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.suspicion import EFFECTS
from reprocheck.model.base import replace
from reprocheck.model.change import DiffReport, Finding
from reprocheck.model.host import Driver
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Change
from reprocheck.model.unknown import Unknown
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
    assert found.findings[0].fix == "run without --env ATEN_CPU_CAPABILITY"
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


@pytest.mark.parametrize("section", ["image", "host", "os", "run"])
def test_a_section_on_one_side_only_is_inconclusive(section: str) -> None:
    one: dict[str, Any] = {section: None}
    both: dict[str, Any] = {}
    for sides in ((one, both), (both, one)):
        found = report(*sides)
        assert (found.verdict, found.schema_version) == ("inconclusive", "1.1")
        assert [u.section for u in found.unknowns] == [section]
    assert report(one, one).verdict == "identical"


def test_an_unknown_of_either_side_forbids_identical_and_differences_win() -> None:
    unread = {"unknowns": (Unknown(section="packages", where="/var/lib/rpm", reason="it is encrypted"),)}
    pairs: tuple[tuple[Any, Any], ...] = ((unread, {}), ({}, unread), (unread, unread))
    assert {report(*pair).verdict for pair in pairs} == {"inconclusive"}
    changed = {"packages": ()}
    assert report(unread, changed).verdict == "differs"


def test_what_is_left_out_on_purpose_is_a_fact_and_forbids_nothing() -> None:
    """Withheld values and arguments, outputs named as volatile, traces of runs in a fresh container."""
    side = {
        "environment": (make_variable("TOKEN", None, state="secret"), make_variable("HOST_ONLY", None)),
        "run": make_run(
            argv=("x", "***"),
            withheld_arguments=(1,),
            ignore_outputs=("*.safetensors",),
            changes=(Change(path="/app/cache", kind="added"),),
            fresh=True,
        ),
    }
    found = report(side, side)
    assert (found.verdict, found.unknowns) == ("identical", ())
    assert {u.section for u in found.left_out} == {"environment", "run", "outputs", "changes"}


def test_a_file_that_both_containers_changed_is_not_called_identical() -> None:
    """Nothing but its path is recorded, and it may be the program."""
    side = {"run": make_run(changes=(Change(path="/app/train.py", kind="modified"),))}
    assert report(side, side).verdict == "inconclusive"


def key_parts(finding: Finding) -> tuple[bool, int]:
    return finding.used == "idle", EFFECTS.index(finding.effect)


@FAST
@given(manifests(), manifests())
def test_the_verdict_follows_the_differences_alone(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    found = rank(delta, a, b)
    assert (found.verdict == "differs") == bool(delta.differences)
    assert (found.verdict == "identical") == (not delta.differences and not found.unknowns)
    assert bool(found.findings) == bool(delta.differences)
    assert sum(1 + len(f.folded) for f in found.findings) == len(delta.differences)
    assert [key_parts(f) for f in found.findings] == sorted(key_parts(f) for f in found.findings)
    assert found.explained == any(f.effect == "result" and f.used != "idle" for f in found.findings)


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
def test_a_manifest_against_itself_is_identical_unless_something_was_not_seen(manifest: Manifest) -> None:
    found = rank(compare(manifest, manifest), manifest, manifest)
    assert found.verdict == ("inconclusive" if found.unknowns else "identical")
    assert set(manifest.unknowns) <= set(found.unknowns)
