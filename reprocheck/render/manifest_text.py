"""A manifest for people: one screen, unless more is asked for."""

from __future__ import annotations

from collections import Counter

from reprocheck.model.environment import Variable
from reprocheck.model.host import Host
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import RunRecord
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.table import table
from reprocheck.render.wording import plural, size, unknown_lines

_STATES = {"withheld": "(value not recorded)", "secret": "(looks like a secret: value not recorded)"}


def render(manifest: Manifest, *, everything: bool = False, style: Style = PLAIN) -> str:
    """Return the manifest as text; `everything` lists each package and variable."""
    blocks = [_identity(manifest, style)]
    if manifest.run:
        blocks.append(_run(manifest.run, manifest, style))
    blocks.append(_packages(manifest, style, everything=everything))
    if manifest.host:
        blocks.append(_host(manifest.host, style))
    blocks.append(_variables(manifest.environment, style, everything=everything))
    if manifest.observation.disagreements:
        blocks.append(_disagreements(manifest, style, everything=everything))
    counted = f"{plural(len(manifest.packages), 'package')}, {len(manifest.unknowns)} unknown"
    blocks.append("\n".join([counted, *unknown_lines(manifest.unknowns)]))
    return "\n\n".join(blocks) + "\n"


def _identity(manifest: Manifest, style: Style) -> str:
    source = manifest.source
    rows = [("target", f"{source.kind} {source.reference}".strip())]
    if source.config_digest:
        rows.append(("image id", source.config_digest))
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
    if manifest.digests:
        rows += [("content", manifest.digests.content), ("manifest", manifest.digests.manifest)]
    if manifest.private:
        rows.append(("private", "holds every environment value: not for publication"))
    return _block("Identity", rows, style)


def _run(run: RunRecord, manifest: Manifest, style: Style) -> str:
    duration = manifest.observation.duration_ms
    rows = [
        ("command", " ".join(run.argv)),
        ("engine", run.engine),
        ("in", f"{run.working_dir or '/'} as {run.user or 'root'}, network {run.network}"),
        ("exit", "still running" if run.exit_code is None else str(run.exit_code)),
    ]
    if duration is not None:
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
    return _block("Run", rows, style)


def _packages(manifest: Manifest, style: Style, *, everything: bool) -> str:
    counts = Counter(package.type for package in manifest.packages)
    rows: list[tuple[str, str]] = [(kind, plural(counts[kind], "package")) for kind in sorted(counts)]
    rows += [
        (
            "python",
            f"{p.executable} {p.version} ({p.kind}{', active' if p.active else ''})",
        )
        for p in manifest.pythons
    ]
    rows += [("library", f"{lib.kind} {lib.version} {lib.path}") for lib in manifest.libraries[:12]]
    if len(manifest.libraries) > 12:
        rows.append(("library", f"… and {len(manifest.libraries) - 12} more"))
    text = _block("Software", rows, style)
    if everything:
        listing = [
            (p.type, p.name, p.version, p.python.environment if p.python else "") for p in manifest.packages
        ]
        text += "\n\n" + table(listing, headers=("type", "name", "version", "environment"))
    return text


def _host(host: Host, style: Style) -> str:
    cpu = host.cpu
    rows = [
        (
            "cpu",
            " ".join(
                part for part in (cpu.model, cpu.level, f"({cpu.allowed} of {cpu.logical} CPUs)") if part
            ),
        ),
        ("memory", size(host.memory_bytes)),
        ("kernel", f"{host.system} {host.kernel}"),
    ]
    rows += [("gpu", f"{gpu.name} compute capability {gpu.compute_capability}") for gpu in host.gpus]
    if host.driver:
        rows.append(("driver", host.driver.version))
    if not host.gpus:
        rows.append(("gpu", "none"))
    return _block("Machine", rows, style)


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
    return _block("Environment", rows or [("", "no variables")], style)


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
    return _block("Readers disagree", rows, style)


def _block(title: str, rows: list[tuple[str, str]], style: Style) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {show(name):<{width}}  {show(value)}" for name, value in rows]
    return "\n".join([style.paint(title, "bold"), *lines])
