"""A recorded run: what was started, what went in, what came out."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Digest, Name, Sha256, Value

EngineKind = Literal["docker", "local"]


class Resources(Value, frozen=True, kw_only=True):
    """Limits in force. None means that none was set."""

    nano_cpus: Count | None = None
    memory_bytes: Count | None = None
    shm_bytes: Count | None = None
    gpus: str = ""
    """The `--gpus` request (`all`, `2`, `device=0`), '' for none."""


class Input(Value, frozen=True, kw_only=True):
    """Code or data handed in. Where it lay on the host is not recorded."""

    path: Name
    """Path inside the container (or in the workspace of the local engine)."""
    kind: Literal["file", "directory"]
    files: Count
    bytes: Count
    sha256: Sha256 | None
    """Tree digest (see `artifacts.tree`); None when it could not be read."""
    writable: bool = False
    """The recorded run could write it, so its state before the run is not proved."""


class TensorDigest(Value, frozen=True, kw_only=True):
    """One named array of an output."""

    name: str
    dtype: str
    shape: tuple[Count, ...]
    sha256: Sha256
    """Over the elements in C order, little-endian."""


class NamedNumber(Value, frozen=True, kw_only=True):
    """One number or scalar of an output such as metrics.json."""

    key: str
    """RFC 6901 JSON Pointer, or `column[row]` for tables."""
    value: str
    """The number as Python's repr writes it; numbers are kept as text, since the manifest holds no floats."""


class Output(Value, frozen=True, kw_only=True):
    """One output file."""

    name: Name
    """Absolute path in the container, or relative path in the workspace of the local engine."""
    size: Count
    sha256: Sha256
    format: str
    """`raw`, `json`, `safetensors`, `npy`, `npz`, `torch`, `csv`, ..."""
    content: Digest | None = None
    """Canonical content digest: equal content in other bytes agrees here. None for raw files."""
    structure: Digest | None = None
    """`content` without numbers and tensor elements: a tolerance applies only where this agrees."""
    tensors: tuple[TensorDigest, ...] = ()
    numbers: tuple[NamedNumber, ...] = ()
    note: str = ""
    """Why there is no content digest, when the format should have one."""
    ignored_keys: tuple[str, ...] = ()
    """Those of the run's `ignore_keys` that named something in it, which `content` leaves out; sorted."""


class Change(Value, frozen=True, kw_only=True):
    """A path of a container's writable layer that is not an output."""

    path: Name
    kind: Literal["added", "modified", "deleted"]
    volatile: bool = False
    """Caches, logs and the like that no result comes from."""


class Mount(Value, frozen=True, kw_only=True):
    """A mount of a container that somebody started by `docker run`, without its host path."""

    target: Name
    kind: str
    """`bind`, `volume`, `tmpfs`."""
    writable: bool
    role: Literal["input", "output", "unread"]


class IgnoredKey(Value, frozen=True, kw_only=True):
    """A volatile value inside an output, named beforehand (`--ignore-key FILE:KEY`)."""

    file: Name
    key: Name


class ToleranceRule(Value, frozen=True, kw_only=True):
    """The tolerance of some outputs, or of some tensors and numbers of them."""

    output: Name
    """Glob over outputs, matched as `ignore_keys` match files."""
    key: str = ""
    """Glob over tensor names, JSON Pointers and columns, '' for all; a name covers what is below it."""
    rtol: str = "0"
    atol: str = "0"
    max_ulp: Count = 0


class Tolerance(Value, frozen=True, kw_only=True):
    """Agreement declared beforehand by the author; decimal text, since the manifest holds no floats.

    `artifacts.tolerance` says what agrees.
    """

    rtol: str = "0"
    atol: str = "0"
    max_ulp: Count = 0
    """Units in the last place of the element's own type."""
    rules: tuple[ToleranceRule, ...] = ()
    """The first that matches an output and a key decides in place of the values above."""

    def __str__(self) -> str:
        """Return it whole in one line: `rtol 1e-3, atol 0; OUTPUT:KEY rtol 0, atol 0, max ULP 4`."""
        parts = [_amounts(self)]
        for rule in self.rules:
            where = f"{rule.output}:{rule.key}" if rule.key else rule.output
            parts.append(f"{where} {_amounts(rule)}")
        return "; ".join(parts)


def _amounts(part: Tolerance | ToleranceRule) -> str:
    ulp = f", max ULP {part.max_ulp}" if part.max_ulp else ""
    return f"rtol {part.rtol}, atol {part.atol}{ulp}"


class RunRecord(Value, frozen=True, kw_only=True):
    """What ran and what it made. Host mounts, privileges, devices and host namespaces cannot be expressed."""

    engine: EngineKind
    argv: tuple[str, ...]
    """The whole command, the image's entrypoint included."""
    withheld_arguments: tuple[Count, ...] = ()
    """Positions in argv whose text the secret scan replaced by `***`."""
    working_dir: str
    user: str
    network: Literal["none", "bridge", "unknown"]
    resources: Resources
    inputs: tuple[Input, ...]
    output_patterns: tuple[str, ...]
    outputs: tuple[Output, ...]
    exit_code: int | None
    """None while the container is still running."""
    oom_killed: bool = False
    timed_out: bool = False
    ignore_outputs: tuple[str, ...] = ()
    ignore_keys: tuple[IgnoredKey, ...] = ()
    tolerance: Tolerance | None = None
    mounts: tuple[Mount, ...] = ()
    changes: tuple[Change, ...] = ()
    """Changes outside the outputs: packages installed after start, edited files."""
    fresh: bool = False
    """reprocheck itself started it in the unchanged image, so `changes` are effects of the command alone."""
    privileged_run: bool = False
    """The recorded container ran with more privileges than any verify will give."""
