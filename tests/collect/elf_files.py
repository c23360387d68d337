"""Tiny shared objects, made byte by byte: the real loader and ldconfig take them; no compiler is needed."""

from __future__ import annotations

import struct

X86_64, AARCH64, I386 = 62, 183, 3


def shared_object(
    *,
    soname: str = "",
    needed: tuple[str, ...] = (),
    rpath: str = "",
    runpath: str = "",
    build_id: bytes = b"",
    bits: int = 64,
    order: str = "<",
    machine: int = X86_64,
    flags_1: int = 0,
    body: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    """One PT_LOAD up to the end of the dynamic section, which comes after `body`; `tail` is not loaded."""
    wide = bits == 64
    word = "Q" if wide else "I"
    strings = bytearray(b"\0")

    def text(value: str) -> int:
        place = len(strings)
        strings.extend(value.encode() + b"\0")
        return place

    named = [(1, text(name)) for name in needed]
    named += [(tag, text(value)) for tag, value in ((14, soname), (15, rpath), (29, runpath)) if value]
    note = struct.pack(order + "III", 4, len(build_id), 3) + b"GNU\0" + build_id if build_id else b""
    header_size, row_size, symbol_size = (64, 56, 24) if wide else (52, 32, 16)
    count = 4 if note else 3
    note_at = header_size + count * row_size
    symbols_at = _aligned(note_at + len(note))
    hash_at = symbols_at + symbol_size
    strings_at = hash_at + 16
    dynamic_at = _aligned(strings_at + len(strings) + len(body))
    rows = [(4, hash_at), (5, strings_at), (6, symbols_at), (10, len(strings)), (11, symbol_size)]
    rows += [(0x6FFFFFFB, flags_1)] if flags_1 else []
    dynamic = b"".join(struct.pack(order + word * 2, *row) for row in [*named, *rows, (0, 0)])
    end = dynamic_at + len(dynamic)

    def row(kind: int, flags: int, offset: int, size: int, align: int) -> bytes:
        if wide:
            return struct.pack(order + "IIQQQQQQ", kind, flags, offset, offset, offset, size, size, align)
        return struct.pack(order + "IIIIIIII", kind, offset, offset, offset, size, size, flags, align)

    table = row(1, 6, 0, end, 4096) + row(2, 6, dynamic_at, len(dynamic), 8) + row(0x6474E551, 6, 0, 0, 16)
    table += row(4, 4, note_at, len(note), 4) if note else b""
    header = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1, 0)) + bytes(8)
    header += struct.pack(
        order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"),
        *(3, machine, 1, 0, header_size, 0, 0, header_size, row_size, count, 0, 0, 0),
    )
    file = bytearray(end)
    for place, part in (
        (0, header + table + note),
        (hash_at, struct.pack(order + "IIII", 1, 1, 0, 0)),
        (strings_at, bytes(strings) + body),
        (dynamic_at, dynamic),
    ):
        file[place : place + len(part)] = part
    return bytes(file) + tail


def _aligned(place: int) -> int:
    return (place + 15) // 16 * 16
