"""OCI and Docker manifests, indexes and image configurations: strict, and one kind per document.

Shapes: OCI image-spec 1.1 (`manifest.md`, `image-index.md`, `config.md`, `descriptor.md`), Docker's "Image
Manifest V 2, Schema 2". A document that reads as a manifest and as an index at once is refused: two readers
would see two images (CVE-2021-41190, GO-2024-2914).
"""

from __future__ import annotations

import platform
import re
from typing import NoReturn

from reprocheck import strictjson
from reprocheck.engine.docker_document import Document, mapping, objects, pairs, text, texts
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.image import Image

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_LAYER = re.compile(
    r"application/vnd\.oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?"
    r"|application/vnd\.docker\.image\.rootfs\.(diff|foreign\.diff)\.tar(\.gzip|\.zstd)?"
)
_OTHERS = {
    "manifest": ("manifests", "fsLayers", "blobs"),
    "index": ("config", "layers", "fsLayers", "blobs"),
}
_MACHINES = {
    "aarch64": "arm64",
    "armv6l": "arm",
    "armv7l": "arm",
    "i386": "386",
    "i686": "386",
    "loongarch64": "loong64",
    "x86_64": "amd64",
}


class Descriptor(Frozen, frozen=True, kw_only=True):
    """What a document says of another blob."""

    media_type: str
    digest: str
    size: int
    names: tuple[str, ...] = ()
    """Its name in an index, and its full reference where containerd wrote one."""
    platform: str = ""
    """`linux/amd64`, `linux/arm64/v8`; '' when it is not said."""


