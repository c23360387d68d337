"""What the three SBOM formats have in common: a component by its package URL.

An SBOM is of a whole target. It tells no environments, and what an OS package installed it may list as that
package alone. Which ecosystems a scanner looks for is known of some scanners only; of others an ecosystem
counts as told when there is a package of it.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from reprocheck.foreign.partial import distribution, partial_manifest, problem_of, unread_entry
from reprocheck.foreign.reading import LONGEST_VALUE, check_count, is_md5, is_sha256, is_version, short
from reprocheck.foreign.urls import channel_of, conda_package
from reprocheck.limits import Limits
from reprocheck.model.image import Coverage, OperatingSystem
from reprocheck.model.manifest import Manifest, Tool
from reprocheck.model.package import Package, PackageType
from reprocheck.model.unknown import Unknown

_TYPES: dict[str, PackageType] = {"deb": "deb", "rpm": "rpm", "apk": "apk", "pypi": "pypi", "conda": "conda"}
_SCANNERS = frozenset({"syft", "trivy"})
_SCANNED: tuple[PackageType, ...] = ("apk", "deb", "pypi", "rpm")
"""What these scanners look for in every target; of conda the one that reprocheck carries finds nothing."""
_OS: tuple[PackageType, ...] = ("apk", "deb", "rpm")
_DECLARED = re.compile(
    r"(?:.*requirements.*\.(?:txt|in)|poetry\.lock|Pipfile(?:\.lock)?|uv\.lock|pdm\.lock|setup\.py|"
    r"pyproject\.toml|pylock.*\.toml|environment\.ya?ml)"
)
"""Files that ask for packages: what a scanner read from them is not installed."""
_METADATA = re.compile(
    r"(/(?:[^/]{1,255}/){0,100}?[^/]{1,255})/[^/]{1,255}\.(?:dist|egg)-info(?:/.*)?", re.DOTALL
)
_DISTRO = re.compile(r"([a-z][a-z0-9._]{0,40}(?:-[a-z]{2,20})*)-([0-9][0-9.]{0,20})")


@dataclass(kw_only=True, slots=True)
class Bill:
    """An SBOM while it is read."""

    where: str
    limits: Limits
    packages: list[Package] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Types of components that reprocheck does not compare, with counts."""
    declared: int = 0
    distros: Counter[tuple[str, str]] = field(default_factory=Counter)
    located: bool = True
    """Whether every Python distribution came with its place."""

    def add(self, purl: str, name: str, version: str, *, place: str, locations: Iterable[str] = ()) -> None:
        """Take one component; `place` names it in messages, `locations` are files that prove it."""
        from packageurl import PackageURL

        check_count(len(self.packages) + len(self.unknowns), where=self.where, limits=self.limits)
        try:
            url = PackageURL.from_string(purl) if len(purl) <= LONGEST_VALUE else None
        except ValueError:
            url = None
        if url is None:
            if purl:
                self.unknowns.append(
                    unread_entry(self.where, place, f"has no valid package URL ({short(purl)})")
                )
            else:
                self.others["without a package URL"] += 1
            return
        type_ = _TYPES.get(url.type)
        if type_ is None:
            self.others[short(url.type, 40)] += 1
            return
        # The URL has the name in its own ecosystem; `version` of a component is whole, epoch and all.
        name, version = url.name if type_ != "pypi" else name or url.name, version or url.version or ""
        qualifiers = {key: str(value) for key, value in (url.qualifiers or {}).items()}
        if problem := problem_of(name, version, pypi=type_ == "pypi"):
            self.unknowns.append(unread_entry(self.where, place, problem))
            return
        if type_ == "pypi":
            self._distributions(name, version, sorted(set(locations)))
        elif type_ == "conda":
            self._conda(name, version, qualifiers)
        else:
            self._of_system(type_, name, version, qualifiers, url.to_string())

    def _distributions(self, name: str, version: str, locations: list[str]) -> None:
        declared = [path for path in locations if _DECLARED.fullmatch(posixpath.basename(path))]
        if declared and len(declared) == len(locations):
            self.declared += 1
            return
        places = {place for path in locations if (place := _site_of(path))}
        self.located = self.located and bool(places)
        for place in sorted(places) or [""]:
            self.packages.append(distribution(name, version, location=place))

    def _conda(self, name: str, version: str, qualifiers: dict[str, str]) -> None:
        subdir, md5, sha256 = (qualifiers.get(key, "") for key in ("subdir", "md5", "sha256"))
        self.packages.append(
            conda_package(
                name,
                version,
                build=qualifiers.get("build", ""),
                channel=channel_of(qualifiers.get("channel", ""), subdir),
                subdir=subdir,
                md5=md5 if is_md5(md5) else "",
                sha256=sha256 if is_sha256(sha256) else "",
            )
        )

    def _of_system(
        self, type_: PackageType, name: str, version: str, qualifiers: dict[str, str], purl: str
    ) -> None:
        epoch = qualifiers.get("epoch", "")
        if epoch.isdecimal() and int(epoch[:10]) and ":" not in version:
            version = f"{epoch}:{version}"
        if match := _DISTRO.fullmatch(qualifiers.get("distro", "")):
            self.distros[match[1], match[2]] += 1
        self.packages.append(
            Package(
                type=type_,
                name=name,
                version=version.removeprefix("0:"),
                purl=purl,
                architecture=qualifiers.get("arch", ""),
            )
        )

    def manifest(self, *, reader: str, words: str, tool: Tool | None, os: OperatingSystem | None) -> Manifest:
        """Return what was read. Types that it tells depend on the scanner."""
        present = {package.type for package in self.packages}
        scanner = tool is not None and tool.name in _SCANNERS
        types = tuple(sorted(present | set(_SCANNED if scanner else ())))
        system = os or self._system()
        facts = {"packages.location"} if self.located and "pypi" in present else set()
        if all(package.architecture for package in self.packages if package.type in _OS):
            facts.add("packages.architecture")
        conda = [package.conda for package in self.packages if package.conda is not None]
        facts |= {
            f"packages.{key}" for key in ("build", "channel", "subdir") if all(getattr(c, key) for c in conda)
        }
        facts |= {"os.id", "os.version_id"} if system is not None else set()
        notes = [
            f"{count} components of the type {kind} are not compared" for kind, count in self.others.items()
        ]
        if self.declared:
            notes.append(f"{self.declared} components are asked for by a file and not installed")
        return partial_manifest(
            where=self.where,
            reader=reader,
            covers=Coverage(format=words, scope="target", types=types, facts=tuple(sorted(facts))),
            packages=self.packages,
            os=system,
            unknowns=self.unknowns,
            tool=tool,
            notes=tuple(sorted(notes)),
        )

    def _system(self) -> OperatingSystem | None:
        """Return the system that most OS packages name, None when none does."""
        if not self.distros:
            return None
        (name, version), _ = min(self.distros.items(), key=lambda item: (-item[1], item[0]))
        return OperatingSystem(id=name, version_id=version)


def _site_of(path: str) -> str:
    """Return the directory that holds the metadata of a path (`x/NAME.dist-info/METADATA`), '' without it."""
    match = _METADATA.fullmatch(path)
    return match[1] if match else ""


def tool_of(name: str, version: str) -> Tool:
    """Return the tool that wrote a document, in lower case."""
    return Tool(name=short(name.lower(), 60), version=version if is_version(version) else "")
