"""How a Python package is had again: which pip, and from which index."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

_PYTORCH_INDEX = "https://download.pytorch.org/whl"
_PYTORCH_LABEL = re.compile(r"cpu|cu[0-9]{2,4}|rocm[0-9][0-9.]*|xpu")
_PYTORCH_NAMES = frozenset({"torch", "torchaudio", "torchvision"})


def pip_of(executable: str, pythons: Sequence[PythonEnvironment]) -> str:
    """Return the pip of one environment: by its interpreter where a bare `pip` may be another one's."""
    others = [python for python in pythons if python.executable != executable]
    own = [python for python in pythons if python.executable == executable]
    if not executable.startswith("/") or not own or (not others and own[0].kind == "system"):
        return "pip"
    return f"{shlex.quote(executable)} -m pip"


def breaking(executable: str, pythons: Sequence[PythonEnvironment], pip: str) -> str:
    """Return the option that lets pip change a distribution's own environment, '' where none is needed.

    `pip` is the version of the environment's pip, '' for none. PEP 668: Debian 12 and its like mark their own
    interpreter, and pip refuses since 23.0; the option came with 23.0.1.
    """
    system = any(python.executable == executable and python.kind == "system" for python in pythons)
    marked = executable.startswith("/usr/bin/") and system and _at_least(pip, "23.0.1")
    return "--break-system-packages" if marked else ""


def pip_for(executable: str, pythons: Sequence[PythonEnvironment], pips: Mapping[str, str]) -> str:
    """Return a pip that changes this environment: its own, else another one's with `--python` (pip 22.3).

    `pips` holds the version of pip by the interpreter that can import it. '' when no pip can.
    """
    if not pythons or executable in pips:
        return pip_of(executable, pythons)
    for python in sorted(pythons, key=lambda x: (not x.active, x.executable)):
        if python.executable.startswith("/") and _at_least(pips.get(python.executable, ""), "22.3"):
            return f"{shlex.quote(python.executable)} -m pip --python {shlex.quote(executable)}"
    return ""


def pip_command(verb: str, executable: str, manifest: Manifest) -> str:
    """Return `pip VERB` with all that it needs to work in one environment of a manifest.

    That is the environment's own pip, else another one's that is pointed at it, and `--break-system-packages`
    where a distribution's own interpreter would refuse. Without any pip it is the environment's all the same:
    how to get one is another question.
    """
    pips = _pips(manifest)
    pip = pip_for(executable, manifest.pythons, pips) or pip_of(executable, manifest.pythons)
    option = breaking(executable, manifest.pythons, pips.get(executable, ""))
    return " ".join(part for part in (pip, verb, option) if part)


def _pips(manifest: Manifest) -> dict[str, str]:
    """Map each interpreter that can import pip to the version of it."""
    versions: dict[str, str] = {}
    for package in manifest.packages:
        own = package.python
        if own is not None and canonicalize_name(package.name) == "pip":
            for place in (own.environment, own.location):
                versions.setdefault(place, package.version)
    found: dict[str, str] = {}
    for python in manifest.pythons:
        told = [versions[place] for place in (python.executable, *python.search_path) if place in versions]
        if told:
            found[python.executable] = told[0]
    return found


def _at_least(version: str, wanted: str) -> bool:
    try:
        return Version(version[:64]) >= Version(wanted)
    except InvalidVersion:
        return False


def pytorch_index(name: str, version: str) -> str:
    """Return the index that has a PyTorch package's local version (`2.3.0+cu126`), '' for all others."""
    label = version.partition("+")[2]
    known = canonicalize_name(name) in _PYTORCH_NAMES and _PYTORCH_LABEL.fullmatch(label)
    return f"{_PYTORCH_INDEX}/{label}" if known else ""


def wanted(requirement: str, *, name: str, version: str) -> str:
    """Return what follows `pip install`: the requirement, quoted, and where a local version is to be had.

    `version` is the one that the requirement pins, '' for none. PyPI takes no local versions (PEP 440).
    """
    quoted = shlex.quote(requirement)
    if "+" not in version:
        return quoted
    index = pytorch_index(name, version)
    if index:
        return f"{quoted} --extra-index-url {index}"
    return f"{quoted} --extra-index-url INDEX (a local version is not on PyPI; INDEX is where it was built)"
