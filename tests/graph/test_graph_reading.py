"""Our quick reading of requirements, versions and markers gives the answers of `packaging`."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from reprocheck.graph import paths
from reprocheck.graph.interpreter import describe_interpreter
from reprocheck.graph.marker import normalise, read_marker
from reprocheck.graph.paths import adjacency, components
from reprocheck.graph.release import admits, read_bounds, read_release
from reprocheck.graph.requirement import read_requirement
from tests.strategies import make_manifest, make_python

_NUMBERS = st.lists(st.sampled_from(["0", "1", "2", "10", "01"]), min_size=1, max_size=4).map(".".join)
VERSIONS = st.builds(
    "".join,
    st.tuples(
        _NUMBERS,
        st.sampled_from(["", "", "", "a0", "b1", "rc1", ".alpha.1", "_B2"]),
        st.sampled_from(["", "", "", ".post0", ".post1", "-1"]),
        st.sampled_from(["", "", "", ".dev0", ".dev1"]),
    ),
)
LOCALS = st.builds("".join, st.tuples(VERSIONS, st.sampled_from(["", "", "+cu118", "+cpu"])))
SPECIFIERS = st.lists(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["==", "!=", ">=", "<=", "~=", ">", "<", "==="]),
            LOCALS,
            st.sampled_from(["", "", "", ".*"]),
        ),
    ),
    min_size=1,
    max_size=3,
).map(",".join)


@given(SPECIFIERS, LOCALS)
@settings(deadline=None, max_examples=50)
def test_what_is_decided_without_packaging_is_decided_alike(text: str, version: str) -> None:
    """Malformed specifiers are never read; what is open stays open."""
    bounds, reading = read_bounds(text), read_release(version)
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        assert bounds is None
        return
    answer = None if bounds is None or reading is None else admits(bounds, reading)
    assert answer in (None, specifier.contains(Version(version), prereleases=True))


_ATOMS = st.sampled_from(
    [
        "python_version < '3.9'",
        'python_version >= "3.8"',
        "python_full_version == '3.11.2'",
        "python_version == '3.*'",
        "sys_platform == 'linux'",
        "os_name != 'posix'",
        "platform_machine=='x86_64'",
        "implementation_name == 'cpython'",
        "extra == 'Test_A'",
        'extra == "b"',
        "extra != 'b'",
        "python_version in '3.11 3.12'",
        "'linux' == sys_platform",
        "nonsense == '1'",
    ]
)
MARKERS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("({}".format, inner),
    ),
    max_leaves=6,
)


@given(MARKERS, st.sampled_from(["", "test-a", "b", "c"]))
@settings(deadline=None, max_examples=50)
def test_markers_hold_when_packaging_says_so(text: str, extra: str) -> None:
    """Every alternative counts; what is not of the usual shape, malformed ones among it, is not read."""
    alternatives = read_marker(text)
    try:
        marker = Marker(text)
    except InvalidMarker:
        assert alternatives is None
        return
    if alternatives is None:
        return
    interpreter = describe_interpreter(make_python(), make_manifest())
    holds = any(
        interpreter.meets(one) is True
        and all(name == extra for name in one.wants)
        and all(name != extra for name in one.refuses)
        for one in alternatives
    )
    assert holds is interpreter.holds(marker, extra)


LINES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["numpy", "A.b_C", "-x", "x-", "zope.interface "]),
        st.sampled_from(["", "[gpu]", "[B_c, a]", "[]", "[x,]"]),
        st.one_of(st.just(""), SPECIFIERS, SPECIFIERS.map(" ({}) ".format), st.just("()"), st.just("(>=1")),
        st.one_of(st.just(""), MARKERS.map("; {}".format), st.just(";")),
    ),
)


@given(LINES)
@settings(deadline=None, max_examples=50)
def test_a_line_is_read_as_packaging_reads_it(line: str) -> None:
    """Name, extras, constraints and marker; the same lines are malformed."""
    try:
        theirs = Requirement(line)
    except InvalidRequirement:
        with pytest.raises(ValueError, match=r"\S"):
            read_requirement(line)
        return
    ours = read_requirement(line)
    assert ours.name == normalise(theirs.name)
    assert ours.extras == tuple(sorted({normalise(extra) for extra in theirs.extras}))
    assert set(ours.specifiers) == {str(one) for one in theirs.specifier}
    assert ours.specifier == theirs.specifier
    assert str(ours.marker) == str(theirs.marker)


GRAPHS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=24)


@given(GRAPHS, st.booleans())
@settings(deadline=None, max_examples=50)
def test_components_are_those_of_networkx(pairs: list[tuple[str, str]], large: bool) -> None:
    """Found by our own search in small remainders, by networkx in large ones."""
    directed: nx.DiGraph[str] = nx.DiGraph(pairs)
    expected = sorted(tuple(sorted(c)) for c in nx.strongly_connected_components(directed) if len(c) > 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FEW", 0 if large else 256)
        assert list(components(adjacency("abcdefgh", pairs))) == expected
