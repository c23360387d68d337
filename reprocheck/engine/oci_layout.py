"""Choosing one image of an OCI layout: by name, by digest, by this machine's platform.

Shape: OCI image-spec 1.1 `image-layout.md`; names as skopeo, podman and containerd write them.
"""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck import strictjson
from reprocheck.engine.docker_document import mapping, text
from reprocheck.engine.oci_image import LayerPart, StoredImage, no_choice, paired
from reprocheck.engine.oci_manifests import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageManifest,
    machine_platform,
    parse_configuration,
    parse_index,
    parse_manifest,
)
from reprocheck.engine.oci_store import Store, blob_name, read_blob, read_part
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, replace
from reprocheck.model.image import Source, StoredLayer

_DEPTH = 4
_DOCUMENTS = 1_000
_HOW = "Name one behind the path: PATH:NAME, or PATH@sha256:DIGEST."
_HUB = ("docker.io/library/", "docker.io/")


class Choice(Frozen, frozen=True, kw_only=True):
    """What the user said of the image beside the path; '' is nothing."""

    name: str = ""
    digest: str = ""


class _Candidate(Frozen, frozen=True, kw_only=True):
    """A manifest, and the digests of the indexes that lead to it."""

    manifest: Descriptor
    above: tuple[str, ...]


def open_layout(store: Store, choice: Choice, *, source: Source, limits: Limits) -> StoredImage:
    """Find the image and verify manifest and configuration.

    Raises UsageFault (E_IMAGE_CHOICE, which lists what is there), InputFault (E_IMAGE_DOCUMENT,
    E_BLOB_MISSING, E_BLOB_DIGEST, E_JSON, E_TOO_LARGE).
    """
    _check_version(store, limits)
    raw = read_part(store, "index.json", limits=limits)
    top = parse_index(raw, media_type="", where=f"index.json of {store.where}", limits=limits)
    found = _choose(store, top, choice, limits)
    manifest = _manifest(store, found, limits)
    configuration = parse_configuration(
        read_blob(store, manifest.config, limits=limits),
        where=f"the configuration {manifest.config.digest} of {store.where}",
        limits=limits,
    )
    diff_ids = configuration.image.diff_ids
    paired(diff_ids, len(manifest.layers), where=f"the manifest {found.digest} of {store.where}")
    layers = tuple(
        StoredLayer(digest=layer.digest, media_type=layer.media_type, size=layer.size)
        for layer in manifest.layers
    )
    return StoredImage(
        store=store,
        image=configuration.image,
        environment=configuration.environment,
        source=_described(source, found.digest, manifest, layers),
        layers=tuple(
            LayerPart(name=blob_name(layer.digest), diff_id=diff_id, stored=layer)
            for layer, diff_id in zip(layers, diff_ids, strict=True)
        ),
    )


def _described(
    source: Source, digest: str, manifest: ImageManifest, layers: tuple[StoredLayer, ...]
) -> Source:
    return Source(
        kind=source.kind,
        reference=source.reference,
        reader=source.reader,
        config_digest=manifest.config.digest,
        manifest_digest=digest,
        layers=layers,
    )


def _check_version(store: Store, limits: Limits) -> None:
    where = f"oci-layout of {store.where}"
    document = strictjson.loads(read_part(store, "oci-layout", limits=limits), where=where, limits=limits)
    version = text(mapping(document), "imageLayoutVersion")
    if version != "1.0.0":
        raise InputFault(
            "E_IMAGE_DOCUMENT",
            f"{where} is of version {version[:40]!a}, and only 1.0.0 is known",
            hint="Copy it with skopeo into a layout of that version.",
        )


def _choose(store: Store, top: tuple[Descriptor, ...], choice: Choice, limits: Limits) -> Descriptor:
    if choice.name:
        named = tuple(descriptor for descriptor in top if _is_called(descriptor, choice.name))
        if not named:
            raise no_choice(
                f"{store.where} has no image {choice.name!a}", [_label(one) for one in top], how=_HOW
            )
        top = named
    elif not choice.digest and len({one.names for one in top}) > 1 and len({one.digest for one in top}) > 1:
        raise no_choice(
            f"{store.where} holds images of several names", [_label(one) for one in top], how=_HOW
        )
    candidates = list(_candidates(store, top, limits))
    if choice.digest:
        candidates = [one for one in candidates if choice.digest in (one.manifest.digest, *one.above)]
    manifests = list({one.manifest.digest: one.manifest for one in candidates}.values())
    if len(manifests) == 1:
        return manifests[0]
    if not manifests:
        wanted = f"no image {choice.digest}" if choice.digest else "no image"
        raise no_choice(f"{store.where} has {wanted}", [_label(one) for one in top], how=_HOW)
    manifests = [_with_platform(store, one, limits) for one in manifests]
    here = machine_platform()
    fitting = [one for one in manifests if one.platform == here or one.platform.startswith(f"{here}/")]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"holds several images for {here}" if fitting else f"holds several images, none for {here}"
    raise no_choice(
        f"{store.where} {problem}",
        [_label(one) for one in fitting or manifests],
        how="Name one by its digest: PATH@sha256:DIGEST.",
    )


def _candidates(store: Store, top: tuple[Descriptor, ...], limits: Limits) -> Iterator[_Candidate]:
    """Give every image manifest that the descriptors lead to; other artifacts are left out."""
    stack: list[tuple[Descriptor, tuple[str, ...]]] = [(one, ()) for one in reversed(top)]
    documents = 0
    while stack:
        descriptor, above = stack.pop()
        documents += 1
        if len(above) >= _DEPTH or documents > _DOCUMENTS:
            raise InputFault(
                "E_IMAGE_DOCUMENT",
                f"index.json of {store.where} leads through more than {_DEPTH} indexes, or to more than "
                f"{_DOCUMENTS} documents",
                hint="Do not trust where this archive came from.",
            )
        if descriptor.media_type in MANIFESTS:
            yield _Candidate(manifest=descriptor, above=above)
        elif descriptor.media_type in INDEXES:
            below = parse_index(
                read_blob(store, descriptor, limits=limits),
                media_type=descriptor.media_type,
                where=f"the index {descriptor.digest} of {store.where}",
                limits=limits,
            )
            deeper = (*above, descriptor.digest)
            stack.extend(
                (replace(one, names=one.names or descriptor.names), deeper) for one in reversed(below)
            )


def _manifest(store: Store, descriptor: Descriptor, limits: Limits) -> ImageManifest:
    return parse_manifest(
        read_blob(store, descriptor, limits=limits),
        media_type=descriptor.media_type,
        where=f"the manifest {descriptor.digest} of {store.where}",
        limits=limits,
    )


def _with_platform(store: Store, descriptor: Descriptor, limits: Limits) -> Descriptor:
    """Ask the configuration where the index does not say for what machine an image is."""
    if descriptor.platform:
        return descriptor
    config = _manifest(store, descriptor, limits).config
    image = parse_configuration(
        read_blob(store, config, limits=limits),
        where=f"the configuration {config.digest} of {store.where}",
        limits=limits,
    ).image
    parts = (image.os, image.architecture, image.variant)
    return replace(descriptor, platform="/".join(part for part in parts if part))


def _is_called(descriptor: Descriptor, name: str) -> bool:
    return any(name == known or any(known == f"{hub}{name}" for hub in _HUB) for known in descriptor.names)


def _label(descriptor: Descriptor) -> str:
    name = descriptor.names[-1] if descriptor.names else ""
    return " ".join(part for part in (name, descriptor.platform, f"@{descriptor.digest}") if part)
