"""The run: what was started, what went in, what came out."""

from __future__ import annotations

import shlex

from reprocheck.compare.difference import Shown, differ, one_sided
from reprocheck.globs import matches
from reprocheck.model.change import Delta, Difference, Section
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Input, Mount, Output, RunRecord
from reprocheck.model.unknown import Unknown

CODE_SUFFIXES = (".py", ".pyx", ".ipynb", ".sh", ".r", ".jl", ".c", ".cc", ".cpp", ".cu", ".so")


def compare_run(a: Manifest, b: Manifest) -> Delta:
    """Differences of `run` but its inputs and outputs. When it started and how long it took do not count."""
    before, after = a.run, b.run
    if before is None or after is None:
        alone = one_sided("run", before is not None, after is not None)
        return Delta(differences=_changed_since(a, b), unknowns=alone.unknowns)
    found: list[Difference] = []
    for name, old, new in _rows(before, after):
        found.extend(differ("run", name, "value", old, new))
    if before.argv != after.argv:
        found.extend(differ("run", "argv", "value", *_commands(before, after)))
    found.extend(_mounts(before, after))
    changed, open_ends = _written(before, after)
    withheld = tuple(
        Unknown(section="run", where=f"argv[{place}]", reason="its text was withheld by the secret scan")
        for place in sorted({*before.withheld_arguments, *after.withheld_arguments})
    )
    if before.fresh and after.fresh:  # what such runs wrote is an effect, and no output by declaration
        return Delta(differences=(*found, *changed), unknowns=(), left_out=(*withheld, *open_ends))
    return Delta(differences=(*found, *changed), unknowns=open_ends, left_out=withheld)


def compare_inputs(a: Manifest, b: Manifest) -> Delta:
    """Differences of the run's inputs, by path. A single source file counts as code."""
    if a.run is None or b.run is None:
        return Delta(differences=(), unknowns=())  # said once, by compare_run
    old, new = ({item.path: item for item in sorted(run.inputs, key=repr)} for run in (a.run, b.run))
    found: list[Difference] = []
    unseen: list[Unknown] = []
    for path in old.keys() | new.keys():
        before, after = old.get(path), new.get(path)
        made, missed = _input(path, before, after)
        found.extend(made)
        unseen.extend(missed)
    return Delta(differences=tuple(found), unknowns=tuple(unseen))


def compare_outputs(a: Manifest, b: Manifest) -> Delta:
    """Differences of the run's outputs, by name; those that both sides named as volatile are not compared."""
    if a.run is None or b.run is None:
        return Delta(differences=(), unknowns=())
    old, new = ({item.name: item for item in sorted(run.outputs, key=repr)} for run in (a.run, b.run))
    found: list[Difference] = []
    ignored: list[Unknown] = []
    for name in old.keys() | new.keys():
        if all(any(matches(name, glob) for glob in run.ignore_outputs) for run in (a.run, b.run)):
            reason = "both records name it as volatile"
            ignored.append(Unknown(section="outputs", where=name, reason=reason))
        else:
            found.extend(_output(name, old.get(name), new.get(name)))
    return Delta(differences=tuple(found), unknowns=(), left_out=tuple(ignored))


def _rows(before: RunRecord, after: RunRecord) -> list[tuple[str, Shown, Shown]]:
    fields = ("working_dir", "user", "network", "engine", "oom_killed", "timed_out", "privileged_run")
    limits = ("nano_cpus", "memory_bytes", "shm_bytes", "gpus")
    rows: list[tuple[str, Shown, Shown]] = [(f, getattr(before, f), getattr(after, f)) for f in fields]
    rows += [(f"resources.{f}", getattr(before.resources, f), getattr(after.resources, f)) for f in limits]
    rows.append(("exit_code", before.exit_code, after.exit_code))
    rows += [(name, _policy(before, name), _policy(after, name)) for name in _POLICY]
    return rows


# What the author declared about outputs. It changes no result, but a verify would judge by it.
_POLICY = ("output_patterns", "ignore_outputs", "ignore_keys", "tolerance")


def _policy(run: RunRecord, name: str) -> str:
    if name == "ignore_keys":
        return shlex.join(sorted({f"{key.file}:{key.key}" for key in run.ignore_keys}))
    if name == "tolerance":
        return str(run.tolerance) if run.tolerance is not None else ""
    return shlex.join(sorted({*getattr(run, name)}))


