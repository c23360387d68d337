"""Identity of the image and its operating system."""

from __future__ import annotations

from itertools import takewhile

from reprocheck.compare.difference import differ, one_sided
from reprocheck.model.change import Delta, Difference
from reprocheck.model.image import Image
from reprocheck.model.manifest import Manifest


def compare_image(a: Manifest, b: Manifest) -> Delta:
    """Differences of `image`: platform, configuration, and the layers as one."""
    before, after = a.image, b.image
    if before is None or after is None:
        return one_sided("image", before is not None, after is not None)
    changes: list[Difference] = [
        *differ("image", "platform", "value", _platform(before), _platform(after)),
        *differ("image", "entrypoint", "value", before.entrypoint, after.entrypoint),
        *differ("image", "command", "value", before.command, after.command),
        *differ("image", "working_dir", "value", before.working_dir, after.working_dir),
        *differ("image", "user", "value", before.user, after.user),
    ]
    if before.diff_ids != after.diff_ids:
        shared = _shared(before, after)
        changes += differ("image", "layers", "diff_ids", _layers(before, shared), _layers(after, shared))
    return Delta(differences=tuple(changes), unknowns=())


def compare_os(a: Manifest, b: Manifest) -> Delta:
    """Differences of `os`; the pretty name only where nothing else tells the two apart."""
    before, after = a.os, b.os
    if before is None or after is None:
        return one_sided("os", before is not None, after is not None)
    changes: list[Difference] = []
    for field in ("id", "version_id", "codename"):
        changes += differ("os", field, "value", getattr(before, field), getattr(after, field))
    if not changes:
        changes += differ("os", "name", "value", before.name, after.name)
    changes += differ("os", "libc", "value", before.libc, after.libc)
    return Delta(differences=tuple(changes), unknowns=())


def _platform(image: Image) -> str:
    return "/".join(part for part in (image.os, image.architecture, image.variant) if part)


def _shared(a: Image, b: Image) -> int:
    return len(list(takewhile(lambda ids: ids[0] == ids[1], zip(a.diff_ids, b.diff_ids, strict=False))))


def _layers(image: Image, shared: int) -> str:
    total = len(image.diff_ids)
    text = f"{total} layers" if total != 1 else "1 layer"
    own = f"then {image.diff_ids[shared]}" if shared < total else "then none"
    return f"{text}: {shared} shared, {own}"
