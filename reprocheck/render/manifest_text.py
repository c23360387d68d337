"""A manifest for people: one screen, unless more is asked for."""

from __future__ import annotations

from reprocheck.model.environment import Variable
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import RunRecord
from reprocheck.render.blocks import Row, block
from reprocheck.render.manifest_context import context, loaded
from reprocheck.render.manifest_machine import machine
from reprocheck.render.manifest_software import integrity, software
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, size, unknown_lines

_STATES = {
    "withheld": "(value not recorded)",
    "secret": "(looks like a secret: value not recorded)",
    "unset": "(taken away)",
}


def render(manifest: Manifest, *, everything: bool = False, style: Style = PLAIN) -> str:
    """Return the manifest as text; `everything` lists each package, variable, faulty file and so on."""
    blocks = [_identity(manifest, style)]
    if manifest.run:
        blocks.append(_run(manifest.run, manifest, style))
    blocks.append(software(manifest, style, everything=everything))
    if manifest.integrity:
        blocks.append(integrity(manifest.integrity, style, everything=everything))
    if manifest.loaded:
        blocks.append(loaded(manifest.loaded, manifest, style, everything=everything))
    around = context(manifest, style, everything=everything)
    if around:
        blocks.append(around)
    if manifest.host:
        blocks.append(machine(manifest.host, style, everything=everything))
    blocks.append(_variables(manifest.environment, style, everything=everything))
    if manifest.observation.disagreements:
        blocks.append(_disagreements(manifest, style, everything=everything))
    counted = f"{plural(len(manifest.packages), 'package')}, {len(manifest.unknowns)} unknown"
    blocks.append("\n".join([counted, *unknown_lines(manifest.unknowns)]))
    return "\n\n".join(blocks) + "\n"


def _identity(manifest: Manifest, style: Style) -> str:
    source = manifest.source
    rows: list[Row] = [("target", f"{source.kind} {source.reference}".strip())]
    if source.reader:
        rows.append(("read by", source.reader))
    if source.config_digest:
        rows.append(("image id", source.config_digest))
    if source.manifest_digest:
        rows.append(("image manifest", source.manifest_digest))
    rows += [("repository", digest) for digest in source.repo_digests]
    if manifest.image:
        image = manifest.image
        rows.append(
            ("platform", "/".join(part for part in (image.os, image.architecture, image.variant) if part))
        )
        rows.append(("layers", str(len(image.diff_ids))))
    if manifest.os:
        system = manifest.os
        rows.append(("system", ", ".join(part for part in (system.name or system.id, system.libc) if part)))
    if source.missing:
        rows.append(("not in it", ", ".join(source.missing)))
    if manifest.digests:
        rows += [("identity", manifest.digests.identity)] if manifest.digests.identity else []
        rows += [("content", manifest.digests.content), ("manifest", manifest.digests.manifest)]
    if manifest.private:
        rows.append(("private", "holds every environment value: not for publication"))
    return block("Identity", rows, style)


def _run(run: RunRecord, manifest: Manifest, style: Style) -> str:
    duration = manifest.observation.duration_ms
    rows = [
        ("command", " ".join(run.argv)),
        ("engine", run.engine),
        ("in", f"{run.working_dir or '/'} as {run.user or 'root'}, network {run.network}"),
        ("exit", "still running" if run.exit_code is None else str(run.exit_code)),
    ]
    if duration is not None and run.exit_code is not None:
        rows.append(("took", f"{duration / 1000:.1f} s"))
    rows += [
        (
            "input",
            f"{i.path}  {plural(i.files, 'file')}, {size(i.bytes)}, sha256 {(i.sha256 or 'unread')[:12]}",
        )
        for i in run.inputs
    ]
    rows += [("output", f"{o.name}  {size(o.size)}, {o.format}, sha256 {o.sha256[:12]}") for o in run.outputs]
    lasting = [change for change in run.changes if not change.volatile]
    verb = "wrote" if run.fresh else "changed"
    rows += [(verb, f"{change.path} ({change.kind})") for change in lasting[:10]]
    if len(lasting) > 10:
        rows.append((verb, f"… and {len(lasting) - 10} more paths"))
    return block("Run", rows, style)


def _variables(variables: tuple[Variable, ...], style: Style, *, everything: bool) -> str:
    overridden = {v.name for v in variables if v.origin != "image"}

    def origin(variable: Variable) -> str:
        hidden = variable.origin == "image" and variable.name in overridden
        return f"[{variable.origin}, overridden]" if hidden else f"[{variable.origin}]"

    recorded = [v for v in variables if v.value is not None]
    rows = [(v.name, f"{v.value}  {origin(v)}") for v in recorded]
    hidden = [v for v in variables if v.value is None]
    if everything:
        rows += [(v.name, f"{_STATES[v.state]}  {origin(v)}") for v in hidden]
    elif hidden:
        rows.append(("…", f"{plural(len(hidden), 'variable')} by name only (--all lists them)"))
    return block("Environment", rows or [("", "no variables")], style)


def _disagreements(manifest: Manifest, style: Style, *, everything: bool) -> str:
    all_rows = manifest.observation.disagreements
    rows = [
        (
            d.subject,
            f"ours {d.ours or '(not seen)'}, {d.tool} {d.theirs or '(not seen)'}  {d.reason}".rstrip(),
        )
        for d in (all_rows if everything else all_rows[:5])
    ]
    if len(all_rows) > len(rows):
        rows.append(("…", f"and {len(all_rows) - len(rows)} more"))
    return block("Readers disagree", rows, style)
