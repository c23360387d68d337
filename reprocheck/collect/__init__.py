"""From bytes to values: one module per source of truth, then the pure joins between them.

A collector that reads the file system is one module, one line in `COLLECTORS`, one test file.
"""

from __future__ import annotations

from reprocheck.collect import (
    apk,
    conda,
    dpkg,
    frameworks,
    hub,
    libc,
    linking,
    loader,
    native,
    os_release,
    python_distributions,
    python_environments,
    rpm,
    wheel_files,
)
from reprocheck.collect.active import mark_active
from reprocheck.collect.elf import library_reader, library_spans, wanted_library
from reprocheck.collect.joins import (
    assign,
    merge_conda,
    name_pip_projects,
    own_libraries,
    owners_of,
    refine_versions,
    sort_key,
)
from reprocheck.collect.observed import Claim, Collector, Observed
from reprocheck.collect.scope import narrow
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

__all__ = [
    "COLLECTORS",
    "Claim",
    "Collector",
    "Observed",
    "library_reader",
    "library_spans",
    "observe",
    "wanted",
    "wanted_library",
]

COLLECTORS: tuple[Collector, ...] = (
    os_release,
    dpkg,
    apk,
    rpm,
    python_environments,
    python_distributions,
    wheel_files,
    conda,
    native,
    frameworks,
    hub,
)

_ENDINGS = ("/libc.so.6", loader.CACHE, *(ending for collector in COLLECTORS for ending in collector.endings))
# A set of last letters is ten times as fast as trying every ending, and two million paths come by.
_TAILS = frozenset(ending[-4:] for ending in _ENDINGS)
_PREFIXES = tuple(prefix for collector in COLLECTORS for prefix in collector.prefixes)


def wanted(path: str) -> bool:
    """Whether any collector will read the file at this absolute path."""
    if path[-4:] not in _TAILS and not path.startswith(_PREFIXES) and "/refs/" not in path:
        return False
    return libc.wants(path) or loader.wants(path) or any(collector.wants(path) for collector in COLLECTORS)


def observe(
    view: ContainerView,
    limits: Limits,
    *,
    integrity: bool = False,
    path_variable: str = "",
    library_path: str = "",
    virtual_env: str = "",
    only_prefix: str | None = None,
) -> Observed:
    """Read everything that the collectors know, join it, and sort it.

    `path_variable` is the target's PATH, `virtual_env` its VIRTUAL_ENV or CONDA_PREFIX; they tell which
    environment is active. `library_path` is its LD_LIBRARY_PATH, for the choices of the dynamic loader.
    `only_prefix` keeps the Python environments of one prefix only. Raises nothing for what the files hold:
    what could not be read is among `unknowns`.
    """
    parts = [collector.collect(view, limits) for collector in COLLECTORS]
    system = next((part.os for part in parts if part.os is not None), None)
    packages = tuple(package for part in parts for package in part.packages)
    claims = tuple(claim for part in parts for claim in part.claims)
    unknowns = [item for part in parts for item in part.unknowns]

    owners = owners_of(view.tree, claims)
    pythons = refine_versions(view.tree, tuple(python for part in parts for python in part.pythons), owners)
    pythons, problem = mark_active(view.tree, pythons, path_variable, virtual_env)
    if problem is not None:
        unknowns.append(problem)
    joined = name_pip_projects(merge_conda(assign(packages, pythons, owners), pythons, owners), claims)
    if system is not None:
        found = libc.libc_of(view, packages)
        if isinstance(found, Unknown):
            unknowns.append(found)
        else:
            system = replace(system, libc=found)
    objects = tuple(item for part in parts for item in part.objects)
    loading = loader.choices_of(view, limits, objects, pythons, library_path)
    unknowns.extend(loading.unknowns)
    purls = {path: claim.owner for path, claim in owners.items()}
    links = linking.links_of(view, limits, objects, pythons, library_path, purls)
    unknowns.extend(links.unknowns)
    observed = Observed(
        os=system,
        packages=tuple(joined),
        pythons=pythons,
        libraries=own_libraries(tuple(item for part in parts for item in part.libraries), owners),
        frameworks=frameworks.complete((item for part in parts for item in part.frameworks), joined, objects),
        loading=loading.choices,
        linking=links.needs,
        notes=(*(note for part in parts for note in part.notes), *loading.notes),
        unknowns=tuple(unknowns),
        wheels=tuple(item for part in parts for item in part.wheels),
        remnants=tuple(item for part in parts for item in part.remnants),
        hub=tuple(item for part in parts for item in part.hub),
    )
    result = _sorted(observed if only_prefix is None else narrow(view, observed, only_prefix))
    if not integrity:
        return result
    from reprocheck.collect.integrity import check_integrity, places_of

    places = None if only_prefix is None else places_of(result.pythons)
    checked, problems = check_integrity(view, result, limits, places=places)
    unknowns = sorted({*result.unknowns, *problems}, key=lambda item: (item.section, item.where, item.reason))
    return replace(result, integrity=checked, unknowns=tuple(unknowns))


def _sorted(observed: Observed) -> Observed:
    return Observed(
        os=observed.os,
        packages=tuple(sorted(observed.packages, key=sort_key)),
        pythons=tuple(sorted(observed.pythons, key=lambda python: python.executable)),
        libraries=tuple(
            sorted(observed.libraries, key=lambda item: (item.kind, item.name, item.version, item.path))
        ),
        unknowns=tuple(
            sorted(set(observed.unknowns), key=lambda item: (item.section, item.where, item.reason))
        ),
        frameworks=observed.frameworks,
        hub=observed.hub,
        loading=observed.loading,
        linking=observed.linking,
        notes=observed.notes,
        wheels=tuple(sorted(observed.wheels, key=lambda item: item.path)),
        remnants=tuple(sorted(set(observed.remnants), key=lambda item: (item.path, item.reason))),
    )
