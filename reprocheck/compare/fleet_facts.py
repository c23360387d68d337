"""What a fact of a fleet is, and the facts of machine, system, image, variables and job.

A fact stands for itself: its value says nothing about any other manifest. Where a comparison of two tells an
attribute only if another one is equal (files of equal versions), the fact is `given` that other value, and
only members that agree on it are held against each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from reprocheck.compare.difference import Shown
from reprocheck.model.base import Frozen, field
from reprocheck.model.change import Section
from reprocheck.model.context import Job, Label
from reprocheck.model.environment import Variable, in_force
from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.model.image import Image, OperatingSystem

Open = Literal["", "mixed", "unknown", "left-out"]
"""Why a member does not tell a value: '' it does; `mixed`: an unknown where another member tells it;
`unknown`: one in any case; `left-out`: on purpose."""


class Fact(NamedTuple):
    """One fact of one member."""

    section: Section
    name: str
    attribute: str
    value: Shown
    type: str = ""
    where: str = ""
    given: tuple[Hashable, ...] = ()
    """What must be equal for the values to be held against each other; the first is shown."""
    anchor: bool = False
    """A member that told this section and lacks the fact has None; without an anchor it is not compared."""
    open: Open = ""
    reason: str = ""
    """Why the value is not told, or what several values mean, in words that end a sentence."""
    several: Literal["split", "unknown", "left-out"] = "split"
    """What it means that members have different values: how they were looked at is no fact of theirs."""


class Context(Frozen, frozen=True, kw_only=True):
    """What the facts of one member owe to the other members."""

    homes: tuple[str, ...] = ()
    """Directories of environments that not all members have, the longest first."""
    several: frozenset[tuple[str, str]] = frozenset()
    """(kind, stem) of native libraries, and ('framework', name), of which some member has several."""
    hidden: frozenset[str] = field(default_factory=frozenset)
    """Variables whose value some member withholds."""


def values(section: Section, rows: Iterable[tuple[str, Shown]]) -> Iterator[Fact]:
    """Write rows of names and values as facts."""
    for name, value in rows:
        yield Fact(section, name, "value", value)


def host_facts(host: Host, _: Context) -> Iterator[Fact]:
    """Facts of `host`."""
    numa = sorted(host.numa, key=lambda node: node.index)
    yield from values(
        "host",
        (
            ("system", host.system),
            ("kernel", host.kernel),
            ("virtualization", host.virtualization),
            ("memory_bytes", host.memory_bytes),
            ("memory_limit_bytes", host.memory_limit_bytes),
            ("numa", tuple(f"{node.index}:{node.cpus}" for node in numa)),
            ("numa.memory_bytes", tuple(str(node.memory_bytes) for node in numa)),
            ("name", host.name),
            *_cpu(host.cpu),
            ("gpus", len(host.gpus)),
        ),
    )
    for place, gpu in enumerate(sorted(host.gpus, key=lambda g: (g.index, repr(g)))):
        yield from _gpu(f"gpus[{place}]", gpu)
    yield from _driver(host.driver)


def _cpu(cpu: Cpu) -> list[tuple[str, Shown]]:
    return [
        *(
            (f"cpu.{field}", getattr(cpu, field))
            for field in ("architecture", "vendor", "model", "microcode", "level", "logical", "allowed")
        ),
        ("cpu.features", tuple(sorted(set(cpu.features)))),
        ("cpu.cores", cpu.cores),
        ("cpu.sockets", cpu.sockets),
        ("cpu.quota_millicpus", cpu.quota_millicpus),
    ]


def _gpu(prefix: str, gpu: Gpu) -> Iterator[Fact]:
    fields = ("index", "name", "compute_capability", "memory_mib", "mig", "ecc", "vbios", "persistence")
    return values("host", ((f"{prefix}.{field}", getattr(gpu, field)) for field in fields))


def _driver(driver: Driver | None) -> Iterator[Fact]:
    yield Fact("host", "driver.version", "value", driver.version if driver is not None else None)
    if driver is None:
        return
    given = (driver.version,)
    claims = tuple(sorted(f"{claim.version} by {claim.source}" for claim in driver.others))
    yield Fact("host", "driver.cuda_maximum", "value", driver.cuda_maximum, given=given)
    yield Fact("host", "driver.user_mode", "value", driver.user_mode, given=given)
    yield Fact("host", "driver.claims", "value", claims, given=given)


def os_facts(system: OperatingSystem, _: Context) -> Iterator[Fact]:
    """Facts of `os`; the pretty name is given everything that is more precise."""
    told = (system.id, system.version_id, system.codename)
    yield from values("os", zip(("id", "version_id", "codename"), told, strict=True))
    yield Fact("os", "libc", "value", system.libc)
    yield Fact("os", "name", "value", system.name, given=told)


def image_facts(image: Image, _: Context) -> Iterator[Fact]:
    """Facts of `image`; its layers as one."""
    platform = "/".join(part for part in (image.os, image.architecture, image.variant) if part)
    yield from values(
        "image",
        (
            ("platform", platform),
            ("entrypoint", image.entrypoint),
            ("command", image.command),
            ("working_dir", image.working_dir),
            ("user", image.user),
        ),
    )
    yield Fact("image", "layers", "diff_ids", _layers(image))


def _layers(image: Image) -> str:
    """Name a stack of layers by its ChainID (OCI image specification, "Layer ChainID")."""
    chain = ""
    for diff_id in image.diff_ids:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
    count = len(image.diff_ids)
    return f"{count} layer{'' if count == 1 else 's'}: {chain or 'none'}"


Setting = tuple[Variable, ...]
"""All variables of one name, the one in force first."""


def settings_of(environment: Iterable[Variable]) -> Iterator[Setting]:
    """Yield the variables by name."""
    for found in in_force(environment).values():
        yield tuple(found)


def is_hidden(variable: Variable) -> bool:
    """Whether the value cannot be compared."""
    return variable.state != "recorded" or variable.value is None


def variable_facts(setting: Setting, context: Context) -> Iterator[Fact]:
    """Facts of one variable. Presence is a fact of its own only where some member withholds the value."""
    first = setting[0]
    name = first.name
    if name in context.hidden:
        yield Fact("environment", name, "presence", "(set)", anchor=True)
    if is_hidden(first):
        reason = f"its value is {first.state if first.state != 'recorded' else 'withheld'}"
        yield Fact("environment", name, "value", None, open="left-out", reason=reason)
    else:
        yield Fact("environment", name, "value", first.value, anchor=name not in context.hidden)
        yield Fact("environment", name, "origin", first.origin, given=(first.value,))
    if len(setting) > 1:
        rest = tuple(f"{v.origin}={'(' + v.state + ')' if is_hidden(v) else v.value}" for v in setting[1:])
        yield Fact("environment", name, "overridden", rest)


_JOB = ("world_size", "nodes", "rank", "local_rank", "node_rank", "scheduler", "id")


def job_facts(place: tuple[Job | None, tuple[Label, ...]], _: Context) -> Iterator[Fact]:
    """Facts of `job` and `labels`."""
    job, labels = place
    if job is not None:
        for name in _JOB:
            yield Fact("job", name, "value", getattr(job, name) or None, anchor=True)
        yield from _named({x.name: x.value for x in job.facts}, "fact")
    yield from _named({x.name: x.value for x in labels}, "label")


def _named(found: Mapping[str, str], attribute: str) -> Iterator[Fact]:
    for name, value in found.items():
        yield Fact("job", name, attribute, value, anchor=True)
