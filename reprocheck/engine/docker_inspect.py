"""Facts that an engine tells about an image or a container, without starting anything.

Source of the shapes: Docker Engine API 1.41, `ImageInspect` and `ContainerInspect`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from reprocheck.engine.docker_document import (
    Document,
    bare_names,
    flag,
    mapping,
    objects,
    pairs,
    text,
    texts,
    whole,
)
from reprocheck.engine.docker_errors import cleaned, image_not_found, translated
from reprocheck.engine.docker_settings import (
    HostMount,
    host_mounts,
    milliseconds_of,
    network_of,
    overlay_layers,
    privileged_of,
    resources_of,
)
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.podman import is_own_variable
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.model.base import Frozen
from reprocheck.model.image import Image, Source
from reprocheck.model.run import Resources

if TYPE_CHECKING:
    from docker import APIClient

RecordedName = Callable[[str, str], str]
"""How a manifest spells the name of a variable with this name and value."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,511}")
_CONTAINER = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_NEVER = "0001-01-01T00:00:00Z"


class ImageFacts(Frozen, frozen=True, kw_only=True):
    """An image on an engine."""

    id: str
    """What this engine calls it; the name to create containers from it here and nowhere else."""
    image: Image
    source: Source
    environment: tuple[tuple[str, str], ...]
    """ENV, sorted by name."""
    layers: tuple[str, ...]
    """Overlay directories on the engine's machine, lowest first; () with another storage driver."""
    size: int
    """Bytes of all layers."""


class ContainerFacts(Frozen, frozen=True, kw_only=True):
    """A container that somebody started (or only created)."""

    id: str
    source: Source
    image: ImageFacts
    """The image that it was created from."""
    running: bool
    exit_code: int | None
    """None while it runs and before it was ever started."""
    oom_killed: bool
    """Whether the program ended by the memory limit: the engine's flag and exit code 137."""
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    """Effective, sorted by name."""
    unset: tuple[str, ...]
    """Names that were taken away from what the image declares, sorted."""
    working_dir: str
    user: str
    network: Literal["none", "bridge", "unknown"]
    resources: Resources
    mounts: tuple[HostMount, ...]
    """Sorted by target."""
    layers: tuple[str, ...]
    """As of the image, the writable layer last."""
    privileged: bool
    """It had more than a plain container has: see `privileged_of`."""
    duration_ms: int
    """From start to end; 0 while it runs and before it was ever started."""


def engine_name(client: APIClient) -> str:
    """Name the engine with its version, `docker 20.10.24` or `podman 4.3.1`."""
    with translated("asking for its version"):
        document = mapping(client.version())
    names = " ".join(text(component, "Name") for component in objects(document, "Components"))
    kind = "podman" if "podman" in names.lower() else "docker"
    version = text(document, "Version").partition("+")[0]  # Debian appends its own build: 20.10.24+dfsg1
    return cleaned(f"{kind} {version}").strip()


def classify(client: APIClient, reference: str) -> Literal["image", "container"]:
    """Tell what a bare reference names on this engine.

    Raises UsageFault (E_AMBIGUOUS_TARGET) when it names both, CouldNotRun (E_IMAGE_NOT_FOUND) when neither.
    """
    image = _image_document(client, reference) is not None
    container = _container_document(client, reference) is not None
    if image and container:
        name = cleaned(reference)
        raise UsageFault(
            "E_AMBIGUOUS_TARGET",
            f"{name!r} names an image and a container",
            hint=f"Say which: docker:image:{name} or docker:container:{name}.",
        )
    if not image and not container:
        tool = engine_name(client).partition(" ")[0]
        raise CouldNotRun(
            "E_IMAGE_NOT_FOUND",
            f"the engine has neither an image nor a container {cleaned(reference)!r}",
            hint=f"See `{tool} images` and `{tool} ps --all`, or get it: {tool} pull {cleaned(reference)} "
            "(reprocheck never pulls).",
        )
    return "image" if image else "container"


def inspect_image(client: APIClient, reference: str) -> ImageFacts:
    """Read the facts of an image named by tag, digest or id. Raises CouldNotRun (E_IMAGE_NOT_FOUND, ...)."""
    document = _image_document(client, reference)
    if document is None:
        raise image_not_found(reference)
    return _image_facts(document, reference=reference, engine=engine_name(client))


def inspect_container(client: APIClient, reference: str) -> ContainerFacts:
    """Read the facts of a container named by name or id.

    Raises CouldNotRun: E_CONTAINER_NOT_FOUND, E_IMAGE_NOT_FOUND when its image was removed by force.
    """
    document = _container_document(client, reference)
    if document is None:
        raise CouldNotRun(
            "E_CONTAINER_NOT_FOUND",
            f"the engine has no container {cleaned(reference)!r}",
            hint="See `docker ps --all`.",
        )
    image = inspect_image(client, text(document, "Image"))
    config, state = mapping(document, "Config"), mapping(document, "State")
    running = flag(state, "Running")
    started = text(state, "StartedAt") not in ("", _NEVER)
    code = whole(state, "ExitCode")
    return ContainerFacts(
        id=text(document, "Id"),
        source=Source(
            kind="container",
            engine=image.source.engine,
            reference=reference,
            config_digest=image.source.config_digest,
            repo_digests=image.source.repo_digests,
        ),
        image=image,
        running=running,
        exit_code=code if started and not running else None,
        # The flag is of the whole container and stays set (moby#43564): a helper killed for memory is not the
        # program's end.
        oom_killed=flag(state, "OOMKilled") and code == 137 and not running,
        argv=(text(document, "Path"), *texts(document, "Args")),
        environment=_container_environment(config, image),
        unset=tuple(name for name in bare_names(texts(config, "Env")) if name in dict(image.environment)),
        working_dir=text(config, "WorkingDir"),
        user=text(config, "User"),
        network=network_of(document),
        resources=resources_of(document),
        mounts=host_mounts(document),
        layers=overlay_layers(document),
        privileged=privileged_of(document),
        duration_ms=0 if running else milliseconds_of(state),
    )


