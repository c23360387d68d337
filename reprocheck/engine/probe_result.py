"""What the script of `reprocheck probe` wrote elsewhere, as a view of that machine's files.

The result comes from another machine and is trusted no more than an image: it is read as strict JSON, its
sizes are bounded, and nothing in it is executed or becomes a path here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from reprocheck import strictjson
from reprocheck.engine.budget import over_limit
from reprocheck.engine.masks import image_tree
from reprocheck.engine.view import View
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry, EntryKind
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import Algorithm, FileWindow, ViewError

SCHEMA = "reprocheck-probe/1"
_SHA256 = re.compile(r"(?:[0-9a-f]{64})?")
_PIECES = 1_024
_STRINGS = 256
_KINDS: Mapping[str, EntryKind] = {"file": "file", "directory": "directory", "link": "link", "other": "other"}


class ProbeResult(Frozen, frozen=True, kw_only=True):
    """One result, decoded."""

    view: View
    whole_root: bool
    """The script was given a directory to look through, not the machine itself."""
    prefix: str
    """Of the Python that ran the script."""
    environment: tuple[tuple[str, str | None, str], ...]
    """(name, value, state) as the script judged them."""
    machine: Mapping[str, bytes]
    """Pseudo-files by path."""
    architecture: str
    nvidia_smi: bytes | None
    nvidia_compute: bytes | None


ReadProbed = Callable[[str, FileWindow, str, tuple[bytes, ...]], LibraryFacts]
"""Reads a shared object from its path, the pieces that were brought, its SHA-256, and strings in it."""


def read_probe(path: str, *, read_library: ReadProbed, limits: Limits) -> ProbeResult:
    """Read a result. Raises InputFault (E_PROBE, E_JSON...), CouldNotRun (E_LIMIT)."""
    raw = _read(path, limits)
    document = strictjson.loads(
        raw, where=path, limits=limits, max_bytes=limits.probe_bytes, bounded_strings=False
    )
    return _Reader(path, limits, read_library).result(document)


def _read(path: str, limits: Limits) -> bytes:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(limits.probe_bytes + 1)
    except OSError as error:
        raise InputFault(
            "E_PROBE", f"{path} cannot be read: {error.strerror}", hint="Check the path."
        ) from None
    if len(raw) > limits.probe_bytes:
        raise over_limit("probe_bytes", limits.probe_bytes, path)
    return raw


class PieceWindow(Frozen, frozen=True, kw_only=True):
    """The pieces of a file that were brought (`ports.FileWindow`)."""

    size: int
    pieces: tuple[tuple[int, bytes], ...]

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes. Raises ViewError where no piece has them all."""
        for start, raw in self.pieces:
            if start <= offset and offset + length <= start + len(raw):
                return raw[offset - start : offset - start + length]
        raise ViewError("names bytes that the probe did not bring")


