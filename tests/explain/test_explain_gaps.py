"""What was not captured, and could have explained a difference, is said with a way to capture it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.gaps import gaps_of
from reprocheck.model.context import DataSet, Repository
from reprocheck.model.image import Source
from reprocheck.model.integrity import Integrity
from reprocheck.model.loaded import Loaded, ObservedProcess
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_gpu,
    make_host,
    make_input,
    make_manifest,
    make_run,
    make_variable,
    manifests,
    sha,
)

HOOK = ObservedProcess(executable="/usr/bin/python3", python="3.11.2", seen="hook")


def whole(**overrides: Any) -> Manifest:
    """Return a manifest that captured everything."""
    fields: dict[str, Any] = {
        "code": (Repository(path=".", commit="a" * 40),),
        "data": (DataSet(name="d", kind="file", files=1, bytes=1, sha256=sha("1")),),
        "integrity": Integrity(checked=1, without_digest=0, faults=()),
        "loaded": Loaded(observer="hook", processes=(HOOK,), libraries=()),
    }
    return make_manifest(**fields | overrides)


def gaps(a: Manifest, b: Manifest) -> dict[str, str]:
    return {gap.what: gap.side for gap in gaps_of(a, b)}


def test_two_whole_captures_have_no_gap() -> None:
    assert gaps(whole(), whole()) == {}


def test_a_gap_says_whose_it_is() -> None:
    bare = whole(integrity=None)
    assert gaps(bare, whole()) == {"edits of installed files": "first"}
    assert gaps(whole(), bare) == {"edits of installed files": "second"}
    assert gaps(bare, bare) == {"edits of installed files": "both"}


def test_each_thing_that_was_not_captured_is_named_with_a_remedy() -> None:
    bare = make_manifest(
        run=None,
        host=None,
        environment=(make_variable("SEED", None),),
        unknowns=(Unknown(section="packages", where="/var/lib/rpm", reason="it is encrypted"),),
        source=Source(kind="rootfs", missing=("image configuration",)),
    )
    found = gaps_of(whole(), bare)
    assert [gap.what for gap in found] == [
        "run: command, inputs and outputs",
        "data",
        "code: commit and uncommitted changes",
        "loaded libraries and modules",
        "machine",
        "edits of installed files",
        "values of withheld variables",
        "part of packages",
        "image configuration",
    ]
    assert {gap.side for gap in found} == {"second"}
    assert all(gap.remedy for gap in found)


def test_a_gpu_is_missed_only_where_something_computes_on_one() -> None:
    torch = (Framework(name="torch", version="2", location="/s", cuda="12.4"),)
    assert gaps(whole(frameworks=torch), whole()) == {"GPU": "first"}
    assert gaps(whole(frameworks=torch, host=make_host(gpus=(make_gpu(),))), whole()) == {}


def test_samples_without_pythons_own_report_and_unread_inputs_are_gaps() -> None:
    sampled = ObservedProcess(executable="/usr/bin/python3", python="3.11.2", seen="maps")
    a = whole(loaded=Loaded(observer="/proc maps", processes=(sampled,), libraries=()))
    b = whole(run=make_run(inputs=(make_input(sha256=None),)))
    assert gaps(a, b) == {
        "imported modules and settings of the process": "first",
        "content of an input": "second",
    }


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests())
def test_gaps_mirror_and_change_no_verdict(a: Manifest, b: Manifest) -> None:
    swapped = {"first": "second", "second": "first", "both": "both"}
    there, back = gaps(a, b), gaps(b, a)
    assert {what: swapped[side] for what, side in there.items()} == back
    report = rank(compare(a, b), a, b)
    assert report.gaps == gaps_of(a, b)
