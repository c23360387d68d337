"""What was seen in an image, kept by everything that it depends on: an image never changes.

Kept are sights of images only: never facts of this machine, content of containers, or variables. An Unknown
that the image's own bytes or a limit caused will be there the next time too, and is kept; a sight with any
other (no syft, a time-out, a disk that failed, a layer that changed) is not kept, see `is_lasting`. The bytes
of a manifest are the same with and without the cache.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from reprocheck.api.outside import Outside
from reprocheck.api.sight import Sight, interest, look
from reprocheck.codec.canonical import canonical_plain
from reprocheck.codec.plain import decode_plain, encode_plain
from reprocheck.engine.cache import Cache, cache_directory
from reprocheck.engine.fingerprint import file_fingerprint, is_program, own_fingerprint
from reprocheck.engine.syft import find_syft
from reprocheck.errors import ReprocheckError
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, asdict
from reprocheck.model.cache import CacheReport
from reprocheck.model.image import Image
from reprocheck.ports import ContainerView, Interest

CACHE_VERSION = "1.0"
KEEP_DAYS = 30

_OF_CONTENT = frozenset({errno.EISDIR, errno.ENOTDIR})
"""Their words also say what an image holds."""
_CHANGED = frozenset(
    {
        "became shorter while it was read",
        "changed while it was opened",
        "is a symbolic link, or lies behind one",
        "is missing",
        "is not in any layer",
        "leads out of its directory",
        "lies behind a link or a file, not a directory",
    }
)
"""What engine/beneath, engine/window and engine/overlay say of a file that is not as it was listed."""

_DAY = 24 * 3600 * 10**9
_RELEASE = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}")


class Question(Frozen, frozen=True, kw_only=True):
    """How an image is looked at: everything that its sight depends on beside the image and the program."""

    with_syft: bool
    integrity: bool = False
    path_variable: str = ""
    library_path: str = ""


class Identity(Frozen, frozen=True, kw_only=True):
    """Which image, and through what kind of source."""

    id: str
    """Its config digest, or what its engine calls it; '' when it cannot be told apart from others."""
    image: Image
    source: str = "engine"
    """Other sources may read in another way, and say so in the manifest."""


OpenView = Callable[[Interest], AbstractContextManager[tuple[ContainerView, str]]]
"""Opens the image's files and says how they are read."""


class Seen(Frozen, frozen=True, kw_only=True):
    """What was seen, and how the files were read when it was."""

    sight: Sight
    reader: str


def see_image(
    open_view: OpenView,
    identity: Identity,
    question: Question,
    outside: Outside,
) -> Seen:
    """Give what an image holds: as kept, or else by reading it, and keep it then."""
    shelf = _Shelf.of(outside) if outside.use_cache else None
    kept = shelf.fetch(identity, question) if shelf is not None else None
    if kept is not None:
        outside.progress("the image is known: its packages are taken from the cache")
        return kept
    wanted = interest(digests=question.integrity, limits=outside.limits)
    with open_view(wanted) as (view, reader):
        sight = look(view, outside, **asdict(question))
    seen = Seen(sight=sight, reader=reader)
    if shelf is not None:
        shelf.keep(identity, question, seen)
    return seen


def is_lasting(sight: Sight, *, with_syft: bool) -> bool:
    """Whether the next look at the same image is bound to see the same.

    It is not when syft did not answer, when the operating system refused a read, and when a file was not
    what the listing had said.
    """
    checked = any(tool.name == "syft" and tool.version for tool in sight.tools)
    reasons = (*(item.reason for item in (*sight.unknowns, *sight.observed.unknowns)), *sight.notes)
    return checked == with_syft and not any(map(_may_pass, reasons))


def _may_pass(reason: str) -> bool:
    """Whether this may have been otherwise a moment later: all readers tell a refusal by strerror(3)."""
    said = reason.lower()
    refusals = (os.strerror(code).lower() for code in errno.errorcode if code not in _OF_CONTENT)
    return reason in _CHANGED or "no cross-check" in said or any(words in said for words in refusals)


