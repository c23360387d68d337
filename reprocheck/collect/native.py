"""Native libraries that numbers come from: CUDA stack, BLAS, OpenMP; all copies, with their versions."""

from __future__ import annotations

from reprocheck.collect.elf import (
    EMPTY,
    LINKER_SCRIPT,
    NO_ELF,
    NO_LIBRARY,
    NOT_DYNAMIC,
    wanted_library,
)
from reprocheck.collect.elf_names import is_runtime
from reprocheck.collect.native_names import kind_at, version_in
from reprocheck.collect.native_strings import RELEASE_OF
from reprocheck.collect.native_toolkits import Toolkits, is_version_file, read_toolkits
from reprocheck.collect.native_versions import with_claims
from reprocheck.collect.observed import Observed
from reprocheck.collect.python_sites import in_package_cache
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import NativeLibrary, VersionClaim
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, ViewError

name: str = "native"
endings: tuple[str, ...] = ("/version.json", "/version.txt", "/cudnn_version.h", "/cudnn_version_v9.h")
prefixes: tuple[str, ...] = ()

_OUT_OF_SIGHT = "is too large to be looked at"
"""As `engine.window` says it."""
_FACTS = frozenset({EMPTY, NO_ELF, NO_LIBRARY, NOT_DYNAMIC})


def wants(path: str) -> bool:
    """The version files of the CUDA toolkit and of cuDNN; libraries are asked for by `wanted_library`."""
    return path.endswith(endings) and is_version_file(path)


def collect(view: ContainerView, limits: Limits) -> Observed:
    """List regular files only: links to a library are not another library. Owners come with the joins."""
    unknowns: list[Unknown] = []
    toolkits = read_toolkits(view, limits, [path for path in view.tree.entries if wants(path)], unknowns)
    libraries = list(toolkits.libraries)
    objects: list[tuple[str, LibraryFacts]] = []
    notes: list[str] = []
    paths = sorted(
        path for path, entry in view.tree.entries.items() if entry.kind == "file" and wanted_library(path)
    )
    for index, path in enumerate(paths):
        if index == limits.libraries:
            reason = f"is behind the first {index} shared objects (limit libraries; see --limit-scale)"
            unknowns.append(unknown("libraries", path, reason))
            break
        if in_package_cache(view.tree, path):
            continue
        facts = _facts(view, path, unknowns, notes)
        if facts is None:
            continue
        objects.append((path, facts))
        kind = kind_at(path, facts.soname)
        if kind:
            libraries.append(_library(path, kind, facts, toolkits))
    return Observed(
        libraries=tuple(libraries), objects=tuple(objects), unknowns=tuple(unknowns), notes=tuple(notes)
    )


def _facts(view: ContainerView, path: str, unknowns: list[Unknown], notes: list[str]) -> LibraryFacts | None:
    """Return what the file says of itself; nothing, if it cannot be read but its name says what it is.

    None for what is no library at all. A dynamic section in the middle of a large file is a note: that the
    file is there and whose it is stays known.
    """
    numeric = bool(kind_at(path))
    try:
        facts = view.library(path)
        if facts.untold:
            notes.append(f"{portable(path)} {facts.untold}: which symbol versions it wants is not told")
        return facts
    except (FileNotFoundError, IsADirectoryError):
        return None
    except ViewError as error:
        reason = str(error)
    if reason == LINKER_SCRIPT or (not numeric and (reason in _FACTS or ".so" not in path)):
        return None  # of an interpreter only its DT_RPATH was asked for
    if reason.startswith(_OUT_OF_SIGHT):
        notes.append(f"{portable(path)} {reason}: what it needs and where from is not told")
    elif reason != EMPTY and not is_runtime(path.rpartition("/")[2]):  # collect.linking says if it is missed
        unknowns.append(unknown("libraries", path, reason or "could not be read"))
    return LibraryFacts() if numeric else None


def _library(path: str, kind: str, facts: LibraryFacts, toolkits: Toolkits) -> NativeLibrary:
    label = path.rpartition("/")[2]
    strings = dict(facts.versions)
    if kind in ("blas", "lapack"):  # Debian's alternatives: a libblas.so.3 that is all of OpenBLAS
        kind = next((other for other in ("openblas", "mkl", "blis") if other in strings), kind)
    claims = [
        VersionClaim(version=strings[what], source="string")
        for what in RELEASE_OF.get(kind, ())
        if what in strings
    ]
    claims.append(VersionClaim(version=version_in(label, kind), source="file-name"))
    library = NativeLibrary(
        kind=kind,
        name=portable(label),
        path=portable(path),
        soname=portable(facts.soname),
        build_id=facts.build_id,
        sha256=facts.sha256,
    )
    return with_claims(library, (*claims, *toolkits.claims(path, kind)))
