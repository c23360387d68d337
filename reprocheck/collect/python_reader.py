"""Reading the metadata of one distribution after another, with what was left over and what failed."""

from __future__ import annotations

from reprocheck.collect.purl import package_url
from reprocheck.collect.python_metadata import Metadata, parse_metadata
from reprocheck.collect.python_sites import Found
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, field, replace
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import Distribution, Package, Remnant
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView


class Reader(Frozen, frozen=True, kw_only=True):
    """A view with its limits, and two lists that fill up."""

    view: ContainerView
    limits: Limits
    unknowns: list[Unknown] = field(default_factory=list)
    remnants: list[Remnant] = field(default_factory=list)

    @property
    def tree(self) -> FileTree:
        """Every path of the view."""
        return self.view.tree

    def fail(self, path: str, reason: str) -> None:
        """Say that something could not be read."""
        self.unknowns.append(unknown("packages", path, reason))

    def leave(self, path: str, reason: str) -> None:
        """Say that something describes no installed distribution."""
        self.remnants.append(Remnant(path=portable(path), reason=portable(reason)))

    def required(self, path: str, limit: int) -> bytes | None:
        """Return a file's bytes; None when it cannot be read, and then an Unknown says why."""
        raw = read(self.view, path, limit, "packages")
        if isinstance(raw, Unknown):
            self.unknowns.append(raw)
            return None
        return raw

    def optional(self, path: str) -> bytes:
        """Return the bytes of a file that need not be there; b'' when it is not or cannot be read."""
        if not self.tree.exists(path):
            return b""
        return self.required(path, self.limits.metadata_file) or b""

    def metadata(self, path: str) -> Metadata | None:
        """Read METADATA or PKG-INFO; None when it gives no name, and then an Unknown says why."""
        raw = self.required(path, self.limits.metadata_file)
        return None if raw is None else self.parse(path, raw)

    def parse(self, path: str, raw: bytes) -> Metadata | None:
        """Take METADATA or PKG-INFO apart; None when it gives no name, and then an Unknown says why."""
        metadata = parse_metadata(raw)
        for problem in metadata.problems:
            self.fail(path, problem)
        return metadata if metadata.name else None


def package_of(found: Found, metadata: Metadata, **more: object) -> Package:
    """Make the package; `more` are fields of its Distribution."""
    python = Distribution(
        environment="",
        location=portable(found.location),
        metadata=portable(found.metadata),
        requires=metadata.requires,
        extras=metadata.extras,
        requires_python=metadata.requires_python,
        changelog=metadata.changelog,
    )
    return Package(
        type="pypi",
        name=metadata.name,
        version=metadata.version,
        purl=package_url("pypi", metadata.name, metadata.version),
        python=replace(python, **more),
    )