def _container_environment(config: Document, image: ImageFacts) -> tuple[tuple[str, str], ...]:
    environment = pairs(texts(config, "Env"))
    if not image.source.engine.startswith("podman"):
        return environment
    return tuple(
        pair for pair in environment if pair in image.environment or not is_own_variable(*pair, config)
    )


def find_image(
    client: APIClient,
    *,
    image: Image,
    config_digest: str | None,
    environment: Iterable[tuple[str, str | None]],
    recorded_name: RecordedName = lambda name, _value: name,
) -> ImageFacts | None:
    """Find the recorded image on this engine, None when it is not there.

    The config digest is tried first, then every local image: what counts is the identity (layers, platform,
    configuration, ENV); a tag is never trusted. A value of None in `environment` was not recorded, so only
    the name is compared. `recorded_name` tells how a manifest spells the name of a variable. Ids are tried in
    sorted order.
    """
    wanted = dict(environment)
    engine = engine_name(client)
    if config_digest is not None and _DIGEST.fullmatch(config_digest):
        document = _image_document(client, config_digest)
        if document is not None:
            facts = _image_facts(document, reference=config_digest, engine=engine)
            if _same(facts, image, wanted, recorded_name):
                return facts
    with translated("listing images"):
        listed = client.images(quiet=True)
    for identifier in sorted({item for item in listed if isinstance(item, str)}):
        document = _image_document(client, identifier)
        if document is None or texts(mapping(document, "RootFS"), "Layers") != image.diff_ids:
            continue
        facts = _image_facts(document, reference=identifier, engine=engine)
        if _same(facts, image, wanted, recorded_name):
            return facts
    return None


def _same(
    facts: ImageFacts, image: Image, environment: Mapping[str, str | None], recorded_name: RecordedName
) -> bool:
    if facts.image != image or not image.diff_ids:
        return False
    found = {recorded_name(name, value): value for name, value in facts.environment}
    return found.keys() == environment.keys() and all(
        value is None or found[name] == value for name, value in environment.items()
    )


def _image_document(client: APIClient, reference: str) -> Document | None:
    if not _IMAGE.fullmatch(reference) or ".." in reference or "//" in reference:
        return None
    try:
        with translated("looking for the image"):
            return document_at(client, f"/images/{quote(reference, safe='/:@')}/json")
    except CouldNotRun as error:
        if error.code in ("E_IMAGE_NOT_FOUND", "E_CONTAINER_NOT_FOUND") or _malformed(error):
            return None
        raise


def _malformed(error: CouldNotRun) -> bool:
    return error.code == "E_ENGINE_REFUSED" and "invalid reference format" in error.message


def _container_document(client: APIClient, reference: str) -> Document | None:
    if not _CONTAINER.fullmatch(reference):
        return None
    try:
        with translated("looking for the container"):
            return document_at(client, f"/containers/{quote(reference.removeprefix('/'))}/json")
    except CouldNotRun as error:
        if error.code == "E_CONTAINER_NOT_FOUND":
            return None
        raise


def _image_facts(document: Document, *, reference: str, engine: str) -> ImageFacts:
    config = mapping(document, "Config")
    identifier = text(document, "Id")
    # With containerd's image store the id is the manifest's digest, and `Descriptor` says so.
    descriptor = text(mapping(document, "Descriptor"), "digest")
    classic = _DIGEST.fullmatch(identifier) is not None and identifier != descriptor
    diff_ids = texts(mapping(document, "RootFS"), "Layers")
    return ImageFacts(
        id=identifier,
        image=Image(
            diff_ids=tuple(digest for digest in diff_ids if _DIGEST.fullmatch(digest)),
            os=text(document, "Os"),
            architecture=text(document, "Architecture"),
            variant=text(document, "Variant"),
            entrypoint=texts(config, "Entrypoint"),
            command=texts(config, "Cmd"),
            working_dir=text(config, "WorkingDir"),
            user=text(config, "User"),
        ),
        source=Source(
            kind="image",
            engine=engine,
            reference=reference,
            config_digest=identifier if classic else None,
            # Podman gives one to what was never pushed too, under a registry that does not exist.
            repo_digests=tuple(
                sorted(name for name in texts(document, "RepoDigests") if not name.startswith("localhost/"))
            ),
        ),
        environment=pairs(texts(config, "Env")),
        layers=overlay_layers(document),
        size=max(0, whole(document, "Size")),
    )
