"""Compressed streams: told by their bytes, read to their very end, and never longer than asked for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.oci_compression import decompressed, peek, told
from reprocheck.errors import InputFault
from tests.engine.stored_images import packed, packed_with_checksum

SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def plain(raw: bytes, *, size: int = 1 << 16, step: int = 1 << 16) -> bytes:
    source = io.BytesIO(raw)
    head, read = peek(lambda wanted: source.read(min(wanted, step)))
    reader = decompressed(read, told(head), where="the layer")
    pieces = []
    while piece := reader(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert reader(size) == b""
    return b"".join(pieces)


def fault(raw: bytes) -> str:
    with pytest.raises(InputFault) as caught:
        plain(raw)
    assert caught.value.code == "E_COMPRESSION"
    return caught.value.message


@given(
    st.lists(st.binary(max_size=5_000), min_size=1, max_size=4),
    st.sampled_from(["gzip", "zstd"]),
    st.integers(1, 3_000),
    st.integers(1, 3_000),
)
@settings(max_examples=50)
def test_members_in_a_row_read_as_one_whatever_the_pieces(
    parts: list[bytes], compression: str, size: int, step: int
) -> None:
    raw = b"".join(packed(part, compression) for part in parts)
    assert plain(raw, size=size, step=step) == b"".join(parts)


def test_skippable_frames_of_zstd_hold_nothing() -> None:
    """podman's zstd:chunked writes its table of contents so."""
    frame = packed(b"data", "zstd")
    assert plain(frame + SKIPPABLE) == b"data"
    assert plain(SKIPPABLE + frame + SKIPPABLE + frame) == b"datadata"


def test_a_stream_that_is_not_compressed_is_given_as_it_is() -> None:
    assert plain(b"") == b""
    assert plain(b"abc") == b"abc"
    assert plain(b"etc/" + bytes(9_000), size=100) == b"etc/" + bytes(9_000)


def test_a_small_file_that_unpacks_to_much_is_read_in_small_pieces() -> None:
    for compression in ("gzip", "zstd"):
        bomb = packed(bytes(1 << 24), compression)
        assert len(bomb) < 1 << 15
        assert plain(bomb) == bytes(1 << 24)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_streams_that_are_cut_short_are_refused(compression: str) -> None:
    raw = packed(bytes(range(256)) * 100, compression)
    for end in (len(raw) - 1, len(raw) - 5, len(raw) // 2, 7):
        assert "ends in the middle" in fault(raw[:end])


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("rest", [b"x", bytes(512), b"\x1f", b"garbage behind it"])
def test_other_bytes_behind_the_stream_are_refused(compression: str, rest: bytes) -> None:
    assert "other bytes" in fault(packed(b"data", compression) + rest)


@pytest.mark.parametrize(("first", "second"), [("gzip", "zstd"), ("zstd", "gzip")])
def test_two_kinds_in_one_stream_are_refused(first: str, second: str) -> None:
    assert "other bytes" in fault(packed(b"a", first) + packed(b"b", second))


def test_a_wrong_checksum_is_refused() -> None:
    """A zstd frame need not have one; the digests of layers are what tells then."""
    raw = bytearray(gzip.compress(b"data", mtime=0))
    raw[-8] ^= 1
    assert "damaged" in fault(bytes(raw))
    raw = bytearray(packed_with_checksum(b"data"))
    raw[-1] ^= 1
    assert "damaged" in fault(bytes(raw))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_block_of_a_reserved_kind_is_refused(compression: str) -> None:
    raw = bytearray(packed(bytes(range(256)), compression))
    raw[10 if compression == "gzip" else 7] |= 0x06  # RFC 1951, 3.2.3; RFC 8878, 3.1.1.2
    assert "damaged" in fault(bytes(raw))


def test_a_window_larger_than_128_mib_is_refused() -> None:
    """It is the memory that a frame's header alone can claim (RFC 8878, Window_Descriptor)."""
    header = b"\x28\xb5\x2f\xfd" + bytes((0x00, (31 - 10) << 3))
    assert "damaged" in fault(header + b"\x01\x00\x00")


@pytest.mark.parametrize(("pack", "name"), [(bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_compressions_that_images_do_not_use_are_named(pack: Callable[[bytes], bytes], name: str) -> None:
    assert name in fault(pack(b"data"))
