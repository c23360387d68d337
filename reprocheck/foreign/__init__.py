"""Documents of other tools: lock files to a `Lock`, lists of what is installed to a partial `Manifest`.

Bytes in, values out; pure. What such a document cannot say is told by `Source.covers`.
"""

from __future__ import annotations

from reprocheck.foreign.documents import read_foreign
from reprocheck.foreign.locks import read_lock
from reprocheck.foreign.markers import Target

__all__ = ["Target", "read_foreign", "read_lock"]
