"""Dependency conflicts of real images, held against `pip check` inside them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.harness import SMALL_A, SMALL_B, TRAIN, Desk, derived_image

pytestmark = pytest.mark.docker

# scipy asks for a numpy that is not there, scikit-learn for a joblib that is gone
SITE = "/usr/local/lib/python3.11/dist-packages"
BREAK = f"RUN sed -i 's/^Version: .*/Version: 1.0/' {SITE}/numpy-*.dist-info/METADATA && rm -r {SITE}/joblib*"


@pytest.fixture(scope="module")
def broken(desk: Desk) -> Iterator[str]:
    """An image with two broken requirements; its manifest is broken.json."""
    with derived_image(BREAK) as image:
        desk.call("snapshot", image, "--no-syft", "-o", "broken.json")
        yield image


@pytest.mark.parametrize("image", [SMALL_A, SMALL_B, TRAIN])
def test_the_fixture_images_have_no_broken_requirement(desk: Desk, image: str) -> None:
    name = f"graph-{image.rpartition('/')[2]}.json"
    desk.call("snapshot", image, "--no-syft", "-o", name)
    report = desk.call("graph", name, "--format", "json").json()
    assert [conflict for conflict in report["conflicts"] if conflict["broken"]] == []
    assert report["packages"] > 100
    assert report["requirements"] > report["packages"]
    assert report["unknowns"] == []
    assert pip_check(image) == set()


def test_the_package_is_the_one_whose_requirement_fails(desk: Desk, broken: str) -> None:
    report = desk.call("graph", "broken.json", "--format", "json", expect=1).json()
    found = [conflict for conflict in report["conflicts"] if conflict["broken"]]
    # `pip check` says: who asks, and for what
    assert {(conflict["package"], requirement_name(conflict["requirement"])) for conflict in found} == (
        pip_check(broken)
    )
    joblib = next(conflict for conflict in found if conflict["requirement"].startswith("joblib"))
    assert (joblib["kind"], joblib["package"], joblib["found"]) == ("missing", "scikit-learn", "")
    numpy = next(conflict for conflict in found if conflict["package"] == "scipy")
    assert numpy["kind"] == "unsatisfied"
    assert "1.0" in numpy["found"]
    assert all(conflict["causes"] for conflict in found)


@pytest.mark.usefixtures("broken")
def test_every_format_has_the_same_exit_code_and_parses(desk: Desk) -> None:
    text = desk.call("graph", "broken.json", expect=1).stdout
    assert "joblib" in text
    for options in ((), ("--full",)):
        dot = desk.call("graph", "broken.json", "--format", "dot", *options, expect=1).stdout
        check_dot(dot)
        assert "joblib" in dot
        mermaid = desk.call("graph", "broken.json", "--format", "mermaid", *options, expect=1).stdout
        check_mermaid(mermaid)


def pip_check(image: str) -> set[tuple[str, str]]:
    """Who asks for what in vain, as `pip check` in the image says."""
    command = ["docker", "run", "--rm", "--network", "none", image, "pip", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found = set()
    for line in done.stdout.splitlines():
        match = re.match(r"(\S+) \S+ (?:requires (\S+), which|has requirement ([\w.-]+))", line)
        if match:
            found.add((match[1], (match[2] or match[3]).lower()))
    assert bool(found) == (done.returncode != 0), done
    return found


def requirement_name(requirement: str) -> str:
    """The name that a requirement starts with."""
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return match[0].lower()


def check_dot(text: str) -> None:
    """Graphviz's grammar, as far as we use it: one digraph, every edge between declared nodes."""
    lines = text.strip().splitlines()
    assert re.fullmatch(r"digraph .*\{", lines[0])
    assert lines[-1] == "}"
    string = r'"(?:[^"\\]|\\.)*"'
    nodes = {m[1] for line in lines if (m := re.match(rf"\s*({string}|\w+) \[.*\];?$", line))}
    edges = [(m[1], m[2]) for line in lines if (m := re.match(rf"\s*({string}|\w+) -> ({string}|\w+)", line))]
    assert edges
    assert {end for edge in edges for end in edge} <= nodes


def check_mermaid(text: str) -> None:
    """A flowchart whose edges join declared nodes."""
    lines = [line.strip() for line in text.strip().splitlines()]
    assert re.match(r"(graph|flowchart) (LR|TD|TB|RL|BT)", lines[0])
    nodes = {m[1] for line in lines if (m := re.match(r'(\w+)\["', line))}
    edges = [
        (m[1], m[2]) for line in lines if (m := re.match(r"(\w+) -[-.].*[-.>]\S* ?(?:\|.*\| ?)?(\w+)$", line))
    ]
    assert edges
    assert {end for edge in edges for end in edge} <= nodes


def test_an_unreadable_requirement_is_said(desk: Desk) -> None:
    """A line that no tool can read makes the answer incomplete, not clean."""
    line = f"RUN sed -i '/^Version/a Requires-Dist: ???' {SITE}/threadpoolctl-*.dist-info/METADATA"
    with derived_image(line) as image:
        desk.call("snapshot", image, "--no-syft", "-o", "odd.json", expect=None)
    answer = desk.call("graph", "odd.json", "--format", "json", expect=4)
    assert answer.json()["unknowns"]
