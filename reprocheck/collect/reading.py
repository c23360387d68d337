"""Reading one file of a view: bytes, or an Unknown that says why not."""

from __future__ import annotations

from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.unknown import Section, Unknown
from reprocheck.ports import ContainerView, ViewError
from reprocheck.strictjson import loads


def read(view: ContainerView, path: str, limit: int, section: Section) -> bytes | Unknown:
    """Return the file's bytes, at most `limit` of them, or the reason why they could not be had."""
    try:
        return view.read(path, limit)
    except FileNotFoundError:
        reason = "leads to no file"
    except IsADirectoryError:
        reason = "is a directory where a file belongs"
    except ViewError as error:
        reason = str(error) or "could not be read"
    return unknown(section, path, reason)


def read_json(
    view: ContainerView, path: str, limits: Limits, section: Section
) -> dict[str, object] | Unknown:
    """Return the JSON object in a file of at most `limits.record_file` bytes, or why there is none."""
    raw = read(view, path, limits.record_file, section)
    if isinstance(raw, Unknown):
        return raw
    try:
        document = loads(raw, where="it", limits=limits, max_bytes=limits.record_file, bounded_strings=False)
    except InputFault as error:
        return unknown(section, path, error.message.removeprefix("it "))
    if not isinstance(document, dict):
        return unknown(section, path, "holds no JSON object")
    return document


def lost(view: ContainerView, path: str, section: Section) -> Unknown | None:
    """Say that a path is a link that leads nowhere, or in a circle: something was there, or was meant to be.

    A path that is not there at all is a fact, and so is a link higher up that hides it.
    """
    entry = view.tree.entries.get(path)
    if entry is None or entry.kind != "link" or view.tree.exists(path):
        return None
    return unknown(section, path, "is a link that leads to nothing")


def unknown(section: Section, path: str, reason: str) -> Unknown:
    """Make an Unknown about a path."""
    return Unknown(section=section, where=portable(path), reason=portable(reason))


def text_of(value: object) -> str:
    """Return a JSON member if it is text, else ''."""
    return value if isinstance(value, str) else ""


def texts_of(value: object) -> tuple[str, ...]:
    """Return the text members of a JSON array, in its order."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
