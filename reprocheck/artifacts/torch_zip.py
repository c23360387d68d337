"""PyTorch checkpoints in the zip format (since 1.6): `<stem>/data.pkl` and one member per storage.

torch.save takes the archive's root from the file's stem, so equal contents differ in bytes. The pickle is
read as opcodes (see `opcodes`); storages are read where they lie, whatever the strides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from reprocheck.artifacts.dtypes import DTYPES
from reprocheck.artifacts.elements import gather
from reprocheck.artifacts.inert import Named, Sequence, Table, Text, View
from reprocheck.artifacts.opcodes import read_opcodes
from reprocheck.artifacts.reading import NUMBER, Array, Leaf, Reading, Unreadable, check_unique
from reprocheck.artifacts.zipped import MAGIC, Archive, first_member, open_archive
from reprocheck.limits import MIB, Limits

name = "torch"
level = "L2"

REPEATED = 16
"""An expanded tensor claims more bytes than it stores: all together at most this many times the file."""
SPARE = 256 * MIB
LONGEST_INTEGER = 64
_ENDINGS = (".pt", ".pth", ".ckpt")


def recognises(name: str, head: bytes) -> bool:
    """`.pt`, `.pth`, `.ckpt`, or a zip whose first member is a checkpoint's pickle."""
    return name.endswith(_ENDINGS) or first_member(head).endswith("/data.pkl")


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Give tensors and scalars by dotted path. Raises Unreadable; executes nothing."""
    stream.seek(0)
    if stream.read(4) != MAGIC:
        raise Unreadable("it is not a zip checkpoint: bytes only")
    archive = open_archive(stream, size, limits=limits)
    roots = [member.removesuffix("/data.pkl") for member in archive.members if member.endswith("/data.pkl")]
    if len(roots) != 1:
        raise Unreadable("it has no data.pkl: bytes only" if not roots else "it has more than one data.pkl")
    root = roots[0]
    if f"{root}/constants.pkl" in archive.members:
        raise Unreadable("it is a TorchScript archive: bytes only")
    order = f"{root}/byteorder"
    if order in archive.members and archive.read(order, 16) != b"little":
        raise Unreadable("its elements are not little-endian: bytes only")
    walk = _Walk(archive=archive, root=root, limits=limits)
    walk.start(read_opcodes(archive.read(f"{root}/data.pkl", limits.tensor_header)))
    arrays = tuple(walk.arrays)
    leaves = sorted(walk.leaves, key=lambda leaf: leaf.key)
    check_unique([*(array.name for array in arrays), *(leaf.key for leaf in leaves)])
    if sum(array.size for array in arrays) > REPEATED * size + SPARE:
        raise Unreadable("its tensors claim far more bytes than it holds")
    return Reading(arrays=arrays, leaves=lambda: iter(leaves))


@dataclass(slots=True)
class _Walk:
    """Flattens a value into named arrays and leaves, without recursion."""

    archive: Archive
    root: str
    limits: Limits
    arrays: list[Array] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    _spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    _written: int = 0

    def start(self, value: object) -> None:
        stack: list[tuple[str, object, int, bool]] = [("", value, 0, False)]
        while stack:
            path, item, depth, attribute = stack.pop()
            if depth > self.limits.json_depth:
                raise Unreadable(f"it is nested more than {self.limits.json_depth} deep")
            if len(self.arrays) + len(self.leaves) + len(stack) > self.limits.tensors:
                raise Unreadable(f"it has more than {self.limits.tensors} tensors and values")
            if isinstance(item, View):
                self.arrays.append(self._array(path, item))
            elif isinstance(item, Table):
                self._leaf(path, "dict", str(len(item.pairs)))
                self._guard(len(stack) + len(item.pairs))
                stack.extend((_join(path, key), inner, depth + 1, attribute) for key, inner in item.pairs)
                if item.state is not None:
                    stack.append((_join(path, "__state__"), item.state, depth + 1, True))
            elif isinstance(item, Sequence) and item.kind in ("set", "frozenset"):
                self._set(path, item)
            elif isinstance(item, Sequence):
                self._leaf(path, item.kind, str(len(item.items)))
                self._guard(len(stack) + len(item.items))
                stack.extend(
                    (f"{path}[{i}]", inner, depth + 1, attribute) for i, inner in enumerate(item.items)
                )
            else:
                tag, text = _scalar(item)
                # attributes, such as the version numbers of a state_dict, are not results
                self._leaf(path, f"attribute {tag}" if attribute else tag, text)

    def _guard(self, waiting: int) -> None:
        if waiting > self.limits.tensors:
            raise Unreadable(f"it has more than {self.limits.tensors} tensors and values")

    def _leaf(self, path: str, tag: str, text: str) -> None:
        self._written += len(path) + len(text)
        if self._written > 4 * self.limits.tensor_header:
            raise Unreadable("its names and texts are longer than any checkpoint needs")
        self.leaves.append(Leaf(key=path, tag=tag, text=text))

    def _set(self, path: str, item: Sequence) -> None:
        """A set has no order; members must be scalars."""
        members = sorted("{} {}".format(*_scalar(member)) for member in item.items)
        self._leaf(path, item.kind, "\n".join(members))

    def _array(self, path: str, view: View) -> Array:
        dtype = DTYPES[view.dtype]
        itemsize = dtype.bytes
        if view.storage.key not in self._spans:
            member = f"{self.root}/data/{view.storage.key}"
            if member not in self.archive.members:
                raise Unreadable(f"the storage {view.storage.key[:40]!r} is missing")
            self._spans[view.storage.key] = self.archive.stored(member)
        start, stored = self._spans[view.storage.key]
        width = DTYPES[view.storage.dtype].bytes if view.storage.dtype else 1
        if view.storage.length * width != stored:
            raise Unreadable(f"the storage {view.storage.key[:40]!r} has {stored} bytes and claims others")
        reach = sum((extent - 1) * step for extent, step in zip(view.shape, view.strides, strict=True)) + 1
        if 0 not in view.shape and (view.offset + reach) * itemsize > stored:
            raise Unreadable(f"the tensor {path[:80]!r} reaches beyond its storage")

        def blocks() -> Iterator[bytes]:
            return gather(
                self.archive.source,
                offset=start + view.offset * itemsize,
                itemsize=itemsize,
                shape=view.shape,
                strides=view.strides,
            )

        return Array(name=path, dtype=dtype, shape=view.shape, blocks=blocks)


def _join(path: str, key: object) -> str:
    """Append a key: text after a dot, anything else in brackets, so that 0 and '0' stay apart."""
    if isinstance(key, str) and not any(mark in key for mark in "[]'\""):
        return f"{path}.{key}" if path else key
    _, text = _scalar(key)
    return f"{path}[{text!r}]" if isinstance(key, str) else f"{path}[{text}]"


def _scalar(item: object) -> tuple[str, str]:
    """Tag and text of a value without parts. Raises Unreadable for one that has parts."""
    match item:
        case None:
            return "null", ""
        case bool():
            return "bool", str(item).lower()
        case int():
            if item.bit_length() > LONGEST_INTEGER:
                return "integer", hex(item)
            return NUMBER, str(item)
        case float():
            return NUMBER, repr(item)
        case str():
            return "string", item
        case bytes():
            return "bytes", hashlib.sha256(item).hexdigest()
        case Text():
            return item.kind, item.text
        case Named():
            return "name", str(item)
        case _:
            raise Unreadable("a key or a member of a set is not a plain value")
