"""Dependencies of conda packages: match specifications against a prefix, in conda's order.

Sources: "Package match specifications" of the conda documentation; `conda/models/version.py`. What the
machine gives (`__glibc`, `__cuda`) is compared where the manifest tells it; other virtual packages are not.
"""

from __future__ import annotations

import re
from collections import defaultdict

from reprocheck.graph import rules
from reprocheck.graph.parts import Part, conda_id
from reprocheck.graph.paths import adjacency, chain_to, shortest_ways
from reprocheck.model.base import Frozen
from reprocheck.model.conflict import Cause, Conflict, Edge, Node
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Conda, Package
from reprocheck.model.unknown import Unknown
from reprocheck.versions import order

LONGEST = 4096
"""Characters of one match specification."""

_NAME = re.compile(r"(?:[^\s:\[\]]+::)?([A-Za-z0-9_][A-Za-z0-9._-]*)\s*")
_BRACKET = re.compile(r"\s*([a-z_]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^],'\"\s]*))\s*[],]")
_VERSION_BUILD = re.compile(r"([^<>=!~|,]+)=([^<>=!~|,]+)")
_TERM = re.compile(r"(==|!=|<=|>=|~=|=|<|>)?\s*([^\s<>=!~|,()*]+|\*)?(\.?\*)?")
_SIGNS = {
    "==": (0,),
    "!=": (-1, 1),
    "<": (-1,),
    ">": (1,),
    "<=": (-1, 0),
    ">=": (0, 1),
}


class MatchSpec(Frozen, frozen=True, kw_only=True):
    """`name version build`: what a conda package depends on."""

    name: str
    version: str = ""
    """`>=1.2,<2|3.*`; '' for any."""
    build: str = ""
    """`*_cp311`; '' for any."""


def read_spec(text: str) -> MatchSpec:
    """Read one entry of `depends`. Raises ValueError with the reason when it is malformed."""
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text)} characters, more than {LONGEST}")
    outside, bracket, inside = text.strip().partition("[")
    match = _NAME.match(outside)
    if match is None or (bracket and not inside.endswith("]")):
        raise ValueError("is malformed")
    # Blanks beside an operator or a comma belong to the version: `>=1.2, <2`.
    rest = re.sub(r"\s*([,|<>=!~]+)\s*", r"\1", outside[match.end() :]).split()
    if len(rest) > 2:
        raise ValueError("has more than a name, a version and a build")
    version, build = (*rest, "", "")[:2]
    position = 0
    while bracket and position < len(inside) - 1:
        field = _BRACKET.match(inside, position)
        if field is None:
            raise ValueError("is malformed")
        position = field.end()
        value = field[2] or field[3] or field[4] or ""
        version = value if field[1] == "version" else version
        build = value if field[1] == "build" else build
    both = _VERSION_BUILD.fullmatch(version)
    if both is not None and not build:
        version, build = both[1], both[2]
    return MatchSpec(
        name=match[1].lower(), version="" if version == "*" else version, build="" if build == "*" else build
    )


def matches(spec: MatchSpec, version: str, build: str) -> bool | None:
    """Whether a version and build meet a specification; None when the version has no order."""
    if spec.build and not _globbed(spec.build, build):
        return False
    if not spec.version:
        return True
    answers = [_all(part, version) for part in spec.version.replace("(", "").replace(")", "").split("|")]
    return True if True in answers else None if None in answers else False


def find_conda(manifest: Manifest) -> Part:
    """Give the unmet dependencies of conda packages (DEP-440), and the packages as a graph."""
    prefixes: dict[str, dict[str, Package]] = defaultdict(dict)
    for package in manifest.packages:
        if package.conda is not None:
            prefixes[package.conda.prefix].setdefault(package.name.lower(), package)
    parts = [_Prefix(prefix, prefixes[prefix], _virtual(manifest)).part() for prefix in sorted(prefixes)]
    return Part(
        conflicts=tuple(conflict for part in parts for conflict in part.conflicts),
        unknowns=tuple(unknown for part in parts for unknown in part.unknowns),
        nodes=tuple(node for part in parts for node in part.nodes),
        edges=tuple(edge for part in parts for edge in part.edges),
        packages=sum(part.packages for part in parts),
        requirements=sum(part.requirements for part in parts),
    )


