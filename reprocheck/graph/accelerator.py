"""GPU libraries of one environment: pins, copies in each other's way, kernels for the GPU that is there."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from reprocheck.graph import rules_below as rules
from reprocheck.graph.interpreter import describe_interpreter
from reprocheck.graph.python import Installed, effective_distributions
from reprocheck.graph.requirement import Need, RequirementReader
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.installing import pip_command
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, LoaderChoice, NativeLibrary, PythonEnvironment
from reprocheck.model.unknown import Unknown

_CUDA_KINDS = frozenset(
    {
        "cuda-runtime",
        "cudnn",
        "cublas",
        "cufft",
        "cusolver",
        "cusparse",
        "cusparselt",
        "curand",
        "nccl",
        "nvrtc",
    }
    | {"nvjitlink", "cufile", "cupti", "cudss", "nvshmem", "tensorrt"}
)
_ARCHITECTURE = re.compile(r"(sm|compute)_([0-9]{1,3})([0-9])([af]?)")
_SITE = re.compile(r"/(?:site|dist)-packages/")

Found = tuple[tuple[Conflict, ...], tuple[Unknown, ...]]


def find_pin_conflicts(manifest: Manifest) -> Found:
    """Compare what each framework pins of NVIDIA's packages with what is installed (DRV-216).

    A requirement that is not met is broken already as such (DEP-401, DEP-402); this is the whole in one row.
    """
    reader = RequirementReader()
    found: list[Conflict] = []
    for python in sorted(manifest.pythons, key=lambda item: item.executable):
        here = [item for item in manifest.frameworks if item.pins and item.location in python.search_path]
        if not here:
            continue
        interpreter = describe_interpreter(python, manifest)
        installed = effective_distributions(manifest, python)
        for framework in here:
            needs = [need for line in framework.pins if isinstance(need := reader.read(line), Need)]
            wrong = [
                (need, installed.get(need.name))
                for need in needs
                if interpreter.holds(need.marker) and not _fits(need, installed.get(need.name))
            ]
            if wrong:
                found.append(_pins(framework, wrong, python, manifest))
    return tuple(found), ()


def _fits(need: Need, there: Installed | None) -> bool:
    """Whether it is met, or cannot be compared (the requirement itself says so)."""
    if there is None:
        return False
    try:
        return need.specifier.contains(Version(there.version), prereleases=True)
    except InvalidVersion:
        return True


def _pins(
    framework: Framework,
    wrong: list[tuple[Need, Installed | None]],
    python: PythonEnvironment,
    manifest: Manifest,
) -> Conflict:
    parent = f"{framework.name} {framework.version}"
    rows = sorted({(need.display, there.version if there else "missing") for need, there in wrong})
    wanted = " ".join(shlex.quote(display) for display, _ in rows)
    return Conflict(
        code=rules.NVIDIA_PINS.code,
        kind="unsatisfied",
        severity=rules.NVIDIA_PINS.severity,
        package=framework.name,
        requirement=", ".join(display for display, _ in rows),
        found=", ".join(version for _, version in rows),
        causes=tuple(Cause(requirement=display, parent=parent, chain=(parent,)) for display, _ in rows),
        broken=False,
        fix=f"{pip_command('install', python.executable, manifest)} {wanted}",
        environment=python.executable,
        type="pypi",
    )


def find_copy_conflicts(manifest: Manifest) -> Found:
    """Give CUDA libraries that are shadowed (DRV-214), mixed (GPU-207) or of several releases (DRV-215)."""
    libraries = {library.path: library for library in manifest.libraries}
    chosen = [row for row in manifest.loading if row.path in libraries]
    found = [*_shadowed(manifest, chosen, libraries), *_mixed(chosen, libraries), *_runtimes(manifest)]
    return tuple(found), ()


def _shadowed(
    manifest: Manifest, chosen: list[LoaderChoice], libraries: dict[str, NativeLibrary]
) -> Iterable[Conflict]:
    rows: dict[tuple[str, str, str], list[tuple[LoaderChoice, NativeLibrary]]] = defaultdict(list)
    for row in chosen:
        taken = libraries[row.path]
        if taken.kind not in _CUDA_KINDS or row.rule not in ("LD_LIBRARY_PATH", "cache", "default"):
            continue
        for path in row.shadowed:
            other = libraries.get(path)
            if other is not None and _SITE.search(path) and other.version != taken.version:
                rows[taken.kind, row.rule, _directory(row.path)].append((row, other))
                break
    for (_, rule, directory), items in sorted(rows.items(), key=lambda item: item[0]):
        row, other = items[0]
        taken = libraries[row.path]
        yield Conflict(
            code=rules.SHADOWED.code,
            kind="two-copies",
            severity=rules.SHADOWED.severity,
            package=f"{other.name} {other.version}".rstrip(),
            requirement=f"{row.soname} of {other.path}",
            found=f"{taken.path} {taken.version}".rstrip(),
            causes=tuple(
                Cause(requirement=one.soname, parent=one.consumer, chain=(one.consumer, one.path))
                for one, _ in items
            ),
            broken=False,
            fix=f"Take {directory} out of LD_LIBRARY_PATH."
            if rule == "LD_LIBRARY_PATH"
            else f"Remove {directory} from the loader's configuration, or the copy in it.",
            environment=_environment(manifest, row.consumer),
        )


def _mixed(chosen: list[LoaderChoice], libraries: dict[str, NativeLibrary]) -> Iterable[Conflict]:
    places: dict[str, dict[str, LoaderChoice]] = defaultdict(dict)
    for row in chosen:
        if libraries[row.path].kind == "cudnn":
            major = row.soname.rpartition(".so.")[2].partition(".")[0]
            places[major].setdefault(_directory(row.path), row)
    for major, rows in sorted(places.items()):
        versions = {libraries[row.path].version for row in rows.values()}
        if len(rows) < 2 or len(versions) < 2:
            continue
        order = sorted(rows)
        yield Conflict(
            code=rules.CUDNN_MIXED.code,
            kind="two-copies",
            severity=rules.CUDNN_MIXED.severity,
            package=f"cuDNN {major}".rstrip(),
            requirement="all of cuDNN from one place",
            found=", ".join(f"{place} ({libraries[rows[place].path].version or '?'})" for place in order),
            causes=tuple(
                Cause(
                    requirement=rows[place].soname,
                    parent=rows[place].consumer,
                    chain=(rows[place].consumer, rows[place].path),
                )
                for place in order
            ),
            broken=False,
            fix=f"Leave one of {', '.join(order)} in the loader's way.",
        )


def _runtimes(manifest: Manifest) -> Iterable[Conflict]:
    copies = [item for item in manifest.libraries if item.kind == "cuda-runtime" and item.version]
    releases = {".".join(item.version.split(".")[:2]) for item in copies}
    if len(releases) > 1:
        yield Conflict(
            code=rules.RUNTIMES.code,
            kind="two-copies",
            severity=rules.RUNTIMES.severity,
            package="CUDA runtime",
            requirement="one CUDA runtime",
            found=", ".join(sorted({f"{item.name} {item.version}" for item in copies})),
            causes=tuple(
                Cause(requirement=item.version, parent=item.name, chain=(item.path,))
                for item in sorted(copies, key=lambda item: item.path)
            ),
            broken=False,
            fix="",
        )


def find_gpu_conflicts(manifest: Manifest) -> Found:
    """Compare each framework's kernels with the GPUs that are there (GPU-211).

    A framework for CUDA of which the build names no architectures is unknown where there is a GPU.
    """
    gpus = [gpu for gpu in manifest.host.gpus if gpu.compute_capability] if manifest.host is not None else []
    found: list[Conflict] = []
    unknowns: list[Unknown] = []
    for framework in manifest.frameworks if gpus else ():
        parent = f"{framework.name} {framework.version}"
        if not framework.cuda or framework.name not in ("torch", "tensorflow"):
            continue
        if not framework.architectures:
            reason = "its build does not say which GPUs it was compiled for"
            unknowns.append(Unknown(section="graph", where=parent, reason=reason))
            continue
        for capability in sorted({gpu.compute_capability for gpu in gpus}):
            fit = _runs_on(framework.architectures, capability)
            if fit in ("code", ""):
                continue
            requirement = f"kernels for compute capability {capability}"
            names = sorted({gpu.name for gpu in gpus if gpu.compute_capability == capability})
            found.append(
                Conflict(
                    code=rules.NO_KERNELS.code,
                    kind="gpu-architecture",
                    severity="info" if fit == "ptx" else rules.NO_KERNELS.severity,
                    package=framework.name,
                    requirement=requirement,
                    found=" ".join(framework.architectures),
                    causes=(Cause(requirement=requirement, parent=parent, chain=(parent, *names)),),
                    broken=fit == "none",
                    fix=""
                    if fit == "ptx"
                    else f"Install a build of {framework.name} for {', '.join(names)}.",
                    environment=_environment(manifest, f"{framework.location}/{framework.source}"),
                    type="pypi",
                )
            )
    return tuple(found), tuple(unknowns)


def _runs_on(architectures: tuple[str, ...], capability: str) -> str:
    """Tell how kernels run on a GPU: `code`, `ptx` (which the driver compiles), `none`; '' if untold.

    Code for `sm_90a` runs on 9.0 alone, for `sm_100f` on the family's later minors too.
    """
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9])", capability)
    if match is None:
        return ""
    major, minor = int(match[1]), int(match[2])
    answers = {"none"}
    for text in architectures:
        if (one := _ARCHITECTURE.fullmatch(text)) is None:
            continue
        own = (int(one[2]), int(one[3]))
        exact = own == (major, minor)
        if one[1] == "sm" and (exact or (one[4] != "a" and own[0] == major and own[1] <= minor)):
            return "code"
        if one[1] == "compute" and (exact or (not one[4] and own <= (major, minor))):
            answers.add("ptx")
    return "ptx" if "ptx" in answers else "none"


def _environment(manifest: Manifest, path: str) -> str:
    pythons = sorted(manifest.pythons, key=lambda item: (not item.active, item.executable))
    for python in pythons:
        if any(path.startswith(f"{place.rstrip('/')}/") for place in python.search_path):
            return python.executable
    return ""


def _directory(path: str) -> str:
    return path.rpartition("/")[0] or "/"
