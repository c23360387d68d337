"""Labels that a user gives to a manifest. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reprocheck.collect.secrets import scan_variable
from reprocheck.errors import UsageFault
from reprocheck.limits import Limits
from reprocheck.model.context import Label

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def describe_labels(pairs: Iterable[tuple[str, str]], limits: Limits) -> tuple[Label, ...]:
    """Check what `--label NAME=VALUE` gave; sorted by name.

    Raises UsageFault (E_LABEL, E_LABEL_SECRET). A message never shows a value.
    """
    labels: dict[str, Label] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise _fault(f"{name[:80]!a} is no label name", "Use letters, digits, '.', '_' and '-'.")
        if name in labels:
            raise _fault(f"the label {name!r} is given twice", "Give each label once.")
        if not value.isprintable() or len(value.encode("utf-8", "surrogateescape")) > limits.variable_bytes:
            raise _fault(
                f"the value of the label {name!r} is too long or not plain text",
                "Give one short line of text.",
            )
        if scan_variable(name, value) is not None:
            raise UsageFault(
                "E_LABEL_SECRET",
                f"the value of the label {name!r} looks like a secret, and a manifest is made to be shown",
                hint="Leave it out, or choose another value.",
            )
        labels[name] = Label(name=name, value=value)
    if len(labels) > limits.labels:
        raise _fault(f"more than {limits.labels} labels are given", "Give fewer, or raise --limit-scale.")
    return tuple(labels[name] for name in sorted(labels))


def _fault(message: str, hint: str) -> UsageFault:
    return UsageFault("E_LABEL", message, hint=hint)
