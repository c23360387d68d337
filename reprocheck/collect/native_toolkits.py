"""What lies beside CUDA's libraries and tells their versions: the toolkit's version files, cuDNN's header.

`version.json` is in the toolkit since 11.1, `version.txt` before that; `cudnn_version.h` since cuDNN 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reprocheck.collect.reading import read, read_json, text_of, unknown
from reprocheck.limits import KIB, Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import portable
from reprocheck.model.package import NativeLibrary, VersionClaim
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_TOOLKIT = re.compile(r"(/usr/local/cuda[^/]*)/version\.(json|txt)")
_HEADER = re.compile(r"(.*)/include/(?:[^/]+-linux-gnu/)?cudnn_version(?:_v[0-9]{1,2})?\.h", re.DOTALL)
_BESIDE = re.compile(r"/(?:lib(?:64)?(?:/[^/]+-linux-gnu)?|targets/[^/]+/lib)/[^/]+", re.DOTALL)
_TEXT = re.compile(rb"CUDA Version ([0-9]+(?:\.[0-9]+){1,3})")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,5}")
_DEFINE = re.compile(
    rb"^[ \t]*#[ \t]*define[ \t]+CUDNN_(MAJOR|MINOR|PATCHLEVEL)[ \t]+([0-9]{1,6})\b", re.MULTILINE
)
_COMPONENTS = {
    "cuda-runtime": "cuda_cudart",
    "cublas": "libcublas",
    "cufft": "libcufft",
    "cufile": "libcufile",
    "cupti": "cuda_cupti",
    "curand": "libcurand",
    "cusolver": "libcusolver",
    "cusparse": "libcusparse",
    "nvjitlink": "libnvjitlink",
    "nvrtc": "cuda_nvrtc",
    "nvtx": "cuda_nvtx",
}


class Toolkits(Frozen, frozen=True, kw_only=True):
    """What the version files say."""

    libraries: tuple[NativeLibrary, ...]
    """One for each toolkit, kind `cuda-toolkit`."""
    components: tuple[tuple[str, str, dict[str, str]], ...]
    """(toolkit's directory, source, component to version)."""
    headers: tuple[tuple[str, str], ...]
    """(directory that holds `include`, cuDNN's version)."""

    def claims(self, path: str, kind: str) -> list[VersionClaim]:
        """Say what is told of a library at an absolute path."""
        found = [
            VersionClaim(version=versions[_COMPONENTS[kind]], source=source)
            for root, source, versions in self.components
            if path.startswith(f"{root}/") and versions.get(_COMPONENTS.get(kind, "-"))
        ]
        if kind == "cudnn":
            found += [
                VersionClaim(version=version, source="cudnn_version.h")
                for root, version in self.headers
                if path.startswith(f"{root}/") and _BESIDE.fullmatch(path, len(root)) is not None
            ]
        return found


def is_version_file(path: str) -> bool:
    """Whether an absolute path is a version file of the toolkit or of cuDNN."""
    return (_HEADER if path.endswith(".h") else _TOOLKIT).fullmatch(path) is not None


def read_toolkits(
    view: ContainerView, limits: Limits, paths: Iterable[str], unknowns: list[Unknown]
) -> Toolkits:
    """Read the version files at these paths; what fails is added to `unknowns`."""
    libraries: dict[str, NativeLibrary] = {}
    components: list[tuple[str, str, dict[str, str]]] = []
    headers: list[tuple[str, str]] = []
    for path in sorted(paths):
        if view.tree.entries[path].kind != "file":
            continue
        if path.endswith(".h"):
            match = _HEADER.fullmatch(path)
            version = _header(view, path, unknowns)
            if match is not None and version:
                headers.append((match[1], version))
            continue
        root, source = path.rpartition("/")[0], path.rpartition("/")[2]
        versions = _versions(view, path, limits, unknowns)
        if "cuda" in versions and root not in libraries:
            libraries[root] = NativeLibrary(
                kind="cuda-toolkit",
                name=root.rpartition("/")[2],
                path=portable(path),
                version=versions["cuda"],
                source=source,
            )
        components.append((root, source, versions))
    return Toolkits(libraries=tuple(libraries.values()), components=tuple(components), headers=tuple(headers))


def _header(view: ContainerView, path: str, unknowns: list[Unknown]) -> str:
    raw = read(view, path, 64 * KIB, "libraries")
    if isinstance(raw, Unknown):
        unknowns.append(raw)
        return ""
    parts = {match[1]: match[2].decode("ascii") for match in _DEFINE.finditer(raw)}
    if len(parts) != 3:
        unknowns.append(unknown("libraries", path, "names no cuDNN version"))
        return ""
    return f"{parts[b'MAJOR']}.{parts[b'MINOR']}.{parts[b'PATCHLEVEL']}"


def _versions(view: ContainerView, path: str, limits: Limits, unknowns: list[Unknown]) -> dict[str, str]:
    """Return the version of each component that a toolkit's version file names; `cuda` is the toolkit."""
    if path.endswith(".txt"):
        raw = read(view, path, 64 * KIB, "libraries")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            return {}
        match = _TEXT.search(raw)
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
