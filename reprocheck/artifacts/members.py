"""The members of a zip or tar archive as content: by name, and by what they hold where their format is known.

One level only: an archive within an archive is bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reprocheck.artifacts import (
    csv_table,
    json_document,
    json_lines,
    npy,
    npz,
    safetensors,
    tfevents,
    torch_zip,
)
from reprocheck.artifacts.reading import Array, Format, Leaf, Reading, Unreadable
from reprocheck.limits import MIB, Limits

INNER: tuple[Format, ...] = (tfevents, safetensors, npy, npz, torch_zip, json_lines, json_document, csv_table)
"""Formats that need no extra: what an archive holds must not depend on what is installed."""

KEPT_BYTES = 16 * MIB
"""Of all members of known formats together; above it every member is compared by its bytes."""
MEMBERS = 100_000
ARRAYS = 20_000
HEAD = 512
_LOADS_EACH = 8


@dataclass(slots=True)
class Members:
    """Collects the members of one archive, checked as they come."""

    limits: Limits
    _leaves: dict[str, Leaf] = field(default_factory=dict)
    _kept: dict[str, bytes] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)
    _parents: set[str] = field(default_factory=set)
    _candidates: int = 0
    _written: int = 0

    def folder(self, raw: str) -> None:
        """Take a directory; it counts only if it stays empty. Raises Unreadable."""
        name = safe_name(raw)
        if name and name not in self._folders:
            self._admit(name)
            self._folders.add(name)

    def file(self, raw: str, size: int, blocks: Iterable[bytes], *, executable: bool) -> None:
        """Take a regular file with exactly `size` bytes. Raises Unreadable."""
        name = safe_name(raw)
        if not name or name in self._leaves:
            raise Unreadable(f"the member {raw[:80]!r} " + ("comes twice" if name else "has no name"))
        self._admit(name)
        candidate = _by_name(name) and self._candidates <= KEPT_BYTES
        self._candidates += size if _by_name(name) else 0
        candidate = candidate and self._candidates <= KEPT_BYTES
        digest = hashlib.sha256()
        parts: list[bytes] = []
        count = 0
        for block in blocks:
            count += len(block)
            if count > size:
                break
            digest.update(block)
            if candidate:
                parts.append(block)
        if count != size:
            raise Unreadable(f"the member {name[:80]!r} does not have the {size} bytes that it claims")
        if candidate:
            self._kept[name] = b"".join(parts)
        tag = "executable file" if executable else "file"
        self._leaves[name] = Leaf(key=name, tag=tag, text=digest.hexdigest())

    def reading(self) -> Reading:
        """Give the whole content, in the order of names. Raises Unreadable."""
        for name in sorted(self._parents):
            if name in self._leaves:
                raise Unreadable(f"the member {name[:80]!r} is a file and a directory")
        for name in self._folders:
            if name in self._leaves:
                raise Unreadable(f"the member {name[:80]!r} is a file and a directory")
            if name not in self._parents:
                self._leaves[name] = Leaf(key=name, tag="empty directory", text="")
        if self._candidates > KEPT_BYTES:
            self._kept.clear()
        return _Inside(self._leaves, self._kept, self.limits).reading()

    def _admit(self, name: str) -> None:
        self._written += len(name)
        if len(self._leaves) + len(self._folders) >= MEMBERS:
            raise Unreadable(f"it has more than {MEMBERS} members")
        if self._written > self.limits.tensor_header:
            raise Unreadable("the names of its members are longer than any archive needs")
        parent = name.rpartition("/")[0]
        while parent and parent not in self._parents:
            self._written += len(parent)
            self._parents.add(parent)
            parent = parent.rpartition("/")[0]


@dataclass(slots=True)
class _Inside:
    """Opens one member at a time, so that memory holds one reading whatever the number of members."""

    leaves: dict[str, Leaf]
    kept: dict[str, bytes]
    limits: Limits
    _open: tuple[str, Reading] | None = None
    _loads: int = 0

    def reading(self) -> Reading:
        arrays: list[Array] = []
        for name in sorted(self.kept):
            found = self._probe(name)
            if found is None:
                del self.kept[name]
                continue
            arrays.extend(found)
            if len(arrays) > ARRAYS:
                raise Unreadable(f"its members hold more than {ARRAYS} arrays")
        return Reading(arrays=tuple(arrays), leaves=self.walk)

    def walk(self) -> Iterator[Leaf]:
        for name in sorted(self.leaves):
            leaf = self.leaves[name]
            if name not in self.kept:
                yield leaf
                continue
            reading = self._read(name)
            yield Leaf(key=name, tag=leaf.tag, text=_form(name).name)
            for inner in reading.leaves():
                yield Leaf(key=f"{name}:{inner.key}", tag=inner.tag, text=inner.text)

    def _probe(self, name: str) -> list[Array] | None:
        """Read a member once to its end; None where it is not what its name says: then its bytes count."""
        try:
            reading = self._read(name)
            for _ in reading.leaves():
                pass
            for array in reading.arrays:
                if sum(len(block) for block in array.blocks()) != array.size:
                    return None
        except Unreadable:
            return None
        return [self._array(name, index, array) for index, array in enumerate(reading.arrays)]

    def _array(self, member: str, index: int, array: Array) -> Array:
        def blocks() -> Iterator[bytes]:
            return self._read(member).arrays[index].blocks()

        return Array(name=f"{member}:{array.name}", dtype=array.dtype, shape=array.shape, blocks=blocks)

    def _read(self, name: str) -> Reading:
        if self._open is None or self._open[0] != name:
            self._loads += 1
            if self._loads > _LOADS_EACH * (len(self.leaves) + _LOADS_EACH):
                raise Unreadable("reading its members takes too many steps")
            raw = self.kept[name]
            self._open = None
            found = _form(name).read(io.BytesIO(raw), len(raw), limits=self.limits)
            self._open = (name, found or Reading())
        return self._open[1]


def safe_name(raw: str) -> str:
    """Strip `./` and a closing slash; '' for the top. Raises Unreadable for names that leave the archive."""
    shown = repr(raw[:80])
    if raw.startswith(("/", "\\")) or raw[1:2] == ":":
        raise Unreadable(f"the member {shown} has an absolute name")
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in raw.replace("\\", "/").split("/"):
        raise Unreadable(f"the member {shown} climbs out of the archive")
    if "\0" in raw:
        raise Unreadable(f"the member {shown} has a NUL in its name")
    return "/".join(parts)


def _by_name(name: str) -> bool:
    return any(form.recognises(name.lower(), b"") for form in INNER)


def _form(name: str) -> Format:
    return next(form for form in INNER if form.recognises(name.lower(), b""))
