"""Two manifests cut down to what both can tell, before they are compared.

A document of another tool (`Source.covers`) tells a part only. What it cannot tell is unknown, never
different; what neither side tells is left out in silence, as it is for two manifests that lack a section.
"""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck.compare.placement import align
from reprocheck.model.base import Frozen, replace
from reprocheck.model.change import Delta
from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.model.image import OperatingSystem
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, PythonEnvironment
from reprocheck.model.unknown import Section, Unknown

_UNTOLD: tuple[tuple[str, Section, str], ...] = (
    ("image", "image", "configuration and layers"),
    ("libraries", "libraries", "native libraries"),
    ("loading", "libraries", "which library the loader takes"),
    ("linking", "libraries", "what libraries ask of the loader"),
    ("environment", "environment", "variables"),
    ("run", "run", "the run"),
    ("job", "run", "the job"),
    ("labels", "run", "labels"),
    ("hub", "hub", "model caches"),
    ("integrity", "integrity", "integrity of files"),
    ("code", "code", "repositories"),
    ("data", "data", "data sets"),
    ("loaded", "loaded", "what was loaded"),
    ("wheels", "packages", "wheel files"),
    ("remnants", "packages", "remnants"),
)
"""Fields of a manifest that no document of another tool tells, and the words for them."""

_OS = ("id", "version_id", "name", "codename", "libc")


class Common(Frozen, frozen=True, kw_only=True):
    """Both sides as far as both can tell, and what else there was."""

    first: Manifest
    second: Manifest
    unknowns: tuple[Unknown, ...] = ()
    """What one side has and the other cannot tell."""
    left_out: tuple[Unknown, ...] = ()
    """How a document was held against a manifest: facts."""


def common(a: Manifest, b: Manifest) -> Common:
    """Cut both manifests down to what both cover; as they are when neither is a document.

    Pure. `common(b, a)` mirrors `common(a, b)`.
    """
    if a.source.covers is None and b.source.covers is None:
        return Common(first=a, second=b)
    unknowns = [*_untold(a, b, "first"), *_untold(b, a, "second")]
    facts = _facts(a) & _facts(b)
    placed = align(a, b, facts)
    unknowns += placed.unknowns
    sides = []
    for side, other, packages in ((a, b, placed.first), (b, a, placed.second)):
        empty = {name: None if _is_single(name) else () for name, _, _ in _UNTOLD}
        sides.append(
            replace(
                side,
                **empty,
                digests=None,
                packages=packages,
                shadowed=(),
                os=_os(side.os, facts),
                host=_host(side.host, facts),
                frameworks=_frameworks(side, facts),
                pythons=_pythons(side, other, placed.executable, facts),
                unknowns=tuple(one for one in side.unknowns if one.section in ("packages", "pythons")),
                source=replace(side.source, kind="document"),
            )
        )
    return Common(
        first=sides[0],
        second=sides[1],
        unknowns=tuple(sorted(set(unknowns), key=_order)),
        left_out=tuple(sorted(set(placed.left_out), key=_order)),
    )


def merge(delta: Delta, shared: Common) -> Delta:
    """Return the delta of both cut sides with what the cut left out."""
    return replace(
        delta,
        unknowns=tuple(sorted({*delta.unknowns, *shared.unknowns}, key=_order)),
        left_out=tuple(sorted({*delta.left_out, *shared.left_out}, key=_order)),
    )


def _order(unknown: Unknown) -> tuple[str, str, str]:
    return (unknown.section, unknown.where, unknown.reason)


def _is_single(name: str) -> bool:
    return name in ("image", "run", "job", "integrity", "loaded")


def _facts(side: Manifest) -> frozenset[str]:
    """Return what a side tells; of a manifest of ours all that a document can tell."""
    if side.source.covers is not None:
        return frozenset(side.source.covers.facts)
    own = {f"os.{field}" for field in _OS} if side.os is not None else set()
    if side.host is not None:
        own |= {"host.cpu", "host.gpus", "host.driver", "host.kernel"}
    own |= {"frameworks.torch", "pythons.version", "pythons.implementation"}
    parts = ("architecture", "build", "channel", "location", "md5", "sha256", "source", "subdir")
    return frozenset(own | {f"packages.{part}" for part in parts})


