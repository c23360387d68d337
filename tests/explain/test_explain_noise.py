"""What somebody asked not to see is counted, decides no verdict, and is never just gone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.errors import UsageFault
from reprocheck.explain import Ignore, default_ignores, parse_ignore, rank, sift, suppress, tables
from reprocheck.model.change import SECTIONS, Delta, DiffReport
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Change, Mount
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_conda,
    make_deb,
    make_manifest,
    make_pypi,
    make_run,
    make_variable,
    manifests,
)

HOME = "/opt/venv/bin/python"


def delta(before: Manifest, after: Manifest) -> Delta:
    return compare(before, after)


def names(found: Delta) -> list[str]:
    return [d.name for d in found.differences]


MANY = delta(
    make_manifest(
        packages=(make_pypi("numpy", "1"), make_pypi("six", "1", environment=HOME), make_deb("curl", "1-1")),
        environment=(make_variable("SEED", "1"), make_variable("SLURM_ID", "1")),
    ),
    make_manifest(
        packages=(make_pypi("numpy", "2"), make_pypi("six", "2", environment=HOME), make_deb("curl", "2-1")),
        environment=(make_variable("SEED", "2"), make_variable("SLURM_ID", "2")),
    ),
)


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        ("environment:SLURM_*", ["SLURM_ID"]),
        ("environment:*", ["SEED", "SLURM_ID"]),
        ("packages:numpy", ["numpy"]),
        ("packages:pypi:*", ["numpy", "six"]),
        ("pypi:numpy", ["numpy"]),
        ("deb:*", ["curl"]),
        ("*:s*", ["six"]),
        ("six", ["six"]),
        ("packages:/opt/venv/*", ["six"]),
        ("bin/python", ["six"]),
        ("host:*", []),
        ("numpy*x", []),
        ("NumPy", []),
    ],
)
def test_a_pattern_names_section_type_name_or_place(pattern: str, gone: list[str]) -> None:
    kept, (counted,) = suppress(MANY, (parse_ignore(pattern, "option"),))
    assert sorted(set(names(MANY)) - set(names(kept))) == gone
    assert (counted.pattern, counted.origin, counted.count) == (pattern, "option", len(gone))


def test_a_difference_counts_once_for_the_users_pattern_first() -> None:
    ignores = (
        *default_ignores(),
        parse_ignore("environment:HOST*", "configuration"),
        parse_ignore("HOSTNAME", "option"),
    )
    sides = [make_manifest(environment=(make_variable("HOSTNAME", v),)) for v in "ab"]
    _, found = suppress(delta(*sides), ignores)
    assert [(s.origin, s.count) for s in found] == [("option", 1), ("configuration", 0)]


@pytest.mark.parametrize("pattern", ["", "environment:", "*:", "x" * 2000])
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_ignore(pattern, "option")
    assert caught.value.code == "E_IGNORE_PATTERN"


def ranked(before: Manifest, after: Manifest, *, everything: bool = False) -> DiffReport:
    sifted = sift(compare(before, after), default_ignores())
    noise = sifted.noise if everything else ()
    return rank(sifted.delta, before, after, suppressed=sifted.suppressed, noise=noise)


def test_the_default_list_decides_no_verdict_and_is_shown_on_request() -> None:
    sides = [
        make_manifest(environment=tuple(make_variable(n, v) for n in ("HOSTNAME", "PWD", "SHLVL", "_")))
        for v in ("a", "b")
    ]
    quiet, loud = ranked(*sides), ranked(*sides, everything=True)
    assert (quiet.verdict, quiet.findings) == ("identical", ())
    assert sum(s.count for s in quiet.suppressed) == 4
    assert loud.verdict == "identical"
    assert not loud.explained
    assert {f.name for f in loud.findings} == {"HOSTNAME", "PWD", "SHLVL", "_"}
    assert all(f.noise for f in loud.findings)
    assert quiet.suppressed == loud.suppressed


def test_caches_byte_code_and_package_databases_are_noise_and_mounts_and_edits_are_not() -> None:
    paths = (
        "/app/__pycache__/x.cpython-311.pyc",
        "/root/.cache/pip/http/a",
        "/var/lib/apt/lists/x",
        "/var/lib/rpm/rpmdb.sqlite",
    )
    written = make_run(changes=tuple(Change(path=p, kind="added") for p in (*paths, "/app/model.py")))
    mount = make_run(mounts=(Mount(target="/root/.cache/pip", kind="bind", writable=True, role="unread"),))
    assert names(sift(delta(make_manifest(), make_manifest(run=written)), default_ignores()).delta) == [
        "/app/model.py"
    ]
    assert names(sift(delta(make_manifest(), make_manifest(run=mount)), default_ignores()).delta) == [
        "/root/.cache/pip"
    ]
    faults = tuple(FileFault(kind=k, path="/s/__pycache__/x.pyc", actual="1") for k in ("changed", "unowned"))
    sides = [make_manifest(integrity=Integrity(checked=1, without_digest=0, faults=f)) for f in ((), faults)]
    assert [d.attribute for d in sift(delta(*sides), default_ignores()).delta.differences] == ["changed"]


def test_unknowns_are_not_suppressed() -> None:
    unread = make_manifest(unknowns=(Unknown(section="host", where="x", reason="y"),))
    kept, _ = suppress(delta(unread, make_manifest()), (parse_ignore("host:*", "option"),))
    assert rank(kept, unread, make_manifest()).verdict == "inconclusive"


def test_every_row_of_the_list_names_a_section_and_every_glob_once() -> None:
    rows = tables.noise()
    assert {row.section for row in rows} <= set(SECTIONS)
    patterns = [ignore.pattern for ignore in default_ignores()]
    assert len(patterns) == len(set(patterns))
    assert all(ignore.why for ignore in default_ignores())


def test_no_numeric_setting_is_on_the_list() -> None:
    known = [p for row in tables.variables() if row.weight for p in row.patterns if not p.endswith("*")]
    sides = [make_manifest(environment=tuple(make_variable(n, v) for n in known)) for v in ("a", "b")]
    found = delta(*sides)
    assert sift(found, default_ignores()).delta == found


def test_a_hostile_glob_takes_linear_time() -> None:
    """`*a*a*a...b` against many a's is exponential where stars backtrack."""
    name = "a" * 4000
    sides = [make_manifest(packages=(make_conda(name, v),)) for v in ("1", "2")]
    start = time.process_time()
    kept, _ = suppress(delta(*sides), (parse_ignore("*a" * 400 + "b", "option"),))
    assert len(kept.differences) == 1
    assert time.process_time() - start < 60  # exponential work would not end at all


