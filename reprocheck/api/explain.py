"""Everything that has a code: rules, errors, verdicts."""

from __future__ import annotations

import difflib

from reprocheck.catalogue import ERRORS, VERDICTS
from reprocheck.errors import UsageFault
from reprocheck.model.rule import Rule
from reprocheck.render import rule_text


def all_rules() -> tuple[Rule, ...]:
    """Return the rules of every room, sorted by code."""
    from reprocheck import checks, explain, graph
    from reprocheck.compare import rules

    found = (*rules.RULES, *explain.RULES, *graph.RULES, *checks.RULES)
    return tuple(sorted(found, key=lambda rule: rule.code))


def explain(code: str) -> str:
    """Return the page of one code. Raises UsageFault (E_UNKNOWN_CODE)."""
    wanted = code.strip()
    for rule in all_rules():
        if rule.code == wanted.upper():
            return rule_text.render_rule(rule)
    for error in ERRORS:
        if error.code == wanted.upper():
            return rule_text.render_error(error)
    for verdict in VERDICTS:
        if verdict.code == wanted.lower():
            return rule_text.render_verdict(verdict)
    known = [*(r.code for r in all_rules()), *(e.code for e in ERRORS), *(v.code for v in VERDICTS)]
    near = difflib.get_close_matches(wanted.upper(), known, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "Run `reprocheck explain` for the list."
    raise UsageFault("E_UNKNOWN_CODE", f"there is no code {wanted!r}", hint=hint)


def list_codes() -> str:
    """Return one line per code."""
    return rule_text.render_list(all_rules(), ERRORS, VERDICTS)
