"""The JSON that the observation hook writes, one document for each Python process; foreign like any output.

Format: `reprocheck/observer/hook/facts.py`.
"""

from __future__ import annotations

from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.unknown import Unknown
from reprocheck.strictjson import loads

_VERSION = 1
_STATE = 1_000
"""Settings of one process; the hook writes about fifty."""
_TEXT = 4_096


class HookLibrary(Frozen, frozen=True, kw_only=True):
    """A file that the process had mapped to execute from, when it ended."""

    path: str
    gone: bool
    build_id: str


class HookModule(Frozen, frozen=True, kw_only=True):
    """An imported module."""

    name: str
    path: str
    namespace: bool
    """A namespace package: `path` is its first directory."""


class Report(Frozen, frozen=True, kw_only=True):
    """What one Python process said of itself."""

    pid: int
    parent: int
    started: int
    """0 when it could not tell."""
    executable: str
    python: str
    children: bool
    """Whether it had children, as far as it could tell."""
    libraries: tuple[HookLibrary, ...]
    modules: tuple[HookModule, ...]
    standard: tuple[str, ...]
    """Directories of the standard library."""
    mounts: tuple[str, ...]
    state: tuple[tuple[str, str], ...]
    failed: tuple[str, ...]
    """Parts of the report that could not be made."""
    cut: bool = False
    """Modules are missing: there were more than the limit."""


def parse_reports(raws: tuple[bytes, ...], limits: Limits) -> tuple[tuple[Report, ...], tuple[Unknown, ...]]:
    """Read the reports; each that makes no sense is one Unknown. Of two of one process the longer stays."""
    found: dict[tuple[int, int], Report] = {}
    unknowns: list[Unknown] = []
    for raw in raws:
        report = _parse(raw, limits)
        if isinstance(report, Unknown):
            unknowns.append(report)
            continue
        if report.cut:
            reason = f"imported more modules than the limit observed_modules ({limits.observed_modules})"
            unknowns.append(_unknown(report.executable or "a Python process", reason))
        for part in report.failed:
            unknowns.append(_unknown(report.executable or "a Python process", f"could not tell its {part}"))
        key = (report.pid, report.started)
        other = found.get(key)
        if other is None or len(other.modules) < len(report.modules):
            found[key] = report
    return tuple(found[key] for key in sorted(found)), tuple(unknowns)


def _parse(raw: bytes, limits: Limits) -> Report | Unknown:
    where = "a report of the hook"
    try:
        document = loads(raw, where="it", limits=limits, max_bytes=limits.hook_report, bounded_strings=False)
    except InputFault as error:
        return _unknown(where, error.message.removeprefix("it "))
    if not isinstance(document, dict) or document.get("hook") != _VERSION:
        return _unknown(where, f"is not of version {_VERSION}")
    failed = [str(item[0])[:64] for item in _rows(document.get("failed"), 2)]
    modules = tuple(_modules(document.get("modules"), limits))
    return Report(
        pid=_number(document.get("pid")),
        parent=_number(document.get("ppid")),
        started=_number(document.get("started")),
        executable=_text(document.get("executable")),
        python=_text(document.get("python"))[:64],
        children=document.get("children") is not False,
        libraries=tuple(_libraries(document.get("libraries"))),
        modules=modules,
        standard=_texts(document.get("standard")),
        mounts=_texts(document.get("mounts")),
        state=tuple(
            (_text(name)[:256], _text(value))
            for name, value in _rows(document.get("state"), 2)[:_STATE]
            if _text(name)
        ),
        failed=tuple(sorted(failed)),
        cut=len(_rows(document.get("modules"), 3)) > limits.observed_modules,
    )


def _libraries(value: object) -> list[HookLibrary]:
    found = []
    for path, _, _, gone, build_id in _rows(value, 5):
        place = _text(path)
        if place.startswith("/"):
            found.append(HookLibrary(path=place, gone=gone is True, build_id=_hexadecimal(build_id)))
    return found


def _modules(value: object, limits: Limits) -> list[HookModule]:
    found = []
    for name, path, namespace in _rows(value, 3)[: limits.observed_modules]:
        if _text(name) and _text(path):
            found.append(HookModule(name=_text(name), path=_text(path), namespace=namespace is True))
    return found


def _rows(value: object, width: int) -> list[list[object]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, list) and len(row) == width]


def _text(value: object) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= _TEXT else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _hexadecimal(value: object) -> str:
    text = _text(value)
    return text if len(text) <= 128 and not set(text) - set("0123456789abcdef") else ""


def _unknown(where: str, reason: str) -> Unknown:
    return Unknown(section="loaded", where=where, reason=reason)
