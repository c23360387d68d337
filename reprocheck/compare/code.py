"""The git working trees that the code came from."""

from __future__ import annotations

from reprocheck.compare.difference import by_key, differ, recorded_once
from reprocheck.model.change import Delta, Difference
from reprocheck.model.context import Repository, Submodule
from reprocheck.model.manifest import Manifest


def compare_code(a: Manifest, b: Manifest) -> Delta:
    """Differences of `code`, by the place that a repository was handed in at."""
    if not a.code or not b.code:
        return recorded_once("code", "git working trees", bool(a.code), bool(b.code))
    old, new = (by_key(side.code, lambda x: x.path) for side in (a, b))
    found: list[Difference] = []
    for path in old.keys() | new.keys():
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            ends = (x.commit if x is not None else None for x in (before, after))
            found += differ("code", path, "repository", *ends)
        else:
            found += _repository(path, before, after)
    return Delta(differences=tuple(found), unknowns=())


def _repository(path: str, before: Repository, after: Repository) -> list[Difference]:
    found = [
        *differ("code", path, "commit", before.commit, after.commit),
        *differ("code", path, "patch", _patch(before), _patch(after)),
        *differ("code", path, "untracked", _untracked(before), _untracked(after)),
        *differ("code", path, "lfs_pointers", before.lfs_pointers or None, after.lfs_pointers or None),
        *differ("code", path, "branch", before.branch, after.branch),
        *differ("code", path, "remote", before.remote, after.remote),
    ]
    old, new = (by_key(side.submodules, lambda x: x.path) for side in (before, after))
    for name in old.keys() | new.keys():
        one, other = (_submodule(x) if x is not None else None for x in (old.get(name), new.get(name)))
        found += differ("code", f"{path}/{name}", "submodule", one, other)
    if not found:
        # Which files a patch touches follows from the patch; told only where nothing else is.
        found += differ("code", path, "changed", before.changed, after.changed)
    return found


def _submodule(submodule: Submodule) -> str:
    held = f"{submodule.checked_out or 'not checked out'}{' and changes' if submodule.dirty else ''}"
    meant = submodule.recorded
    return held if meant == submodule.checked_out else f"{held} (recorded: {meant or 'none'})"


def _patch(repository: Repository) -> str:
    if not repository.dirty:
        return "clean"
    files = f"{len(repository.changed)} file{'' if len(repository.changed) == 1 else 's'} changed"
    return f"{files}, patch {repository.patch_sha256 or 'not read'}"


def _untracked(repository: Repository) -> str:
    if not repository.untracked:
        return "none"
    return f"{repository.untracked}, {repository.untracked_sha256 or 'not read'}"
