"""Reading documents that the user names, and writing results."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from reprocheck.cli.options import OutputFile
from reprocheck.errors import InputFault
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from reprocheck.model.manifest import Manifest
    from reprocheck.model.verdict import Receipt


def read_document(path: str, limits: Limits) -> bytes:
    """Return the bytes of a file ('-' is stdin), never more than the limit.

    Raises InputFault (E_UNREADABLE, E_TOO_LARGE).
    """
    ceiling = limits.manifest_bytes
    try:
        if path == "-":
            if sys.stdin is None:  # started with `<&-`
                raise OSError(errno.EBADF, "standard input is closed")
            raw = sys.stdin.buffer.read(ceiling + 1)
        else:
            with open(path, "rb", opener=_open_at_once) as stream:
                raw = stream.read(ceiling + 1)
    except OSError as error:
        raise InputFault(
            "E_UNREADABLE",
            f"cannot read {path}: {error.strerror}",
            hint="Check the path and its permissions.",
        ) from None
    except ValueError:  # a NUL in the path
        raise InputFault("E_UNREADABLE", f"{path!r} is no file name", hint="Check the path.") from None
    if len(raw) > ceiling:
        raise InputFault(
            "E_TOO_LARGE",
            f"{path} is larger than the limit of {ceiling} bytes",
            hint="Raise it with --limit-scale if you trust the file.",
        )
    return raw


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the writer of a FIFO: without one, it reads as empty."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def read_manifest(path: str, limits: Limits) -> Manifest:
    """Read and validate a manifest."""
    from reprocheck.codec import decode_manifest

    return decode_manifest(read_document(path, limits), where=path, limits=limits)


def read_receipt(path: str, limits: Limits) -> Receipt:
    """Read and validate a receipt."""
    from reprocheck.codec import decode_receipt

    return decode_receipt(read_document(path, limits), where=path, limits=limits)


def write_result(document: bytes, output_file: OutputFile) -> None:
    """Write a result to a file, or to stdout."""
    from reprocheck.engine.writing import write_atomic, write_stdout

    if output_file.path is None or output_file.path == "-":
        write_stdout(document)
    else:
        write_atomic(output_file.path, document, force=output_file.force)


def check_target(output_file: OutputFile) -> None:
    """Fail before any work when the result could not be written afterwards."""
    from reprocheck.engine.writing import check_writable

    if output_file.path is not None and output_file.path != "-":
        check_writable(output_file.path, force=output_file.force)
