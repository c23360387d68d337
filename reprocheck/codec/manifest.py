"""The manifest, schema major version 1: reading, writing, sealing."""

from __future__ import annotations

import hmac
import re
from typing import cast

import msgspec

from reprocheck.codec.canonical import canonical, canonical_plain, digest
from reprocheck.codec.documents import convert, encode, version_of
from reprocheck.codec.newer import insert_fields, split_fields
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import replace
from reprocheck.model.manifest import MANIFEST_VERSION, Digests, Manifest
from reprocheck.strictjson import loads

_CONTENT = (
    "os",
    "packages",
    "shadowed",
    "pythons",
    "libraries",
    "wheels",
    "remnants",
    "frameworks",
    "hub",
)
"""What the files alone tell: an unpacked root file system has all of it."""
_DEEPEST = 16
"""More than a manifest is nested: a test proves it."""
_LONG_INTEGER = re.compile(rb'": -?[0-9]{16}')
"""A member that may be beyond 2**53-1, as `encode` writes it. In arrays there are only `Count`s."""
_UNDIGESTED = ("digests", "source", "observation")


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with its digests computed."""
    return replace(manifest, digests=_digests(_plain(manifest), foreign_fields=bool(manifest.unknown_fields)))


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the document's bytes. The manifest must be sealed."""
    if manifest.digests is None:
        raise ValueError("an unsealed manifest has no bytes")
    return encode(_plain(manifest))


def decode_manifest(raw: bytes, *, where: str, limits: Limits = DEFAULT) -> Manifest:
    """Read a manifest and check its digest.

    Fields of a newer minor version are kept in `Manifest.unknown_fields` and written back by
    `encode_manifest`. Raises InputFault.
    """
    quick = _as_written(raw, where, limits)
    if quick is not None:
        return quick
    document, newer = version_of(loads(raw, where=where, limits=limits), where, supported=MANIFEST_VERSION)
    if "packages" not in document:
        raise InputFault(
            "E_NOT_A_MANIFEST",
            f"{where} is a reprocheck document, but not a manifest",
            hint="Pass a file that `reprocheck snapshot` or `reprocheck run` wrote.",
        )
    known, unknown = split_fields(document, Manifest) if newer else (document, ())
    if "unknown_fields" in known:
        raise InputFault(
            "E_DOCUMENT", f"{where} holds 'unknown_fields'", hint="Do not edit documents by hand."
        )
    manifest = replace(convert(known, Manifest, where), unknown_fields=unknown)
    _check_counts(manifest, where, limits)
    _check_digests(manifest, document, where)
    return manifest


def _as_written(raw: bytes, where: str, limits: Limits) -> Manifest | None:
    """Read what is, byte for byte, what `encode_manifest` writes; None for anything else.

    Equality with our own bytes proves what `strictjson` looks for one value at a time: no key twice, no NaN,
    no surrogate, no byte order mark. What equality cannot prove, the limits of sizes and the range of
    integers, is looked at here. Raises InputFault (E_TOO_LARGE, E_DIGEST).
    """
    if len(raw) > limits.manifest_bytes or limits.json_depth < _DEEPEST or _LONG_INTEGER.search(raw):
        return None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest, strict=True)
        plain = _plain(manifest)
        same = manifest.schema_version == MANIFEST_VERSION and encode(plain) == raw
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not same or max(map(len, raw.split(b"\n"))) > limits.json_string:  # a string stands on one line
        return None
    _check_counts(manifest, where, limits)
    _check_digests(manifest, plain, where)
    return manifest


def _plain(manifest: Manifest) -> dict[str, object]:
    plain = cast("dict[str, object]", msgspec.to_builtins(replace(manifest, unknown_fields=())))
    return insert_fields(plain, manifest.unknown_fields)


def _digests(document: dict[str, object], *, foreign_fields: bool) -> Digests:
    to_bytes = canonical if foreign_fields else canonical_plain
    environment = _objects(document, "environment")
    # Packages are most of a manifest and belong to both: each section is written once.
    written = {key: to_bytes(value) for key, value in document.items() if key not in _UNDIGESTED}
    content = {key: written[key] for key in _CONTENT if key in document}
    # Which interpreter a bare `python3` starts depends on PATH, which is configuration.
    content["pythons"] = to_bytes(
        [
            {key: value for key, value in python.items() if key != "active"}
            for python in _objects(document, "pythons")
        ]
    )
    identity = {
        "image": document["image"],
        "environment": [variable for variable in environment if variable["origin"] == "image"],
    }
    return Digests(
        content=digest(_joined(content)),
        manifest=digest(_joined(written)),
        identity=digest(to_bytes(identity)) if document["image"] is not None else None,
    )


def _joined(members: dict[str, bytes]) -> bytes:
    """Write an object of members that are written already (RFC 8785, 3.2.3: keys in order of UTF-16)."""
    keys = sorted(members, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return b"{" + b",".join(b"%b:%b" % (canonical(key), members[key]) for key in keys) + b"}"


def _objects(document: dict[str, object], key: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", document[key])


def _check_counts(manifest: Manifest, where: str, limits: Limits) -> None:
    counts = {
        "packages": (len(manifest.packages), limits.packages),
        "variables": (len(manifest.environment), limits.variables),
        "outputs": (len(manifest.run.outputs) if manifest.run else 0, limits.outputs),
    }
    for what, (count, ceiling) in counts.items():
        if count > ceiling:
            raise InputFault(
                "E_TOO_LARGE",
                f"{where} lists {count} {what}, more than the limit of {ceiling}",
                hint="Raise it with --limit-scale if you trust the file.",
            )


def _check_digests(manifest: Manifest, document: dict[str, object], where: str) -> None:
    stated = manifest.digests
    actual = _digests(document, foreign_fields=bool(manifest.unknown_fields))
    # What belongs to the content is for each minor version to say; the whole is the whole in all of them.
    ours = manifest.schema_version == MANIFEST_VERSION
    names = ("content", "identity", "manifest") if ours else ("manifest",)
    agree = stated is not None and all(
        hmac.compare_digest(getattr(stated, name) or "", getattr(actual, name) or "") for name in names
    )
    if not agree:
        raise InputFault(
            "E_DIGEST",
            f"{where} was changed after it was written: its content does not match its own digest",
            hint="Get the original again; the digest detects accidents and edits, not an attacker.",
        )
