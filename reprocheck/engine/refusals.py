"""What is refused before a file is written or copied, in one wording each."""

from __future__ import annotations

from reprocheck.errors import InputFault, UsageFault


def exists(path: str) -> UsageFault:
    """The target is there already (E_EXISTS)."""
    return UsageFault("E_EXISTS", f"{path!a} exists and was kept", hint="Use --force to replace it.")


def not_a_file(path: str, kind: str) -> UsageFault:
    """The target is not a regular file (E_NOT_A_FILE)."""
    return UsageFault(
        "E_NOT_A_FILE",
        f"{path!a} is {kind}, so no result is written there; it was left as it is",
        hint="Name a regular file, or '-' for standard output.",
    )


def unreadable(path: str, why: str) -> InputFault:
    """What is to be copied cannot be read (E_INPUT_UNREADABLE)."""
    return InputFault(
        "E_INPUT_UNREADABLE",
        f"{path!a} cannot be copied: {why}; nothing was started",
        hint="Make it readable for this user, or leave it out of the input.",
    )
