"""How deep-learning frameworks were built, from files that their builds wrote. Parsed, never imported.

torch/version.py (tools/generate_torch_version.py), tensorflow/python/platform/build_info.py, {jax,jaxlib,
jax_cudaNN_plugin}/version.py, onnxruntime/capi/build_and_package_info.py, cupy/_version.py with
cupy/.data/_wheel.json, paddle/version/__init__.py, mxnet/libinfo.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from reprocheck.collect.native_strings import ARCHITECTURES
from reprocheck.collect.observed import Observed
from reprocheck.collect.python_sites import in_package_cache, is_aside
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import MIB, Limits
from reprocheck.model.base import replace
from reprocheck.model.filetree import portable
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import Framework, Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "frameworks"
endings: tuple[str, ...] = (
    "/torch/version.py",
    "/tensorflow/python/platform/build_info.py",
    "/jax/version.py",
    "/jaxlib/version.py",
    "_plugin/version.py",
    "/onnxruntime/capi/build_and_package_info.py",
    "/cupy/_version.py",
    "/cupy/.data/_wheel.json",
    "/paddle/version/__init__.py",
    "/mxnet/libinfo.py",
)
prefixes: tuple[str, ...] = ()

_PLACE = re.compile(
    r"(?P<location>.*)/(?P<file>"
    r"(?P<torch>torch/version\.py)"
    r"|(?P<tensorflow>tensorflow/python/platform/build_info\.py)"
    r"|(?P<jax>jax/version\.py)"
    r"|(?P<jaxlib>jaxlib/version\.py)"
    r"|(?P<plugin>jax_(?:cuda|rocm)[0-9]{1,3}_plugin/version\.py)"
    r"|(?P<onnxruntime>onnxruntime/capi/build_and_package_info\.py)"
    r"|(?P<cupy>cupy/_version\.py)"
    r"|(?P<wheel>cupy/\.data/_wheel\.json)"
    r"|(?P<paddle>paddle/version/__init__\.py)"
    r"|(?P<mxnet>mxnet/libinfo\.py))",
    re.DOTALL,
)
_ASSIGNMENT = re.compile(
    r"^([A-Za-z_]{1,40})(?:[ \t]{0,4}:[^=\n#]{1,80})?[ \t]{0,20}=[ \t]{0,4}"
    r"(?:'([^'\n\\]{0,200})'|\"([^\"\n\\]{0,200})\"|(True|False|None|[0-9.]{1,40})\b)",
    re.MULTILINE,
)
_PAIR = re.compile(r"\('([a-z_]{1,40})', (?:'([^'\n\\]{0,80})'|(True|False))\)")
_CAPABILITIES = re.compile(r"'cuda_compute_capabilities', \[([^\]]{0,2000})\]")
_GPU = re.compile(r"'((?:sm|compute)_[0-9]{2,4}[af]?)'")
_WHEEL = re.compile(r'"cuda"[ \t]{0,4}:[ \t]{0,4}"([0-9.x]{1,20})"')
_LOCAL = re.compile(r"\+(?:.*\.)?cu(?:da)?([0-9]{2,4})(?:\.cudnn([0-9]{1,4}))?(?![0-9])")
_ABSENT = ("None", "False", "0", "")
_PINNED = re.compile(
    r"(?:nvidia|intel|cuda|rocm|jax-(?:cuda|rocm)[0-9]*)-[\w.-]+|(?:pytorch-)?triton(?:-rocm|-xpu)?|onemkl[\w.-]*"
    r"|mkl|tbb|tensorrt[\w.-]*|jaxlib|libtpu|cupy[\w.-]*|tcmlib|umf|impi-rt|dpcpp-cpp-rt",
    re.IGNORECASE,
)
_REQUIREMENT = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9._-]{0,100})")
_BYTES = 1 * MIB


def wants(path: str) -> bool:
    """Files that a framework's build wrote, at their places below a site directory."""
    return path.endswith(endings) and _PLACE.fullmatch(path) is not None


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read each framework's own file; `complete` adds what its distribution says."""
    found: list[Framework] = []
    unknowns: list[Unknown] = []
    wheels: dict[str, str] = {}
    for path in sorted(filter(wants, view.tree.entries)):
        place = _PLACE.fullmatch(path)
        if place is None or is_aside(path) or in_package_cache(view.tree, path):
            continue
        raw = read(view, path, min(limits.metadata_file, _BYTES), "packages")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            continue
        text, location = raw.decode("utf-8", "replace"), place["location"] or "/"
        if place["wheel"]:
            match = _WHEEL.search(text)
            wheels[location] = match[1] if match is not None else ""
            continue
        framework = _framework(place, text)
        if framework is None:
            unknowns.append(unknown("packages", path, "does not tell the version of the framework"))
        else:
            found.append(replace(framework, location=portable(location), source=place["file"]))
    return Observed(
        frameworks=tuple(
            replace(item, cuda=wheels.get(item.location, "")) if item.name == "cupy" else item
            for item in found
        ),
        unknowns=tuple(unknowns),
    )


