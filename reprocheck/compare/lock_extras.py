"""What the extras that a lock names (`requests[socks]`) ask for, read from the installed package's metadata.

An incomplete lock may name `requests[socks]` and not PySocks. A requirement that waits for the extra alone
must be met; one whose marker asks for more besides is an unknown where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reprocheck.compare.specifiers import satisfies
from reprocheck.model.lock import Pin
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

_LONGEST = 4096
_PARENTHESES = 32
"""packaging's parser calls itself for each of them."""

Key = tuple[str, str]
Want = tuple[Pin, str]
"""What is asked for and is not there, and the version that is there ('' when none is)."""


def unmet(pin: Pin, package: Package, installed: Mapping[Key, Sequence[Package]]) -> Iterator[Want | Unknown]:
    """Yield what the extras of a pin ask for and what is not so installed, or cannot be told."""
    lines = package.python.requires if package.python is not None else ()
    wanted = [one for line in lines if "extra" in line and (one := _parsed(line)) is not None]
    for extra in pin.extras:
        own = [(one, whole) for one in wanted if (whole := _waits(one, extra)) is not None]
        if not own:
            yield _open(pin, extra, "the installed package tells no requirements of this extra")
        for one, whole in own:
            name = canonicalize_name(one.name)
            versions = [found.version for found in installed.get(("pypi", name), ())]
            answers = [satisfies("pypi", str(one.specifier), version) for version in versions]
            if True in answers:
                continue
            if not whole or None in answers:
                told = f"has {versions[0]}" if versions else "is not installed"
                yield _open(
                    pin, extra, f"it asks for {one.name}{one.specifier} under a condition, which {told}"
                )
            else:
                yield Pin(type="pypi", name=name, specifier=str(one.specifier)), "".join(versions[:1])


def _waits(requirement: Requirement, extra: str) -> bool | None:
    """Whether a requirement waits for this extra and nothing else; None when it does not wait for it."""
    words = str(requirement.marker or "")
    spellings = [
        f'extra == "{text}"'
        for text in (extra, extra.replace("-", "_"), extra.replace("-", "."))
        if f'extra == "{text}"' in words.lower()
    ]
    return words.lower() in spellings if spellings else None


def _parsed(line: str) -> Requirement | None:
    if len(line) > _LONGEST or line.count("(") > _PARENTHESES:
        return None
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _open(pin: Pin, extra: str, reason: str) -> Unknown:
    return Unknown(section="packages", where=f"pypi:{pin.name}[{extra}]", reason=reason)
