"""How many outputs of two runs agree."""

from __future__ import annotations

from reprocheck.compare.outputs import agreement
from reprocheck.model.change import OutputAgreement
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Output
from tests.strategies import make_manifest, make_output, make_run, sha


def side(*outputs: Output, ignore: tuple[str, ...] = ()) -> Manifest:
    return make_manifest(run=make_run(outputs=outputs, ignore_outputs=ignore))


def test_equal_outputs_are_counted() -> None:
    both = side(make_output("/out/a"), make_output("/out/b"))
    assert agreement(both, both) == OutputAgreement(compared=2, differing=0)


def test_other_content_and_one_sided_outputs_differ() -> None:
    a = side(make_output("/out/a"), make_output("/out/b"), make_output("/out/c"))
    b = side(
        make_output("/out/a"), make_output("/out/b", content=f"sha256:{sha('9')}"), make_output("/out/d")
    )
    assert agreement(a, b) == agreement(b, a) == OutputAgreement(compared=4, differing=3)


def test_equal_content_in_other_bytes_is_no_other_result() -> None:
    a, b = side(make_output("/out/a")), side(make_output("/out/a", sha256=sha("8")))
    assert agreement(a, b) == OutputAgreement(compared=1, differing=0, rewritten=1)


def test_equal_content_of_which_more_was_left_out_is_not_called_equal() -> None:
    a, b = side(make_output("/out/a")), side(make_output("/out/a", ignored_keys=("/seconds",)))
    assert agreement(a, b) == OutputAgreement(compared=1, differing=1)


def test_nothing_is_said_where_nothing_is_compared() -> None:
    run = side(make_output("/out/a"), ignore=("/out/a",))
    assert agreement(run, run) is None
    assert agreement(side(), side()) is None
    assert agreement(make_manifest(run=None), side(make_output())) is None
