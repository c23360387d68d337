"""What `[tool.reprocheck]` of a pyproject.toml, or a file named by `--config`, may set. Never what is run."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Value
from reprocheck.model.change import Severity
from reprocheck.model.conflict import Waiver


class DiffSettings(Value, frozen=True, kw_only=True):
    """`[tool.reprocheck.diff]`."""

    ignore: tuple[str, ...] = ()
    """Patterns as `--ignore` takes them: `SECTION:GLOB`."""
    format: Literal["text", "terse", "json", "html", ""] = ""


class GraphSettings(Value, frozen=True, kw_only=True):
    """`[tool.reprocheck.graph]`."""

    fail_on: Severity | Literal[""] = ""
    waivers: tuple[Waiver, ...] = ()
    """`[[tool.reprocheck.graph.waivers]]`: code, package, reason, expires."""
    format: Literal["text", "json", "dot", "graphml", "mermaid", "svg", "html", ""] = ""


class Configuration(Value, frozen=True, kw_only=True):
    """Everything that a configuration file may say; an option on the command line counts for more."""

    diff: DiffSettings = DiffSettings()
    graph: GraphSettings = GraphSettings()
