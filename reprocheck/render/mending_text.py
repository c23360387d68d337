"""A mending as a POSIX shell script: it can be saved, read and run in the second side's environment."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from reprocheck.model.mending import Mending, Step, Unmended
from reprocheck.render.safe import show

_WIDTH = 100
_NAMES = 20
"""So many subjects are named in one comment."""
_HEAD = """\
#!/bin/sh
# Turns the second side's environment into the first one's. Written by reprocheck; read it before you run it.
set -eu
"""


def render(mending: Mending) -> str:
    """Return the script: a command per step, what belongs to `docker run` and what is left as comments."""
    parts = [_HEAD]
    started = [step for step in mending.steps if step.tool == "docker"]
    parts += [_step(step) for step in mending.steps if step.tool != "docker"]
    for step in started:
        flags = "\n".join(f"#   {show(line, limit=100_000)}" for line in step.command.split("\n"))
        parts.append(f"{_comment(f'For `docker run`: {_about(step)}')}\n{flags}\n")
    if mending.unmended:
        parts.append("\n".join(["# No command puts right:", *_left(mending.unmended)]) + "\n")
    if not mending.steps and not mending.unmended:
        parts.append("# Nothing differs.\n")
    return "\n".join(parts)


def _left(unmended: Sequence[Unmended]) -> list[str]:
    """Return a comment per section and reason, with the names that it holds for."""
    groups: dict[tuple[str, str], list[str]] = {}
    for item in unmended:
        groups.setdefault((item.section, item.reason), []).append(item.name)
    return [
        _comment(f"  {show(section)}: {_names(names)}: {show(reason)}", hanging="    ")
        for (section, reason), names in groups.items()
    ]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more (all are in the JSON)" if len(names) > _NAMES else ""
    return ", ".join(show(name) for name in names[:_NAMES]) + more


def _step(step: Step) -> str:
    command = step.command
    if not command.isprintable():
        # A command of ours is one printable line; of a document that says otherwise nothing is to run.
        command = f"# {show(command, limit=100_000)}"
    return f"{_comment(_about(step))}\n{command}\n"


def _about(step: Step) -> str:
    names, place = list(step.undoes), ""
    ends = {name.partition(" in ")[2] for name in names}
    if len(names) > 1 and len(ends) == 1 and min(ends):
        names, place = [name.partition(" in ")[0] for name in names], f" in {show(min(ends))}"
    undone = f"undoes {_names(names)}{place}" if names else "prepares the next step"
    return f"{undone}; {show(step.caution)}" if step.caution else undone


def _comment(text: str, *, hanging: str = "  ") -> str:
    lead = text[: len(text) - len(text.lstrip())]
    lines = textwrap.wrap(
        text.strip(), width=_WIDTH, initial_indent=f"# {lead}", subsequent_indent=f"# {hanging}",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines)
