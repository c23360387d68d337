"""Facts of runs and of what went in and came out: command, inputs, outputs, code, data, caches of models."""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Iterator

from reprocheck.compare.difference import Shown, by_key
from reprocheck.compare.fleet_facts import Context, Fact, Open, values
from reprocheck.compare.runs import CODE_SUFFIXES
from reprocheck.globs import matches
from reprocheck.model.change import Section
from reprocheck.model.context import DataSet, HubRepository, Repository
from reprocheck.model.run import Input, Mount, Output, RunRecord

_FIELDS = ("working_dir", "user", "network", "engine", "oom_killed", "timed_out", "privileged_run")
_RESOURCES = ("nano_cpus", "memory_bytes", "shm_bytes", "gpus")


def run_facts(run: RunRecord, _: Context) -> Iterator[Fact]:
    """Facts of `run`, `inputs` and `outputs`."""
    rows: list[tuple[str, Shown]] = [(name, getattr(run, name)) for name in _FIELDS]
    rows += [(f"resources.{name}", getattr(run.resources, name)) for name in _RESOURCES]
    tolerance = str(run.tolerance) if run.tolerance is not None else ""
    rows += [
        ("exit_code", run.exit_code),
        ("argv", run.argv),
        ("output_patterns", shlex.join(sorted({*run.output_patterns}))),
        ("ignore_outputs", shlex.join(sorted({*run.ignore_outputs}))),
        ("ignore_keys", shlex.join(sorted({f"{key.file}:{key.key}" for key in run.ignore_keys}))),
        ("tolerance", tolerance),
    ]
    yield from values("run", rows)
    for place in sorted({*run.withheld_arguments}):
        reason = "its text was withheld by the secret scan"
        yield Fact("run", f"argv[{place}]", "text", None, open="left-out", reason=reason)
    for target, mount in by_key(run.mounts, lambda x: x.target).items():
        yield Fact("run", target, "mount", _mount(mount), anchor=True)
    for path, kind in {c.path: c.kind for c in sorted(run.changes, key=repr) if not c.volatile}.items():
        yield Fact("run", path, "written", kind, anchor=True)
        if kind != "deleted":
            reason = "it was written outside the outputs, and its content is not recorded"
            # What a run that we started in an unchanged image wrote is an effect, and no output.
            open_: Open = "left-out" if run.fresh else "unknown"
            yield Fact("run", path, "content", None, open=open_, reason=reason)
    for item in by_key(run.inputs, lambda x: x.path).values():
        yield from _input(item)
    for output in by_key(run.outputs, lambda x: x.name).values():
        yield from _output(output, any(matches(output.name, glob) for glob in run.ignore_outputs))


def _mount(mount: Mount) -> str:
    return f"{mount.kind} {'writable' if mount.writable else 'read-only'} {mount.role}"


def _input(item: Input) -> Iterator[Fact]:
    section: Section = "inputs"
    if item.kind == "file" and item.path.lower().endswith(CODE_SUFFIXES):
        section = "code"
    yield Fact(section, item.path, "presence", "(given)", anchor=True)
    yield Fact(section, item.path, "kind", item.kind)
    yield Fact(section, item.path, "writable", item.writable)
    if item.sha256 is None:
        yield Fact(section, item.path, "sha256", None, open="unknown", reason="its content was not hashed")
    else:
        yield Fact(section, item.path, "sha256", item.sha256)
    yield Fact(section, item.path, "files", item.files, given=(item.sha256,))
    yield Fact(section, item.path, "bytes", item.bytes, given=(item.sha256,))