def complete(
    frameworks: Iterable[Framework],
    packages: Iterable[Package],
    objects: Iterable[tuple[str, LibraryFacts]] = (),
) -> tuple[Framework, ...]:
    """Add the pins of each framework's distribution, and what its local version (`+cu130`) claims.

    Of `objects`, PyTorch's own library tells the GPUs that its kernels were compiled for.
    """
    flags = {path: dict(facts.versions).get(ARCHITECTURES, "") for path, facts in objects if facts.versions}
    by_place: dict[str, list[Package]] = {}
    for package in packages:
        if package.python is not None:
            by_place.setdefault(package.python.location, []).append(package)
    done = {_completed(_for_gpus(item, flags), by_place.get(item.location, [])) for item in frameworks}
    return tuple(sorted(done, key=lambda item: (item.name, item.location, item.version)))


def _for_gpus(framework: Framework, flags: dict[str, str]) -> Framework:
    place = f"{framework.location.rstrip('/')}/torch/lib/libtorch_python.so"
    told = flags.get(place, "") if framework.name == "torch" else ""
    return replace(framework, architectures=tuple(sorted(told.split()))) if told else framework


def _framework(place: re.Match[str], text: str) -> Framework | None:
    """Build the value from what the file assigns; None where even the version is missing."""
    if place["tensorflow"]:  # the version itself is compiled in: the distribution has it
        pairs: dict[str, str] = {}
        for match in _PAIR.finditer(text):
            pairs.setdefault(match[1], match[2] or match[3] or "")
        if "is_cuda_build" not in pairs and "cpu_compiler" not in pairs:
            return None
        cuda, cudnn = (_said(pairs.get(key, "")) for key in ("cuda_version", "cudnn_version"))
        return Framework(
            name="tensorflow",
            version="",
            location="",
            cuda=cuda,
            cudnn=cudnn,
            architectures=_capabilities(text),
        )
    said: dict[str, str] = {}
    for match in _ASSIGNMENT.finditer(text):
        said.setdefault(match[1], _said(match[2] or match[3] or match[4] or ""))
    if place["paddle"]:
        version = said.get("full_version", "")
    elif place["jax"] or place["jaxlib"] or place["plugin"]:
        version = said.get("_release_version") or said.get("__version__") or said.get("_version", "")
    else:
        version = said.get("__version__", "")
    if not version:
        return None
    first = place["file"].partition("/")[0]
    return Framework(
        name=first.replace("_", "-"),
        version=version,
        location="",
        cuda=said.get("cuda", "") or said.get("cuda_version", "") or _major(first, "cuda"),
        hip=said.get("hip", "") or said.get("hip_version", "") or _major(first, "rocm"),
        cudnn=said.get("cudnn_version", ""),
        git=said.get("git_version") or said.get("_git_hash") or said.get("commit", ""),
        debug=said.get("debug", "") == "True",
    )


def _capabilities(text: str) -> tuple[str, ...]:
    match = _CAPABILITIES.search(text)
    return tuple(sorted(set(_GPU.findall(match[1])))) if match is not None else ()


def _said(value: str) -> str:
    return "" if value in _ABSENT else value


def _major(package: str, word: str) -> str:
    """`12` of `jax_cuda12_plugin`."""
    _, found, rest = package.partition(f"_{word}")
    return rest.partition("_")[0] if found else ""


def _completed(framework: Framework, here: list[Package]) -> Framework:
    stem = {"paddle": "paddlepaddle"}.get(framework.name, framework.name)
    exact = framework.name.startswith(("jax", "torch"))
    labels = [(canonicalize_name(package.name), package) for package in here]
    own = [
        package
        for label, package in sorted(labels, key=lambda item: (item[0] != stem, item[0], item[1].version))
        if label == stem or (not exact and label.startswith(f"{stem}-"))
    ]
    version = framework.version or next((package.version for package in own), "")
    local = _LOCAL.search(version) or next(filter(None, (_LOCAL.search(p.version) for p in own)), None)
    pins = {line for p in own if p.python is not None for line in p.python.requires if _is_pin(line)}
    return replace(
        framework,
        version=version,
        cuda=framework.cuda or (_dotted(local[1], 2) if local is not None else ""),
        cudnn=framework.cudnn or (_dotted(local[2] or "", 1) if local is not None else ""),
        pins=tuple(sorted(pins)),
    )


def _is_pin(line: str) -> bool:
    match = _REQUIREMENT.match(line)
    return match is not None and _PINNED.fullmatch(match[1]) is not None


def _dotted(digits: str, major: int) -> str:
    """`13.0` of `130`, `8.9` of `89`, `12` of `12`."""
    return f"{digits[:major]}.{digits[major:]}" if len(digits) > major else digits
