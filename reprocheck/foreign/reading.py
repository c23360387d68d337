"""Bytes of a foreign document to text, TOML or JSON, every size bounded, and the fields wanted of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from reprocheck import strictjson
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.unknown import Unknown

LONGEST_VALUE = 4096
"""Characters of a requirement, a marker or a URL; nothing real comes near it."""

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._+-]{0,253}[A-Za-z0-9_+])?")
_PYPI_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?")
_VERSION = re.compile(r"[!-~]{1,512}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_USER = re.compile(r"//[^/@\s]{1,400}@")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?|\'[^\']*+\'?')
"""A text that is not closed reaches to the end, so that no character is looked at twice."""
_DOTTED = 64
"""Parts of a TOML key: tomllib walks them all again for each one."""


def fault(where: str, problem: str, *, code: str = "E_FOREIGN") -> InputFault:
    """Return the error of a document that is not what its format asks for."""
    return InputFault(
        code, f"{where} {problem}", hint="Write it again with the tool that made it, then try again."
    )


def decode(raw: bytes, *, where: str, limits: Limits, max_bytes: int | None = None) -> str:
    """Return the text with `\\n` at the ends of lines, without a byte order mark.

    UTF-16 is taken where the mark says so: PowerShell's `>` writes it. `max_bytes` defaults to
    `limits.document_bytes`. Raises InputFault (E_TOO_LARGE, E_FOREIGN).
    """
    ceiling = limits.document_bytes if max_bytes is None else max_bytes
    if len(raw) > ceiling:
        raise InputFault(
            "E_TOO_LARGE",
            f"{where} has {len(raw)} bytes, more than the limit of {ceiling}",
            hint="Raise it with --limit-scale if you trust the file.",
        )
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig", "strict")
    except UnicodeDecodeError as error:
        raise fault(where, f"is neither UTF-8 nor marked UTF-16 text (byte {error.start})") from None
    if "\0" in text:
        raise fault(where, "holds a NUL character, so it is no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_toml(text: str, *, where: str) -> dict[str, object]:
    """Parse TOML. Raises InputFault (E_FOREIGN) and nothing else."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _DOTTED and _has_long_key(line):
            raise fault(where, f"has a key of more than {_DOTTED} parts (line {number})")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault(where, f"is not TOML: {str(error)[:200]}") from None
    except (ValueError, RecursionError, MemoryError):
        raise fault(where, "is not TOML: a value in it is out of range or nested too deeply") from None


def _has_long_key(line: str) -> bool:
    """Whether so many dots can belong to one key: nothing but names and quoted texts between them."""
    bare = _QUOTED.sub("q", line)
    return any(part.count(".") > _DOTTED for part in re.split(r"[=,{}]", bare))


def read_json(text: str, *, where: str, limits: Limits) -> object:
    """Parse JSON that another tool wrote. Raises InputFault (E_JSON, E_TOO_LARGE)."""
    return strictjson.loads(
        text.encode("utf-8", "surrogatepass"),
        where=where,
        limits=limits,
        max_bytes=4 * limits.manifest_bytes,  # UTF-16 may grow in UTF-8; the document itself was measured
        bounded_strings=False,
        allow_constants=True,
    )


def text_in(holder: object, key: str) -> str:
    """Return a member that is text, else ''."""
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value if isinstance(value, str) else ""


def list_in(holder: object, key: str) -> list[object]:
    """Return a member that is a list, else an empty one."""
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value if isinstance(value, list) else []


def object_in(holder: object, key: str) -> dict[str, object]:
    """Return a member that is an object, else an empty one."""
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value if isinstance(value, dict) else {}


def is_name(text: str, *, pypi: bool = False) -> bool:
    """Whether a text can be the name of a package."""
    return (_PYPI_NAME if pypi else _NAME).fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether a text can be a version of any ecosystem."""
    return _VERSION.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal."""
    return _SHA256.fullmatch(text) is not None


def is_md5(text: str) -> bool:
    """Whether a text is an MD5 in hexadecimal."""
    return _MD5.fullmatch(text) is not None


def short(text: str, most: int = 80) -> str:
    """Return foreign text for a message: printable, cut, without credentials of URLs in it."""
    bare = _USER.sub("//", text[:LONGEST_VALUE])
    plain = "".join(c if c.isprintable() else "?" for c in bare)
    return plain if len(plain) <= most else f"{plain[:most]}…"


def unread(where: str, reason: str) -> Unknown:
    """Return the Unknown of an entry that could not be read."""
    return Unknown(section="packages", where=where, reason=reason)


def check_count(count: int, *, where: str, limits: Limits) -> None:
    """Raise InputFault (E_TOO_LARGE) when a document lists more packages than are read."""
    if count > limits.packages:
        raise InputFault(
            "E_TOO_LARGE",
            f"{where} lists more packages than the limit of {limits.packages}",
            hint="Raise it with --limit-scale if you trust the file.",
        )
