"""Which copy of a native library the loader would take, by SONAME."""

from __future__ import annotations

from reprocheck.compare.difference import differ
from reprocheck.compare.places import at_home, homes_of
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import LoaderChoice


def compare_loading(a: Manifest, b: Manifest) -> Delta:
    """Differences of `loading`: which copies the loader would take, and by which rule.

    Who asks for a copy and which others stand behind it is told only where the choice is the same.
    """
    homes = homes_of(a, b)
    old, new = _by_soname(a.loading), _by_soname(b.loading)
    found: list[Difference] = []
    for soname in old.keys() | new.keys():
        own, other = old.get(soname), new.get(soname)
        ends = (_choices(side, homes) if side is not None else None for side in (own, other))
        if own is None or other is None:
            found += differ("loading", soname, "presence", *ends)
            continue
        found += (
            differ("loading", soname, "choice", *ends)
            or differ("loading", soname, "shadowed", _shadowed(own, homes), _shadowed(other, homes))
            or differ("loading", soname, "consumers", _consumers(own, homes), _consumers(other, homes))
        )
    return Delta(differences=tuple(found), unknowns=())


def compare_linking(a: Manifest, b: Manifest) -> Delta:
    """Differences of `linking`: what shared objects ask of the loader and do not get, by SONAME.

    Met needs follow from the packages and libraries, which are compared.
    """
    old, new = _unmet(a), _unmet(b)
    found: list[Difference] = []
    for soname in old.keys() | new.keys():
        found += differ("loading", soname, "unmet", old.get(soname), new.get(soname))
    return Delta(differences=tuple(found), unknowns=())


def _unmet(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for need in manifest.linking:
        if not need.met:
            asker = need.owner.partition("?")[0] or need.consumer
            found.setdefault(need.soname, set()).add(f"{need.wanted or need.soname} for {asker}")
    return {soname: tuple(sorted(needs)) for soname, needs in found.items()}


def _by_soname(choices: tuple[LoaderChoice, ...]) -> dict[str, list[LoaderChoice]]:
    found: dict[str, list[LoaderChoice]] = {}
    for choice in choices:
        found.setdefault(choice.soname, []).append(choice)
    return found


def _choices(choices: list[LoaderChoice], homes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        sorted({f"{at_home(x.path, homes)} by {x.rule}" if x.path else "not found" for x in choices})
    )


def _shadowed(choices: list[LoaderChoice], homes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({at_home(path, homes) for x in choices for path in x.shadowed}))


def _consumers(choices: list[LoaderChoice], homes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({at_home(x.consumer, homes) for x in choices}))
