"""Manifest to dependency graph to conflicts with causes. networkx never leaves this room."""

from __future__ import annotations

from reprocheck.graph.analysis import analyse
from reprocheck.graph.decisions import new_since, waive
from reprocheck.graph.rules import RULES

__all__ = ["RULES", "analyse", "new_since", "waive"]
