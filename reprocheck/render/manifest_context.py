"""What a run stood in, for people: labels, job, code, data, models, and what was really loaded."""

from __future__ import annotations

from collections import Counter

from reprocheck.model.context import DataSet, HubRepository, Job, Repository
from reprocheck.model.loaded import Loaded, LoadedLibrary
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import NativeLibrary
from reprocheck.render.blocks import Row, block, capped
from reprocheck.render.style import Style
from reprocheck.render.wording import plural, size

_SHOWN = 10
_LONGEST, _WIDEST = 80, 140
_ORIGINS = {"host": "from the machine", "mount": "from a mount", "run": "written by the run"}


def context(manifest: Manifest, style: Style, *, everything: bool) -> str:
    """Return a block, '' when there is nothing of it."""
    rows: list[Row] = [("label", f"{label.name}={label.value}") for label in manifest.labels]
    if manifest.job:
        rows.append(("job", _job(manifest.job)))
        if everything:
            rows += [("", f"{fact.name}={fact.value}") for fact in manifest.job.facts]
    for repository in manifest.code:
        rows += _code(repository, everything=everything)
    rows += [("data", _data(item)) for item in manifest.data]
    hub = [("model" if item.kind == "model" else item.kind, _hub(item)) for item in manifest.hub]
    rows += capped(hub, most=_SHOWN, everything=everything)
    return block("Context", rows, style) if rows else ""


def _job(job: Job) -> str:
    parts = [f"{job.scheduler or 'distributed'} {job.id}".strip()]
    if job.rank:
        parts.append(f"rank {job.rank}" + (f" of {job.world_size}" if job.world_size else ""))
    elif job.world_size:
        parts.append(f"{job.world_size} processes")
    parts += [f"local rank {job.local_rank}"] if job.local_rank else []
    parts += [f"node {job.node_rank}" + (f" of {job.nodes}" if job.nodes else "")] if job.node_rank else []
    return ", ".join(parts)


def _code(item: Repository, *, everything: bool) -> list[Row]:
    state = [
        f"commit {item.commit[:12]}" if item.commit else "no commit",
        f"on {item.branch}" if item.branch else "",
    ]
    if item.dirty:
        state.append(f"dirty: {plural(len(item.changed), 'file')} changed, patch {item.patch_sha256[:12]}")
    if item.untracked:
        state.append(f"{plural(item.untracked, 'untracked file')}")
    if item.lfs_pointers:
        state.append(f"{plural(len(item.lfs_pointers), 'LFS file')} not fetched")
    rows = [("code", f"{item.path}  {', '.join(part for part in state if part)}")]
    rows += [("", item.remote)] if item.remote else []
    for module in item.submodules:
        if everything or module.dirty or module.checked_out != module.recorded:
            here = module.checked_out[:12] or "not checked out"
            dirty = ", dirty" if module.dirty else ""
            recorded = f"recorded {module.recorded[:12]}" if module.recorded else "not recorded"
            rows.append(("", f"{module.path}  {recorded}, here {here}{dirty}"))
    if everything:
        rows += [("changed", path) for path in item.changed]
        rows += [("not fetched", path) for path in item.lfs_pointers]
    return rows


def _data(item: DataSet) -> str:
    return f"{item.name}  {plural(item.files, 'file')}, {size(item.bytes)}, sha256 {item.sha256[:12]}"


def _hub(item: HubRepository) -> str:
    text = f"{item.repository}  revision {item.revision[:12] or 'untold'}, {plural(len(item.files), 'file')}"
    return text + (f", {len(item.incomplete)} incomplete" if item.incomplete else "")


