"""TensorBoard event files: TFRecords of `Event` messages. Wall times and the writer's name are not content.

Format: tensorflow/core/util/event.proto and tensorflow/core/framework/{summary,tensor}.proto. Keys are
`TAG[STEP]`, with `#N` behind them for the Nth value of one tag and step from the second on.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from reprocheck.artifacts.elements import Source
from reprocheck.artifacts.reading import NUMBER, Array, Leaf, Reading, Unreadable
from reprocheck.artifacts.tfrecord import records
from reprocheck.artifacts.tftensor import Tensor, read_histogram, read_tensor
from reprocheck.artifacts.wire import BYTES, FIXED32, VARINT, Field, expect, fields, signed, text
from reprocheck.limits import Limits

name = "tfevents"
level = "L2"

NUMBERS = 1_000_000
"""Scalars of one file; they are kept in 16 bytes each, to be sorted."""
OTHERS = 50_000
"""Tensors, images and texts of one file."""

_VERSION = "brain.Event:"
_FIRST = b"\x1a\x0dbrain.Event:"
"""What every file begins with, after the frame (12 bytes) and the wall time (9 bytes)."""
_STEP, _FILE_VERSION, _SUMMARY = 2, 3, 5
_EVENT_PARTS = {4: "graph_def", 6: "log_message", 8: "tagged_run_metadata", 9: "meta_graph_def"}
"""Parts of an event beside the summary; session starts (7) and the writer's name (10) are not content."""
_TAG, _SIMPLE, _HISTOGRAM, _TENSOR, _METADATA = 1, 2, 5, 8, 9
_VALUE_PARTS = {3: "histogram", 4: "image", 6: "audio"}
_HPARAMS_TIMES = {3: 5, 4: 2}
"""In the hparams plugin's data: session_start_info.start_time_secs and session_end_info.end_time_secs."""


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name, or by the version that every event file begins with."""
    return ".tfevents." in f"{name.rpartition('/')[2]}." or head[21:].startswith(_FIRST)


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Check every record; give scalars as numbers, the rest as arrays or digests. Raises Unreadable."""
    found = _Found(Source(stream, size), limits)
    for index, (place, raw) in enumerate(records(stream, size, longest=limits.document_bytes)):
        try:
            found.event(place, raw)
        except Unreadable as fault:
            raise Unreadable(f"the record {index} cannot be read: {fault}") from None
    return Reading(arrays=tuple(found.arrays), leaves=found.leaves)


