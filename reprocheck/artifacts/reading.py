"""What a format reader gives: named arrays and named leaves, and the digests over them.

Every format ends in the same two shapes, so that one canonical digest and one comparison serve them all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Protocol

from reprocheck.artifacts.dtypes import DType
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, field
from reprocheck.model.run import NamedNumber, TensorDigest

NUMBER = "number"
"""The tag of leaves that a tolerance may apply to; every other leaf is compared exactly."""

NUMBERS_LISTED = 10_000
"""A file with more numbers than this is described by its digest alone: the manifest stays small."""

NAME_CHARACTERS = 4_096
MAX_DIMENSION = 2**53 - 1


class Unreadable(Exception):
    """A file is not what its format demands, or goes over a limit; the text ends a sentence."""


class Leaf(Frozen, frozen=True, kw_only=True):
    """One scalar or container of a document. `key` is a JSON Pointer, a `column[row]` or a dotted path."""

    key: str
    tag: str
    """`number`, `string`, `bool`, `null`, `list`, ..."""
    text: str


class Array(Frozen, frozen=True, kw_only=True):
    """One named array whose elements can be streamed again and again in C order, little-endian."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[bytes]]

    @property
    def elements(self) -> int:
        """How many elements the shape claims."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of all elements, rounded up for types below one byte."""
        return (self.elements * self.dtype.bits + 7) // 8


def _no_leaves() -> Iterator[Leaf]:
    return iter(())


class Reading(Frozen, frozen=True, kw_only=True):
    """The content of one file. `leaves` gives them in an order that depends on the content alone."""

    arrays: tuple[Array, ...] = ()
    leaves: Callable[[], Iterator[Leaf]] = field(default=_no_leaves)


class Content(Frozen, frozen=True, kw_only=True):
    """Digests of a reading."""

    tensors: tuple[TensorDigest, ...] = ()
    numbers: tuple[NamedNumber, ...] = ()
    """Empty where there are none or more than `NUMBERS_LISTED`."""
    content: str
    """`sha256:...` over names, types, shapes, element bytes and leaves."""
    structure: str
    """The same without numbers and element bytes: a tolerance applies only where this agrees."""
    ignored: tuple[str, ...] = ()
    """Ignored keys that named something, sorted."""


class Format(Protocol):
    """One file format; a plugin is a module."""

    @property
    def name(self) -> str:
        """`json`, `npz`, ... as the manifest writes it."""
        ...

    @property
    def level(self) -> str:
        """The level that equal content proves: `L1` for text documents, `L2` for arrays."""
        ...

    def recognises(self, name: str, head: bytes) -> bool:
        """Tell from the file's name and its first bytes whether it is one of ours."""
        ...

    def read(self, stream: BinaryIO, size: int, *, limits: Limits) -> Reading | None:
        """Read a seekable stream; None when the format has nothing beyond its bytes. Raises Unreadable."""
        ...


class IgnoredKeys:
    """The keys that a file's readers leave out, and which of them named something so far."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._used: set[str] = set()

    @property
    def used(self) -> tuple[str, ...]:
        """Those that named something, sorted."""
        return tuple(sorted(self._used))

    def leaves(self, reading: Reading) -> Iterator[Leaf]:
        """Leaves that no key covers."""
        for leaf in reading.leaves():
            if not self._cover(leaf.key):
                yield leaf

    def arrays(self, reading: Reading) -> tuple[Array, ...]:
        """Arrays that no key covers, sorted by name."""
        kept = (array for array in reading.arrays if not self._cover(array.name))
        return tuple(sorted(kept, key=lambda array: array.name))

    def _cover(self, name: str) -> bool:
        if not self._keys:
            return False
        found = [key for key in self._keys if covers(key, name)]
        self._used.update(found)
        return bool(found)


def covers(ignored: str, key: str) -> bool:
    """Whether an ignored key names this leaf or something above it.

    `/a/b` is a JSON Pointer; a bare `name` is that member at any depth of a JSON document, that column of a
    table, or that dotted path of a checkpoint.
    """
    if key == ignored or key.startswith((f"{ignored}/", f"{ignored}.", f"{ignored}[")):
        return True
    member = ignored.replace("~", "~0").replace("/", "~1")
    return key.startswith("/") and not ignored.startswith("/") and member in key[1:].split("/")


def seal(form: str, reading: Reading, *, ignored: tuple[str, ...] = ()) -> Content:
    """Digest a reading once, from the front to the back. Raises Unreadable where the file breaks its word."""
    content = hashlib.sha256(_frame("reprocheck-content-1", form))
    structure = hashlib.sha256(_frame("reprocheck-structure-1", form))
    keys = IgnoredKeys(ignored)
    tensors: list[TensorDigest] = []
    last = None
    for array in keys.arrays(reading):
        if array.name == last:
            raise Unreadable(f"two arrays have the name {array.name[:80]!r}")
        last = array.name
        tensor = _digest(array)
        tensors.append(tensor)
        shape = ",".join(str(extent) for extent in array.shape)
        record = _frame("array", array.name, array.dtype.name, shape)
        structure.update(record)
        content.update(record)
        content.update(_frame(tensor.sha256))
    numbers: list[NamedNumber] = []
    for leaf in keys.leaves(reading):
        record = _frame("leaf", leaf.key, leaf.tag)
        structure.update(record)
        content.update(record)
        content.update(_frame(leaf.text))
        if leaf.tag != NUMBER:
            structure.update(_frame(leaf.text))
        elif len(numbers) <= NUMBERS_LISTED:
            _check_name(leaf.key)
            numbers.append(NamedNumber(key=leaf.key, value=leaf.text))
    return Content(
        tensors=tuple(tensors),
        numbers=tuple(numbers) if len(numbers) <= NUMBERS_LISTED else (),
        content=f"sha256:{content.hexdigest()}",
        structure=f"sha256:{structure.hexdigest()}",
        ignored=keys.used,
    )


def _digest(array: Array) -> TensorDigest:
    _check_name(array.name)
    if any(extent > MAX_DIMENSION for extent in array.shape):
        raise Unreadable(f"{array.name[:80]!r} has a dimension beyond 2**53-1")
    digest = hashlib.sha256()
    count = 0
    for block in array.blocks():
        digest.update(block)
        count += len(block)
    if count != array.size:
        raise Unreadable(f"{array.name[:80]!r} has {count} bytes where {array.size} are declared")
    return TensorDigest(name=array.name, dtype=array.dtype.name, shape=array.shape, sha256=digest.hexdigest())


def _check_name(name: str) -> None:
    if len(name) > NAME_CHARACTERS:
        raise Unreadable(f"a name has {len(name)} characters, more than {NAME_CHARACTERS}")


def _frame(*parts: str) -> bytes:
    """Length before text: no two different sequences have the same bytes."""
    return b"".join(_framed(part) for part in parts)


def _framed(part: str) -> bytes:
    raw = part.encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(raw), raw)


def check_unique(names: Iterable[str]) -> None:
    """Raise Unreadable when a name comes twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Unreadable(f"the name {name[:80]!r} comes twice")
        seen.add(name)
