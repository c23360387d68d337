"""A stored image: its identity first, then its layers, each read once and held against its digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from reprocheck.engine.budget import over_limit
from reprocheck.engine.layers import MergedLayers
from reprocheck.engine.oci_archive import file_errors
from reprocheck.engine.oci_compression import decompressed, peek, told
from reprocheck.engine.oci_store import Store, check_blob
from reprocheck.engine.tar import Read
from reprocheck.engine.view import View
from reprocheck.errors import InputFault, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.image import Image, Source, StoredLayer
from reprocheck.ports import Interest

_LISTED = 20
_MOST_LAYERS = 1_000
"""Of an image; each may name the same bytes, which would be read as often."""


class LayerPart(Frozen, frozen=True, kw_only=True):
    """A layer as it is stored."""

    name: str
    """In the store."""
    diff_id: str
    """Digest of its plain bytes, as the configuration has it."""
    stored: StoredLayer
    """`digest` is '' where nothing is claimed of the stored bytes."""


class StoredImage(Frozen, frozen=True, kw_only=True):
    """An image in a store, whose configuration was read and verified; its layers were not yet."""

    store: Store
    image: Image
    environment: tuple[tuple[str, str], ...]
    """ENV, sorted by name."""
    source: Source
    layers: tuple[LayerPart, ...]
    """Bottom first, one for each diff id."""

    def read(
        self, *, interest: Interest, limits: Limits, progress: Callable[[str], None] = lambda _: None
    ) -> View:
        """Merge the layers and give the image's files; every byte of each layer is read and hashed.

        Raises InputFault: E_BLOB_MISSING, E_BLOB_DIGEST, E_LAYER_DIGEST, E_COMPRESSION, E_ARCHIVE_DAMAGED,
        E_TAR_HOSTILE; CouldNotRun: E_LIMIT, E_ARCHIVE_READ.
        """
        merged = MergedLayers(interest, limits, self.store.where)
        allowance = _Allowance(limits.image_stream, self.store.where)
        for number, layer in enumerate(self.layers, 1):
            progress(f"reading layer {number} of {len(self.layers)}")
            where = f"layer {number} of {self.store.where}"
            with self.store.open(layer.name) as (read, size), file_errors():
                _add(merged, layer, read, size=size, where=where, allowance=allowance)
        return merged.view()


def paired(diff_ids: tuple[str, ...], count: int, *, where: str) -> None:
    """Insist on one layer for each diff id, and on no more than any engine mounts (127).

    Raises InputFault (E_IMAGE_DOCUMENT).
    """
    if len(diff_ids) == count > _MOST_LAYERS:
        raise InputFault(
            "E_IMAGE_DOCUMENT",
            f"{where} has {count} layers, more than {_MOST_LAYERS}",
            hint="Do not trust where this archive came from: no engine makes so many.",
        )
    if len(diff_ids) != count:
        raise InputFault(
            "E_IMAGE_DOCUMENT",
            f"{where} has {count} layers, but its configuration has {len(diff_ids)} diff ids",
            hint="Make the archive anew, and do not trust where this one came from.",
        )


def no_choice(problem: str, options: list[str], *, how: str) -> UsageFault:
    """Build the error for a target that names no image, or more than one."""
    listed = sorted(set(options))
    shown = "; ".join(ascii(option)[1:-1] for option in listed[:_LISTED])
    rest = f"; and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    there = f"; there are: {shown}{rest}" if listed else "; there are none"
    return UsageFault("E_IMAGE_CHOICE", f"{problem}{there}", hint=how)


class _Allowance:
    """Plain bytes that all layers of an image may have together."""

    def __init__(self, allowed: int, where: str) -> None:
        self._allowed = self._left = allowed
        self._where = where

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise over_limit("image_stream", self._allowed, self._where)


class _Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, read: Read, spend: Callable[[int], None] = lambda _size: None) -> None:
        self._read = read
        self._sum = hashlib.sha256()
        self._spend = spend
        self.size = 0

    def read(self, size: int) -> bytes:
        piece = self._read(size)
        self._sum.update(piece)
        self.size += len(piece)
        self._spend(len(piece))
        return piece

    @property
    def digest(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"


def _add(
    merged: MergedLayers, layer: LayerPart, read: Read, *, size: int, where: str, allowance: _Allowance
) -> None:
    if layer.stored.digest and size != layer.stored.size:
        check_blob(where, layer.name, size=size, digest="", claimed="", stated=layer.stored.size)
    head, read = peek(read)
    compression = told(head)
    stored = _Hashed(read)
    plain = _Hashed(
        decompressed(stored.read, compression, where=where) if compression else read, allowance.spend
    )
    merged.add(plain.read, where)
    if layer.stored.digest:
        digest = stored.digest if compression else plain.digest
        check_blob(where, layer.name, size=size, digest=digest, claimed=layer.stored.digest, stated=size)
    if plain.digest != layer.diff_id:
        raise InputFault(
            "E_LAYER_DIGEST",
            f"{where} has the plain digest {plain.digest}, but the configuration says {layer.diff_id}; "
            "nothing was kept of it",
            hint="Get the archive again, and check where it came from.",
        )
