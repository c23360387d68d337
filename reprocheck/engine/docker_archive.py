"""Choosing one image of a `docker save` archive.

Shapes: a directory for each layer until Docker 24 (moby `image/spec/v1.2.md`), `blobs/sha256/` since Docker
25, and links from one layer to another as podman and skopeo write them. `manifest.json` leads in all of them.
"""

from __future__ import annotations

import re

from reprocheck.engine.docker_document import Document, mapping, text, texts
from reprocheck.engine.oci_image import LayerPart, StoredImage, no_choice, paired
from reprocheck.engine.oci_layout import Choice
from reprocheck.engine.oci_manifests import parse_configuration, parse_saved
from reprocheck.engine.oci_store import Store, check_blob, digest_of, read_part
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.image import Source, StoredLayer

_CONFIG = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_SHORT_ID = re.compile(r"[0-9a-f]{12,64}")


class _Saved(Frozen, frozen=True, kw_only=True):
    """One row of `manifest.json`."""

    config: str
    """Name of the configuration in the archive."""
    tags: tuple[str, ...]
    layers: tuple[str, ...]
    """Names of the layers, bottom first."""
    sources: Document
    """Media types of blobs by diff id (`LayerSources`), where they were written."""

    @property
    def id(self) -> str:
        """What the name of the configuration claims as its digest, '' for nothing."""
        match = _CONFIG.fullmatch(self.config)
        return match.group(1) if match else ""

    @property
    def label(self) -> str:
        return ", ".join(self.tags) or (f"sha256:{self.id}" if self.id else self.config)


def open_saved(store: Store, choice: Choice, *, source: Source, limits: Limits) -> StoredImage:
    """Find the image and verify its configuration.

    Raises UsageFault (E_IMAGE_CHOICE, which lists what is there), InputFault (E_IMAGE_DOCUMENT,
    E_BLOB_MISSING, E_BLOB_DIGEST, E_JSON, E_TOO_LARGE).
    """
    where = f"manifest.json of {store.where}"
    rows = parse_saved(read_part(store, "manifest.json", limits=limits), where=where, limits=limits)
    saved = _choose(store, [_saved(row, where) for row in rows], choice)
    raw = read_part(store, saved.config, limits=limits)
    digest = digest_of(raw)
    if saved.id:
        check_blob(
            store.where,
            saved.config,
            size=len(raw),
            stated=len(raw),
            digest=digest,
            claimed=f"sha256:{saved.id}",
        )
    name = f"the configuration {saved.config[:200]!a} of {store.where}"
    configuration = parse_configuration(raw, where=name, limits=limits)
    diff_ids = configuration.image.diff_ids
    paired(diff_ids, len(saved.layers), where=where)
    layers = tuple(
        LayerPart(name=layer, diff_id=diff_id, stored=_stored(store, saved, layer, diff_id))
        for layer, diff_id in zip(saved.layers, diff_ids, strict=True)
    )
    return StoredImage(
        store=store,
        image=configuration.image,
        environment=configuration.environment,
        source=Source(
            kind=source.kind,
            reference=source.reference,
            reader=source.reader,
            config_digest=digest,
            layers=tuple(layer.stored for layer in layers),
        ),
        layers=layers,
    )


def _saved(row: Document, where: str) -> _Saved:
    config, layers = text(row, "Config"), texts(row, "Layers")
    listed = row.get("Layers")
    if not config or (isinstance(listed, list) and len(listed) != len(layers)):
        raise InputFault(
            "E_IMAGE_DOCUMENT",
            f"{where} has an entry without a configuration, or with layers that are no names",
            hint="Make the archive anew with `docker save`.",
        )
    return _Saved(
        config=config, tags=texts(row, "RepoTags"), layers=layers, sources=mapping(row, "LayerSources")
    )


def _choose(store: Store, rows: list[_Saved], choice: Choice) -> _Saved:
    how = "Name one behind the path: FILE:NAME, or FILE:IMAGE_ID."
    wanted = choice.name or choice.digest
    fitting = [row for row in rows if _is_called(row, wanted)] if wanted else rows
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        problem = f"{store.where} has no image {wanted!a}"
    else:
        problem = f"{store.where} holds {len(fitting)} images" + (f" called {wanted!a}" if wanted else "")
    raise no_choice(problem, [row.label for row in fitting or rows], how=how)


def _is_called(row: _Saved, name: str) -> bool:
    if row.id and _SHORT_ID.fullmatch(short := name.removeprefix("sha256:")) and row.id.startswith(short):
        return True
    known = (name, f"{name}:latest", f"docker.io/library/{name}", f"docker.io/{name}", f"localhost/{name}")
    return any(tag in known for tag in row.tags)


def _stored(store: Store, saved: _Saved, name: str, diff_id: str) -> StoredLayer:
    """Describe a layer as the archive does; only a blob's name claims a digest of the stored bytes."""
    with store.open(name) as (_, size):
        blob = _BLOB.fullmatch(name)
    return StoredLayer(
        digest=f"sha256:{blob.group(1)}" if blob else "",
        media_type=text(mapping(saved.sources, diff_id), "mediaType"),
        size=size,
    )
