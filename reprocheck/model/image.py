"""Identity of an image and facts about where it was read."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Digest, Value
from reprocheck.model.package import PackageType

SubjectKind = Literal["image", "container", "rootfs", "environment", "local", "document"]
"""`document`: what another tool wrote about a target that we did not see."""


class Image(Value, frozen=True, kw_only=True):
    """Identity that agrees through every source: ordered diff ids, platform and configuration.

    Its ENV is in `Manifest.environment` with origin `image`.
    """

    diff_ids: tuple[Digest, ...]
    """Uncompressed layer digests, bottom first (OCI image config `rootfs.diff_ids`)."""
    os: str
    architecture: str
    variant: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""


class StoredLayer(Value, frozen=True, kw_only=True):
    """A layer as an archive or a registry holds it."""

    digest: str
    """Of the stored bytes, `sha256:HEX`; '' where the format names layers otherwise."""
    media_type: str = ""
    size: Count = 0
    """Stored bytes."""


class Coverage(Value, frozen=True, kw_only=True):
    """What a document of another tool can tell. Anything else is unknown from it, never different."""

    format: str
    """In words: `a pip freeze list`."""
    scope: Literal["target", "environment"]
    """`environment`: one Python environment or conda prefix, of which there may be several."""
    types: tuple[PackageType, ...]
    """Package types that it lists, sorted."""
    facts: tuple[str, ...] = ()
    """What it tells beside names and versions, sorted: `os.id`, `packages.channel`, `host.gpus`, ..."""
    selected: bool = False
    """It lists some packages only: one that it does not name may be there."""
    omits: tuple[str, ...] = ()
    """Normalised names that it leaves out by design, sorted: pip itself, say."""


class Source(Value, frozen=True, kw_only=True):
    """Facts of the place that the target was read from; outside every digest."""

    kind: SubjectKind
    engine: str = ""
    """`docker 20.10.24`, '' when none was asked."""
    reference: str = ""
    """What the user typed, for people; never used to find an image again."""
    config_digest: Digest | None = None
    """The image id of Docker's classic store."""
    repo_digests: tuple[str, ...] = ()
    """`name@sha256:...`; empty when the image was never pushed or pulled."""
    reader: str = ""
    """`overlay`, `export`, `directory`, `archive`, `layout`, `probe`."""
    manifest_digest: Digest | None = None
    """Of the OCI or Docker manifest, where the source has one."""
    layers: tuple[StoredLayer, ...] = ()
    """As stored, bottom first."""
    missing: tuple[str, ...] = ()
    """What this kind of source cannot tell (`image configuration`), sorted: facts, not unknowns."""
    covers: Coverage | None = None
    """Only of a document; None where reprocheck itself looked."""


class OperatingSystem(Value, frozen=True, kw_only=True):
    """os-release(5)."""

    id: str
    version_id: str = ""
    name: str = ""
    codename: str = ""
    libc: str = ""
    """`glibc 2.36` or `musl 1.2.4`, '' when it could not be told."""
