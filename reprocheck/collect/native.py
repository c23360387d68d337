"""Native libraries that numbers come from: the CUDA stack, BLAS, OpenMP."""

from __future__ import annotations

import re

from reprocheck.collect.native_names import kind_of, version_in
from reprocheck.collect.observed import Observed
from reprocheck.collect.python_sites import in_package_cache
from reprocheck.collect.reading import read, read_json, text_of, unknown
from reprocheck.limits import KIB, Limits
from reprocheck.model.base import replace
from reprocheck.model.filetree import portable
from reprocheck.model.package import NativeLibrary
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "native"
endings: tuple[str, ...] = ("/version.json", "/version.txt")
prefixes: tuple[str, ...] = ()

_TOOLKIT = re.compile(r"(/usr/local/cuda[^/]*)/version\.(json|txt)")
_VERSION_TXT = re.compile(rb"CUDA Version ([0-9]+(?:\.[0-9]+){1,3})")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}")
_COMPONENTS = {
    "cuda-runtime": "cuda_cudart",
    "cublas": "libcublas",
    "cufft": "libcufft",
    "cusolver": "libcusolver",
    "cusparse": "libcusparse",
    "curand": "libcurand",
    "nvrtc": "cuda_nvrtc",
}


def wants(path: str) -> bool:
    """The CUDA toolkit's own version files; of libraries the name is enough."""
    return path.endswith(endings) and _TOOLKIT.fullmatch(path) is not None


def collect(view: ContainerView, limits: Limits) -> Observed:
    """List regular files only: links to a library are not another library. Owners come with the joins."""
    unknowns: list[Unknown] = []
    toolkits: dict[str, dict[str, str]] = {}
    libraries: list[NativeLibrary] = []
    for path in sorted(filter(wants, view.tree.entries)):
        root, suffix = path.rpartition("/")[0], path.rpartition(".")[2]
        if view.tree.entries[path].kind != "file":
            continue
        versions = _versions(view, path, suffix, limits, unknowns)
        if "cuda" in versions and "cuda" not in toolkits.get(root, {}):
            libraries.append(
                NativeLibrary(
                    kind="cuda-toolkit",
                    name=root.rpartition("/")[2],
                    path=portable(path),
                    version=versions["cuda"],
                    source=f"version.{suffix}",
                )
            )
        toolkits[root] = versions | toolkits.get(root, {})
    for path, entry in view.tree.entries.items():
        if ".so" not in path or entry.kind != "file":
            continue
        label = path.rpartition("/")[2]
        kind = kind_of(label)
        if kind and not in_package_cache(view.tree, path):
            version = version_in(label, kind)
            library = NativeLibrary(
                kind=kind,
                name=portable(label),
                path=portable(path),
                version=version,
                source="file-name" if version else "",
            )
            libraries.append(library if version else _by_toolkit(library, path, toolkits))
    return Observed(libraries=tuple(libraries), unknowns=tuple(unknowns))


def _by_toolkit(library: NativeLibrary, path: str, toolkits: dict[str, dict[str, str]]) -> NativeLibrary:
    for root, versions in toolkits.items():
        version = versions.get(_COMPONENTS.get(library.kind, "-"), "")
        if path.startswith(f"{root}/") and version:
            return replace(library, version=version, source="version.json")
    return library


def _versions(
    view: ContainerView, path: str, suffix: str, limits: Limits, unknowns: list[Unknown]
) -> dict[str, str]:
    """Return the version of each component that a toolkit's version file names; `cuda` is the toolkit."""
    if suffix == "txt":  # before CUDA 11.1
        raw = read(view, path, 64 * KIB, "libraries")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            return {}
        match = _VERSION_TXT.search(raw)
        if match is None:
            unknowns.append(unknown("libraries", path, "names no CUDA version"))
            return {}
        return {"cuda": match[1].decode("ascii")}
    document = read_json(view, path, limits, "libraries")
    if isinstance(document, Unknown):
        unknowns.append(document)
        return {}
    found: dict[str, str] = {}
    for key, value in document.items():
        version = text_of(value.get("version")) if isinstance(value, dict) else ""
        if _VERSION.fullmatch(version):
            found[key] = version
    return found
