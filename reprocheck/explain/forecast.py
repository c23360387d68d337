"""Whether equal bits may be expected of two environments: before anybody spends hours of a GPU.

The facts about the world stand in `data/forecast.json`, each with a source and the day it was checked. What a
side did not record is `unknown`; `identical` is said only when every subject that decides is known and equal.
"""

from __future__ import annotations

from reprocheck.explain.forecast_cpu import state_cpu
from reprocheck.explain.forecast_facts import facts_of
from reprocheck.explain.forecast_gpu import state_gpu
from reprocheck.explain.forecast_software import state_software
from reprocheck.explain.forecast_threads import state_threads
from reprocheck.model.forecast import Expectation, Forecast
from reprocheck.model.manifest import Manifest

_ORDER: tuple[Expectation, ...] = ("differs", "unknown", "identical")


def forecast(a: Manifest, b: Manifest) -> Forecast:
    """Return what speaks for and against equal bits, one statement per subject, those that decide first.

    Pure. `forecast(b, a)` says the same with the sides swapped, and `forecast(a, a)` never says `differs`.
    """
    own, other = facts_of(a, b)
    found = [
        *state_cpu(own, other),
        *state_threads(own, other),
        *state_gpu(own, other),
        *state_software(own, other),
    ]
    statements = tuple(sorted(found, key=lambda s: (_ORDER.index(s.expectation), s.subject)))
    told: set[Expectation] = {statement.expectation for statement in statements}
    expectation: Expectation = next((word for word in _ORDER if word in told), "unknown")
    return Forecast(expectation=expectation, statements=statements)
