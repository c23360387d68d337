"""NumPy arrays: `.npy`, versions 1 to 3. Object arrays are pickles and are refused.

Format: numpy/lib/_format_impl.py. The header is a Python literal; ours is a small reader of exactly the
three entries it may hold, so nothing is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import BinaryIO

from reprocheck.artifacts.dtypes import DTYPES, DType
from reprocheck.artifacts.elements import Source, fortran_strides, gather, swapped
from reprocheck.artifacts.reading import Array, Reading, Unreadable
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen

name = "npy"
level = "L2"

MAGIC = b"\x93NUMPY"
HEADER_BYTES = 64 * 1024
MAX_DIMENSIONS = 64
LEAST_HEADER = 12

_TYPES = {
    "b1": "bool",
    "u1": "uint8",
    "i1": "int8",
    "u2": "uint16",
    "i2": "int16",
    "u4": "uint32",
    "i4": "int32",
    "u8": "uint64",
    "i8": "int64",
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}


class Header(Frozen, frozen=True, kw_only=True):
    """A checked header. `swap` is the unit of bytes to turn round, 0 for little-endian elements."""

    dtype: DType
    swap: int
    fortran: bool
    shape: tuple[int, ...]
    start: int
    """Where the elements begin."""

    @property
    def size(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.bytes


def recognises(name: str, head: bytes) -> bool:
    """Tell by the name or the magic bytes."""
    return name.endswith(".npy") or head.startswith(MAGIC)


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Give the one array, named ''. Raises Unreadable."""
    source = Source(stream, size)
    header = parse_header(source.at, size)
    return Reading(arrays=(array_of("", source, 0, header),))


def array_of(name: str, source: Source, base: int, header: Header) -> Array:
    """Give the array whose file starts at `base` of a stream that can be read anywhere."""

    def blocks() -> Iterator[bytes]:
        start = base + header.start
        if header.fortran:
            plain = gather(
                source,
                offset=start,
                itemsize=header.dtype.bytes,
                shape=header.shape,
                strides=fortran_strides(header.shape),
            )
        else:
            plain = source.run(start, header.size)
        return swapped(plain, header.swap) if header.swap else plain

    return Array(name=name, dtype=header.dtype, shape=header.shape, blocks=blocks)


def parse_header(at: Callable[[int, int], bytes], size: int) -> Header:
    """Parse the header of a file of `size` bytes; `at(start, count)` gives its bytes. Raises Unreadable."""
    if size < LEAST_HEADER:
        raise Unreadable("it is shorter than any header")
    lead = at(0, LEAST_HEADER)
    if not lead.startswith(MAGIC):
        raise Unreadable("it does not begin with NumPy's magic bytes")
    if lead[6] not in (1, 2, 3):
        raise Unreadable(f"it has version {lead[6]} of the format")
    width = 2 if lead[6] == 1 else 4
    length = int.from_bytes(lead[8 : 8 + width], "little")
    start = 8 + width + length
    if length > HEADER_BYTES or start > size:
        raise Unreadable(f"its header claims {length} bytes")
    try:
        text = at(8 + width, length).decode("utf-8" if lead[6] == 3 else "latin-1")
    except UnicodeDecodeError:
        raise Unreadable("its header is not text") from None
    descr, fortran, shape = _Literal(text).header()
    dtype, swap = _element(descr)
    header = Header(dtype=dtype, swap=swap, fortran=fortran, shape=shape, start=start)
    if start + header.size != size:
        raise Unreadable(f"its shape needs {header.size} bytes and it has {size - start}")
    return header


def _element(descr: str) -> tuple[DType, int]:
    order, code = descr[:1], descr[1:]
    if order not in ("<", ">", "|", "="):
        raise Unreadable(f"its element type {descr[:40]!r} is not known")
    if code in _TYPES:
        dtype = DTYPES[_TYPES[code]]
        unit = dtype.bytes // 2 if dtype.kind == "complex" else dtype.bytes
        return dtype, unit if order == ">" and unit > 1 else 0
    if code == "O":
        raise Unreadable("it holds Python objects, which are pickles")
    kind, digits = code[:1], code[1:]
    if kind in ("S", "U") and digits.isascii() and digits.isdigit() and 0 < len(digits) <= 9:
        width = int(digits) * (4 if kind == "U" else 1)
        swap = 4 if order == ">" and kind == "U" else 0
        return DType(name=f"{kind}{int(digits)}", bits=8 * width, kind="exact"), swap
    if kind in ("M", "m") and digits.startswith("8["):
        return DType(name=f"{kind}{digits[:40]}", bits=64, kind="exact"), 8 if order == ">" else 0
    raise Unreadable(f"its element type {descr[:40]!r} is not read")


class _Literal:
    """Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` from the left to the right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def header(self) -> tuple[str, bool, tuple[int, ...]]:
        values: dict[str, object] = {}
        self._take("{")
        while not self._sees("}"):
            key = self._string()
            if key in values:
                raise Unreadable(f"its header has {key[:40]!r} twice")
            self._take(":")
            if key == "descr":
                values[key] = self._string()
            elif key == "fortran_order":
                values[key] = self._boolean()
            elif key == "shape":
                values[key] = self._shape()
            else:
                raise Unreadable(f"its header has the entry {key[:40]!r}")
            if not self._sees("}"):
                self._take(",")
        self._take("}")
        if self._text[self._at :].strip() or len(values) != 3:
            raise Unreadable("its header is not descr, fortran_order and shape")
        descr, fortran, shape = values["descr"], values["fortran_order"], values["shape"]
        assert isinstance(descr, str)
        assert isinstance(fortran, bool)
        assert isinstance(shape, tuple)
        return descr, fortran, shape

    def _sees(self, mark: str) -> bool:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        return self._text.startswith(mark, self._at)

    def _take(self, mark: str) -> None:
        if not self._sees(mark):
            found = self._text[self._at : self._at + 10]
            raise Unreadable(f"its header has {found!r} where {mark!r} was expected")
        self._at += len(mark)

    def _string(self) -> str:
        quote = "'" if self._sees("'") else '"'
        if quote == '"' and self._sees("["):
            raise Unreadable("it holds records of several fields")
        self._take(quote)
        end = self._text.find(quote, self._at)
        if end < 0 or "\\" in self._text[self._at : end]:
            raise Unreadable("its header has a string without an end")
        value = self._text[self._at : end]
        self._at = end + 1
        return value

    def _boolean(self) -> bool:
        for word, value in (("True", True), ("False", False)):
            if self._sees(word):
                self._at += len(word)
                return value
        raise Unreadable("its header has a fortran_order that is neither True nor False")

    def _shape(self) -> tuple[int, ...]:
        extents: list[int] = []
        self._take("(")
        while not self._sees(")"):
            extents.append(self._integer())
            if len(extents) > MAX_DIMENSIONS:
                raise Unreadable(f"it has more than {MAX_DIMENSIONS} dimensions")
            if not self._sees(")"):
                self._take(",")
        self._take(")")
        return tuple(extents)

    def _integer(self) -> int:
        start = self._at
        while self._text[self._at : self._at + 1] in tuple("0123456789"):
            self._at += 1
        digits = self._text[start : self._at]
        if not 0 < len(digits) <= 19:
            raise Unreadable("its header has a shape that is not made of numbers")
        if self._text.startswith("L", self._at):  # NumPy on Python 2 wrote long integers
            self._at += 1
        return int(digits)