def _commands(before: RunRecord, after: RunRecord) -> tuple[str, str]:
    return shlex.join(before.argv), shlex.join(after.argv)


def _mounts(before: RunRecord, after: RunRecord) -> list[Difference]:
    old, new = ({m.target: _mount(m) for m in sorted(run.mounts, key=repr)} for run in (before, after))
    found: list[Difference] = []
    for target in old.keys() | new.keys():
        found.extend(differ("run", target, "mount", old.get(target), new.get(target)))
    return found


def _mount(mount: Mount) -> str:
    return f"{mount.kind} {'writable' if mount.writable else 'read-only'} {mount.role}"


def _written(before: RunRecord, after: RunRecord) -> tuple[list[Difference], tuple[Unknown, ...]]:
    """Compare what was written outside the outputs. Only paths are recorded, so equal paths stay open."""
    old, new = (_paths(run) for run in (before, after))
    found: list[Difference] = []
    open_paths: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        found.extend(differ("run", path, "written", old.get(path), new.get(path)))
        if old.get(path) == new.get(path) != "deleted":
            open_paths.append(path)
    if not open_paths:
        return found, ()
    more = f" and {len(open_paths) - 1} more" if len(open_paths) > 1 else ""
    reason = "both runs wrote it outside the outputs, and its content is not recorded"
    return found, (Unknown(section="changes", where=f"{open_paths[0]}{more}", reason=reason),)


def _changed_since(a: Manifest, b: Manifest) -> tuple[Difference, ...]:
    """Tell what was changed in a container against an image, which has no changes by definition.

    Where reprocheck itself started the command, what was written is its effect and no difference.
    """
    if any(side.run is None and side.image is None for side in (a, b)):
        return ()
    old, new = (_paths(side.run) if side.run is not None and not side.run.fresh else {} for side in (a, b))
    return tuple(
        d
        for path in sorted(old.keys() | new.keys())
        for d in differ("run", path, "written", old.get(path), new.get(path))
    )


def _paths(run: RunRecord) -> dict[str, str]:
    return {c.path: c.kind for c in sorted(run.changes, key=repr) if not c.volatile}


def _input(
    path: str, before: Input | None, after: Input | None
) -> tuple[tuple[Difference, ...], list[Unknown]]:
    sides = [x for x in (before, after) if x is not None]
    code = path.lower().endswith(CODE_SUFFIXES) and all(x.kind == "file" for x in sides)
    section: Section = "code" if code else "inputs"
    if before is None or after is None:
        old, new = ((x.sha256 or "(not hashed)") if x is not None else None for x in (before, after))
        return differ(section, path, "presence", old, new), []
    found = [
        *differ(section, path, "kind", before.kind, after.kind),
        *differ(section, path, "writable", before.writable, after.writable),
    ]
    if before.sha256 is not None and after.sha256 is not None:
        found += differ(section, path, "sha256", before.sha256, after.sha256)
        # Equal digests with other counts cannot be: a document that says so is not to be believed silently.
        found = found or [
            *differ(section, path, "files", before.files, after.files),
            *differ(section, path, "bytes", before.bytes, after.bytes),
        ]
        return tuple(found), []
    found += differ(section, path, "files", before.files, after.files)
    found += differ(section, path, "bytes", before.bytes, after.bytes)
    reason = "its content was not hashed on both sides"
    return tuple(found), [Unknown(section="inputs", where=path, reason=reason)]


def _output(name: str, before: Output | None, after: Output | None) -> tuple[Difference, ...]:
    """Compare content where both have a content digest, bytes else; equal content in other bytes is told."""
    sides = [x for x in (before, after) if x is not None]
    kind = min(x.format for x in sides)
    if before is None or after is None:
        old, new = (x.sha256 if x is not None else None for x in (before, after))
        return differ("outputs", name, "presence", old, new, type=kind)
    if before.content is not None and after.content is not None and before.format == after.format:
        found = differ("outputs", name, "content", before.content, after.content, type=kind)
        found = found or differ("outputs", name, "bytes", before.sha256, after.sha256, type=kind)
    else:
        found = differ("outputs", name, "sha256", before.sha256, after.sha256, type=kind)
    found = found or differ("outputs", name, "size", before.size, after.size, type=kind)
    found = found or differ("outputs", name, "format", before.format, after.format, type=kind)
    # Equal content says less where more was left out of it.
    return found + differ("outputs", name, "ignored_keys", before.ignored_keys, after.ignored_keys, type=kind)
