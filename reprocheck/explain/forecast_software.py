"""Software that computes, and what decides an order: frameworks, BLAS, hash seed, number of processes."""

from __future__ import annotations

from reprocheck.explain.forecast_facts import Facts
from reprocheck.explain.forecast_table import state
from reprocheck.explain.judging import normal_name
from reprocheck.model.forecast import Statement
from reprocheck.model.package import Package

_BLAS = ("openblas", "mkl", "blis", "blas", "lapack", "onednn")
_WORLD = "WORLD_SIZE"
_SHOWN = 3


def state_software(a: Facts, b: Facts) -> list[Statement]:
    """State frameworks, packages that compute, BLAS libraries, the hash seed and the number of processes."""
    return [*_frameworks(a, b), *_packages(a, b), *_blas(a, b), *_hash_seed(a, b), *_world(a, b)]


def _frameworks(a: Facts, b: Facts) -> list[Statement]:
    builds = [
        sorted({" ".join(filter(None, (x.name, x.version, x.cuda and f"CUDA {x.cuda}",
                                       x.hip and f"HIP {x.hip}", x.git[:12]))) for x in side.frameworks})
        for side in (a, b)
    ]  # fmt: skip
    if not any(builds):
        return []
    case = "same" if builds[0] == builds[1] else "differs"
    return [state("framework.version", case, *(", ".join(build) or None for build in builds))]


def _packages(a: Facts, b: Facts) -> list[Statement]:
    if not all(_lists_packages(side) for side in (a, b)):
        return [state("packages.numeric", "untold", None, None)]
    own, other = (_versions(side) for side in (a, b))
    if not own and not other:
        return []
    names = sorted(name for name in own.keys() | other.keys() if own.get(name) != other.get(name))
    if names:
        return [state("packages.numeric", "differs", _named(names, own), _named(names, other))]
    builds = [_builds(side) for side in (a, b)]
    rebuilt = sorted(name for name in own if {None} != builds[0][name] != builds[1][name] != {None})
    shown = _named(rebuilt, own) if rebuilt else f"{len(own)} alike"
    return [state("packages.numeric", "rebuilt" if rebuilt else "same", shown, shown)]


def _lists_packages(side: Facts) -> bool:
    covers = side.manifest.source.covers
    return covers is None or ("pypi" in covers.types and not covers.selected)


def _versions(side: Facts) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for package in side.numeric:
        found.setdefault(normal_name(package.type, package.name), set()).add(package.version)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}


def _builds(side: Facts) -> dict[str, set[str | None]]:
    found: dict[str, set[str | None]] = {}
    for package in side.numeric:
        found.setdefault(normal_name(package.type, package.name), set()).add(_build(package))
    return found


def _build(package: Package) -> str | None:
    if package.conda is not None:
        return f"{package.conda.channel} {package.conda.build}"
    return package.python.files_sha256 if package.python is not None else None


def _named(names: list[str], versions: dict[str, tuple[str, ...]]) -> str:
    told = [f"{name} {' '.join(versions.get(name, ('(absent)',)))}" for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(told) + more


def _blas(a: Facts, b: Facts) -> list[Statement]:
    found = [[x for x in side.libraries if x.kind in _BLAS] for side in (a, b)]
    if not any(found):
        return []
    told = [sorted({f"{x.kind} {x.version}".strip() for x in libraries}) for libraries in found]
    shown = [", ".join(words) or None for words in told]
    if told[0] != told[1]:
        return [state("blas.implementation", "differs", *shown)]
    digests = [{x.sha256 or x.build_id for x in libraries} for libraries in found]
    return [state("blas.implementation", "same" if digests[0] == digests[1] else "rebuilt", *shown)]


def _hash_seed(a: Facts, b: Facts) -> list[Statement]:
    name = "PYTHONHASHSEED"
    if not any(side.manifest.pythons or side.value(name) for side in (a, b)):
        return []
    if not (a.tells(name) and b.tells(name)):
        return [state("hash.seed", "untold", a.value(name), b.value(name))]
    ends = a.value(name), b.value(name)
    if any(end in (None, "random") for end in ends):
        return [state("hash.seed", "random", *ends)]
    return [state("hash.seed", "same" if ends[0] == ends[1] else "differs", *ends)]


def _world(a: Facts, b: Facts) -> list[Statement]:
    sizes = [
        (side.manifest.job.world_size if side.manifest.job is not None else "") or side.value(_WORLD)
        for side in (a, b)
    ]
    if not any(sizes):
        return []
    if not all(sizes):
        return [state("world.size", "untold", *(size or None for size in sizes))]
    return [state("world.size", "same" if sizes[0] == sizes[1] else "differs", *sizes)]
