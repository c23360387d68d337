"""Graphs as large as a hostile manifest may make them: no recursion, no quadratic work."""

from __future__ import annotations

from reprocheck.graph import analyse
from reprocheck.graph.paths import LONGEST_CHAIN, fold
from reprocheck.limits import DEFAULT
from tests.strategies import make_manifest, make_pypi

NODES = 100_000


def test_a_chain_of_one_hundred_thousand_ends_in_a_folded_chain() -> None:
    """The last one misses something; the way to it is shown with its middle folded."""
    packages = tuple(
        make_pypi(f"p{n:06}", requires=(f"p{n + 1:06}",), files_sha256=None) for n in range(NODES)
    )
    manifest = make_manifest(packages=packages, libraries=())
    report = analyse(manifest, limits=DEFAULT)
    (conflict,) = report.conflicts
    assert conflict.requirement == f"p{NODES:06}"
    chain = conflict.causes[0].chain
    assert (chain[0], chain[-1], len(chain)) == ("p000000 1.0", f"p{NODES - 1:06} 1.0", LONGEST_CHAIN + 1)
    assert chain[LONGEST_CHAIN // 2] == f"... ({NODES - LONGEST_CHAIN} more)"


def test_a_cycle_of_one_hundred_thousand_is_one_remark() -> None:
    """One component, found without recursion."""
    packages = tuple(
        make_pypi(f"p{n:06}", requires=(f"p{(n + 1) % NODES:06}",), files_sha256=None) for n in range(NODES)
    )
    (conflict,) = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT).conflicts
    assert conflict.kind == "cycle"
    assert conflict.found == f"{NODES} packages require each other"


def test_many_conflicts_at_the_end_of_a_long_chain_stay_cheap() -> None:
    """The chain is walked once, not once for each of them."""
    chain = tuple(make_pypi(f"p{n:06}", requires=(f"p{n + 1:06}",)) for n in range(20_000))
    leaves = tuple(f"leaf{n}" for n in range(5_000))
    fan = (make_pypi("p020000", requires=leaves), *(make_pypi(leaf, requires=("gone",)) for leaf in leaves))
    report = analyse(make_manifest(packages=chain + fan, libraries=()), limits=DEFAULT)
    assert len(report.conflicts) == 5_000
    assert len(report.nodes) == 25_002


def test_a_complete_graph_of_failing_requirements_is_bounded() -> None:
    """Every one of one hundred packages wants another version of every other."""
    packages = tuple(
        make_pypi(f"p{n}", requires=tuple(f"p{m}=={n + 2}.0" for m in range(100) if m != n))
        for n in range(100)
    )
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    assert len([c for c in report.conflicts if c.broken]) == 100 * 99


def test_folding_keeps_both_ends() -> None:
    """Short chains are whole."""
    assert fold(("a", "b")) == ("a", "b")
    assert len(fold(tuple(str(n) for n in range(1000)))) == LONGEST_CHAIN + 1


def test_ten_thousand_extras_are_followed_once_each() -> None:
    """Each extra asks for the next one of the same package: one after another, never all lines again."""
    count = 10_000
    lines = tuple(f"b[e{n + 1}]; extra == 'e{n}'" for n in range(count))
    packages = (
        make_pypi("a", requires=("b[e0]",)),
        make_pypi("b", requires=(*lines, f"gone; extra == 'e{count}'")),
    )
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    assert [(c.requirement, c.extra) for c in report.conflicts] == [("gone", f"e{count}")]
    assert report.unknowns == ()


def test_markers_that_are_evaluated_for_every_extra_are_bounded() -> None:
    """What is beyond the budget is an unknown of that package."""
    asking = tuple(f"b[e{n}]" for n in range(600))
    awkward = tuple(f"c{n}; 'x{n}' == extra" for n in range(600))
    packages = (make_pypi("a", requires=asking), make_pypi("b", requires=awkward))
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    assert report.conflicts == ()
    assert [u.where for u in report.unknowns] == ["b 1.0"]


def test_adversarial_specifiers_stay_cheap() -> None:
    """Hundreds of holes in one constraint, and sixty such constraints on one package."""
    holes = ",".join(f"!=1.{n}" for n in range(400))
    packages = tuple(make_pypi(f"p{n}", requires=(f"b>=1.{n},{holes}",)) for n in range(60))
    report = analyse(make_manifest(packages=(*packages, make_pypi("b", "0.1")), libraries=()), limits=DEFAULT)
    assert len(report.conflicts) == 60
