"""The Pythons of this machine that the hook is tried with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def interpreters() -> dict[str, str]:
    """Path by version, one of each minor version: our own, on PATH, installed beside our own."""
    candidates = [sys.executable]
    candidates += [str(path) for path in sorted(Path(sys.base_prefix).parent.glob("*/bin/python"))]
    candidates += [path for minor in range(6, 15) if (path := shutil.which(f"python3.{minor}"))]
    found: dict[str, str] = {}
    for candidate in candidates:
        version = _version(candidate)
        if version and version.startswith(("3.", "2.7")):
            found.setdefault(version, candidate)
    return found


def _version(path: str) -> str:
    code = (
        "import platform, sys; print('%d.%d' % sys.version_info[:2] + ' ' + platform.python_implementation())"
    )
    try:
        done = subprocess.run(
            [path, "-I" if path == sys.executable else "-E", "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError:
        return ""
    version, _, name = done.stdout.strip().partition(" ")
    return version if done.returncode == 0 and name == "CPython" else ""


def modern() -> list[str]:
    """Versions that the hook works on."""
    return sorted((v for v in interpreters() if v != "2.7"), key=lambda v: int(v.partition(".")[2]))
