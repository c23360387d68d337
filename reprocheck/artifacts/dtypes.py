"""Element types: width, kind, and how to decode them with the standard library alone.

Names are those of PyTorch and NumPy, the same for every file format.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from typing import Literal

from reprocheck.model.base import Frozen

Kind = Literal["float", "integer", "complex", "exact"]


class DType(Frozen, frozen=True, kw_only=True):
    """An element type. `exact` ones (bool, text, dates, sub-byte) are never compared by tolerance."""

    name: str
    bits: int
    kind: Kind

    @property
    def bytes(self) -> int:
        """Bytes per element; 0 for types below one byte."""
        return self.bits // 8


def _table() -> dict[str, DType]:
    rows: tuple[tuple[str, int, Kind], ...] = (
        ("bool", 8, "exact"),
        ("uint8", 8, "integer"),
        ("int8", 8, "integer"),
        ("uint16", 16, "integer"),
        ("int16", 16, "integer"),
        ("uint32", 32, "integer"),
        ("int32", 32, "integer"),
        ("uint64", 64, "integer"),
        ("int64", 64, "integer"),
        ("float8_e4m3fn", 8, "float"),
        ("float8_e4m3fnuz", 8, "float"),
        ("float8_e5m2", 8, "float"),
        ("float8_e5m2fnuz", 8, "float"),
        ("float8_e8m0fnu", 8, "float"),
        ("float16", 16, "float"),
        ("bfloat16", 16, "float"),
        ("float32", 32, "float"),
        ("float64", 64, "float"),
        ("complex32", 32, "complex"),
        ("complex64", 64, "complex"),
        ("complex128", 128, "complex"),
        ("float4", 4, "exact"),
        ("float6_e2m3", 6, "exact"),
        ("float6_e3m2", 6, "exact"),
    )
    return {name: DType(name=name, bits=bits, kind=kind) for name, bits, kind in rows}


DTYPES = _table()

_CODES = {
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
    "complex64": "f",
    "complex128": "d",
}


def numbers(dtype: DType, raw: bytes) -> Sequence[float]:
    """Decode little-endian elements to Python numbers; a complex element gives two, real part first."""
    if dtype.name in _CODES:
        values = array(_CODES[dtype.name], raw)
        if sys.byteorder == "big":
            values.byteswap()
        return values
    if dtype.name in ("float16", "complex32"):
        return struct.unpack(f"<{len(raw) // 2}e", raw)
    if dtype.name == "bfloat16":
        # bfloat16 is the upper half of a float32
        wide = bytearray(2 * len(raw))
        wide[2::4] = raw[0::2]
        wide[3::4] = raw[1::2]
        return struct.unpack(f"<{len(raw) // 2}f", wide)
    table = _FLOAT8[dtype.name]
    return [table[byte] for byte in raw]


def _small_float(code: int, mantissa_bits: int, bias: int, *, specials: str) -> float:
    """Decode a signed 8-bit float (OCP OFP8; the fnuz forms after arXiv:2206.02915)."""
    sign = -1.0 if code & 0x80 else 1.0
    exponent = (code & 0x7F) >> mantissa_bits
    mantissa = code & ((1 << mantissa_bits) - 1)
    top = (0x7F >> mantissa_bits) == exponent
    if specials == "fnuz" and code == 0x80:
        return math.nan
    if specials == "fn" and code & 0x7F == 0x7F:
        return math.nan
    if specials == "ieee" and top:
        return math.nan if mantissa else sign * math.inf
    scale = 1 << mantissa_bits
    if exponent == 0:
        return sign * (mantissa / scale) * 2.0 ** (1 - bias)
    return sign * (1 + mantissa / scale) * 2.0 ** (exponent - bias)


_FLOAT8 = {
    "float8_e4m3fn": tuple(_small_float(c, 3, 7, specials="fn") for c in range(256)),
    "float8_e4m3fnuz": tuple(_small_float(c, 3, 8, specials="fnuz") for c in range(256)),
    "float8_e5m2": tuple(_small_float(c, 2, 15, specials="ieee") for c in range(256)),
    "float8_e5m2fnuz": tuple(_small_float(c, 2, 16, specials="fnuz") for c in range(256)),
    "float8_e8m0fnu": (*(2.0 ** (c - 127) for c in range(255)), math.nan),
}
