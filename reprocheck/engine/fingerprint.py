"""Cheap marks of programs: two equal ones mean the same program, and a changed file changes the mark.

Sizes and times are enough: the change time (`st_ctime`) cannot be set, so an editor, a checkout and an
installer all show, whatever modification times they write.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys

import reprocheck

_DEPENDENCIES = ("msgspec", "packageurl", "packaging")
"""What our readers' results pass through."""


def own_fingerprint() -> str:
    """Mark this reprocheck, its Python and the packages that its readers use, as 64 hexadecimal digits."""
    lines = [reprocheck.__version__, sys.version]
    for directory in sorted(reprocheck.__path__):
        lines += _files(directory)
    for name in _DEPENDENCIES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            lines.append(f"{name} {_mark(os.stat(spec.origin))}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def file_fingerprint(path: str) -> str:
    """Mark the file that `path` leads to, as 64 hexadecimal digits. Raises OSError."""
    real = os.path.realpath(path)
    status = os.stat(real)
    text = f"{real}\n{status.st_dev} {status.st_ino} {_mark(status)}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_program(path: str) -> bool:
    """Whether the file is an executable in itself (ELF), and no script that starts another program."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _files(top: str) -> list[str]:
    """One line for every file below a directory but for compiled bytecode, sorted."""
    found: list[str] = []
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as items:
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    if item.name != "__pycache__":
                        waiting.append(item.path)
                else:
                    found.append(f"{item.path[len(top) :]} {_mark(item.stat())}")
    return sorted(found)


def _mark(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
