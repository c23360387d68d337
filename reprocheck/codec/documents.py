"""Writing any document, and reading receipts."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.verdict import Receipt
from reprocheck.strictjson import loads

_T = TypeVar("_T")

# C1 controls, bidirectional and other format characters, line and paragraph separators: legal in JSON, but a
# terminal or an editor acts on them. Outside strings JSON is ASCII, so an escape is always in a string.
_UNSHOWN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def encode(document: object) -> bytes:
    """Return indented UTF-8 JSON with a final newline: same value, same bytes."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    return (_UNSHOWN.sub(_escape, text) + "\n").encode()


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def version_of(document: object, where: str, *, supported: str) -> tuple[dict[str, object], bool]:
    """Return the object and whether it is of a newer minor version; refuse another major version.

    Raises InputFault (E_SCHEMA_VERSION, E_NOT_A_DOCUMENT).
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema_version"), str):
        raise InputFault(
            "E_NOT_A_DOCUMENT",
            f"{where} is JSON, but no reprocheck document: it has no schema_version",
            hint="Pass a file that `reprocheck snapshot`, `run` or `verify -o` wrote.",
        )
    stated = str(document["schema_version"])
    numbers = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", stated)
    major, minor = (int(n) for n in supported.split("."))
    if numbers is None or int(numbers[1]) != major:
        raise InputFault(
            "E_SCHEMA_VERSION",
            f"{where} has schema version {stated[:20]!r}; this reprocheck reads {major}.x",
            hint="Use the reprocheck that wrote it, or a newer one.",
        )
    return document, int(numbers[2]) > minor


def convert(document: object, kind: type[_T], where: str) -> _T:
    """Validate against a value type; the message names the place of the first fault.

    Raises InputFault (E_DOCUMENT).
    """
    try:
        return msgspec.convert(document, kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        place = place.rstrip("`").lstrip(".")
        inside = f" in {place!r}" if place else ""
        raise InputFault(
            "E_DOCUMENT",
            f"{where} is not a valid document: {problem}{inside}",
            hint="See `reprocheck schema` for the format; do not edit documents by hand.",
        ) from None


def decode_receipt(raw: bytes, *, where: str, limits: Limits = DEFAULT) -> Receipt:
    """Read a receipt; raises InputFault."""
    document, _ = version_of(loads(raw, where=where, limits=limits), where, supported="1.0")
    return convert(document, Receipt, where)
