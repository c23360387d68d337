"""What every value is built on: frozen, keyword-only, immutable all the way down.

msgspec stays inside this room and `codec`: other rooms see plain frozen values. Fields without a default are
always written to JSON, so scripts may rely on them; fields at their default are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar, cast

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A frozen value. Sequences are tuples; there are no dicts and no floats in anything that is digested."""


class Frozen(msgspec.Struct, frozen=True):
    """A frozen value that is never written: what passes between functions and rooms.

    Not a dataclass, because each of these takes 0.4 ms to make when its module is imported, and a snapshot of
    this machine imports seventy.
    """


field = msgspec.field
"""`field(default_factory=list)` of a `Frozen`."""


class Stamped(Value, frozen=True, kw_only=True):
    """Base of the top-level documents (manifest, receipt, reports): has a schema version."""

    schema_version: str


Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
"""64 lower-case hexadecimal digits."""

Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
"""An OCI digest, sha256 only."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A non-negative integer that every JSON reader holds exactly."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
"""A non-empty name."""

T = TypeVar("T")


def map_text(value: T, change: Callable[[str], str], *, keep: frozenset[str] = frozenset()) -> T:
    """Return a copy of a value with every text in it changed, but for fields whose name is in `keep`."""
    if isinstance(value, str):
        return cast("T", change(value))
    if isinstance(value, tuple):
        return cast("T", tuple(map_text(item, change, keep=keep) for item in value))
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__ if name not in keep}
        changed = {name: map_text(item, change, keep=keep) for name, item in fields.items()}
        return cast("T", msgspec.structs.replace(value, **changed))
    return value


replace = msgspec.structs.replace
"""`replace(value, field=new)` gives a changed copy."""

asdict = msgspec.structs.asdict
"""`asdict(value)` gives its fields by name; what they hold stays as it is."""
