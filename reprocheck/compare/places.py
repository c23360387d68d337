"""Where things lie, told without the name of an environment that only one side has."""

from __future__ import annotations

from reprocheck.model.manifest import Manifest


def homes_of(a: Manifest, b: Manifest) -> tuple[str, ...]:
    """Return the directories of environments that only one side has, the longest first."""
    own, other = (
        {p.prefix.rstrip("/") for p in side.pythons if p.kind != "system"} - {""} for side in (a, b)
    )
    return tuple(sorted(own ^ other, key=lambda home: (-len(home), home)))


def at_home(path: str, homes: tuple[str, ...]) -> str:
    """Return a path without the directory of its environment: in another one it differs by name alone."""
    home = next((home for home in homes if path.startswith(f"{home}/")), "")
    return f"…{path[len(home) :]}" if home else path
