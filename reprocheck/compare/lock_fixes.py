"""The command that makes one package as it is locked."""

from __future__ import annotations

import shlex

from reprocheck.compare.specifiers import exact_version
from reprocheck.model.installing import pip_command, wanted
from reprocheck.model.lock import Pin
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment


def adding(pin: Pin, python: PythonEnvironment | None, manifest: Manifest, prefix: str) -> str:
    """Return the command that installs what is locked, '' when there is none that is known to be right."""
    version = exact_version(pin.specifier)
    if pin.type == "conda":
        if not version:
            return f"conda install {_where(prefix)}{shlex.quote(pin.name + _range(pin.specifier))}"
        parts = [pin.name, version, *([pin.build] if pin.build else [])]
        channel = f"{pin.channel}::" if pin.channel else ""
        return f"conda install {_where(prefix)}{shlex.quote(channel + '='.join(parts))}"
    if pin.url:
        if pin.url == "file:":
            return ""
        place = f"{pin.url}@{pin.commit}" if pin.commit else pin.url
        return f"{_pip('install', python, manifest)} {shlex.quote(f'{pin.name} @ {place}')}"
    name = f"{pin.name}[{','.join(pin.extras)}]" if pin.extras else pin.name
    requirement = f"{name}=={version}" if version else f"{name}{pin.specifier}"
    return f"{_pip('install', python, manifest)} {wanted(requirement, name=pin.name, version=version)}"


def removing(pin: Pin, python: PythonEnvironment | None, manifest: Manifest, prefix: str) -> str:
    """Return the command that removes a package that is not locked."""
    if pin.type == "conda":
        return f"conda remove {_where(prefix)}{shlex.quote(pin.name)}"
    return f"{_pip('uninstall', python, manifest)} -y {shlex.quote(pin.name)}"


def _pip(verb: str, python: PythonEnvironment | None, manifest: Manifest) -> str:
    return f"pip {verb}" if python is None else pip_command(verb, python.executable, manifest)


def _where(prefix: str) -> str:
    return f"-p {shlex.quote(prefix)} " if prefix else ""


def _range(specifier: str) -> str:
    return specifier if specifier[:1] in ("<", ">", "=", "!", "~", "") else f"={specifier}"