PATTERNS = st.sampled_from(["*", "packages:*", "environment:LANG", "*:n*", "pypi:*", "zz", "run:/data"])


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests(), st.lists(st.tuples(PATTERNS, st.booleans()), max_size=4))
def test_counts_add_up_and_what_stays_keeps_its_order(
    a: Manifest, b: Manifest, patterns: list[tuple[str, bool]]
) -> None:
    own: list[Ignore] = [parse_ignore(p, "option" if mine else "configuration") for p, mine in patterns]
    found = compare(a, b)
    sifted = sift(found, (*own, *default_ignores()))
    assert len(found.differences) == len(sifted.delta.differences) + sum(s.count for s in sifted.suppressed)
    kept = set(sifted.delta.differences)
    assert [d for d in found.differences if d in kept] == list(sifted.delta.differences)
    assert (sifted.delta.unknowns, sifted.delta.left_out) == (found.unknowns, found.left_out)
    quiet = rank(sifted.delta, a, b, suppressed=sifted.suppressed)
    loud = rank(sifted.delta, a, b, suppressed=sifted.suppressed, noise=sifted.noise)
    assert (quiet.verdict, quiet.explained) == (loud.verdict, loud.explained)
    assert quiet.findings == tuple(f for f in loud.findings if not f.noise)
    assert (quiet.verdict == "differs") == bool(sifted.delta.differences)
