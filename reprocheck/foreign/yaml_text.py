"""YAML as lists, mappings and texts: only its events are read, by a loop, so nothing in it can act or nest.

No tags, anchors, aliases, merges, numbers or dates: `3.10` stays text. A second document, a key that is no
text and a key that stands twice are errors.
"""

from __future__ import annotations

import yaml

from reprocheck.errors import InputFault
from reprocheck.foreign.reading import fault
from reprocheck.limits import Limits

_Parser = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml where PyYAML has it: ten times as fast."""


class _Builder:
    """Puts events together; holds the open collections on a stack of its own."""

    def __init__(self, where: str, depth: int) -> None:
        self.where = where
        self.depth = depth
        self.root: object = None
        self.documents = 0
        self._open: list[tuple[list[object] | dict[str, object], str | None]] = []

    def take(self, event: yaml.Event) -> None:
        """Take one event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._fault("holds a second document", event)
        elif isinstance(event, yaml.AliasEvent):
            raise self._fault("uses an alias", event)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()

    def _node(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            raise self._fault("uses an anchor", event)
        # `!` alone is the mark of text that was quoted.
        if getattr(event, "tag", None) not in (None, "!"):
            raise self._fault("uses a tag", event)
        if isinstance(event, yaml.ScalarEvent):
            self._put(event.value, event)
            return
        value: list[object] | dict[str, object] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(value, event)
        self._open.append((value, None))
        if len(self._open) > self.depth:
            raise self._fault(f"is nested more than {self.depth} deep", event)

    def _put(self, value: object, event: yaml.Event) -> None:
        if not self._open:
            self.root = value
            return
        holder, key = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif key is None:
            if not isinstance(value, str):
                raise self._fault("has a key that is no text", event)
            if value in holder:
                raise self._fault(f"has the key {value[:80]!r} twice", event)
            self._open[-1] = (holder, value)
        else:
            holder[key] = value
            self._open[-1] = (holder, None)

    def _fault(self, problem: str, event: yaml.Event) -> InputFault:
        mark = event.start_mark
        return fault(self.where, f"{problem} (line {mark.line + 1})" if mark else problem)


def read_yaml(text: str, *, where: str, limits: Limits) -> object:
    """Return the one document: texts, lists and dicts. Raises InputFault (E_FOREIGN) and nothing else."""
    builder = _Builder(where, limits.json_depth)
    try:
        for event in yaml.parse(text, Loader=_Parser):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark is not None else ""
        raise fault(where, f"is not YAML{place}") from None
    except (ValueError, RecursionError, MemoryError):
        raise fault(where, "is not YAML: a character in it is out of range") from None
    return builder.root
