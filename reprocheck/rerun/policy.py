"""What the reader of a manifest allows and changes. A manifest can ask for nothing of this."""

from __future__ import annotations

from reprocheck.model.base import Frozen
from reprocheck.model.run import Tolerance
from reprocheck.model.verdict import Relaxation
from reprocheck.ports import Plan


class Policy(Frozen, frozen=True, kw_only=True):
    """The reader's flags. Every one that is used stands beside the verdict as a `Relaxation`."""

    env: tuple[tuple[str, str], ...] = ()
    """`--env NAME=VALUE`: sets or overrides."""
    secret_env: frozenset[str] = frozenset()
    """Those of `env` whose values must not be shown anywhere."""
    unset: tuple[str, ...] = ()
    """Variables of the recorded run to leave out."""
    allow_env: tuple[str, ...] = ()
    """Names that a foreign manifest may set although they steer the loader, the GPU or the network."""
    allow_network: bool = False
    gpus: str = ""
    """A `--gpus` request, '' for none."""
    nano_cpus: int | None = None
    memory_bytes: int | None = None
    shm_bytes: int | None = None
    seconds: int | None = None
    read_only_root: bool = False
    user: str | None = None
    """Run as another user than the recorded one."""
    foreign: bool = False
    """The manifest's digest was not written by this user's state directory."""
    tolerance: Tolerance | None = None
    """The reader's own tolerance, never the author's."""


class SuppliedInput(Frozen, frozen=True, kw_only=True):
    """An input that the reader hands in (`--input PATH=HOST`)."""

    path: str
    """Where the recorded run saw it."""
    source: str
    """Where it lies on this machine."""
    sha256: str
    """Its tree digest, computed now."""


class PlanLine(Frozen, frozen=True, kw_only=True):
    """One fact of what will run, for people."""

    label: str
    value: str


class PlannedVerification(Frozen, frozen=True, kw_only=True):
    """A plan that the policy allows, what it deviates in, and how it reads."""

    plan: Plan
    relaxations: tuple[Relaxation, ...]
    lines: tuple[PlanLine, ...]
