"""Environment variables: the value in force, by name; values that are not recorded are never compared."""

from __future__ import annotations

from reprocheck.compare.difference import differ, one_sided
from reprocheck.model.change import Delta, Difference
from reprocheck.model.environment import Variable, in_force
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown


def compare_environment(a: Manifest, b: Manifest) -> Delta:
    """Differences of `environment`. Presence counts even where the value is withheld."""
    first, second = _tells_none(a), _tells_none(b)
    if first != second:
        return one_sided("environment", second, first)
    sides_a, sides_b = in_force(a.environment), in_force(b.environment)
    differences: list[Difference] = []
    withheld: list[Unknown] = []
    for name in sides_a.keys() | sides_b.keys():
        before, after = sides_a.get(name, []), sides_b.get(name, [])
        if not before or not after:
            old, new = (_shown(side[0]) if side else None for side in (before, after))
            differences.extend(differ("environment", name, "presence", old, new))
            continue
        hidden = [_hidden(before[0]), _hidden(after[0])]
        if any(hidden):
            withheld.append(_withheld(name, hidden))
        elif before[0].value != after[0].value:
            differences.extend(differ("environment", name, "value", before[0].value, after[0].value))
        else:
            differences.extend(differ("environment", name, "origin", before[0].origin, after[0].origin))
        if len(before) > 1 and len(after) > 1:
            differences.extend(differ("environment", name, "overridden", _rest(before), _rest(after)))
    return Delta(differences=tuple(differences), unknowns=(), left_out=tuple(withheld))


def _tells_none(manifest: Manifest) -> bool:
    """Whether the place that was read cannot tell variables: an unpacked root, a bare environment."""
    return manifest.source.kind in ("rootfs", "environment") and not manifest.environment


def _hidden(variable: Variable) -> str:
    """Say why the value cannot be compared; '' when it can."""
    if variable.state != "recorded":
        return variable.state
    return "withheld" if variable.value is None else ""


def _shown(variable: Variable) -> str:
    hidden = _hidden(variable)
    return f"({hidden})" if hidden or variable.value is None else variable.value


def _rest(variables: list[Variable]) -> tuple[str, ...]:
    return tuple(f"{v.origin}={_shown(v)}" for v in variables[1:])


def _withheld(name: str, hidden: list[str]) -> Unknown:
    first, second = hidden
    if first and second:
        kind = first if first == second else "withheld"
        reason = f"its value is {kind} on both sides"
    else:
        reason = f"its value is {first or second} in the {'first' if first else 'second'} manifest"
    return Unknown(section="environment", where=name, reason=reason)
