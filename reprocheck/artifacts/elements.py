"""Streams the elements of an array in C order, whatever its strides, in bounded memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from reprocheck.artifacts.reading import Unreadable
from reprocheck.model.base import Frozen

BLOCK = 1024 * 1024
BOX = 16 * BLOCK
"""Bytes of one gathered piece; a second buffer of twice this size holds what it is gathered from."""
READS = 10_000_000
"""Reads and gathered runs per file: absurd strides end in an error, not in a day of seeking."""

_Unit = Literal["B", "H", "I", "Q"]
_CAST: dict[int, _Unit] = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(slots=True)
class Source:
    """Positional reads of one stream, counted."""

    stream: BinaryIO
    size: int
    reads: int = field(default=0)

    def at(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes. Raises Unreadable beyond the end or after too many reads."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise Unreadable(f"bytes {offset} to {offset + count} lie beyond its end at {self.size}")
        self.spend()
        self.stream.seek(offset)
        parts = []
        left = count
        while left:
            part = self.stream.read(left)
            if not part:
                raise Unreadable(f"it ends {left} bytes before byte {offset + count}")
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def spend(self) -> None:
        """Count one step of work. Raises Unreadable when the file has used up its share."""
        self.reads += 1
        if self.reads > READS:
            raise Unreadable(f"reading it takes more than {READS} steps")

    def run(self, offset: int, count: int) -> Iterator[bytes]:
        """Yield `count` bytes from `offset` in blocks."""
        end = offset + count
        while offset < end:
            step = min(BLOCK, end - offset)
            yield self.at(offset, step)
            offset += step


class _Axis(Frozen, frozen=True):
    extent: int
    stride: int


def gather(
    source: Source, *, offset: int, itemsize: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> Iterator[bytes]:
    """Yield the elements of a strided view in C order.

    `offset` is in bytes, `strides` are in elements and must not be negative. A stride of 0 repeats.
    """
    if 0 in shape:
        return
    if any(stride < 0 for stride in strides):
        raise Unreadable("an array has a negative stride")
    unit = math.gcd(itemsize, 8)
    width = itemsize // unit
    axes = [_Axis(extent, stride * width) for extent, stride in zip(shape, strides, strict=True)]
    axes = _merged([*axes, _Axis(width, 1)])
    reach = sum((axis.extent - 1) * axis.stride for axis in axes) + 1
    if offset < 0 or offset + reach * unit > source.size:
        raise Unreadable("an array reaches beyond its storage")
    if all(axis.stride == 1 for axis in axes) and len(axes) <= 1:
        yield from source.run(offset, math.prod(axis.extent for axis in axes) * unit)
        return
    yield from _boxes(source, offset, unit, axes)


def c_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of an array laid out row by row."""
    strides = []
    step = 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of an array laid out column by column."""
    return tuple(reversed(c_strides(tuple(reversed(shape)))))


def swapped(blocks: Iterator[bytes], unit: int) -> Iterator[bytes]:
    """Turn big-endian units of 2, 4 or 8 bytes into little-endian ones."""
    for block in blocks:
        values = array(_CAST[unit], block)
        values.byteswap()
        yield values.tobytes()


def _merged(axes: list[_Axis]) -> list[_Axis]:
    """Drop axes of extent 1 and join neighbours that lie one behind the other."""
    merged: list[_Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        if merged and merged[-1].stride == axis.extent * axis.stride:
            merged[-1] = _Axis(merged[-1].extent * axis.extent, axis.stride)
        else:
            merged.append(axis)
    return merged


def _boxes(source: Source, offset: int, unit: int, axes: list[_Axis]) -> Iterator[bytes]:
    """Cut the array along its leading axes into boxes of at most `BOX` bytes, in C order."""
    inner = unit
    split = len(axes) - 1
    while split > 0 and inner * axes[split].extent <= BOX:
        inner *= axes[split].extent
        split -= 1
    step = max(1, BOX // inner)
    position = [0] * split
    while True:
        base = sum(index * axis.stride for index, axis in zip(position, axes[:split], strict=True))
        for start in range(0, axes[split].extent, step):
            extent = min(step, axes[split].extent - start)
            box = [_Axis(extent, axes[split].stride), *axes[split + 1 :]]
            yield _box(source, offset + (base + start * axes[split].stride) * unit, unit, box)
        if not _advance(position, [axis.extent for axis in axes[:split]]):
            return


def _box(source: Source, offset: int, unit: int, axes: list[_Axis]) -> bytes:
    """Gather one box: one axis is copied in runs, the others are walked.

    In memory the longest axis makes the fewest runs; on disk the smallest stride makes the shortest reads.
    """
    count = math.prod(axis.extent for axis in axes)
    code = _CAST[unit]
    gathered = bytearray(count * unit)
    out = memoryview(gathered).cast(code)
    reach = sum((axis.extent - 1) * axis.stride for axis in axes) + 1
    whole = memoryview(source.at(offset, reach * unit)).cast(code) if reach * unit <= 2 * BOX else None
    steps = c_strides(tuple(axis.extent for axis in axes))
    if whole is None:
        fast = min(range(len(axes)), key=lambda i: (axes[i].stride == 0, axes[i].stride))
    else:
        fast = max(range(len(axes)), key=lambda i: axes[i].extent)
    run, run_step = axes[fast], steps[fast]
    span = (run.extent - 1) * run.stride + 1
    if span * unit > 2 * BOX:
        run, run_step, fast, span = _Axis(1, 1), 1, -1, 1
    others = [i for i in range(len(axes)) if i != fast]
    position = [0] * len(others)
    while True:
        source.spend()
        start = sum(position[k] * axes[i].stride for k, i in enumerate(others))
        target = sum(position[k] * steps[i] for k, i in enumerate(others))
        if whole is not None:
            piece = whole[start : start + span]
        else:
            piece = memoryview(source.at(offset + start * unit, span * unit)).cast(code)
        if run.stride == 0:
            piece = memoryview(piece.tobytes() * run.extent).cast(code)
        last = target + (run.extent - 1) * run_step + 1
        out[target:last:run_step] = piece[:: max(1, run.stride)]
        if not _advance(position, [axes[i].extent for i in others]):
            return bytes(gathered)


def _advance(position: list[int], extents: list[int]) -> bool:
    """Count `position` up like an odometer; False after the last."""
    for axis in range(len(extents) - 1, -1, -1):
        position[axis] += 1
        if position[axis] < extents[axis]:
            return True
        position[axis] = 0
    return False
