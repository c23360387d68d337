"""Removing a directory of our own in which a program has been at work."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from reprocheck.engine.directory import reason
from reprocheck.errors import CouldNotRun


def remove_directory(path: str) -> None:
    """Remove a directory with all below it, whatever a program did to modes and depth.

    Every subdirectory is first moved up to the top, so neither recursion nor the longest path of the system
    is a bound; links are removed and never followed. Raises CouldNotRun (E_SCRATCH_LEFT).
    """
    top = os.fsencode(path)
    token = secrets.token_hex(8).encode("ascii")
    moved = 0
    pending = [top]
    problem: OSError | None = None
    while pending:
        directory = pending.pop()
        try:
            os.chmod(directory, 0o700)
            with os.scandir(directory) as items:
                found = [(item.path, item.is_dir(follow_symlinks=False)) for item in items]
        except FileNotFoundError:
            continue
        except OSError as error:
            problem = error
            continue
        for place, is_directory in found:
            try:
                if is_directory:
                    os.chmod(place, 0o700)
                    moved += 1
                    flat = top + b"/" + token + b"-%d" % moved
                    os.rename(place, flat)
                    pending.append(flat)
                else:
                    os.unlink(place)
            except OSError as error:
                problem = error
        if directory != top:
            with suppress(OSError):
                os.rmdir(directory)
    try:
        os.rmdir(top)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CouldNotRun(
            "E_SCRATCH_LEFT",
            f"the temporary directory {path!a} could not be removed: {reason(problem or error)}",
            hint="Remove it by hand.",
        ) from None
