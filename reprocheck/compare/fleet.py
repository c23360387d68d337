"""N manifests to a `FleetDelta`: every fact that they do not agree on, and who has which value.

For two manifests it finds a difference where `compare` finds one. Where the two can part: what one member did
not record is unknown here, and `compare` may still see a difference in what describes it; an output that any
member names as volatile is left out of that member only; data sets are held against each other by digest, not
file by file. Nothing of that turns a difference into `identical`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from reprocheck.compare.fleet_census import PARTS, Census, Stock, context_of
from reprocheck.compare.fleet_facts import variable_facts
from reprocheck.compare.fleet_packages import Slot, package_facts
from reprocheck.compare.fleet_splits import Found, Tally, members_of, section_of
from reprocheck.errors import InputFault
from reprocheck.model.base import replace
from reprocheck.model.environment import IN_FORCE
from reprocheck.model.fleet import Enrolled, FleetDelta, Holding, Split
from reprocheck.model.unknown import Section, Unknown

_CONTENT = frozenset({"packages", "frameworks", "libraries", "pythons", "hub", "os"})
_IDENTITY = frozenset({"environment", "image"})
_Renamed = Mapping[tuple[str, str], Mapping[str, int]]
"""(package type, environment) to the environment that it stands for, and for which members."""
_NAMED = 3
"""Members that an unknown names; the rest is counted."""


def close(census: Census) -> FleetDelta:
    """Return everything that the members taken in do not agree on. Pure; any order of splits is stable.

    Raises InputFault (E_FLEET_EMPTY, E_GROUP_BY).
    """
    if not census.arrivals:
        raise InputFault(
            "E_FLEET_EMPTY", "there is no manifest to compare", hint="Name manifests, or a directory."
        )
    if census.group_by and not any(arrival.group for arrival in census.arrivals):
        raise InputFault(
            "E_GROUP_BY",
            f"no manifest has {census.group_by!a} as a label, nor does its job tell it",
            hint="Set it with `--label NAME=VALUE` when taking the snapshots, or group by rank or node.",
        )
    found = Found()
    _close_parts(census, found)
    _close_packages(census, found)
    for unknown, members in census.unknowns.items():
        found.note(unknown, members)
    for newer, members in census.newer.items():
        if members != census.everybody:
            found.note(_unread(newer.path), members)
    _explain_digests(census, found)
    return FleetDelta(
        members=_enrolled(census),
        splits=tuple(sorted(found.splits, key=_order)),
        unknowns=_told(found.unknowns, census),
        left_out=_told(found.left_out, census),
        origins=_origins(census, found.splits),
        runs=all(payload is not None for payload in census.parts[_index("run")]),
        group_by=census.group_by,
        repeated=tuple(census.repeated),
    )


def _index(section: str) -> int:
    return next(index for index, part in enumerate(PARTS) if part.section == section)


def _order(split: Split) -> tuple[str, ...]:
    return (
        split.section,
        split.type,
        split.name,
        split.where,
        split.attribute,
        split.given,
        repr(split.holdings),
    )


def _close_parts(census: Census, found: Found) -> None:
    context, everybody = context_of(census), census.everybody
    for part, table in zip(PARTS, census.parts, strict=True):
        tally, told = Tally(), everybody & ~table.get(None, 0)
        for payload, members in table.items():
            if payload is not None:
                tally.add(part.facts(payload, context), members)
        tally.close(told, found)
        if told not in (0, everybody):
            where = part.requested or "the whole section"
            unknown = Unknown(section=section_of(part.section), where=where, reason="it was not recorded")
            found.note(unknown, everybody & ~told, on_purpose=bool(part.requested))
    tally = Tally()
    for setting, members in census.settings.items():
        tally.add(variable_facts(setting, context), members)
    tally.close(everybody & ~census.silent, found)
    if census.silent not in (0, everybody):
        unknown = Unknown(section="environment", where="the whole section", reason="it was not recorded")
        found.note(unknown, census.silent)


def _close_packages(census: Census, found: Found) -> None:
    """Hold packages against each other, one name after another, so that facts never pile up."""
    renamed, everybody = _renamed(census), census.everybody
    by_name: defaultdict[tuple[str, str], list[Stock]] = defaultdict(list)
    for stock in (*census.packages.values(), *census.crowds.values()):
        if stock.members:
            by_name[stock.slot[:2]].append(stock)
    for stocks in by_name.values():
        if len(stocks) == 1 and stocks[0].members == everybody:
            continue
        for slot, shelf in _shelves(stocks, renamed).items():
            crowded = any(len(stock.copies) > 1 for stock in shelf)
            versions = Counter(copy.version for stock in shelf for copy in stock.copies)
            shared = {version for version, count in versions.items() if count > 1}
            tally = Tally()
            for stock in shelf:
                facts = package_facts(stock.copies, slot, crowded=crowded, shared=shared)
                tally.add(facts, stock.members)
            tally.close(everybody, found)


def _shelves(stocks: list[Stock], renamed: _Renamed) -> dict[Slot, list[Stock]]:
    """Put copies of one name where they are held against each other."""
    if _is_single(stocks):  # no place is needed to tell copies apart
        return {max(stocks, key=lambda s: (s.members.bit_count(), s.slot)).slot: stocks}
    shelves: dict[Slot, list[Stock]] = {}
    for stock in stocks:
        for slot, members in _resolved(stock, renamed):
            shelf = shelves.setdefault(slot, [])
            shelf.append(Stock(slot=slot, copies=stock.copies, members=members))
    return shelves


def _is_single(stocks: Iterable[Stock]) -> bool:
    """Whether no member has more than one copy."""
    seen = 0
    for stock in stocks:
        if seen & stock.members or len(stock.copies) > 1:
            return False
        seen |= stock.members
    return True


def _renamed(census: Census) -> _Renamed:
    """Find members whose one other environment stands for the one that most members have in its place."""
    renamed: dict[tuple[str, str], dict[str, int]] = {}
    for kind in ("pypi", "conda"):
        owned = [frozenset(p for t, p in arrival.places if t == kind) for arrival in census.arrivals]
        usual = Counter(owned).most_common(1)[0][0]
        for index, own in enumerate(owned):
            other, missing = own - usual, usual - own
            if len(other) == 1 and len(missing) == 1:
                stands_for = renamed.setdefault((kind, min(other)), {})
                stands_for[min(missing)] = stands_for.get(min(missing), 0) | 1 << index
    return renamed


def _resolved(stock: Stock, renamed: _Renamed) -> Iterable[tuple[Slot, int]]:
    kind, name, environment = stock.slot
    rest = stock.members
    for place, members in renamed.get((kind, environment), {}).items():
        if rest & members:
            yield (kind, name, place), rest & members
            rest &= ~members
    if rest:
        yield stock.slot, rest


def _explain_digests(census: Census, found: Found) -> None:
    """Keep a difference from disappearing: the sealed content differs in a field that nobody compares."""
    for sections, digests, name in (
        (_CONTENT, census.contents, "content digest"),
        (_IDENTITY, census.identities, "identity digest"),
    ):
        if len(digests) < 2:
            continue
        marks: dict[int, list[tuple[int, int]]] = {}
        for number, split in enumerate(found.splits):
            if split.section in sections:
                for place, holding in enumerate(split.holdings[1:]):
                    for member in holding.members:
                        marks.setdefault(member, []).append((number, place))
        alike: defaultdict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
        for (version, digest), members in digests.items():
            for member in members_of(members):
                same = alike[version, tuple(marks.get(member, ()))]
                same[digest] = same.get(digest, 0) | 1 << member
        unexplained: dict[str, int] = {}
        for same in alike.values():
            if len(same) > 1:
                for digest, members in same.items():
                    unexplained[digest] = unexplained.get(digest, 0) | members
        if unexplained:
            found.splits.append(_digest_split(name, unexplained))


def _digest_split(name: str, digests: Mapping[str, int]) -> Split:
    ranked = sorted(digests.items(), key=lambda d: (-d[1].bit_count(), d[0]))
    undecided = 2 * ranked[0][1].bit_count() <= sum(members.bit_count() for members in digests.values())
    return Split(
        section="image",
        name=name,
        attribute="digest",
        majority=None if undecided else ranked[0][0],
        undecided=undecided,
        holdings=tuple(Holding(value=value, members=members_of(members)) for value, members in ranked),
    )


def _unread(path: tuple[str | int, ...]) -> Unknown:
    places: dict[str | int, Section] = {"environment": "environment", "host": "host", "packages": "packages"}
    reason = "a field of a newer schema is not the same everywhere, and this version cannot read it"
    dotted = ".".join(map(str, path))
    return Unknown(section=places.get(path[0], "image") if path else "image", where=dotted, reason=reason)


def _enrolled(census: Census) -> tuple[Enrolled, ...]:
    """Name the members: with the file behind the name where several have that name."""
    names = Counter(arrival.name for arrival in census.arrivals)
    files = Counter(_base(arrival.file) for arrival in census.arrivals)
    members = []
    for arrival in census.arrivals:
        name, file = arrival.name, _base(arrival.file)
        if names[name] > 1:
            file = file if files[file] == 1 else arrival.file
            name = file if name == _base(arrival.file) else f"{name} ({file})"
        members.append(Enrolled(name=name, file=arrival.file, group=arrival.group))
    return tuple(members)


def _base(file: str) -> str:
    return file.rpartition("/")[2] or file


def _told(open_ends: Mapping[Unknown, int], census: Census) -> tuple[Unknown, ...]:
    """Say of each unknown which members it is about, unless it is all of them."""
    names = [member.name for member in _enrolled(census)]
    told = []
    for unknown, members in open_ends.items():
        if members != census.everybody:
            count = members.bit_count()
            named = ", ".join(names[index] for index in members_of(members)[:_NAMED])
            more = f" and {count - _NAMED} more" if count > _NAMED else ""
            reason = f"{unknown.reason} ({count} of {len(names)} members: {named}{more})"
            told.append(replace(unknown, reason=reason))
        else:
            told.append(unknown)
    return tuple(sorted(told, key=lambda u: (u.section, u.where, u.reason)))


def _origins(census: Census, splits: Iterable[Split]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    wanted = {split.name for split in splits if split.section == "environment"}
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for setting in census.settings:
        if setting[0].name in wanted:
            found[setting[0].name].update(variable.origin for variable in setting)
    return tuple(
        (name, tuple(sorted(origins, key=IN_FORCE.index))) for name, origins in sorted(found.items())
    )
