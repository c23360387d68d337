"""The rules of this room, as `reprocheck explain` prints them."""

from __future__ import annotations

from reprocheck.model.rule import Rule

NOT_ITS_LOCK = Rule(
    code="DEP-413",
    title="The environment is not its lock",
    severity="high",
    detect="`diff --lock`: each pin of a lock file against what is installed, markers evaluated for the "
    "recorded interpreter; what is installed beside it where the lock lists everything.",
    why="What ran is not what the lock says, so installing from the lock gives another environment.",
    fix="Install from the lock again, or lock what is installed.",
    source="PEP 751 (pylock.toml); pip.pypa.io: Secure installs; docs.astral.sh/uv: Locking and syncing",
    date="2026-11-23",
)
RULES = (NOT_ITS_LOCK,)
