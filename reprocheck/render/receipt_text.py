"""The result of a verification for people."""

from __future__ import annotations

from reprocheck.model.verdict import Receipt
from reprocheck.render.safe import show, show_lines
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, unknown_lines, wrapped

_COLORS = {
    "identical": "green",
    "within-noise": "green",
    "within-tolerance": "green",
    "drift": "red",
    "did-not-run": "red",
    "nondeterministic": "yellow",
    "not-comparable": "yellow",
}


def render(receipt: Receipt, *, style: Style = PLAIN) -> str:
    """Return the receipt as text."""
    level = "" if receipt.level == "none" else f" ({receipt.level})"
    lines = [
        style.paint(receipt.verdict, "bold", _COLORS[receipt.verdict]) + level,
        wrapped(show(receipt.reason, limit=1_000), indent="  "),
        "",
    ]
    for output in receipt.outputs:
        level = "" if output.level == "none" else f" at {output.level}"
        lines.append(f"  {output.verdict + level:<22} {show(output.name)}")
        if output.reason:
            lines.append(wrapped(show(output.reason, limit=600), indent="      "))
    if receipt.ignored_outputs or receipt.ignored_keys:
        lines.append(
            f"  left out as declared when recorded: {plural(receipt.ignored_outputs, 'output')}, "
            f"{plural(receipt.ignored_keys, 'key')}"
        )
    failed = [execution for execution in receipt.executions if execution.log_tail]
    if failed:
        lines += ["", "last lines of the program:", show_lines(failed[-1].log_tail)]
    lines += [
        "",
        f"  manifest {receipt.manifest}",
    ]
    if receipt.engine != "none":
        lines.append(f"  ran      {show(receipt.image) or 'in a plain process, not sandboxed'}")
    lines += [f"  allowed  {show(r.what)} {show(r.value)}" for r in receipt.relaxations]
    lines.append(f"  {plural(len(receipt.executions), 'execution')} on {_machine(receipt)}")
    if receipt.unknowns:
        lines += [f"not seen: {len(receipt.unknowns)}", *unknown_lines(receipt.unknowns)]
    return "\n".join(lines) + "\n"


def _machine(receipt: Receipt) -> str:
    if receipt.host is None:
        return "a machine that could not be read"
    gpus = ", ".join(gpu.name for gpu in receipt.host.gpus)
    return show(receipt.host.cpu.model or receipt.host.cpu.architecture) + (
        f" with {show(gpus)}" if gpus else ""
    )
