"""Snapshot of an image that lies in a file or a directory: no daemon, nothing unpacked, nothing written."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from reprocheck.api.context import gather
from reprocheck.api.outside import Outside
from reprocheck.api.sight import interest, look
from reprocheck.api.snapshot import SnapshotOptions
from reprocheck.api.snapshot_image import image_manifest, image_question, refuse_outputs
from reprocheck.api.targets import Target
from reprocheck.collect.secrets import REDACTOR
from reprocheck.engine.docker_archive import open_saved
from reprocheck.engine.oci_image import StoredImage
from reprocheck.engine.oci_layout import Choice, open_layout
from reprocheck.engine.oci_store import DirectoryStore, Store, open_archive
from reprocheck.errors import UsageFault
from reprocheck.model.base import asdict
from reprocheck.model.image import Source
from reprocheck.model.manifest import Manifest

Contents = Literal["docker-archive", "oci", "rootfs", ""]

_DIGEST = re.compile(r"(.+)@(sha256:[0-9a-f]{64})", re.DOTALL)
_ROOT_NAMES = frozenset({"bin", "etc", "lib", "usr", "var"})


def snapshot_archive(target: Target, options: SnapshotOptions, outside: Outside) -> Manifest:
    """Return the manifest of `docker-archive:FILE`, `oci-archive:FILE` or `oci:DIR`.

    No cache is asked: every byte of every layer is held against its digest each time.
    Behind the path may stand `:NAME` or `@sha256:DIGEST`. Raises UsageFault (E_TARGET, E_IMAGE_CHOICE,
    E_OUTPUTS_NEED_CONTAINER), InputFault and CouldNotRun as `StoredImage.read` does.
    """
    refuse_outputs(options, f"{target.scheme}:{target.reference}")
    with open_stored(target, outside) as stored:
        REDACTOR.register_variables(stored.environment)
        context = gather(options.context, outside, here=False)
        view = stored.read(
            interest=interest(digests=options.integrity, limits=outside.limits),
            limits=outside.limits,
            progress=outside.progress,
        )
    return image_manifest(
        source=stored.source,
        image=stored.image,
        environment=stored.environment,
        sight=look(view, outside, **asdict(image_question(options, stored.environment))),
        context=context,
        options=options,
        outside=outside,
    )


@contextmanager
def open_stored(target: Target, outside: Outside) -> Iterator[StoredImage]:
    """Open the image that a target names, its identity read and verified.

    Raises UsageFault (E_TARGET, E_IMAGE_CHOICE), InputFault, CouldNotRun.
    """
    written = f"{target.scheme}:{target.reference}"
    path, choice = _split(target.reference, outside)
    is_directory = _is_directory(path, written)
    if target.scheme == "oci":
        if not is_directory:
            raise _other_kind(
                f"{written} is a file, and oci: names a directory",
                hint=f"Write oci-archive:{path} or docker-archive:{path}.",
            )
        source = Source(kind="image", reference=written, reader="layout")
        yield _open(DirectoryStore(where=path, root=path), target, choice, source, outside)
        return
    if is_directory:
        raise _other_kind(
            f"{written} is a directory, and {target.scheme}: names a tar file",
            hint=f"Write oci:{path} if it is an OCI layout, rootfs:{path} if it is an unpacked file system.",
        )
    source = Source(kind="image", reference=written, reader="archive")
    try:
        with open_archive(path, where=path, limits=outside.limits) as store:
            yield _open(store, target, choice, source, outside)
    except OSError as error:
        raise _unreadable(written, error) from None


def _open(store: Store, target: Target, choice: Choice, source: Source, outside: Outside) -> StoredImage:
    held = _contents(store)
    wanted: Contents = "docker-archive" if target.scheme == "docker-archive" else "oci"
    needed = "manifest.json" if wanted == "docker-archive" else "index.json"
    if not store.has(needed):
        raise _wrong_contents(store.where, needed, held)
    if wanted == "docker-archive":
        return open_saved(store, choice, source=source, limits=outside.limits)
    return open_layout(store, choice, source=source, limits=outside.limits)


def _contents(store: Store) -> Contents:
    """Tell what a place holds by its names, for a message only."""
    names = set(store.names())
    if {"index.json", "oci-layout"} <= names:
        return "oci"
    if "manifest.json" in names:
        return "docker-archive"
    return "rootfs" if len(names & _ROOT_NAMES) > 2 else ""


def _wrong_contents(where: str, needed: str, held: Contents) -> UsageFault:
    hints: dict[Contents, tuple[str, str]] = {
        "docker-archive": ("what `docker save` writes", f"Write docker-archive:{where}."),
        "oci": ("an OCI layout", f"Write oci-archive:{where}."),
        "rootfs": ("a root file system", "Unpack it, if it is an archive, and write rootfs:DIR."),
        "": ("something else", "Name what `docker save`, `podman save` or `skopeo copy` wrote."),
    }
    what, hint = hints[held]
    return _other_kind(f"{where} has no {needed}: it looks like {what}", hint=hint)


def _split(reference: str, outside: Outside) -> tuple[str, Choice]:
    """Split path and name: the longest beginning that exists is the path, since both may hold colons."""
    if match := _DIGEST.fullmatch(reference):
        return outside.absolute(match.group(1)), Choice(digest=match.group(2))
    ends = [len(reference), *(i for i in range(len(reference) - 1, 0, -1) if reference[i] == ":")]
    for end in ends:
        path = outside.absolute(reference[:end])
        if "\0" not in path and os.path.lexists(path):
            return path, Choice(name=reference[end + 1 :])
    return outside.absolute(reference), Choice()


def _is_directory(path: str, written: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise _unreadable(written, error) from None


def _unreadable(written: str, error: OSError | ValueError) -> UsageFault:
    reason = getattr(error, "strerror", None) or "it is no path"
    return UsageFault("E_TARGET", f"{written} cannot be read: {reason}", hint="Check the path.")


def _other_kind(message: str, *, hint: str) -> UsageFault:
    return UsageFault("E_TARGET", message, hint=hint)
