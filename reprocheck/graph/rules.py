"""The rules of this room, as `reprocheck explain` prints them."""

from __future__ import annotations

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
    detect="Depends of every installed Debian package, alternatives and Provides included, by dpkg's order. "
    "Packages of rpm and apk are not examined: they depend on file and library names.",
    why="A package was removed or replaced by force; programs of the image can fail to load their libraries.",
    fix="Let apt repair the image: apt-get install --fix-broken.",
    source="Debian Policy, chapter 7 (relationships between packages)",
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

RULES: tuple[Rule, ...] = (UNSATISFIED, MISSING, PINS, WRONG_PYTHON, OS_PACKAGE, CYCLE, DRIVER, DUPLICATE)
"""Sorted by code."""
