"""Facts of packages: which copies are the same package, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from reprocheck.compare.difference import Shown
from reprocheck.compare.fleet_facts import Fact
from reprocheck.compare.package_facts import describe
from reprocheck.model.package import DirectUrl, Package

OS_TYPES = ("deb", "rpm", "apk")

Slot = tuple[str, str, str]
"""Package type, normalised name, environment or prefix ('' for OS packages)."""


def environment_of(package: Package) -> str:
    """Return the environment or prefix that a package lies in, '' when it is in none."""
    if package.python is not None and package.python.environment:
        return package.python.environment
    return package.conda.prefix if package.conda is not None else ""


def ordered(copies: Sequence[Package]) -> tuple[Package, ...]:
    """Put several copies in a stable order, the effective ones first."""
    return tuple(
        sorted(copies, key=lambda p: (p.python is not None and not p.python.effective, p.version, repr(p)))
    )


def package_facts(
    copies: tuple[Package, ...], slot: Slot, *, crowded: bool, shared: Collection[str]
) -> Iterator[Fact]:
    """Facts of the copies that one member has at one slot.

    `crowded` says that some member has several there, so that location or architecture tells them apart.
    Of a version that is not `shared` with other members' copies, no content can be held against another one.
    """
    _, name, environment = slot
    seen: dict[str, int] = {}
    for package in copies:
        place = package.python.location if package.python is not None else ""
        if package.type in OS_TYPES:
            where = package.architecture if crowded else ""
        else:
            where = place if crowded or not environment else environment
        seen[where] = seen.get(where, 0) + 1
        shown = f"{where} (copy {seen[where]})".lstrip() if seen[where] > 1 else where
        yield from _copy(package, name, shown, whole=package.version in shared)


def _copy(package: Package, name: str, where: str, *, whole: bool) -> Iterator[Fact]:
    python, conda = package.python, package.conda

    def fact(attribute: str, value: Shown, given: tuple[Hashable, ...] = ()) -> Fact:
        return Fact("packages", name, attribute, value, package.type, where, given)

    yield fact("version", package.version)._replace(anchor=True)
    yield fact("architecture", package.architecture)
    origin: tuple[Hashable, ...] = (package.version, package.architecture)
    minor: tuple[Hashable, ...] = ()
    if conda is not None:
        yield fact("channel", conda.channel)
        yield fact("subdir", conda.subdir)
        origin += (conda.channel, conda.subdir)
    if python is not None:
        url = source_of(python.direct_url)
        yield fact("direct_url", url)
        yield fact("effective", python.effective)
        yield fact("location", python.location, ("", python.environment))
        origin += (url,)
        minor += (python.effective, python.location)
    if whole:
        yield from _content(package, fact, origin, minor)


def _content(
    package: Package, fact: Callable[..., Fact], origin: tuple[Hashable, ...], minor: tuple[Hashable, ...]
) -> Iterator[Fact]:
    """Facts that are given the version and where it came from."""
    python, conda = package.python, package.conda
    if python is not None or conda is not None:
        yield fact("metadata", "(told)", (package.version,))
    elif package.type not in OS_TYPES:
        reason = "how it was built and installed is not told"
        yield fact("metadata", None, (package.version,))._replace(open="mixed", reason=reason)
    if conda is not None:
        yield fact("build", conda.build, origin)
        yield fact("sha256", conda.sha256, (*origin, conda.build))
        yield fact("md5", conda.md5, (*origin, conda.build, conda.sha256))
        origin += (conda.build, conda.sha256, conda.md5)
    if python is not None:
        yield fact("tags", python.tags, origin)
        yield fact("wheel-build", python.build, (*origin, python.tags))
        files = fact("files", python.files_sha256, (*origin, python.tags, python.build))
        reason = "its files were not hashed, so equal versions may differ"
        yield files if python.files_sha256 is not None else files._replace(open="mixed", reason=reason)
        minor += (python.tags, python.build, python.files_sha256)
    depends = (*package.depends, *(conda.depends if conda is not None else ()))
    yield fact("depends", depends, origin)
    for attribute, value, _ in describe(package, package):
        yield fact(attribute, value, (*origin, *minor, depends))


def source_of(url: DirectUrl | None) -> str | None:
    """Return in words where a distribution came from if not an index."""
    if url is None:
        return None
    parts = [f"{url.vcs}+{url.url}@{url.commit}" if url.vcs else url.url]
    parts += [f"subdirectory={url.subdirectory}"] if url.subdirectory else []
    parts += [f"sha256={url.archive_sha256}"] if url.archive_sha256 else []
    return " ".join([*parts, *(["editable"] if url.editable else [])])
