"""Use cases of documents that other tools wrote: a lock to check, a side of a diff."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reprocheck.limits import Limits
from reprocheck.model.base import map_text, replace
from reprocheck.model.change import DiffReport
from reprocheck.model.lock import Lock, LockReport
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment


def check_lock(
    manifest: Manifest, raw: bytes, *, name: str, limits: Limits, executable: str = ""
) -> LockReport:
    """Say whether an environment of a manifest is still what a lock file says.

    `name` is the lock file's name or path. Without `executable`, the environment that is nearest to the lock
    is taken; since markers decide what a lock asks for, it is read again for that one. Raises InputFault.
    """
    from reprocheck.collect.secrets import redact_text
    from reprocheck.compare.lock import choose_python, compare_lock

    first = executable or _usual(manifest)
    lock = _read(manifest, raw, name, first, limits)
    chosen = executable or choose_python(lock, manifest)
    if chosen != first:
        lock = _read(manifest, raw, name, chosen, limits)
    pins = tuple(map_text(pin, redact_text) if pin.url else pin for pin in lock.pins)
    lock = replace(lock, pins=pins, unknowns=map_text(lock.unknowns, redact_text))
    return compare_lock(lock, manifest, file=name, executable=chosen)


def ignoring(report: LockReport, ignore: Iterable[str], configured: Iterable[str]) -> LockReport:
    """Take out of a lock check what a pattern `SECTION:GLOB` matches, and count it.

    Raises UsageFault (E_IGNORE_PATTERN).
    """
    from reprocheck.explain.lock_noise import ignore_in_lock
    from reprocheck.explain.noise import parse_ignore

    patterns = [parse_ignore(pattern, "option") for pattern in ignore]
    patterns += [parse_ignore(pattern, "configuration") for pattern in configured]
    return ignore_in_lock(report, patterns)


def _read(manifest: Manifest, raw: bytes, name: str, executable: str, limits: Limits) -> Lock:
    from reprocheck.foreign import Target, read_lock
    from reprocheck.graph.interpreter import describe_interpreter

    python = next((one for one in manifest.pythons if one.executable == executable), None)
    if python is None:
        return read_lock(raw, name=name, target=Target(subdir=_subdir(manifest, None)), limits=limits)
    interpreter = describe_interpreter(python, manifest)
    target = Target(
        environments=interpreter.candidates if interpreter.versions else (),
        unknown=interpreter.unknown,
        subdir=_subdir(manifest, python),
    )
    return read_lock(raw, name=name, target=target, limits=limits)


def _usual(manifest: Manifest) -> str:
    """Return the interpreter that a bare `python3` starts, else the first."""
    active = [python.executable for python in manifest.pythons if python.active]
    return (active or [python.executable for python in manifest.pythons] or [""])[0]


def _subdir(manifest: Manifest, python: PythonEnvironment | None) -> str:
    """Return the platform that conda packages of the target name, '' when there are none."""
    named = {
        package.conda.subdir
        for package in manifest.packages
        if package.conda is not None and package.conda.subdir not in ("", "noarch")
        if python is None or python.kind != "conda" or package.conda.prefix == python.prefix
    }
    return min(named) if len(named) == 1 else ""


_OURS = re.compile(rb'\s{0,64}\{\s{0,64}"schema_version"')


def read_side(raw: bytes, *, where: str, limits: Limits) -> Manifest:
    """Read one side of a diff: a manifest, or what another tool wrote. Raises InputFault."""
    from reprocheck.codec import decode_manifest

    if _OURS.match(raw) is not None:  # as we write it: no need to ask what else it may be
        return decode_manifest(raw, where=where, limits=limits)
    from reprocheck.foreign import read_foreign

    foreign = read_foreign(raw, where=where, limits=limits)
    return decode_manifest(raw, where=where, limits=limits) if foreign is None else _cleaned(foreign)


def _cleaned(manifest: Manifest) -> Manifest:
    """Mask what looks like a secret where a document's own words stand: URLs, and reasons that quote it."""
    from reprocheck.collect.secrets import redact_text

    packages = tuple(
        package
        if package.python is None or package.python.direct_url is None
        else replace(package, python=map_text(package.python, redact_text))
        for package in manifest.packages
    )
    return replace(manifest, packages=packages, unknowns=map_text(manifest.unknowns, redact_text))


def diff_documents(a: Manifest, b: Manifest) -> DiffReport:
    """Compare two sides of which any may be a document of another tool."""
    from reprocheck.compare import compare
    from reprocheck.compare.coverage import common, merge
    from reprocheck.explain import rank

    shared = common(a, b)
    return rank(merge(compare(shared.first, shared.second), shared), a, b)
