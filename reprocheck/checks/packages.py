"""Whether the installed packages can be had again."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit, some
from reprocheck.model.change import Severity
from reprocheck.model.installing import pytorch_index
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl, Distribution, Package, PythonEnvironment
from reprocheck.model.rule import Rule

LOCAL_VERSION = Rule(
    code="DEP-405",
    title="Local version needs an extra index",
    severity="high",
    detect="manifest: a Python distribution with a local version (`2.3.0+cu126`), from no known archive",
    why="PyPI takes no local versions, so `pip install name==version` fails for everybody else.",
    fix="Name its index (--extra-index-url) beside the requirement, with hashes, or ship the wheel.",
    source="PEP 440 (local version identifiers); Henry-Lee-real/MaeFuse#4, Nerogar/OneTrainer#138",
    date=CHECKED_ON,
)
MUTABLE_SOURCE = Rule(
    code="PKG-307",
    title="Package from a place that can change",
    severity="high",
    detect="manifest: direct_url.json with an editable install, no commit, a local path, or no archive hash",
    why="Its version number does not name its content; the source may be edited or gone.",
    fix="Build a wheel from a commit and install that, or install from `git+URL@COMMIT`.",
    source="PEP 610; pypa/pip tests/functional/test_freeze.py (pep610)",
    date=CHECKED_ON,
)
INTERPRETERS = Rule(
    code="PKG-315",
    title="More than one interpreter could have run",
    severity="medium",
    detect="manifest: several interpreters hold packages, and the command does not say which one it starts",
    why="`bash -c python` and `dash -c python` have been seen to start two different Pythons of one image.",
    fix="Start the command with the interpreter's absolute path.",
    source="arviz-devs/arviz#936, docker-library/python#43",
    date=CHECKED_ON,
)

_PYTHON_NAME = re.compile(r"(?:python|pypy)[\d.]*")


def _local_version(evidence: Evidence) -> Judgement:
    hits = []
    for package, distribution in _distributions(evidence.manifest):
        public, plus, _ = package.version.partition("+")
        # A distribution that an OS package owns comes from that package, not from an index.
        if not plus or package.owner or distribution.direct_url is not None:
            continue
        index = pytorch_index(package.name, package.version)
        fix = f"Add --extra-index-url {index} to the requirements, with hashes." if index else None
        message = f"{package.name} {package.version} is not on PyPI, where only {public} could be"
        hits.append(hit(LOCAL_VERSION, _where(package, distribution), message, fix=fix))
    return Judgement(hits=tuple(hits))


def _mutable_source(evidence: Evidence) -> Judgement:
    hits = []
    for package, distribution in _distributions(evidence.manifest):
        url = distribution.direct_url
        problem = _problem(url) if url else ""
        if problem:
            severity: Severity | None = None if url and (url.editable or url.vcs) else "medium"
            message = f"{package.name} {package.version} {problem}"
            hits.append(hit(MUTABLE_SOURCE, _where(package, distribution), message, severity=severity))
    return Judgement(hits=tuple(hits))


def _problem(url: DirectUrl) -> str:
    if url.editable:
        return "is an editable install: it runs from a directory that can change"
    if url.vcs:
        return "" if url.commit else "comes from version control without a commit"
    if url.url.startswith("file:"):
        return "was installed from a path of the machine that built it"
    return "" if url.archive_sha256 else "comes from a URL without a hash"


def _distributions(manifest: Manifest) -> Iterator[tuple[Package, Distribution]]:
    """Python distributions that an import would find."""
    for package in manifest.packages:
        if package.type == "pypi" and package.python is not None and package.python.effective:
            yield package, package.python


def _where(package: Package, distribution: Distribution) -> str:
    return f"packages[{package.name}] in {distribution.environment or distribution.location}"


def _interpreters(evidence: Evidence) -> Judgement:
    holders = {distribution.environment for _, distribution in _distributions(evidence.manifest)}
    candidates = tuple(p for p in evidence.manifest.pythons if p.executable in holders)
    if len(candidates) < 2 or _started(evidence.run.argv, candidates):
        return PASSED
    command = evidence.run.argv[0] if evidence.run.argv else "an empty command"
    names = some(python.executable for python in candidates)
    message = f"{command} does not tell which of {len(candidates)} interpreters with packages ran: {names}"
    return Judgement(hits=(hit(INTERPRETERS, "run.argv[0]", message),))


def _started(argv: tuple[str, ...], candidates: tuple[PythonEnvironment, ...]) -> bool:
    """Whether the command itself names one interpreter."""
    if not argv:
        return False
    if any(python.executable == argv[0] for python in candidates):
        return True
    folder, name = posixpath.split(argv[0])
    if not _PYTHON_NAME.fullmatch(name):
        return False
    if not folder:  # found on PATH; `active` says which one a bare `python3` is
        return name in {"python", "python3"} and any(python.active for python in candidates)
    beside = tuple(p for p in candidates if posixpath.dirname(p.executable) == folder)
    return len(beside) == 1 or any(python.active for python in beside)


CHECKS = (
    Check(rule=LOCAL_VERSION, judge=_local_version, sections=("packages",)),
    Check(rule=MUTABLE_SOURCE, judge=_mutable_source, sections=("packages",)),
    Check(rule=INTERPRETERS, judge=_interpreters, needs=("run",), sections=("packages", "pythons")),
)
