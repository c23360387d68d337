"""A lock against an environment: is it still what the lock says? Rule DEP-413.

Extra packages count only where the lock lists everything; pip and its like are nobody's extras, nor is what
another package manager installed. What pip records of an archive from an index is no hash, so that the hashes
of such archives are not checked: a fact, told once, as is how much is installed that an incomplete lock does
not name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reprocheck.compare.lock_extras import unmet
from reprocheck.compare.lock_fixes import adding, removing
from reprocheck.compare.packages import normal_name
from reprocheck.compare.placement import nearest_prefix, nearest_python
from reprocheck.compare.specifiers import satisfies, shown
from reprocheck.model.lock import Lock, LockDifference, LockReport, Pin
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl, Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

LOCK_VERSION = "1.0"
TOOLS = frozenset({"distribute", "pip", "pkg-resources", "setuptools", "wheel"})
"""What environments are made with; lock files leave them out."""
KINDS = ("python", "missing", "version", "build", "channel", "source", "hash", "extra")
_DATABASES = (
    "/var/lib/dpkg",
    "/lib/apk",
    "/usr/lib/apk",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/usr/share/rpm",
)

Key = tuple[str, str]


@dataclass(kw_only=True, slots=True)
class _Check:
    lock: Lock
    manifest: Manifest
    python: PythonEnvironment | None
    prefix: str
    found: list[LockDifference] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    unhashed: int = 0
    checked: int = 0


def compare_lock(lock: Lock, manifest: Manifest, *, file: str, executable: str = "") -> LockReport:
    """Hold a lock against one environment of a manifest.

    `executable` names its interpreter; without it, the environment that is nearest to the lock is taken.
    Pure. Differences are sorted by kind (in the order of `KINDS`), type and name.
    """
    check = _Check(
        lock=lock,
        manifest=manifest,
        python=_python(manifest, executable or choose_python(lock, manifest)),
        prefix=nearest_prefix(manifest, _as_packages(lock)),
    )
    installed = _installed(check)
    pins: dict[Key, list[Pin]] = {}
    for pin in lock.pins:
        pins.setdefault((pin.type, pin.name), []).append(pin)
    for key, group in sorted(pins.items()):
        _one(check, group, installed.get(key, []))
        _asked_by_extras(check, group, installed, pins)
    extras = list(_unnamed(check, installed, pins))
    if lock.complete:
        check.found += [_difference(check, "extra", pin, "", version) for pin, version in extras]
    elif not check.checked:
        reason = "asks for nothing that applies here, so that nothing was checked"
        check.unknowns.append(Unknown(section="packages", where=file, reason=reason))
    _interpreter(check)
    unknowns = (*lock.unknowns, *check.unknowns, *_unread(manifest, lock))
    differences = sorted(check.found, key=lambda d: (KINDS.index(d.kind), d.type, d.name, d.found))
    return LockReport(
        schema_version=LOCK_VERSION,
        verdict="differs" if differences else "inconclusive" if unknowns else "identical",
        format=lock.format,
        file=file,
        checked=check.checked,
        differences=tuple(differences),
        not_checked=_not_checked(check, unnamed=0 if lock.complete else len(extras)),
        unknowns=tuple(sorted(set(unknowns), key=lambda u: (u.section, u.where, u.reason))),
    )


def choose_python(lock: Lock, manifest: Manifest) -> str:
    """Return the interpreter whose environment is nearest to a lock, '' when the manifest has none."""
    packages = _as_packages(lock)
    return nearest_python(manifest, packages, nearest_prefix(manifest, packages))


def _as_packages(lock: Lock) -> list[Package]:
    """Return what a lock would install, as far as that decides which environment is meant."""
    from reprocheck.compare.specifiers import exact_version
    from reprocheck.model.package import Conda

    return [
        Package(
            type=pin.type,
            name=pin.name,
            version=exact_version(pin.specifier),
            purl="",
            conda=Conda(prefix="", build=pin.build, channel=pin.channel) if pin.type == "conda" else None,
        )
        for pin in lock.pins
    ]


def _python(manifest: Manifest, executable: str) -> PythonEnvironment | None:
    if not executable and len(manifest.pythons) == 1:
        return manifest.pythons[0]
    return next((python for python in manifest.pythons if python.executable == executable), None)


def _installed(check: _Check) -> dict[Key, list[Package]]:
    document = check.manifest.source.covers is not None
    found: dict[Key, list[Package]] = {}
    for package in check.manifest.packages:
        if package.python is not None:
            home = package.python.environment
            here = document or check.python is None or home == check.python.executable
            if not here or not package.python.effective:
                continue
        elif package.conda is not None and not document and package.conda.prefix != check.prefix:
            continue
        found.setdefault((package.type, normal_name(package)), []).append(package)
    return found


def _one(check: _Check, pins: list[Pin], installed: list[Package]) -> None:
    first = pins[0]
    covers = check.manifest.source.covers
    if covers is not None and first.type not in covers.types:
        return  # told once, in _not_told
    if not installed:
        if all(pin.optional for pin in pins):
            return
        if covers is not None and (covers.selected or first.name in covers.omits):
            reason = f"{covers.format} does not say whether it is there"
            check.unknowns.append(Unknown(section="packages", where=first.name, reason=reason))
            return
        check.checked += 1
        locked = shown(first.specifier) or first.url or "any version"
        check.found.append(_difference(check, "missing", first, locked, ""))
        return
    check.checked += 1
    for package in installed:
        found = [_versus(check, pin, package) for pin in pins]
        # One name may be locked several times, for extras that exclude each other: one fit is enough.
        best = min(found, key=lambda item: (len(item[0]), len(item[1])))
        check.found.extend(best[0])
        check.unknowns.extend(best[1])
        check.unhashed += best[2]


def _versus(check: _Check, pin: Pin, package: Package) -> tuple[list[LockDifference], list[Unknown], bool]:
    differences: list[LockDifference] = []
    unknowns: list[Unknown] = []
    fits = satisfies(pin.type, pin.specifier, package.version) if package.version else None
    if not pin.specifier:
        fits = True
    if fits is False:
        locked = shown(pin.specifier)
        return [_difference(check, "version", pin, locked, package.version)], unknowns, False
    if fits is None:
        reason = f"version {package.version or '(untold)'} cannot be held against {pin.specifier}"
        unknowns.append(Unknown(section="packages", where=f"{pin.type}:{pin.name}", reason=reason))
    if package.conda is not None:
        differences += _conda(check, pin, package)
    unhashed = False
    if package.python is not None and _tells_source(check.manifest):
        differences += _source(check, pin, package.python.direct_url)
        unhashed = bool(pin.hashes) and (
            package.python.direct_url is None or not package.python.direct_url.archive_sha256
        )
    return differences, unknowns, unhashed


def _tells_source(manifest: Manifest) -> bool:
    covers = manifest.source.covers
    return covers is None or "packages.source" in covers.facts


def _conda(check: _Check, pin: Pin, package: Package) -> list[LockDifference]:
    conda = package.conda
    if conda is None:
        return []
    if pin.build and conda.build and not _build_fits(pin.build, conda.build):
        return [_difference(check, "build", pin, pin.build, conda.build)]
    if pin.channel and conda.channel and not _channel_fits(pin.channel, conda.channel):
        return [_difference(check, "channel", pin, pin.channel, conda.channel)]
    own = {kind: digits for kind, digits in (("sha256", conda.sha256), ("md5", conda.md5)) if digits}
    for kind in ("sha256", "md5"):
        locked = [text for text in pin.hashes if text.startswith(f"{kind}:")]
        if locked and kind in own:
            same = f"{kind}:{own[kind]}" in locked
            return [] if same else [_difference(check, "hash", pin, locked[0], f"{kind}:{own[kind]}")]
    check.unhashed += bool(pin.hashes)
    return []


def _build_fits(wanted: str, build: str) -> bool:
    head, star, tail = wanted.partition("*")
    if not star:
        return wanted == build
    return (
        "*" not in tail and build.startswith(head) and build.endswith(tail) and len(build) >= len(head + tail)
    )


def _channel_fits(wanted: str, channel: str) -> bool:
    return channel == wanted or (wanted == "defaults" and channel.startswith("pkgs/"))


def _source(check: _Check, pin: Pin, origin: DirectUrl | None) -> list[LockDifference]:
    if origin is None:
        if pin.url and pin.url != "file:":
            return [_difference(check, "source", pin, _place(pin.url, pin.commit), "an index")]
        return []
    found = _place(f"{origin.vcs}+{origin.url}" if origin.vcs else origin.url, origin.commit)
    hashes = [text for text in pin.hashes if text.startswith("sha256:")]
    if origin.archive_sha256 and hashes:
        # An archive with a locked hash is the locked one, wherever it came from.
        own = f"sha256:{origin.archive_sha256}"
        return [] if own in hashes else [_difference(check, "hash", pin, _some(hashes), own)]
    if not pin.url and not pin.optional:
        return [
            _difference(check, "source", pin, "an index", f"{found} (editable)" if origin.editable else found)
        ]
    if pin.url in ("", "file:"):
        return []
    wanted = _place(pin.url, pin.commit if origin.commit else "")
    same = wanted.removesuffix(".git") == found.removesuffix(".git") or _bare(wanted) == _bare(found)
    return [] if same else [_difference(check, "source", pin, _place(pin.url, pin.commit), found)]


def _bare(place: str) -> str:
    return place.replace(".git@", "@").rstrip("/").removesuffix(".git")


def _place(url: str, commit: str) -> str:
    return f"{url}@{commit}" if commit else url


def _some(hashes: list[str]) -> str:
    return hashes[0] if len(hashes) == 1 else f"one of {len(hashes)} hashes"


def _asked_by_extras(
    check: _Check, group: list[Pin], installed: dict[Key, list[Package]], pins: dict[Key, list[Pin]]
) -> None:
    """Check what the extras of a pin ask for, where the lock does not pin it itself."""
    for pin in group:
        for package in installed.get((pin.type, pin.name), ()) if pin.extras else ():
            for want in unmet(pin, package, installed):
                if isinstance(want, Unknown):
                    check.unknowns.append(want)
                elif (want[0].type, want[0].name) not in pins:
                    kind = "version" if want[1] else "missing"
                    locked = want[0].specifier or "any version"
                    check.found.append(_difference(check, kind, want[0], locked, want[1]))


def _unnamed(
    check: _Check, installed: dict[Key, list[Package]], pins: dict[Key, list[Pin]]
) -> Iterator[tuple[Pin, str]]:
    """Yield what is installed and not named by the lock, as a pin without a version, and its version."""
    for key, packages in sorted(installed.items()):
        type_, name = key
        if key in pins or type_ not in check.lock.types or (type_ == "pypi" and name in TOOLS):
            continue
        for package in packages:
            if package.type == "pypi" and package.owner:
                continue
            yield Pin(type=package.type, name=name, specifier=""), package.version


def _interpreter(check: _Check) -> None:
    wanted, python = check.lock.python, check.python
    if not wanted or python is None:
        return
    release = python.version.rstrip("+").split(".")
    # `3.11` stands for any 3.11: both ends must agree before anything is said.
    ends = [python.version] if len(release) > 2 else [f"{python.version}.0", f"{python.version}.10000"]
    answers = {satisfies("pypi", wanted, end.rstrip("+")) for end in ends}
    if answers == {False}:
        pin = Pin(type="pypi", name="python", specifier=wanted)
        check.found.append(_difference(check, "python", pin, wanted, python.version))
    elif answers != {True}:
        reason = f"version {python.version} cannot be held against {wanted}"
        check.unknowns.append(Unknown(section="pythons", where=python.executable, reason=reason))


def _difference(check: _Check, kind: str, pin: Pin, locked: str, found: str) -> LockDifference:
    fix = ""
    if kind == "extra":
        fix = removing(pin, check.python, check.manifest, check.prefix)
    elif kind != "python":
        fix = adding(pin, check.python, check.manifest, check.prefix)
    return LockDifference(
        kind=kind,  # type: ignore[arg-type]
        type=pin.type,
        name=pin.name,
        locked=locked,
        found=found,
        fix=fix,
    )


def _unread(manifest: Manifest, lock: Lock) -> Iterator[Unknown]:
    """Yield readings of the manifest that failed and bear on what the lock is about."""
    for unknown in manifest.unknowns:
        if unknown.section in ("packages", "pythons") and not unknown.where.startswith(_DATABASES):
            yield unknown
    covers = manifest.source.covers
    for type_ in lock.types if covers is not None else ():
        if covers is not None and type_ not in covers.types and any(pin.type == type_ for pin in lock.pins):
            reason = f"{covers.format} does not tell them"
            yield Unknown(section="packages", where=f"packages of the type {type_}", reason=reason)


def _not_checked(check: _Check, *, unnamed: int) -> tuple[Unknown, ...]:
    facts = (
        (check.unhashed, "no hash of the archive is recorded where it was installed from an index"),
        (unnamed, "installed and not named by this file"),
    )
    return tuple(
        Unknown(section="packages", where=f"{count} package{'s' if count > 1 else ''}", reason=reason)
        for count, reason in facts
        if count
    )
