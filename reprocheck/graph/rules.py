"""The rules of this room, as `reprocheck explain` prints them."""

from __future__ import annotations

from reprocheck.graph import rules_below
from reprocheck.model.rule import Rule

_CHECKED = "2026-11-22"

DRIVER = Rule(
    code="DRV-211",
    title="NVIDIA driver older than the CUDA runtime needs",
    severity="high",
    detect="The recorded driver against the minimum of each CUDA runtime library, by NVIDIA's table.",
    why="The first CUDA call fails (error 35, the driver is insufficient for the runtime), or the program "
    "falls back to the CPU and gives other numbers.",
    fix="Install the named driver or a newer one on the host, or use an image with an older CUDA runtime.",
    source="docs.nvidia.com: CUDA Compatibility, Minor Version Compatibility; CUDA Toolkit Release Notes",
    date=_CHECKED,
)
UNSATISFIED = Rule(
    code="DEP-401",
    title="Requirement not met",
    severity="high",
    detect="Requires-Dist of every effective distribution, markers evaluated for the recorded interpreter, "
    "against the installed version; pre-releases count, as they do for pip.",
    why="The package was never tested with this version: it may fail, or run and compute something else.",
    fix="Install a version that every package accepts.",
    source="pypa/pip src/pip/_internal/operations/check.py; Dependency specifiers (PEP 508)",
    date=_CHECKED,
)
MISSING = Rule(
    code="DEP-402",
    title="Requirement missing",
    severity="high",
    detect="Requires-Dist of every effective distribution, extras that another package asks for included, "
    "against the installed names.",
    why="The import fails at the moment the feature is used, which can be hours into a training.",
    fix="Install the missing package.",
    source="pypa/pip src/pip/_internal/operations/check.py; pypa/pip#4204 for extras",
    date=_CHECKED,
)
PINS = Rule(
    code="DEP-404",
    title="Exact pins collide",
    severity="high",
    detect="Two installed distributions pin one dependency to different versions with ==.",
    why="No version can satisfy both, so one of the two runs with a library that it was not built for.",
    fix="Use separate environments, or a pair of releases whose pins agree.",
    source="pytorch/pytorch#97990",
    date=_CHECKED,
)
WRONG_PYTHON = Rule(
    code="DEP-409",
    title="Requires another Python",
    severity="high",
    detect="Requires-Python of every effective distribution against the recorded interpreter's version.",
    why="The package uses a language or library feature that this interpreter lacks.",
    fix="Use an interpreter in the stated range, or another release of the package.",
    source="Core metadata specification, Requires-Python (PEP 345)",
    date=_CHECKED,
)
DUPLICATE = Rule(
    code="PKG-301",
    title="Two versions of one project in one directory",
    severity="high",
    detect="Two metadata directories with the same normalised name in one directory of the search path.",
    why="Tools disagree about which version is installed, and the files are a mixture of both.",
    fix="Delete the stale metadata directory and reinstall the package.",
    source="python/importlib_metadata#106; python/cpython#100666",
    date=_CHECKED,
)
OS_PACKAGE = Rule(
    code="DEP-430",
    title="OS package dependency not met",
    severity="medium",
    detect="Dependencies and forbidden neighbours of every package of dpkg, rpm and apk, with alternatives, "
    "Provides and versions, in the order of each manager.",
    why="A package was removed or replaced by force; programs of the image can fail to load their libraries.",
    fix="Let the package manager repair the image: apt-get install --fix-broken, dnf check, apk fix.",
    source="Debian Policy, chapter 7; rpm.org: dependencies; apk-package(5)",
    date=_CHECKED,
)
CYCLE = Rule(
    code="DEP-431",
    title="Dependency cycle",
    severity="info",
    detect="Strongly connected components of the Python dependency graph.",
    why="A cycle is legal and no fault by itself; it makes the order of installation ambiguous.",
    fix="Nothing to do, unless an upgrade of one of them fails: then upgrade them together.",
    source="pypa/pip docs, dependency resolution",
    date=_CHECKED,
)

WHEEL = Rule(
    code="DEP-410",
    title="Wheel of another platform",
    severity="high",
    detect="The tags of every effective distribution's WHEEL file against the recorded interpreter, ABI and "
    "machine, and the image's C library: manylinux tags by glibc, musllinux tags by musl. Linux only.",
    why="Its extension modules fail to load, or were built for another C library and crash.",
    fix="Install the wheel again for this interpreter, or use a base image that it was built for.",
    source="PEP 425, PEP 600, PEP 656; pypa/packaging tests/test_tags.py; pip check since pip 24.2",
    date=_CHECKED,
)
CONDA = Rule(
    code="DEP-440",
    title="Conda dependency not met",
    severity="high",
    detect="`depends` of every package in conda-meta against name, version and build of what its "
    "prefix holds, in conda's order; __glibc and __cuda against the recorded C library and driver.",
    why="A package was removed or replaced by force; its libraries can be missing or have another ABI.",
    fix="Install what it names with conda, or make the environment again.",
    source="conda documentation, package match specifications; conda/conda conda/models/version.py",
    date=_CHECKED,
)
SHADOWED = Rule(
    code="PKG-314",
    title="Distribution hidden by an earlier directory",
    severity="low",
    detect="Distributions of one project in two directories of one search path: the first one is imported.",
    why="Tools that list the other directory name a version that never runs.",
    fix="Uninstall the copy that is not meant, or take its directory off the search path.",
    source="python/importlib_metadata#457; Mspass/mspass#591",
    date=_CHECKED,
)
SHARED_FILES = Rule(
    code="PKG-306",
    title="Two packages own one file",
    severity="high",
    detect="Files that the lists of two packages name, as `snapshot --integrity` recorded them; low where "
    "they lie in directories like site-packages/tests only.",
    why="The file on disk is that of the package installed last; removing one of them breaks the other.",
    fix="Keep exactly one of the packages, then reinstall it.",
    source="opencv/opencv-python#467; kohya-ss/sd-scripts#1267",
    date=_CHECKED,
)

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            UNSATISFIED,
            MISSING,
            PINS,
            WRONG_PYTHON,
            WHEEL,
            OS_PACKAGE,
            CYCLE,
            CONDA,
            DRIVER,
            DUPLICATE,
            SHADOWED,
            SHARED_FILES,
            rules_below.NUMPY,
            rules_below.LIBRARY,
            rules_below.SYMBOLS,
            rules_below.OPENMP,
            rules_below.CUDNN_MIXED,
            rules_below.NO_KERNELS,
            rules_below.SHADOWED,
            rules_below.RUNTIMES,
            rules_below.NVIDIA_PINS,
        ),
        key=lambda rule: rule.code,
    )
)
"""Sorted by code."""
