"""What every published document promises."""

from __future__ import annotations

from typing import Any, cast

import pytest

from reprocheck.codec.schema import SCHEMAS, schema


@pytest.mark.parametrize("kind", sorted(SCHEMAS.keys() - {"cache"}))  # a list of our own files
def test_every_document_says_what_was_not_seen(kind: str) -> None:
    """`unknowns` is always there, also when it is empty."""
    published = cast("dict[str, Any]", schema(kind))
    required = published["$defs"][SCHEMAS[kind].__name__]["required"]
    assert {"schema_version", "unknowns"} <= set(required)
