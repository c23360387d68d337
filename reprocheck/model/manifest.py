"""The manifest: one environment, and optionally one run in it."""

from __future__ import annotations

from reprocheck.model.base import Count, Digest, Stamped, Value
from reprocheck.model.context import DataSet, HubRepository, Job, Label, Repository
from reprocheck.model.environment import Variable
from reprocheck.model.host import Host
from reprocheck.model.image import Image, OperatingSystem, Source
from reprocheck.model.integrity import Integrity
from reprocheck.model.loaded import Loaded
from reprocheck.model.package import (
    Framework,
    LinkNeed,
    LoaderChoice,
    NativeLibrary,
    Package,
    PythonEnvironment,
    Remnant,
    WheelFile,
)
from reprocheck.model.run import RunRecord
from reprocheck.model.unknown import Unknown

MANIFEST_VERSION = "1.1"


class Tool(Value, frozen=True, kw_only=True):
    """A program that took part in the observation."""

    name: str
    version: str
    """'' when it is absent."""


class Disagreement(Value, frozen=True, kw_only=True):
    """Two readers saw the same thing differently; both answers stay."""

    subject: str
    """purl without version, or the name."""
    ours: str
    """Version that our own reader saw, '' when it saw none."""
    theirs: str
    """Version that the other tool saw, '' when it saw none."""
    tool: str
    reason: str = ""


class Observation(Value, frozen=True, kw_only=True):
    """The act of observing; outside every digest."""

    tools: tuple[Tool, ...]
    disagreements: tuple[Disagreement, ...] = ()
    notes: tuple[str, ...] = ()
    duration_ms: Count | None = None
    """Wall time of the recorded run."""
    recorded_at: str = ""
    """RFC 3339 UTC, only with `--timings`."""


class Digests(Value, frozen=True, kw_only=True):
    """SHA-256 over RFC 8785 canonical bytes."""

    content: Digest
    """What the files hold: system, packages, interpreters, libraries. The same through every source of one
    image, an unpacked root file system included."""
    manifest: Digest
    """Everything but `source`, `observation` and `digests`. Detects accident, not an attacker."""
    identity: Digest | None = None
    """Diff ids, platform, Env, Cmd, Entrypoint, WorkingDir and User; None where there is no image."""


class UnknownField(Value, frozen=True, kw_only=True):
    """A field of a newer minor schema version, carried through a round trip."""

    path: tuple[str | int, ...]
    json: str
    """Canonical JSON text of its value."""


class Manifest(Stamped, frozen=True, kw_only=True):
    """Everything that was seen, and what was not."""

    digests: Digests | None
    """None until the codec seals the manifest."""
    image: Image | None
    os: OperatingSystem | None
    packages: tuple[Package, ...]
    pythons: tuple[PythonEnvironment, ...]
    libraries: tuple[NativeLibrary, ...]
    environment: tuple[Variable, ...]
    host: Host | None
    run: RunRecord | None
    unknowns: tuple[Unknown, ...]
    source: Source
    observation: Observation
    shadowed: tuple[Package, ...] = ()
    """Python distributions that an environment holds and does not import: an earlier directory of its search
    path holds the same project. `packages` is what package managers list."""
    wheels: tuple[WheelFile, ...] = ()
    """Wheel files that lie about and are not installed."""
    remnants: tuple[Remnant, ...] = ()
    """Metadata that describes no installed distribution."""
    frameworks: tuple[Framework, ...] = ()
    loading: tuple[LoaderChoice, ...] = ()
    """Depends on the target's LD_LIBRARY_PATH, so outside the content digest."""
    linking: tuple[LinkNeed, ...] = ()
    """Sorted by owner, SONAME, version and consumer; outside the content digest like `loading`."""
    hub: tuple[HubRepository, ...] = ()
    """Models and data sets in download caches."""
    integrity: Integrity | None = None
    """Only with `--integrity`."""
    code: tuple[Repository, ...] = ()
    data: tuple[DataSet, ...] = ()
    labels: tuple[Label, ...] = ()
    job: Job | None = None
    loaded: Loaded | None = None
    """Only with `run --observe` or `snapshot --probe`."""
    private: bool = False
    """Made with `--env-values all`: not for publication."""
    unknown_fields: tuple[UnknownField, ...] = ()
    """Never a member of the JSON document itself; the codec puts the fields back where they stood."""

    @property
    def every_package(self) -> tuple[Package, ...]:
        """Packages and the shadowed distributions beside them."""
        return (*self.packages, *self.shadowed)
