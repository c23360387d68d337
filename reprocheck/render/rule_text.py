"""Pages of `reprocheck explain`."""

from __future__ import annotations

from collections.abc import Iterable

from reprocheck.catalogue import ErrorEntry, VerdictEntry
from reprocheck.model.rule import Rule
from reprocheck.render.wording import wrapped


def render_rule(rule: Rule) -> str:
    """Return a rule's page."""
    parts = (
        ("How it is detected", rule.detect),
        ("Why it matters", rule.why),
        ("What to do", rule.fix),
        ("Source", f"{rule.source} (checked {rule.date})"),
    )
    blocks = [f"{rule.code}  {rule.title}  ({rule.severity})"]
    blocks += [f"{title}\n{wrapped(text, indent='  ')}" for title, text in parts]
    return "\n\n".join(blocks) + "\n"


def render_error(entry: ErrorEntry) -> str:
    """Return an error's page."""
    return (
        f"{entry.code}  (exit {entry.exit})\n\n{wrapped(entry.meaning, indent='  ')}\n\n"
        f"What to do\n{wrapped(entry.next_step, indent='  ')}\n"
    )


def render_verdict(entry: VerdictEntry) -> str:
    """Return a verdict's page."""
    return f"{entry.code}  (exit {entry.exit})\n\n{wrapped(entry.meaning, indent='  ')}\n"


def render_list(rules: Iterable[Rule], errors: Iterable[ErrorEntry], verdicts: Iterable[VerdictEntry]) -> str:
    """Return one line per code, in three groups."""
    lines = ["Rules"]
    lines += [f"  {rule.code:<9} {rule.severity:<6}  {rule.title}" for rule in rules]
    lines += ["", "Verdicts of verify"]
    lines += [f"  {entry.code:<17} exit {entry.exit}" for entry in verdicts]
    lines += ["", "Errors"]
    lines += [f"  {entry.code:<26} exit {entry.exit}" for entry in errors]
    return "\n".join(lines) + "\n"