class _Reader:
    """Checks each part of the document and names the place of what is wrong."""

    def __init__(self, path: str, limits: Limits, read_library: ReadProbed) -> None:
        self._path = path
        self._limits = limits
        self._read_library = read_library
        self._unpacked = 0

    def result(self, document: object) -> ProbeResult:
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise InputFault(
                "E_PROBE",
                f"{self._path} is no result of this version's probe script (schema {SCHEMA})",
                hint="Make the script again with `reprocheck probe > probe.py`, and run it there once more.",
            )
        python = self._object(document.get("python"), "python")
        return ProbeResult(
            view=self._view(document),
            whole_root=document.get("root") is True,
            prefix=self._name(python.get("prefix"), "python.prefix"),
            environment=tuple(
                self._variable(row, f"environment[{place}]")
                for place, row in enumerate(self._list(document.get("environment"), "environment"))
            ),
            machine={
                name: self._packed(value, f"machine[{name!r}]", self._limits.record_file)
                for name, value in self._object(document.get("machine"), "machine").items()
            },
            architecture=self._text(document.get("architecture"), "architecture"),
            nvidia_smi=self._answer(document.get("nvidia_smi"), "nvidia_smi"),
            nvidia_compute=self._answer(document.get("nvidia_compute"), "nvidia_compute"),
        )

    def _view(self, document: dict[str, Any]) -> View:
        entries: dict[str, Entry] = {}
        rows = self._list(document.get("entries"), "entries")
        if len(rows) > self._limits.tar_members:
            raise over_limit("tar_members", self._limits.tar_members, self._path)
        for place, row in enumerate(rows):
            entry = self._entry(row, f"entries[{place}]")
            entries[entry.path] = entry
        files = self._table(document.get("files"), "files", lambda value: value)
        libraries = self._table(document.get("libraries"), "libraries", self._library)
        read_library = self._read_library
        unreadable = tuple(
            sorted(
                (self._name(row[0], "unreadable"), self._text(row[1], "unreadable"))
                for row in self._list(document.get("unreadable"), "unreadable")
                if isinstance(row, list) and len(row) == 2
            )
        )

        counted: set[str] = set()

        def content(entry: Entry, limit: int) -> bytes:
            packed = files.get(entry.path)
            if packed is None:
                raise ViewError("was not kept by the probe")
            try:
                raw = unpacked(packed, limit)
            except ValueError as error:
                raise ViewError(str(error)) from None
            if entry.path not in counted:
                counted.add(entry.path)
                self._count(len(raw))
            return raw

        def inspect(entry: Entry) -> LibraryFacts:
            facts = libraries.get(entry.path)
            if facts is None:
                raise ViewError("was not looked at by the probe")
            window, sha256, strings = facts
            return read_library(entry.path, window, sha256, strings)

        def digest(entry: Entry, algorithm: Algorithm) -> str:
            return hashlib.new(
                algorithm, content(entry, self._limits.retained_file), usedforsecurity=False
            ).hexdigest()

        return View(
            tree=image_tree(entries), load=content, inspect=inspect, digest=digest, unreadable=unreadable
        )

    def _entry(self, row: object, where: str) -> Entry:
        if not isinstance(row, list) or len(row) != 5:
            self._fault(where)
        name, kind, size, mode, target = row
        path = self._name(name, where)
        known = _KINDS.get(kind) if isinstance(kind, str) else None
        if not path.startswith("/") or "\0" in path or known is None or "/../" in f"{path}/":
            self._fault(where)
        if type(size) is not int or type(mode) is not int or size < 0 or not 0 <= mode <= 0o7777:
            self._fault(where)
        return Entry(path=path, kind=known, size=size, mode=mode, target=self._name(target, where))

    def _table(self, value: object, where: str, check: Callable[[object], object]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for place, row in enumerate(self._list(value, where)):
            if not isinstance(row, list) or len(row) != 2:
                self._fault(f"{where}[{place}]")
            found[self._name(row[0], f"{where}[{place}]")] = check(row[1])
        return found

    def _library(self, row: object) -> tuple[PieceWindow, str, tuple[bytes, ...]]:
        fields = self._object(row, "libraries")
        size, sha256 = fields.get("size"), fields.get("sha256")
        pieces: list[tuple[int, bytes]] = []
        for piece in self._list(fields.get("pieces"), "libraries"):
            if not isinstance(piece, list) or len(piece) != 2 or type(piece[0]) is not int or piece[0] < 0:
                self._fault("libraries")
            pieces.append((piece[0], self._packed(piece[1], "libraries", self._limits.tar_header)))
        strings = self._list(fields.get("strings"), "libraries")
        if type(size) is not int or size < 0 or not isinstance(sha256, str):
            self._fault("libraries")
        if not _SHA256.fullmatch(sha256) or len(pieces) > _PIECES or len(strings) > _STRINGS:
            self._fault("libraries")
        window = PieceWindow(size=size, pieces=tuple(pieces))
        return window, sha256, tuple(self._packed(text, "libraries", 256) for text in strings)

    def _variable(self, row: object, where: str) -> tuple[str, str | None, str]:
        if not isinstance(row, list) or len(row) != 3 or row[2] not in ("recorded", "withheld", "secret"):
            self._fault(where)
        value = None if row[1] is None else self._name(row[1], where)
        return self._name(row[0], where), value, row[2]

    def _answer(self, value: object, where: str) -> bytes | None:
        return None if value is None else self._packed(value, where, self._limits.child_stdout)

    def _packed(self, value: object, where: str, limit: int) -> bytes:
        try:
            raw = unpacked(value, limit)
        except ValueError:
            self._fault(where)
        self._count(len(raw))
        return raw

    def _count(self, size: int) -> None:
        """Let all that is unpacked have one budget: a small result may be packed a thousand times."""
        self._unpacked += size
        if self._unpacked > self._limits.retained_total:
            raise over_limit("retained_total", self._limits.retained_total, self._path)

    def _name(self, value: object, where: str) -> str:
        """Text, or `{"b64": ...}` for bytes that are not UTF-8."""
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and isinstance(value.get("b64"), str):
            try:
                return base64.b64decode(value["b64"], validate=True).decode("utf-8", "surrogateescape")
            except (binascii.Error, ValueError):
                self._fault(where)
        return self._fault(where)

    def _text(self, value: object, where: str) -> str:
        if not isinstance(value, str):
            self._fault(where)
        return value

    def _list(self, value: object, where: str) -> list[Any]:
        if not isinstance(value, list):
            self._fault(where)
        return value

    def _object(self, value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._fault(where)
        return cast("dict[str, Any]", value)

    def _fault(self, where: str) -> NoReturn:
        raise InputFault(
            "E_PROBE",
            f"{self._path} was not written by the probe script, or was changed since, in '{where}'",
            hint="Run the script there once more, and copy its output unchanged.",
        )


def unpacked(value: object, limit: int) -> bytes:
    """Undo the script's packing. Raises ValueError for what it did not write and beyond `limit` bytes."""
    if not isinstance(value, str):
        raise ValueError("was not kept as text")
    try:
        stream = zlib.decompressobj()
        raw = stream.decompress(base64.b64decode(value, validate=True), limit + 1)
    except (binascii.Error, zlib.error):
        raise ValueError("is damaged in the probe's result") from None
    if len(raw) > limit:
        raise ValueError(f"has more than the limit of {limit} bytes")
    if not stream.eof:
        raise ValueError("is damaged in the probe's result")
    return raw
