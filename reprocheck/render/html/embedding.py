"""Values as JSON inside a page."""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def embed(value: Json) -> str:
    r"""Return JSON for a `<script type="application/json">`, in ASCII.

    `<`, `>` and `&` become `\u003c` and so on, so that neither `</script` nor `<!--` can occur; what is not
    ASCII (U+2028 and lone surrogates included) is escaped by `json` itself. Both occur only inside strings,
    so the value stays the same. Source: HTML, "Restrictions for contents of script elements".
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
