"""Laws from two manifests to a verdict: nothing is dropped, nothing is invented, no format has a say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.api.compare import diff
from reprocheck.cli.diff import command
from reprocheck.codec import decode_manifest, encode_manifest, seal
from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.base import replace
from reprocheck.model.change import Delta, Difference, DiffReport, Finding
from reprocheck.model.context import Repository
from reprocheck.model.environment import Variable
from reprocheck.model.image import OperatingSystem, Source
from reprocheck.model.manifest import Manifest, Observation, Tool
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.render import diff_text
from tests.faults.harness import acting
from tests.strategies import make_manifest, make_pypi, manifests

FAST = settings(deadline=None, max_examples=50)
EXIT = {"identical": 0, "differs": 1, "inconclusive": 4}
RANDOMS = st.randoms(use_true_random=False)


def report_of(a: Manifest, b: Manifest) -> DiffReport:
    return rank(compare(a, b), a, b)


def complete(manifest: Manifest) -> Manifest:
    """The same without anything that was not seen."""
    return replace(manifest, unknowns=())


def retold(manifest: Manifest, random: Random) -> Manifest:
    """The same environment as another observer tells it: other order, spelling, source and installers."""

    def spelled(package: Package) -> Package:
        if package.python is None:
            return package
        python = replace(package.python, installer=random.choice(["", "pip", "uv"]), requested=True)
        plain = package.name.isascii() and package.name.replace("_", "-").replace(".", "-").isalnum()
        return replace(package, name=package.name.upper() if plain else package.name, python=python)

    shuffled = {
        name: tuple(random.sample(getattr(manifest, name), len(getattr(manifest, name))))
        for name in (
            "packages",
            "pythons",
            "libraries",
            "environment",
            "frameworks",
            "loading",
            "code",
            "data",
        )
    }
    told = replace(manifest, **shuffled)
    return replace(
        told,
        packages=tuple(map(spelled, told.packages)),
        source=Source(kind="container", engine="podman 5", reference=random.choice(["a", "b"])),
        observation=Observation(tools=(Tool(name="reprocheck", version=random.choice(["1", "2"])),)),
    )


def keys(items: tuple[Finding, ...] | tuple[Difference, ...]) -> Counter[tuple[object, ...]]:
    """What both hold, as a multiset."""
    return Counter((x.section, x.type, x.name, x.where, x.attribute, x.before, x.after) for x in items)


@FAST
@given(manifests(), manifests())
def test_heads_and_what_is_folded_under_them_are_all_differences(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    report = rank(delta, a, b)
    heads, everything = keys(report.findings), keys(delta.differences)
    assert heads <= everything
    left = everything - heads
    folded = [label for finding in report.findings for label in finding.folded]
    assert len(folded) == left.total()
    assert set(folded) <= {label for key in left for label in (key[2], f"{key[2]} ({key[4]})")}


@FAST
@given(manifests(), manifests())
def test_the_side_that_is_named_first_decides_nothing(a: Manifest, b: Manifest) -> None:
    there, back = report_of(a, b), report_of(b, a)
    assert (there.verdict, there.explained) == (back.verdict, back.explained)
    assert number_told(there) == number_told(back)


def number_told(report: DiffReport) -> int:
    """How many differences a report tells, those that it folds included."""
    return len(report.findings) + sum(len(finding.folded) for finding in report.findings)


PROJECTS = ("torch", "triton", "numpy", "idna", "mkl")


@st.composite
def pinned_environments(draw: st.DrawFn) -> Manifest:
    """Few projects of few versions that pin each other in every way, circles included."""
    found: list[Package] = []
    for name in draw(st.lists(st.sampled_from(PROJECTS), unique=True)):
        others = st.sampled_from(PROJECTS)
        pin = st.sampled_from(["==1.0", "==2.0", ">=1.0", "~=2.0", "", "==2.0; extra == 'x'"])
        requires = draw(st.lists(st.builds(lambda other, text: other + text, others, pin), max_size=3))
        found.append(make_pypi(name, draw(st.sampled_from(["1.0", "2.0"])), requires=tuple(requires)))
    return make_manifest(packages=tuple(found))


@settings(deadline=None, max_examples=200)
@given(pinned_environments(), pinned_environments())
def test_folding_by_pins_keeps_every_package_and_closes_no_circle(a: Manifest, b: Manifest) -> None:
    delta = compare(a, b)
    report = rank(delta, a, b)
    assert number_told(report) == len(delta.differences)
    names = Counter(d.name for d in delta.differences)
    heads = Counter(finding.name for finding in report.findings)
    folded = Counter(label.partition(" ")[0] for finding in report.findings for label in finding.folded)
    assert heads + folded == names
    effects = [finding.effect for finding in report.findings]
    assert effects == sorted(effects, key=("result", "break", "bytes", "none", "symptom").index)


@FAST
@given(manifests(), RANDOMS)
def test_what_equals_a_third_alike_is_alike(manifest: Manifest, random: Random) -> None:
    """`a == b` and `b == c` gives `a == c`, over tellings that differ in everything that does not count."""
    a = complete(manifest)
    b, c = retold(a, random), retold(a, random)
    for one, other in ((a, b), (b, c), (a, c), (c, a)):
        assert compare(one, other).differences == ()


@FAST
@given(manifests(), manifests(), RANDOMS)
def test_another_telling_of_a_side_changes_no_verdict_and_no_order(
    a: Manifest, b: Manifest, random: Random
) -> None:
    told = report_of(retold(a, random), b)
    report = report_of(a, b)
    assert told.verdict == report.verdict
    assert [f.code for f in told.findings] == [f.code for f in report.findings]


@FAST
@given(manifests(), st.sampled_from(["packages", "host", "libraries", "run", "environment"]), st.booleans())
def test_any_unknown_on_either_side_forbids_identical(manifest: Manifest, section: str, first: bool) -> None:
    whole = complete(manifest)
    unknown = Unknown(section=section, where="here", reason="could not be read")  # type: ignore[arg-type]
    open_ended = replace(whole, unknowns=(unknown,))
    assert report_of(whole, whole).verdict in ("identical", "inconclusive")
    sides = (open_ended, whole) if first else (whole, open_ended)
    report = report_of(*sides)
    assert report.verdict == "inconclusive"
    assert [u.section for u in report.unknowns if u.where == "here"] == [section]


CHANGES = {
    "packages": lambda m: replace(m, packages=m.packages[1:]),
    "variables": lambda m: replace(
        m, environment=(*m.environment, Variable(name="NEW_ONE", value="1", origin="run"))
    ),
    "system": lambda m: replace(m, os=OperatingSystem(id="alpine", version_id="3.20")),
    "code": lambda m: replace(m, code=(Repository(path=".", commit="f" * 40, dirty=False),)),
    "shadowed": lambda m: replace(m, shadowed=m.packages[1:]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_is_never_called_identical(name: str) -> None:
    a = make_manifest(code=(Repository(path=".", commit="e" * 40, dirty=False),))
    b = CHANGES[name](a)
    assert report_of(a, b).verdict == report_of(b, a).verdict == "differs"


def test_a_rank_over_no_difference_and_no_unknown_is_identical() -> None:
    m = make_manifest()
    report = rank(Delta(differences=(), unknowns=()), m, m)
    assert (report.verdict, report.findings, report.explained) == ("identical", (), False)


@FAST
@given(manifests(), manifests(), st.booleans())
def test_the_text_begins_with_the_verdict_and_holds_nothing_that_acts(
    a: Manifest, b: Manifest, everything: bool
) -> None:
    report = report_of(a, b)
    text = diff_text.render(report, everything=everything)
    assert text.startswith(report.verdict)
    assert text.endswith("\n")
    assert acting(text) == []


def formats() -> list[str]:
    """Every format that `diff` has."""
    (option,) = (parameter for parameter in command.params if parameter.name in ("format_", "formats"))
    assert isinstance(option.type, click.Choice)
    return [str(choice) for choice in option.type.choices]


@settings(deadline=None, max_examples=15)
@given(manifests(), manifests(), st.booleans())
def test_every_format_ends_in_the_code_of_the_verdict(
    tmp_path_factory: pytest.TempPathFactory, a: Manifest, b: Manifest, same: bool
) -> None:
    """The verdict of the documents as they are read back decides, in every format alike."""
    folder = tmp_path_factory.mktemp("formats")
    raws = [encode_manifest(seal(side)) for side in (a, a if same else b)]
    for name, raw in zip(("a.json", "b.json"), raws, strict=True):
        (folder / name).write_bytes(raw)
    read = [decode_manifest(raw, where="x") for raw in raws]
    expected = EXIT[diff(read[0], read[1]).verdict]
    for format_ in formats():
        code = _call(folder, format_)
        assert code == expected, format_
        assert (folder / f"out.{format_}").stat().st_size > 0
        first = (folder / f"out.{format_}").read_bytes()
        assert _call(folder, format_) == code
        assert (folder / f"out.{format_}").read_bytes() == first


def _call(folder: Path, format_: str) -> int:
    argv = [str(folder / "a.json"), str(folder / "b.json"), "--format", format_]
    argv += ["--force", "-o", str(folder / f"out.{format_}")]
    code = command.main(argv, standalone_mode=False)
    assert isinstance(code, int)
    return code