class _Prefix:
    """One conda environment, evaluated."""

    def __init__(self, prefix: str, packages: dict[str, Package], virtual: dict[str, str]) -> None:
        self.prefix = prefix
        self.packages = packages
        self.virtual = virtual
        self.unknowns: dict[tuple[str, str], Unknown] = {}

    def part(self) -> Part:
        links = [
            (name, line, spec, self._met(name, line, spec))
            for name in sorted(self.packages)
            for line in sorted(set(_conda(self.packages[name]).depends))
            for spec in self._read(name, line)
        ]
        inner = [(name, spec.name) for name, _, spec, _ in links]
        wanted = {target for source, target in inner if source != target}
        failing = [link for link in links if link[3] is False]
        chains: dict[str, tuple[str, ...]] = {}
        if failing:
            tree = shortest_ways(
                adjacency(self.packages, inner), (n for n in self.packages if n not in wanted)
            )
            chains = {name: tuple(self._label(n) for n in chain_to(tree, name)) for name, _, _, _ in failing}
        bad = {name for name, _, _, _ in failing}
        nodes = [
            Node(id=conda_id(self.prefix, name), label=self._label(name), type="conda", broken=name in bad)
            for name in self.packages
        ]
        gaps = {spec.name for _, _, spec, _ in failing if spec.name not in self.packages}
        nodes += [
            Node(id=conda_id(self.prefix, name), label=f"{name} (missing)", type="conda", broken=True)
            for name in sorted(gaps)
        ]
        edges = tuple(
            Edge(
                source=conda_id(self.prefix, name),
                target=conda_id(self.prefix, spec.name),
                requirement=line,
                broken=met is False,
            )
            for name, line, spec, met in links
        )
        return Part(
            conflicts=tuple(
                self._conflict(name, line, spec, chains[name]) for name, line, spec, _ in failing
            ),
            unknowns=tuple(self.unknowns.values()),
            nodes=tuple(nodes),
            edges=edges,
            packages=len(self.packages),
            requirements=len(links),
        )

    def _read(self, name: str, line: str) -> tuple[MatchSpec, ...]:
        try:
            spec = read_spec(line)
        except ValueError as error:
            self._note(name, f"the dependency {line[:200]!r} {error}")
            return ()
        return (spec,) if not spec.name.startswith("__") or spec.name in self.virtual else ()

    def _met(self, name: str, line: str, spec: MatchSpec) -> bool | None:
        target = self.packages.get(spec.name)
        if spec.name in self.virtual:
            answer = matches(spec, self.virtual[spec.name], "")
        else:
            answer = target is not None and matches(spec, target.version, _conda(target).build)
        if answer is None:
            self._note(name, f"the dependency {line[:200]!r} names a version that conda cannot order")
        return answer

    def _note(self, name: str, reason: str) -> None:
        unknown = Unknown(section="graph", where=self._label(name), reason=reason)
        self.unknowns[unknown.where, reason] = unknown

    def _label(self, name: str) -> str:
        package = self.packages.get(name)
        return name if package is None else f"{package.name} {package.version}"

    def _conflict(self, name: str, line: str, spec: MatchSpec, chain: tuple[str, ...]) -> Conflict:
        target = self.packages.get(spec.name)
        found = self.virtual.get(spec.name, "")
        if target is not None:
            found = f"{target.version} {_conda(target).build}".rstrip()
        fix = f"conda install --prefix {self.prefix} '{line}'"
        return Conflict(
            code=rules.CONDA.code,
            kind="unsatisfied" if found else "missing",
            severity=rules.CONDA.severity,
            package=self.packages[name].name,
            requirement=line,
            found=found,
            causes=(Cause(requirement=line, parent=self._label(name), chain=chain),),
            broken=True,
            fix="Use a machine or base image that offers it." if spec.name in self.virtual else fix,
            environment=self.prefix,
            type="conda",
        )


def _conda(package: Package) -> Conda:
    assert package.conda is not None
    return package.conda


def _virtual(manifest: Manifest) -> dict[str, str]:
    """Versions of what the machine gives, where the manifest tells them."""
    family, _, version = (manifest.os.libc if manifest.os is not None else "").partition(" ")
    driver = manifest.host.driver if manifest.host is not None else None
    found = {"__glibc": version if family == "glibc" else "", "__cuda": driver.cuda_maximum if driver else ""}
    return {name: text for name, text in found.items() if text}


def _all(text: str, version: str) -> bool | None:
    answers = [_meets(part.strip(), version) for part in text.split(",")]
    return False if False in answers else None if None in answers else True


def _meets(term: str, version: str) -> bool | None:
    match = _TERM.fullmatch(term)
    if match is None or not term:
        return None
    sign, wanted, star = match[1] or "", match[2] or "", match[3] or ""
    if star and wanted.endswith("."):
        wanted, star = wanted[:-1], ".*"
    if wanted in ("", "*"):
        return True if star or wanted else None
    if star and sign in ("", "=", "==", "!="):
        return _begins(version, wanted, star) != (sign == "!=")
    if sign == "=":
        return _begins(version, wanted, ".*")
    if sign == "~=":
        least = order("conda", version, wanted)
        return None if least is None else least >= 0 and _begins(version, wanted.rpartition(".")[0], ".*")
    found = order("conda", version, wanted)
    return None if found is None else found in _SIGNS[sign or "=="]


def _begins(version: str, wanted: str, star: str) -> bool:
    """Whether a version is `wanted` or goes on after it: `1.2.*` and `=1.2` take 1.2 and 1.2.3, not 1.20."""
    if star == "*":
        return version.startswith(wanted)
    plain = version.partition("+")[0]
    return wanted in (version, plain) or re.match(rf"{re.escape(wanted)}(?![0-9])", version) is not None


def _globbed(pattern: str, build: str) -> bool:
    """Match a build string with `*` in linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return build == first
    if not build.startswith(first) or len(build) < len(first) + len(rest[-1]) or not build.endswith(rest[-1]):
        return False
    position, end = len(first), len(build) - len(rest[-1])
    for part in rest[:-1]:
        position = build.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True