class ImageManifest(Frozen, frozen=True, kw_only=True):
    """The parts of one image."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    """Bottom first."""


class Configuration(Frozen, frozen=True, kw_only=True):
    """What an image configuration says: its identity, and ENV sorted by name."""

    image: Image
    environment: tuple[tuple[str, str], ...]


def machine_platform() -> str:
    """Say what images run here without emulation, `linux/amd64`."""
    machine = platform.machine().lower()
    return f"linux/{_MACHINES.get(machine, machine)}"


def parse_index(raw: bytes, *, media_type: str, where: str, limits: Limits) -> tuple[Descriptor, ...]:
    """Read an index; attestations, which belong to an image beside them, are left out.

    `media_type` is what led here, '' for the `index.json` of a layout. Raises InputFault (E_IMAGE_DOCUMENT,
    E_JSON, E_TOO_LARGE).
    """
    document = _document(raw, kind="index", media_type=media_type, where=where, limits=limits)
    found = document.get("manifests")
    if not isinstance(found, list):
        _fault(where, "has no list 'manifests'")
    return tuple(
        _descriptor(item, f"{where}, manifests[{number}]")
        for number, item in enumerate(found)
        if text(mapping(item, "annotations"), "vnd.docker.reference.type") != "attestation-manifest"
    )


def parse_manifest(raw: bytes, *, media_type: str, where: str, limits: Limits) -> ImageManifest:
    """Read the manifest of one image. Raises InputFault (E_IMAGE_DOCUMENT, E_JSON, E_TOO_LARGE)."""
    document = _document(raw, kind="manifest", media_type=media_type, where=where, limits=limits)
    config = _descriptor(document.get("config"), f"{where}, config")
    if config.media_type not in CONFIGS:
        _fault(where, f"is of no container image, but of {config.media_type[:100]!a}")
    listed = document.get("layers")
    if not isinstance(listed, list):
        _fault(where, "has no list 'layers'")
    layers = tuple(_descriptor(item, f"{where}, layers[{i}]") for i, item in enumerate(listed))
    for layer in layers:
        if not _LAYER.fullmatch(layer.media_type):
            _fault(where, f"has a layer of the type {layer.media_type[:100]!a}, which cannot be merged")
    return ImageManifest(config=config, layers=layers)


def parse_configuration(raw: bytes, *, where: str, limits: Limits) -> Configuration:
    """Read an image configuration. Raises InputFault (E_IMAGE_DOCUMENT, E_JSON, E_TOO_LARGE)."""
    document = _loaded(raw, where, limits)
    rootfs = mapping(document, "rootfs")
    listed = rootfs.get("diff_ids")
    if text(rootfs, "type") != "layers" or not isinstance(listed, list):
        _fault(where, "has no 'rootfs' with 'diff_ids', so it is no image configuration")
    diff_ids = tuple(item for item in listed if isinstance(item, str) and DIGEST.fullmatch(item))
    if len(diff_ids) != len(listed):
        _fault(where, "has a diff id that is no sha256 digest")
    if not text(document, "os") or not text(document, "architecture"):
        _fault(where, "names no platform")
    config = mapping(document, "config")
    return Configuration(
        image=Image(
            diff_ids=diff_ids,
            os=text(document, "os"),
            architecture=text(document, "architecture"),
            variant=text(document, "variant"),
            entrypoint=texts(config, "Entrypoint"),
            command=texts(config, "Cmd"),
            working_dir=text(config, "WorkingDir"),
            user=text(config, "User"),
        ),
        environment=pairs(texts(config, "Env")),
    )


def parse_saved(raw: bytes, *, where: str, limits: Limits) -> tuple[Document, ...]:
    """Read the `manifest.json` of `docker save`: a list of objects. Raises InputFault."""
    document = strictjson.loads(raw, where=where, limits=limits, bounded_strings=False)
    if not isinstance(document, list) or not document:
        _fault(where, "is not the list that `docker save` writes")
    rows = objects({"": document}, "")
    if len(rows) != len(document):
        _fault(where, "holds something that is no object")
    return rows


def _document(raw: bytes, *, kind: str, media_type: str, where: str, limits: Limits) -> Document:
    document = _loaded(raw, where, limits)
    if document.get("schemaVersion") != 2:
        _fault(where, "is of another schema version than 2")
    known, a_kind = (INDEXES, "an index") if kind == "index" else (MANIFESTS, "a manifest")
    stated = document.get("mediaType")
    if stated is not None and not (isinstance(stated, str) and stated in known):
        _fault(where, f"says that it is {str(stated)[:100]!a}, where {a_kind} must be")
    if media_type and stated is not None and stated != media_type:
        _fault(where, f"says that it is {stated}, but was announced as {media_type}")
    keys = {key.lower() for key in document}  # Go's JSON, with which engines read, ignores case
    if len(keys) != len(document):
        _fault(where, "is ambiguous: it has keys that differ in case only")
    for key in _OTHERS[kind]:
        if key.lower() in keys:
            _fault(where, f"is ambiguous: {a_kind} has no {key!r}")
    return document


def _loaded(raw: bytes, where: str, limits: Limits) -> Document:
    document = strictjson.loads(raw, where=where, limits=limits, bounded_strings=False)
    if not isinstance(document, dict):
        _fault(where, "is no JSON object")
    return document


def _descriptor(item: object, where: str) -> Descriptor:
    document = mapping(item)
    digest, size, media_type = document.get("digest"), document.get("size"), text(document, "mediaType")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        _fault(where, "has no sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        _fault(where, "has no size")
    if not media_type:
        _fault(where, "has no media type")
    annotations, stated = mapping(document, "annotations"), mapping(document, "platform")
    names = (
        text(annotations, "org.opencontainers.image.ref.name"),
        text(annotations, "io.containerd.image.name"),
    )
    parts = (text(stated, "os"), text(stated, "architecture"), text(stated, "variant"))
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        names=tuple(dict.fromkeys(name for name in names if name)),
        platform="/".join(part for part in parts if part),
    )


def _fault(where: str, what: str) -> NoReturn:
    raise InputFault(
        "E_IMAGE_DOCUMENT",
        f"{where} {what}",
        hint="Make the archive anew, and do not trust where this one came from.",
    )