def _untold(side: Manifest, other: Manifest, which: str) -> Iterator[Unknown]:
    """Yield what `other` has and this side, being a document, cannot tell."""
    covers = side.source.covers
    if covers is None:
        return
    own, theirs = _facts(side), _facts(other)
    reason = f"{covers.format} does not tell it ({which} side)"
    for name, section, words in _UNTOLD:
        if getattr(other, name) not in (None, ()):
            yield Unknown(section=section, where=words, reason=reason)
    for type_ in sorted({package.type for package in other.packages} - set(covers.types)):
        yield Unknown(section="packages", where=f"packages of the type {type_}", reason=reason)
    if other.source.covers is None and any(package.type in covers.types for package in other.packages):
        yield Unknown(section="packages", where="the files of packages", reason=reason)
    for section, present in (("os", other.os), ("host", other.host)):
        missing = sorted(fact.partition(".")[2] for fact in theirs - own if fact.startswith(f"{section}."))
        whole = not any(fact.startswith(f"{section}.") for fact in own)
        if present is not None and (missing or other.source.covers is None):
            words = "the whole section" if whole else f"all but {_told(own, section)}"
            yield Unknown(section=section, where=words, reason=reason)
    if other.pythons and "pythons.version" not in own:
        yield Unknown(section="pythons", where="the interpreter", reason=reason)
    if other.frameworks and "frameworks.torch" not in own:
        yield Unknown(section="libraries", where="builds of frameworks", reason=reason)


def _told(facts: frozenset[str], section: str) -> str:
    return ", ".join(sorted(fact.partition(".")[2] for fact in facts if fact.startswith(f"{section}.")))


def _os(system: OperatingSystem | None, facts: frozenset[str]) -> OperatingSystem | None:
    told = {field: getattr(system, field) for field in _OS if f"os.{field}" in facts}
    return OperatingSystem(**{"id": "", **told}) if system is not None and told else None


def _host(host: Host | None, facts: frozenset[str]) -> Host | None:
    if host is None or not any(fact.startswith("host.") for fact in facts):
        return None
    driver = host.driver if "host.driver" in facts else None
    return Host(
        system="",
        kernel=host.kernel if "host.kernel" in facts else "",
        cpu=Cpu(architecture="", vendor="", model=host.cpu.model if "host.cpu" in facts else ""),
        memory_bytes=0,
        gpus=tuple(Gpu(index=gpu.index, name=gpu.name) for gpu in host.gpus) if "host.gpus" in facts else (),
        driver=Driver(version=driver.version) if driver is not None else None,
    )


def _frameworks(side: Manifest, facts: frozenset[str]) -> tuple[Framework, ...]:
    if "frameworks.torch" not in facts:
        return ()
    return tuple(
        dict.fromkeys(
            Framework(
                name=one.name,
                version=one.version,
                location="",
                cuda=one.cuda,
                hip=one.hip,
                debug=one.debug,
            )
            for one in side.frameworks
            if one.name == "torch"
        )
    )


def _pythons(
    side: Manifest, other: Manifest, executable: str, facts: frozenset[str]
) -> tuple[PythonEnvironment, ...]:
    """Return the one interpreter that both sides tell of, with the fields that both tell."""
    found = _one(side, executable)
    theirs = _one(other, executable)
    if "pythons.version" not in facts or found is None:
        return ()
    version = found.version
    if theirs is not None and version.startswith(f"{theirs.version}."):
        version = theirs.version  # `3.11` says nothing against `3.11.2`
    both = theirs is not None and found.implementation and theirs.implementation
    implementation = found.implementation if both and "pythons.implementation" in facts else ""
    return (
        PythonEnvironment(
            executable=executable or "python",
            prefix="",
            kind="system",
            implementation=implementation,
            version=version,
        ),
    )


def _one(side: Manifest, executable: str) -> PythonEnvironment | None:
    if side.source.covers is None:
        return next((python for python in side.pythons if python.executable == executable), None)
    return side.pythons[0] if len(side.pythons) == 1 else None
