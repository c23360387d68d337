"""The options that declare a tolerance: for all outputs, for some, or for some tensors and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from reprocheck.cli.options import F, merging

if TYPE_CHECKING:
    from reprocheck.model.run import Tolerance

_FORM = "VALUE, OUTPUT=VALUE or OUTPUT:KEY=VALUE"


def tolerance_options(whose: str) -> Callable[[F], F]:
    """`--rtol`, `--atol` and `--max-ulp`; the command receives `tolerance`, None when none is given.

    Each is repeatable and takes `VALUE`, `OUTPUT=VALUE` or `OUTPUT:KEY=VALUE`.
    """

    def decorate(function: F) -> F:
        function = merging("tolerance", ("rtol", "atol", "max_ulp"), _tolerance)(function)
        for name, help_text in (
            ("max-ulp", "Largest distance of floats in units in the last place, likewise."),
            ("atol", "Absolute tolerance, likewise."),
            ("rtol", f"Relative tolerance; {whose}. Of one output by OUTPUT[:KEY]=X (globs). Repeatable."),
        ):
            metavar = "N" if name == "max-ulp" else "X"
            function = click.option(f"--{name}", metavar=metavar, multiple=True, help=help_text)(function)
        return function

    return decorate


def _tolerance(*, rtol: tuple[str, ...], atol: tuple[str, ...], max_ulp: tuple[str, ...]) -> Tolerance | None:
    """Make one rule of the options that name the same place; what they leave open is as for all.

    Exact names come before globs, and keys before whole outputs, else the order is that of the options.
    """
    from reprocheck.model.run import Tolerance, ToleranceRule

    if not (rtol or atol or max_ulp):
        return None
    named = [_places("--rtol", rtol), _places("--atol", atol), _places("--max-ulp", max_ulp)]
    places = dict.fromkeys(place for values in named for place in values if place != ("", ""))

    def amounts(place: tuple[str, str]) -> tuple[str, str, int]:
        parts = [values.get(place, values.get(("", ""), "0")) for values in named]
        return parts[0], parts[1], _whole(parts[2])

    def breadth(place: tuple[str, str]) -> tuple[bool, bool, bool]:
        output, key = place
        return any(c in output for c in "*?["), not key, any(c in key for c in "*?[")

    rules = []
    for output, key in sorted(places, key=breadth):
        relative, absolute, ulp = amounts((output, key))
        rules.append(ToleranceRule(output=output, key=key, rtol=relative, atol=absolute, max_ulp=ulp))
    relative, absolute, ulp = amounts(("", ""))
    return Tolerance(rtol=relative, atol=absolute, max_ulp=ulp, rules=tuple(rules))


def _places(option: str, items: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Values by output and key, '' for all; the last of several for one place counts."""
    found = {}
    for item in items:
        place, equals, value = item.rpartition("=")
        output, colon, key = place.partition(":")
        if not value or (equals and not output) or (colon and not key):
            raise click.BadParameter(f"{option} {item!r} is not of the form {_FORM}")
        found[output, key] = value
    return found


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise click.BadParameter(f"--max-ulp {text[:40]!r} is not a whole number from 0 up")
    return int(text)