def _output(output: Output, volatile: bool) -> Iterator[Fact]:
    name, kind = output.name, output.format
    if volatile:
        reason = "its record names it as volatile"
        yield Fact("outputs", name, "presence", None, anchor=True, open="left-out", reason=reason)
        return
    yield Fact("outputs", name, "presence", "(written)", anchor=True)
    yield Fact("outputs", name, "format", kind)
    if output.content is not None:
        yield Fact("outputs", name, "content", output.content, kind, given=("", kind))
        yield Fact("outputs", name, "bytes", output.sha256, kind, given=("", kind, output.content))
    else:
        reason = "it has a digest of its content on some members only"
        yield Fact("outputs", name, "content", None, kind, given=("", kind), open="mixed", reason=reason)
        yield Fact("outputs", name, "sha256", output.sha256, kind, given=("", kind))
    yield Fact("outputs", name, "size", output.size, kind, given=("", kind, output.content, output.sha256))
    yield Fact("outputs", name, "ignored_keys", output.ignored_keys, kind, given=("", kind))


def code_facts(code: tuple[Repository, ...], _: Context) -> Iterator[Fact]:
    """Facts of git working trees."""
    for path, repository in by_key(code, lambda x: x.path).items():
        facts: dict[str, Shown] = {
            "patch": _patch(repository),
            "untracked": f"{repository.untracked}, {repository.untracked_sha256 or 'not read'}"
            if repository.untracked
            else "none",
            "lfs_pointers": repository.lfs_pointers,
            "branch": repository.branch,
            "remote": repository.remote,
            "submodule": tuple(
                f"{x.path}: {x.checked_out or 'not checked out'}{' and changes' if x.dirty else ''}"
                f"{'' if x.recorded == x.checked_out else f' (recorded: {x.recorded or None})'}"
                for x in by_key(repository.submodules, lambda x: x.path).values()
            ),
        }
        yield Fact("code", path, "commit", repository.commit, anchor=True)
        for attribute, value in facts.items():
            yield Fact("code", path, attribute, value)
        given = (repository.commit, *facts.values())
        yield Fact("code", path, "changed", repository.changed, given=given)


def _patch(repository: Repository) -> str:
    if not repository.dirty:
        return "clean"
    count = len(repository.changed)
    return f"{count} file{'' if count == 1 else 's'} changed, patch {repository.patch_sha256 or 'not read'}"


def data_facts(data: tuple[DataSet, ...], _: Context) -> Iterator[Fact]:
    """Facts of data sets: each by its digest, not file by file."""
    for name, found in by_key(data, lambda x: x.name).items():
        given: tuple[Hashable, ...] = (found.sha256, found.kind)
        yield Fact("data", name, "sha256", found.sha256, anchor=True)
        yield Fact("data", name, "kind", found.kind)
        yield Fact("data", name, "files", found.files, given=given)
        yield Fact("data", name, "bytes", found.bytes, given=given)
        if found.listing:
            listing = tuple(f"{x.path} {x.size} {x.sha256}" for x in found.listing)
            yield Fact("data", name, "listing", listing, given=(*given, found.files, found.bytes))


def hub_facts(hub: tuple[HubRepository, ...], _: Context) -> Iterator[Fact]:
    """Facts of caches of models and data sets."""
    groups: dict[tuple[str, str], list[HubRepository]] = {}
    for repository in hub:
        key = (f"{repository.hub} {repository.kind}", repository.repository)
        groups.setdefault(key, []).append(repository)
    for (kind, name), side in groups.items():
        revision = tuple(sorted({x.revision or x.files_sha256 or "(unknown)" for x in side}))
        files = tuple(sorted({x.files_sha256 for x in side}))
        gaps = tuple(sorted({path for x in side for path in x.incomplete}))
        listings = {", ".join(f"{f.path} {f.size} {f.digest}" for f in x.files) for x in side}
        given = (" ".join(revision), revision, files, gaps)
        yield Fact("hub", name, "revision", revision, kind, anchor=True)
        yield Fact("hub", name, "files", files, kind, given=given[:2])
        yield Fact("hub", name, "incomplete", gaps, kind, given=given[:2])
        yield Fact("hub", name, "listing", tuple(sorted(listings)), kind, given=given)
        yield Fact("hub", name, "refs", tuple(sorted({r for x in side for r in x.refs})), kind, given=given)
        yield Fact("hub", name, "place", tuple(sorted({x.place for x in side})), kind, given=given)
