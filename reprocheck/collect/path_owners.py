"""Which package, and which Python distribution, some given files belong to."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.utils import canonicalize_name

from reprocheck.collect.file_lists import Lists, Places, Reader
from reprocheck.collect.file_lists_apk import apk_files
from reprocheck.collect.file_lists_conda import conda_files
from reprocheck.collect.file_lists_dpkg import dpkg_files
from reprocheck.collect.file_lists_python import python_files
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.package import Package
from reprocheck.ports import ContainerView

_READERS: tuple[tuple[frozenset[str], Reader], ...] = (
    (frozenset({"conda"}), conda_files),
    (frozenset({"deb"}), dpkg_files),
    (frozenset({"apk"}), apk_files),
    (frozenset({"pypi", "conda"}), python_files),
)
"""The outer manager first: where two claim a file (conda, and the RECORD that it installed), it is theirs."""


class PathOwners(Frozen, frozen=True, kw_only=True):
    """Owners of the paths that were asked for."""

    owners: dict[str, str]
    """purl by path."""
    distributions: dict[str, tuple[Package, ...]]
    """Packages with a Python distribution, by purl of the package that owns its files."""
    named: dict[str, tuple[Package, ...]]
    """The same packages by their normalized name."""

    def owner(self, path: str) -> str:
        """Return the purl of the package that installed a file, '' when none claims it."""
        return self.owners.get(path, "")

    def distribution(self, module: str, path: str) -> tuple[str, str]:
        """Return name and version of the distribution that a module's file came from, ('', '') for none."""
        owner = self.owners.get(path, "")
        top = canonicalize_name(module.partition(".")[0])
        # An .egg-info has no list of its files: its name must do.
        candidates = self.distributions.get(owner, ()) if owner else self.named.get(top, ())
        inside = [item for item in candidates if _holds(item, path)]
        # Debian's python3-setuptools owns setuptools and pkg_resources: the one of the module's name wins.
        inside.sort(
            key=lambda item: (canonicalize_name(_name(item)) != top, not _effective(item), _name(item))
        )
        return (_name(inside[0]), inside[0].version) if inside else ("", "")


def owners_of_paths(
    view: ContainerView, packages: tuple[Package, ...], paths: Iterable[str], limits: Limits
) -> PathOwners:
    """Look the paths up in the file lists of all packages; a list that cannot be read claims nothing.

    The paths are real ones, links resolved, as a process sees them.
    """
    wanted = frozenset(paths)
    owners: dict[str, str] = {}
    places = Places(view.tree)
    for types, reader in _READERS:
        chosen = tuple(package for package in packages if package.type in types)
        if not chosen or not wanted:
            continue
        for row in reader(view, chosen, limits, Lists(places=places)):
            if row.path in wanted:
                owners.setdefault(row.path, row.owner)
    distributions: dict[str, list[Package]] = {}
    named: dict[str, list[Package]] = {}
    for package in packages:
        if package.python is None:
            continue
        named.setdefault(canonicalize_name(_name(package)), []).append(package)
        for purl in {package.purl, package.owner} - {""}:
            distributions.setdefault(purl, []).append(package)
    return PathOwners(
        owners=owners,
        distributions={purl: tuple(items) for purl, items in distributions.items()},
        named={name: tuple(items) for name, items in named.items()},
    )


def _holds(package: Package, path: str) -> bool:
    return package.python is not None and path.startswith(f"{package.python.location.rstrip('/')}/")


def _effective(package: Package) -> bool:
    return package.python is not None and package.python.effective


def _name(package: Package) -> str:
    return package.conda.pip_name or package.name if package.conda is not None else package.name
