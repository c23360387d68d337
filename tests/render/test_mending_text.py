"""A mending as a script: it runs as it is, and foreign words stay in comments or quotes."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain.mending import mend
from reprocheck.model.image import Source
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Mending, Step, Tool, Unmended
from reprocheck.render import mending_text
from tests.faults.harness import acting
from tests.render.html.reports import HOSTILE
from tests.strategies import make_manifest, make_variable, manifests


def step(command: str, *undoes: str, tool: Tool = "pip", caution: str = "") -> Step:
    return Step(tool=tool, command=command, undoes=undoes, caution=caution)


def commands(script: str) -> list[str]:
    """Lines that a shell acts on."""
    return [line for line in script.splitlines() if line and not line.startswith("#")]


def test_the_script_in_whole() -> None:
    mending = Mending(
        steps=(
            step("apt-get update", tool="apt", caution="needs root"),
            step("pip install x==1", "pypi:x in /v/python", "pypi:y in /v/python", caution="needs an index"),
            step("export X=1", "environment:X", tool="export"),
            step("--cpus 2 -e Y=1", "environment:Y", tool="docker", caution="the container is started anew"),
        ),
        unmended=(
            Unmended(section="host", name="cpu.level", reason="another CPU"),
            Unmended(section="host", name="cpu.model", reason="another CPU"),
            Unmended(section="image", name="layers", reason="layers are built"),
        ),
    )
    assert mending_text.render(mending) == (
        "#!/bin/sh\n"
        "# Turns the second side's environment into the first one's. Written by reprocheck; "
        "read it before you run it.\n"
        "set -eu\n"
        "\n# prepares the next step; needs root\napt-get update\n"
        "\n# undoes pypi:x, pypi:y in /v/python; needs an index\npip install x==1\n"
        "\n# undoes environment:X\nexport X=1\n"
        "\n# For `docker run`: undoes environment:Y; the container is started anew\n#   --cpus 2 -e Y=1\n"
        "\n# No command puts right:\n"
        "#   host: cpu.level, cpu.model: another CPU\n"
        "#   image: layers: layers are built\n"
    )


def test_nothing_to_do_is_said() -> None:
    script = mending_text.render(Mending(steps=(), unmended=()))
    assert commands(script) == ["set -eu"]
    assert script.endswith("# Nothing differs.\n")


def test_many_names_are_counted() -> None:
    names = tuple(f"pypi:p{number:04}" for number in range(5_000))
    left = tuple(Unmended(section="packages", name=name, reason="why") for name in names)
    script = mending_text.render(Mending(steps=(step("true", *names),), unmended=left))
    assert script.count("and 4980 more") == 2
    assert len(script) < 2_000


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_a_command(text: str) -> None:
    left = (Unmended(section=text, name=text, reason=text),)
    mending = Mending(steps=(step("true", text, caution=text),), unmended=left)
    script = mending_text.render(mending)
    assert commands(script) == ["set -eu", "true"]
    assert acting(script) == []


@pytest.mark.parametrize("tool", ["pip", "docker", "export"])
def test_a_command_of_more_than_one_line_is_not_run(tool: Tool) -> None:
    """We write none; a report that came from elsewhere may hold one."""
    for command in ("true\nrm -r /", "true\rrm", "true\u2028rm", "true\x1b[2J"):
        script = mending_text.render(Mending(steps=(step(command, "x", tool=tool),), unmended=()))
        assert commands(script) == ["set -eu"]


def test_a_shell_reads_back_every_value_as_it_was() -> None:
    values = ["it's", 'a "b"', "$HOME `id` $(id)", "back\\slash", "#!;&|<>*?~", " ", "é ü 日本"]
    variables = tuple(make_variable(f"V{n}", value, origin="host") for n, value in enumerate(values))
    source = Source(kind="local")
    a = make_manifest(environment=variables, source=source, run=None)
    b = make_manifest(environment=(), source=source, run=None)
    script = mending_text.render(mend(a, b, compare(a, b)))
    shown = "".join(f'printf "%s\\n" "$V{n}"\n' for n in range(len(values)))
    done = subprocess.run(["sh"], input=script + shown, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == values


@settings(deadline=None, max_examples=25)
@given(manifests(), manifests(), st.booleans())
def test_every_script_is_one_that_a_shell_can_read(a: Manifest, b: Manifest, local: bool) -> None:
    """Read, not run: `sh -n`."""
    if local:
        a, b = (
            make_manifest(**{**fields(side), "source": Source(kind="local"), "run": None}) for side in (a, b)
        )
    script = mending_text.render(mend(a, b, compare(a, b)))
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert acting(script) == []
    first = re.compile(r"apt-get|DEBIAN_FRONTEND=|dnf|apk|conda|export|unset|set -eu|.*pip ")
    assert all(first.match(line) for line in commands(script))


def fields(manifest: Manifest) -> dict[str, object]:
    return {name: getattr(manifest, name) for name in Manifest.__struct_fields__}
