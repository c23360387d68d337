"""JSON Schema (2020-12) of every document, generated from the value types."""

from __future__ import annotations

from typing import cast

import msgspec

from reprocheck.model.base import Stamped
from reprocheck.model.cache import CacheReport
from reprocheck.model.change import DiffReport
from reprocheck.model.check import CheckReport
from reprocheck.model.conflict import GraphReport
from reprocheck.model.doctor import DoctorReport
from reprocheck.model.fleet import FleetReport
from reprocheck.model.lock import LockReport
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest
from reprocheck.model.verdict import Receipt

SCHEMAS: dict[str, type[Stamped]] = {
    "manifest": Manifest,
    "diff": DiffReport,
    "fleet": FleetReport,
    "lock": LockReport,
    "graph": GraphReport,
    "receipt": Receipt,
    "check": CheckReport,
    "doctor": DoctorReport,
    "cache": CacheReport,
}


def schema(name: str) -> dict[str, object]:
    """Return the JSON Schema of one kind of document (a key of SCHEMAS)."""
    kind = SCHEMAS[name]
    generated = cast("dict[str, object]", msgspec.json.schema(kind))
    definitions = cast("dict[str, dict[str, dict[str, object]]]", generated["$defs"])
    if name == "manifest":  # the codec's own field, never a member of the document
        definitions["Manifest"]["properties"].pop("unknown_fields")
        definitions.pop("UnknownField", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"reprocheck {name}" + (f", version {MANIFEST_VERSION}" if name == "manifest" else ""),
        **generated,
    }
