"""Version order against the programs that define it: thousands of versions that nearly collide.

Where we give an order the program gives the same one; where it refuses a version we give none.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rattler import Version
from rattler.exceptions import InvalidVersionError

from reprocheck.model.package import PackageType
from reprocheck.versions import order

Pair = tuple[str, str]

LONG = "9" * 25
NUMBERS = ("0", "1", "00", "01", "9", "10", "010", LONG, f"1{LONG}")
LETTERS = ("a", "b", "z", "A", "Z", "rc", "alpha", "dev", "post", "p", "r1", "e10")
MARKS: dict[PackageType, tuple[str, ...]] = {
    "deb": (".", "..", "~", "~~", "+", "-", "-1", "-0", ":", "0:", "1:", "2147483647:", "2147483648:"),
    "rpm": (".", "..", "~", "~~", "^", "^^", "~^", "_", "+", "-1", "-0", "-~1", "0:", "1:"),
    "conda": (".", "_", "-", "..", "+", "+1", "0!", "1!"),
    "apk": (".0", ".1", ".01", "_rc", "_p", "_p0", "_git", "_alpha", "~1f", "~a", "-r0", "-r1", "-r10"),
    "pypi": (".", "-1", "!", "1!", "+", "+cu118", "+cu121", ".dev", ".post", "rc", "_", "v"),
}


def near_versions(type_: PackageType) -> st.SearchStrategy[tuple[str, str, str]]:
    """Three versions, each one edit away from the one before it."""
    token = st.sampled_from((*NUMBERS, *LETTERS, *MARKS[type_]))
    edit = st.tuples(st.integers(0, 6), st.just("") | token, st.booleans())

    def spell(tokens: list[str], edits: list[tuple[int, str, bool]]) -> tuple[str, str, str]:
        texts = ["".join(tokens)]
        for place, text, replaces in edits:
            tokens = [*tokens[:place], text, *tokens[place + replaces :]]
            texts.append("".join(tokens))
        return (texts[0], texts[1], texts[2])

    start = st.sampled_from(NUMBERS + LETTERS[:2]).flatmap(
        lambda first: st.lists(token, max_size=5).map(lambda rest: [first, *rest])
    )
    return st.builds(spell, start, st.lists(edit, min_size=2, max_size=2))


def near_pairs(type_: PackageType, examples: int) -> list[Pair]:
    """Different pairs, one to three an example, in the order in which they were found."""
    pairs: dict[Pair, None] = {}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(near_versions(type_))
    def collect(versions: tuple[str, str, str]) -> None:
        a, b, c = versions
        pairs.update(dict.fromkeys(pair for pair in ((a, b), (b, c), (a, c)) if all(pair)))

    collect()
    assert len(pairs) >= examples
    return list(pairs)


def disagreements(type_: PackageType, pairs: list[Pair], theirs: list[int | None]) -> list[object]:
    """Pairs that we order otherwise, or that we order and the program refuses."""
    ours = [order(type_, a, b) for a, b in pairs]
    assert sum(sign is not None for sign in ours) > len(pairs) // 4
    return [
        (pair, own, other)
        for pair, own, other in zip(pairs, ours, theirs, strict=True)
        if own is not None and own != other
    ]


def test_deb_as_dpkg_orders_them() -> None:
    """dpkg takes one pair a call; it ends with 2 for a version that is none."""
    pairs = [pair for pair in near_pairs("deb", 200) if not any(text.startswith("-") for text in pair)]
    script = (
        'while read -r a b; do dpkg --compare-versions "$a" lt "$b" 2>/dev/null; case $? in 0) echo -1 ;; '
        '2) echo none ;; *) if dpkg --compare-versions "$a" gt "$b" 2>/dev/null; then echo 1; '
        "else echo 0; fi ;; esac; done"
    )
    lines = "".join(f"{a} {b}\n" for a, b in pairs)
    done = subprocess.run(["bash", "-c", script], input=lines, capture_output=True, text=True, check=True)
    theirs = [None if line == "none" else int(line) for line in done.stdout.split()]
    assert disagreements("deb", pairs, theirs) == []


@pytest.mark.rpm
def test_rpm_as_rpm_orders_them(tmp_path: Path) -> None:
    """`rpm.vercmp` of rpm's own Lua takes whole versions, epoch and release included."""
    pairs = near_pairs("rpm", 700)
    (tmp_path / "pairs").write_text("".join(f"{a} {b}\n" for a, b in pairs), encoding="ascii")
    program = (
        f'for line in io.lines("{tmp_path}/pairs") do local gap = string.find(line, " ") '
        'print(rpm.vercmp(string.sub(line, 1, gap - 1), string.sub(line, gap + 1)) .. "\\n") end'
    )
    argv = ["rpm", "--eval", f"%{{lua:{program}}}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert disagreements("rpm", pairs, [int(line) for line in done.stdout.split()]) == []


def test_conda_as_rattler_orders_them() -> None:
    """But for what rattler holds otherwise than conda's own code.

    It takes numbers of 64 bits, splits a last underscore from letters, and lets one end the local part.
    """
    pairs = [pair for pair in near_pairs("conda", 700) if not any(map(_is_rattlers_own, pair))]
    theirs = [_by_rattler(a, b) for a, b in pairs]
    assert disagreements("conda", pairs, theirs) == []


def _is_rattlers_own(version: str) -> bool:
    main = version.lower().replace("-", "_").partition("+")[0].rpartition("!")[2]
    return LONG in version or (main.endswith("_") and not main[:-1][-1:].isdigit())


def _by_rattler(a: str, b: str) -> int | None:
    try:
        first, second = Version(a), Version(b)
    except InvalidVersionError:
        return None
    return (first > second) - (first < second)


@pytest.mark.parametrize("type_", MARKS)
def test_near_versions_have_a_transitive_order(type_: PackageType) -> None:
    """Over every three near versions that can be ordered, whichever way round they stand."""

    @settings(max_examples=100, deadline=None, database=None)
    @given(near_versions(type_))
    def hold(versions: tuple[str, str, str]) -> None:
        a, b, c = versions
        ab, bc, ac = order(type_, a, b), order(type_, b, c), order(type_, a, c)
        assert order(type_, a, a) in (0, None)
        assert order(type_, b, a) == (None if ab is None else -ab)
        if ab is not None and bc is not None and ab * bc >= 0:
            assert ac == (ab or bc), (versions, ab, bc, ac)

    hold()
