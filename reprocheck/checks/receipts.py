"""What a receipt proves."""

from __future__ import annotations

from reprocheck.model.verdict import Receipt

_CLEAN = frozenset({"identical", "within-noise", "within-tolerance"})


def reproduced(receipt: Receipt) -> bool:
    """Whether a verify came out clean and compared something: no output compared is no proof."""
    return receipt.verdict in _CLEAN and any(
        output.verdict in {"identical", "within-tolerance"} for output in receipt.outputs
    )


def was_offline(receipt: Receipt) -> bool:
    """Whether the verify had no network: in a container, and nothing relaxed that."""
    return bool(receipt.image) and all(
        relaxation.what not in {"network", "unsandboxed"} for relaxation in receipt.relaxations
    )
