"""What one side tells that a forecast asks for."""

from __future__ import annotations

from reprocheck.explain import tables
from reprocheck.explain.judging import normal_name
from reprocheck.model.base import Frozen, field
from reprocheck.model.environment import in_force
from reprocheck.model.host import Cpu, Gpu
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, NativeLibrary, Package

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64", "x64": "x86_64"}
_ROLES = frozenset({"numeric", "blas", "openmp", "decoder"})


class Facts(Frozen, frozen=True, kw_only=True):
    """One side, with what its observation says read out once."""

    manifest: Manifest
    observed: bool
    """Both sides were observed, so what no process loaded does not count."""
    variables: dict[str, str | None] = field(default_factory=dict)
    """Value in force, None where it is not recorded."""
    state: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Settings inside the observed processes: every value that one of them told."""
    numeric: tuple[Package, ...] = ()
    """The Python and conda packages that compute."""

    @property
    def cpu(self) -> Cpu | None:
        """The processor; None when the machine was not looked at."""
        return self.manifest.host.cpu if self.manifest.host is not None else None

    @property
    def gpus(self) -> tuple[Gpu, ...] | None:
        """The accelerators; None when the machine was not looked at."""
        return self.manifest.host.gpus if self.manifest.host is not None else None

    @property
    def architecture(self) -> str:
        """The CPU's architecture as Linux writes it, of the image when no machine is told; '' for none."""
        told = self.cpu.architecture if self.cpu is not None else ""
        told = told or (self.manifest.image.architecture if self.manifest.image is not None else "")
        return _ARCHITECTURES.get(told.lower(), told.lower())

    @property
    def features(self) -> frozenset[str]:
        """Instruction-set extensions of the CPU."""
        return frozenset(self.cpu.features) if self.cpu is not None else frozenset()

    def tells(self, *names: str) -> bool:
        """Whether it is known of every one of these variables what it is, unset included."""
        source = self.manifest.source
        if not self.variables and (source.kind in ("rootfs", "environment") or source.covers is not None):
            return False
        return all(name not in self.variables or self.variables[name] is not None for name in names)

    def value(self, *names: str) -> str | None:
        """Return the value of the first of these variables that is set to something."""
        return next((value for name in names if (value := self.variables.get(name))), None)

    def shown(self, *names: str) -> str | None:
        """Return the variables of these names that are set, as `NAME=value`."""
        told = [f"{name}={self.variables[name]}" for name in names if self.variables.get(name)]
        return " ".join(told) or None

    @property
    def libraries(self) -> tuple[NativeLibrary, ...]:
        """Native libraries, of an observed run only those that a process had."""
        if not self.observed or self.manifest.loaded is None:
            return self.manifest.libraries
        paths = {library.path for library in self.manifest.loaded.libraries}
        return tuple(library for library in self.manifest.libraries if library.path in paths)

    def kinds(self) -> frozenset[str]:
        """Return the kinds of native libraries."""
        loaded = self.manifest.loaded.libraries if self.observed and self.manifest.loaded else ()
        return frozenset(x.kind for x in self.libraries) | frozenset(x.kind for x in loaded if x.kind)

    @property
    def frameworks(self) -> tuple[Framework, ...]:
        """Deep-learning frameworks, of an observed run only those that a process imported."""
        if not self.observed or self.manifest.loaded is None:
            return self.manifest.frameworks
        names = {module.name for module in self.manifest.loaded.modules}
        return tuple(x for x in self.manifest.frameworks if x.name in names)

    def has(self, *names: str) -> bool:
        """Whether one of these Python projects is installed, or in an observed run imported."""
        return any(normal_name(p.type, p.name) in names for p in self.numeric) or any(
            framework.name in names for framework in self.frameworks
        )


def facts_of(a: Manifest, b: Manifest) -> tuple[Facts, Facts]:
    """Read both sides; only where both were observed does what was loaded narrow what counts."""
    observed = a.loaded is not None and b.loaded is not None
    return _facts(a, observed=observed), _facts(b, observed=observed)


def _facts(manifest: Manifest, *, observed: bool) -> Facts:
    variables: dict[str, str | None] = {}
    for name, found in in_force(manifest.environment).items():
        variables[name] = found[0].value if found[0].state == "recorded" else None
    state: dict[str, set[str]] = {}
    for flag in manifest.loaded.state if manifest.loaded is not None else ():
        state.setdefault(flag.name, set()).add(flag.value)
    return Facts(
        manifest=manifest,
        observed=observed,
        variables=variables,
        state={name: tuple(sorted(values)) for name, values in state.items()},
        numeric=_numeric(manifest, observed=observed),
    )


def alike(a: Facts, b: Facts) -> bool:
    """Whether both CPUs are one model with the same extensions."""
    if a.cpu is None or b.cpu is None or not a.cpu.model:
        return False
    return (a.architecture, a.cpu.vendor, a.cpu.model, a.features) == (
        b.architecture,
        b.cpu.vendor,
        b.cpu.model,
        b.features,
    )


def told_alike(a: Facts, b: Facts, name: str) -> tuple[str, str] | None:
    """Return what the observed processes of both sides said of one setting, None unless both said it."""
    own, other = a.state.get(name), b.state.get(name)
    return (" ".join(own), " ".join(other)) if own and other else None


def _numeric(manifest: Manifest, *, observed: bool) -> tuple[Package, ...]:
    loaded = manifest.loaded
    used = (
        {normal_name("pypi", module.distribution) for module in loaded.modules if module.distribution}
        if observed and loaded is not None
        else None
    )
    found = []
    for package in manifest.packages:
        if package.type not in ("pypi", "conda"):
            continue
        name = normal_name(package.type, package.name)
        known = tables.package(package.type, name)
        counts = known is not None and known.role in _ROLES
        if counts and (used is None or package.type == "conda" or name in used):
            found.append(package)
    return tuple(found)