def loaded(seen: Loaded, manifest: Manifest, style: Style, *, everything: bool) -> str:
    """What was loaded; a copy of a library beside which another version is installed comes first."""
    rows: list[Row] = [
        ("seen by", f"{seen.observer}, {plural(len(seen.processes), 'process', 'processes')}"),
        ("found", _found(seen)),
    ]
    silent = sum(1 for process in seen.processes if process.python and process.seen == "maps")
    if silent:
        rows.append(
            ("", f"{plural(silent, 'Python process', 'Python processes')} not reporting: only libraries seen")
        )
    installed = {item.path: item for item in manifest.libraries}
    numeric = [library for library in seen.libraries if library.kind or everything]
    told = [(_rivals(library, installed), library) for library in numeric]
    told.sort(key=lambda pair: (not pair[0], not pair[1].kind, pair[1].path))
    libraries = [("library", _library(library, rivals, installed)) for rivals, library in told]
    surprising = sum(1 for rivals, _ in told if rivals)
    rows += capped(libraries, most=max(_SHOWN, surprising), everything=everything)
    rows += _state(seen, everything=everything)
    if everything:
        rows += [
            ("module", f"{item.name}  {item.distribution} {item.version}".rstrip()) for item in seen.modules
        ]
    return block("Loaded", rows, style)


def _found(seen: Loaded) -> str:
    text = plural(len(seen.libraries), "library", "libraries")
    # Mappings alone tell nothing of modules, and "0 modules" would say that none was imported.
    hooked = seen.modules or any(process.seen != "maps" for process in seen.processes)
    return (
        f"{text}, {plural(len(seen.modules), 'module')}" if hooked else f"{text}; modules were not looked at"
    )


def _state(seen: Loaded, *, everything: bool) -> list[Row]:
    """Each setting once, with every value that it had, and in how many processes when they differ.

    In short, those of one module or library share a row.
    """
    values: dict[str, Counter[str]] = {}
    for flag in seen.state:
        values.setdefault(flag.name, Counter())[flag.value] += 1
    if everything:
        return [("state", f"{name} = {_values(counts)}") for name, counts in sorted(values.items())]
    groups: dict[str, list[str]] = {}
    for name, counts in sorted(values.items()):
        if len(counts) > 1 or not _is_lengthy(name, next(iter(counts))):
            head, mark, leaf = name.rpartition(":") if ":" in name else name.rpartition(".")
            groups.setdefault(f"{head}{mark}", []).append(f"{leaf} = {_values(counts)}")
    rows = [("state", line) for head, told in sorted(groups.items()) for line in _lines(head, told)]
    left = len(values) - sum(map(len, groups.values()))
    return rows + ([("state", f"… and {left} more (--all lists them)")] if left else [])


def _lines(head: str, told: list[str]) -> list[str]:
    """Join what fits into one line each; nothing of it is cut off."""
    lines: list[str] = []
    for text in told:
        if lines and len(lines[-1]) + len(text) <= _WIDEST:
            lines[-1] += f", {text}"
        else:
            lines.append(head + text)
    return lines


def _is_lengthy(name: str, value: str) -> bool:
    """Whether a setting says what the reader knows, or too much for a line: all flags off, build options."""
    return (
        len(value) > _LONGEST or name.endswith(".version") or (name.startswith("sys.flags.") and value == "0")
    )


def _values(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    told = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return " and ".join(f"{value} in {plural(count, 'process', 'processes')}" for value, count in told)


def _rivals(library: LoadedLibrary, installed: dict[str, NativeLibrary]) -> tuple[NativeLibrary, ...]:
    """Installed copies of the same library whose content is another, when this one is no installed copy or
    one of several."""
    if not library.kind:
        return ()
    name = library.soname or library.path.rpartition("/")[2]
    same = (
        item
        for path, item in sorted(installed.items())
        if path != library.path and item.kind == library.kind and (item.soname or item.name) == name
    )
    return tuple(item for item in same if not _equal(item, library))


def _equal(item: NativeLibrary, library: LoadedLibrary) -> bool:
    if item.sha256 and library.sha256:
        return item.sha256 == library.sha256
    return bool(item.build_id) and item.build_id == library.build_id


def _library(
    library: LoadedLibrary, rivals: tuple[NativeLibrary, ...], installed: dict[str, NativeLibrary]
) -> str:
    own = installed.get(library.path)
    parts = [library.kind, own.version if own else "", library.path]
    origin = _ORIGINS.get(library.origin, "")
    parts += [f"({origin})"] if origin else []
    others = ", ".join(f"{item.version or 'of unknown version'} at {item.path}" for item in rivals)
    parts += [f"and not {others}"] if others else []
    return " ".join(part for part in parts if part)
