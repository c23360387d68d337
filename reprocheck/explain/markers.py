"""The marker environment of a recorded interpreter: never that of the Python that runs reprocheck."""

from __future__ import annotations

from reprocheck.model.manifest import Manifest

Environment = tuple[tuple[str, str], ...]
"""Names and values of all marker variables (PEP 508), sorted."""

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "ppc64el": "ppc64le"}
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}


def environment_of(manifest: Manifest, executable: str) -> Environment | None:
    """Describe one interpreter for markers; None when its version is not known.

    Good enough to choose between the lines of one package; `graph` has the exact answer.
    """
    python = next((python for python in manifest.pythons if python.executable == executable), None)
    parts = python.version.split(".") if python is not None else []
    if python is None or len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return None
    machine = manifest.image.architecture if manifest.image is not None else ""
    if not machine and manifest.host is not None:
        machine = manifest.host.cpu.architecture
    full = python.version if len(parts) > 2 else f"{python.version}.0"
    return tuple(
        sorted(
            {
                "extra": "",
                "implementation_name": python.implementation or "cpython",
                "implementation_version": full,
                "os_name": "posix",
                "platform_machine": _MACHINES.get(machine, machine),
                "platform_python_implementation": _IMPLEMENTATIONS.get(python.implementation, "CPython"),
                "platform_release": "",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": full,
                "python_version": ".".join(parts[:2]),
                "sys_platform": "linux",
            }.items()
        )
    )