class _Shelf(Frozen, frozen=True, kw_only=True):
    """The cache, and what one call needs to name an entry of it."""

    cache: Cache
    limits: Limits
    syft: str | None
    """Mark of the syft program that would be used; None when there is none that can be told by its file."""

    @classmethod
    def of(cls, outside: Outside) -> _Shelf | None:
        """Open the user's cache; None where there is no place for one."""
        cache = open_cache(outside)
        return cls(cache=cache, limits=outside.limits, syft=_syft_mark(outside)) if cache else None

    def fetch(self, identity: Identity, question: Question) -> Seen | None:
        key = self._key(identity, question, self._known_version() if question.with_syft else "")
        raw = self.cache.get(key) if key else None
        return decode_plain(raw, Seen) if raw is not None else None

    def keep(self, identity: Identity, question: Question, seen: Seen) -> None:
        if not is_lasting(seen.sight, with_syft=question.with_syft) or seen.sight.observed.claims:
            return
        version = next((tool.version for tool in seen.sight.tools if tool.name == "syft"), "")
        if question.with_syft and self._known_version() != version:
            if self.syft is None or _RELEASE.fullmatch(version) is None:
                return
            self.cache.put(_digest(["syft", self.syft]), version.encode("ascii"))
        key = self._key(identity, question, version)
        raw = encode_plain(seen)
        if key and raw is not None:
            self.cache.put(key, raw)

    def _known_version(self) -> str | None:
        """The version of the syft that lies here, as it was told when that very file ran last."""
        raw = self.cache.get(_digest(["syft", self.syft])) if self.syft else None
        return raw.decode("ascii", "replace") if raw is not None else None

    def _key(self, identity: Identity, question: Question, syft: str | None) -> str | None:
        image = identity.image
        if syft is None or not image.diff_ids or not identity.id:
            return None
        limits = dataclasses.asdict(self.limits)
        del limits["cache_bytes"]
        which = [identity.source, identity.id, list(image.diff_ids), image.os, image.architecture]
        return _digest(["sight", self.cache.maker, which, asdict(question), syft, limits])


def open_cache(outside: Outside) -> Cache | None:
    """Give this user's cache, None where there is no place for one."""
    place = cache_directory(outside.environ)
    try:
        maker = own_fingerprint()
    except OSError:
        return None
    return Cache(place, maker=maker, limit=outside.limits.cache_bytes) if place else None


def _syft_mark(outside: Outside) -> str | None:
    """Mark the syft program by its file; a script may start another one tomorrow, so it has no mark."""
    try:
        binary = find_syft(outside.environ)
        return file_fingerprint(binary) if binary is not None and is_program(binary) else None
    except (OSError, ReprocheckError):
        return None


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(canonical_plain(parts)).hexdigest()


def describe_cache(outside: Outside, *, removed: int = 0, freed: int = 0) -> CacheReport:
    """Tell where the cache is and how much it holds. Raises CouldNotRun (E_CACHE_UNREADABLE)."""
    cache = open_cache(outside)
    entries = cache.entries() if cache is not None else ()
    return CacheReport(
        schema_version=CACHE_VERSION,
        place=cache.place if cache is not None else "",
        entries=len(entries),
        bytes=sum(entry.size for entry in entries),
        limit=outside.limits.cache_bytes,
        removed=removed,
        freed=freed,
    )


def prune_cache(outside: Outside, *, everything: bool) -> CacheReport:
    """Remove what another version made and what was not used for 30 days, or everything.

    Raises CouldNotRun (E_CACHE_UNREADABLE).
    """
    cache = open_cache(outside)
    removed = freed = 0
    if cache is not None:
        oldest = time.time_ns() - KEEP_DAYS * _DAY
        removed, freed = cache.prune(everything=everything, older_than_ns=oldest)
    return describe_cache(outside, removed=removed, freed=freed)


def cache_text(report: CacheReport, *, pruned: bool) -> str:
    """Say in lines what the cache holds, and what was removed."""
    from reprocheck.render.wording import plural, size

    entries = plural(report.entries, "cached result")
    if not report.place:
        return "there is no cache: neither XDG_CACHE_HOME nor HOME names a directory\n"
    first = f"removed {plural(report.removed, 'cached result')}, {size(report.freed)}\n" if pruned else ""
    return f"{first}{entries}, {size(report.bytes)} of at most {size(report.limit)}, in {report.place}\n"
