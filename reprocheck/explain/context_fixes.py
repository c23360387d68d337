"""Fixes for what stands around an environment: code, data, models, job, what was loaded, edited files."""

from __future__ import annotations

import re
import shlex

from reprocheck.model.change import Difference

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_JOB = {
    "world_size": "world size",
    "nodes": "number of nodes",
    "node_rank": "node rank",
    "local_rank": "local rank",
}


def fix_code(d: Difference) -> str:
    """Return the fix for a git working tree, '' where the difference changes nothing."""
    place = "" if d.name == "." else f" -C {shlex.quote(d.name)}"
    match d.attribute:
        case "commit" | "repository" | "submodule" if d.before and _COMMIT.fullmatch(d.before):
            return f"git{place} checkout {d.before}"
        case "patch" if d.before == "clean":
            return f"git{place} stash"
        case "patch" | "untracked" | "changed":
            return "restore the first run's uncommitted files, or commit them there and check that commit out"
        case "lfs_pointers" if d.before is None:
            return f"git{place} lfs pull"
        case "branch" | "remote" | "lfs_pointers":
            return ""
    return f"hand in the first run's repository at {shlex.quote(d.name)}"


def fix_context(d: Difference) -> str:
    """Return the fix for data, models, job, loaded files and edited files."""
    name = shlex.quote(d.name)
    match d.section:
        case "data":
            return f"restore the first run's version of {name}" + (
                f" (sha256 {d.before})" if d.before else ""
            )
        case "hub":
            return _fix_hub(d)
        case "job":
            known = d.name in ("rank", *_JOB)
            return (
                f"start with {_JOB.get(d.name, d.name)} {shlex.quote(d.before)}" if known and d.before else ""
            )
        case "frameworks":
            return "" if d.attribute != "version" else f"install {name} {shlex.quote(d.before or '')}".strip()
        case "loading":
            return f"make the loader find {shlex.quote(d.before or name)}: see LD_LIBRARY_PATH"
        case "integrity":
            return _fix_installed(d, name)
        case _:
            return (
                f"set {d.name} to {d.before} at the program's start"
                if d.attribute == "state" and d.before
                else ""
            )


def _fix_installed(d: Difference, name: str) -> str:
    if d.attribute == "packages":
        return ""
    if d.attribute == "unowned":
        return f"remove {name}" if d.before is None else f"put {name} there as the first side has it"
    if d.before == "as packaged":
        return f"reinstall the package of {name}"
    return f"restore {name} as the first side has it"


def _fix_hub(d: Difference) -> str:
    before = (d.before or "").split()
    if d.type.startswith("huggingface") and len(before) == 1 and _COMMIT.fullmatch(before[0]):
        kind = d.type.partition(" ")[2]
        flag = f" --repo-type {kind}" if kind in ("dataset", "space") else ""
        return f"hf download {shlex.quote(d.name)}{flag} --revision {before[0]}"
    return (
        f"fetch the first side's revision of {shlex.quote(d.name)}"
        if d.before
        else f"start without {shlex.quote(d.name)}"
    )