@dataclass(slots=True)
class _Series:
    """The scalars of one tag in the order of the file."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class _Found:
    """What the records hold, as it is found."""

    source: Source
    limits: Limits
    arrays: list[Array] = field(default_factory=list)
    _others: list[Leaf] = field(default_factory=list)
    _series: dict[str, _Series] = field(default_factory=dict)
    _met: dict[tuple[str, int], int] = field(default_factory=dict)
    _plugins: set[tuple[str, str]] = field(default_factory=set)
    _numbers: int = 0
    _written: int = 0

    def event(self, place: int, raw: bytes) -> None:
        parts = list(fields(raw, 0, len(raw)))
        step = 0
        for item in parts:
            if item.number == _STEP:
                step = signed(expect(item, VARINT).value)
        for item in parts:
            if item.number == _FILE_VERSION and not text(raw, item).startswith(_VERSION):
                raise Unreadable("it is of another kind of file")
            if item.number == _SUMMARY:
                expect(item, BYTES)
                for value in fields(raw, item.start, item.end):
                    if value.number == 1:
                        self._value(place, raw, step, expect(value, BYTES))
            elif item.number in _EVENT_PARTS:
                self._bytes(f"__event__.{_EVENT_PARTS[item.number]}", step, "bytes", raw, item)

    def leaves(self) -> Iterator[Leaf]:
        """Numbers by tag, step and occurrence, then what is no number by key."""
        for tag in sorted(self._series):
            series = self._series[tag]
            last, count = None, 0
            for index in sorted(range(len(series.steps)), key=series.steps.__getitem__):
                step = series.steps[index]
                count = count + 1 if step == last else 1
                last = step
                yield Leaf(key=_key(tag, step, count), tag=NUMBER, text=repr(series.values[index]))
        for tag, plugin in sorted(self._plugins):
            yield Leaf(key=tag, tag="plugin", text=plugin)
        yield from sorted(self._others, key=lambda leaf: leaf.key)

    def _value(self, place: int, raw: bytes, step: int, message: Field) -> None:
        parts = list(fields(raw, message.start, message.end))
        tag = next((text(raw, item) for item in reversed(parts) if item.number == _TAG), "")
        for item in parts:
            if item.number == _SIMPLE:
                expect(item, FIXED32)
                self._number(tag, step, struct.unpack_from("<f", raw, item.start)[0])
            elif item.number == _TENSOR:
                self._tensor(tag, step, place, raw, item)
            elif item.number == _HISTOGRAM:
                self._histogram(tag, step, place, raw, item)
            elif item.number == _METADATA:
                self._metadata(tag, raw, item)
            elif item.number in _VALUE_PARTS:
                self._bytes(tag, step, _VALUE_PARTS[item.number], raw, item)

    def _number(self, tag: str, step: int, value: float) -> None:
        self._numbers += 1
        if self._numbers > NUMBERS:
            raise Unreadable(f"it has more than {NUMBERS} scalars")
        if tag not in self._series:
            self._count(len(tag))
            self._series[tag] = _Series()
        self._series[tag].steps.append(step)
        self._series[tag].values.append(value)

    def _tensor(self, tag: str, step: int, place: int, raw: bytes, item: Field) -> None:
        tensor = read_tensor(raw, expect(item, BYTES))
        if tensor is not None and tensor.scalar is not None:
            self._number(tag, step, tensor.scalar)
        elif tensor is not None:
            self._array(self._next(tag, step), place, tensor)
        else:
            self._bytes(tag, step, "tensor", raw, item)

    def _histogram(self, tag: str, step: int, place: int, raw: bytes, item: Field) -> None:
        histogram = read_histogram(raw, expect(item, BYTES))
        if histogram is None:
            self._bytes(tag, step, "histogram", raw, item)
            return
        numbers, tensors = histogram
        key = self._next(tag, step)
        for name, value in numbers:
            self._count(len(key))
            self._others.append(Leaf(key=f"{key}.{name}", tag=NUMBER, text=repr(value)))
        for tensor in tensors:
            self._array(f"{key}.{tensor.name}", place, tensor)

    def _array(self, key: str, place: int, tensor: Tensor) -> None:
        self._count(len(key))
        first, length = place + tensor.start, tensor.end - tensor.start

        def blocks() -> Iterator[bytes]:
            return self.source.run(first, length)

        self.arrays.append(Array(name=key, dtype=tensor.dtype, shape=tensor.shape, blocks=blocks))

    def _metadata(self, tag: str, raw: bytes, item: Field) -> None:
        """Keep the plugin's name and data once per tag; titles and descriptions are not values."""
        plugin, data = "", b""
        for part in fields(raw, expect(item, BYTES).start, item.end):
            if part.number == 1:
                for inner in fields(raw, expect(part, BYTES).start, part.end):
                    if inner.number == 1:
                        plugin = text(raw, inner)
                    elif inner.number == 2:
                        data = raw[expect(inner, BYTES).start : inner.end]
        if plugin == "hparams":
            data = _without_times(data)
        shown = f"{plugin} {hashlib.sha256(data).hexdigest()}"
        if (tag, shown) not in self._plugins:
            self._count(len(tag) + len(shown))
            self._plugins.add((tag, shown))

    def _bytes(self, tag: str, step: int, kind: str, raw: bytes, item: Field) -> None:
        key = self._next(tag, step)
        self._count(len(key))
        digest = hashlib.sha256(memoryview(raw)[expect(item, BYTES).start : item.end]).hexdigest()
        self._others.append(Leaf(key=key, tag=kind, text=digest))

    def _next(self, tag: str, step: int) -> str:
        count = self._met[tag, step] = self._met.get((tag, step), 0) + 1
        return _key(tag, step, count)

    def _count(self, characters: int) -> None:
        self._written += characters
        held = len(self._series) + len(self.arrays) + len(self._others) + len(self._plugins)
        if held >= min(OTHERS, self.limits.tensors):
            raise Unreadable(f"it has more than {OTHERS} tags, tensors and texts")
        if self._written > self.limits.tensor_header:
            raise Unreadable("its tags are longer than any event file needs")


def _key(tag: str, step: int, count: int) -> str:
    return f"{tag}[{step}]" if count == 1 else f"{tag}[{step}]#{count}"


def _without_times(data: bytes) -> bytes:
    """Give the hparams plugin's data with sorted parts (maps have no order) and without clock times."""
    parts = []
    for item in fields(data, 0, len(data)):
        time = _HPARAMS_TIMES.get(item.number)
        if time is None or item.wire != BYTES:
            parts.append(b"%d:%d:%b" % (item.number, item.value, data[item.start : item.end]))
            continue
        for inner in fields(data, item.start, item.end):
            if inner.number != time:
                body = data[inner.start : inner.end]
                parts.append(b"%d.%d:%d:%b" % (item.number, inner.number, inner.value, body))
    return b"".join(b"%d:%b" % (len(part), part) for part in sorted(parts))
