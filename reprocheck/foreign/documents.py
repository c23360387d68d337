"""Which document of another tool a file is, and reading it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reprocheck.errors import InputFault
from reprocheck.foreign.collect_env import HEAD, read_collect_env
from reprocheck.foreign.conda_lists import read_explicit_list, read_json_list
from reprocheck.foreign.locks import format_of
from reprocheck.foreign.pip_lists import read_freeze, read_inspect, read_list
from reprocheck.foreign.reading import decode, fault, object_in, read_json, text_in
from reprocheck.foreign.sbom_formats import read_cyclonedx, read_spdx, read_syft
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.manifest import Manifest

Reader = Callable[..., Manifest]

_OTHER_NOTATIONS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"SPDXVersion:"),
        "is SPDX in its tag-value notation, which is not read",
        "Write it as JSON, e.g. with `syft convert FILE -o spdx-json`.",
    ),
    (
        re.compile(r"(?:<\?xml[^>]{0,200}>\s{0,100})?<(?:[a-z]{1,20}:)?bom[\s>]"),
        "is CycloneDX in XML, which is not read",
        "Write it as JSON, e.g. with `syft convert FILE -o cyclonedx-json`.",
    ),
    (
        re.compile(r"Package +Version\b"),
        "is the table of pip list, which is not read",
        "Write it with `pip list --format=json`, or with `pip freeze`.",
    ),
)
"""How a known document in another notation begins, what it is, and what to do."""

_OURS = re.compile(rb'\s{0,16}\{\s{0,16}"schema_version"')


def _is_syft(document: Mapping[str, object]) -> bool:
    return "artifacts" in document and text_in(object_in(document, "schema"), "url").find("syft") >= 0


def _is_inspect(document: Mapping[str, object]) -> bool:
    return "pip_version" in document and "installed" in document


OBJECTS: tuple[tuple[Callable[[Mapping[str, object]], bool], Reader], ...] = (
    (_is_syft, read_syft),
    (lambda document: document.get("bomFormat") == "CycloneDX", read_cyclonedx),
    (lambda document: "spdxVersion" in document, read_spdx),
    (_is_inspect, read_inspect),
)
"""What tells a format whose top is a JSON object, and its reader; the first that fits."""


_TRIED = 20
"""Entries of a list that are looked at to tell what it is."""


def read_foreign(raw: bytes, *, where: str, limits: Limits = DEFAULT) -> Manifest | None:
    """Read a document of another tool as a partial manifest; None when it is none that is known.

    Known are syft-json, CycloneDX JSON, SPDX 2 JSON, `pip freeze`, `pip list --format=json`, `pip inspect`,
    `conda list --explicit`, `conda list --json` and the text of `torch.utils.collect_env`. `Source.covers`
    says what it tells. The manifest has no digests. Raises InputFault (E_FOREIGN, E_FOREIGN_VERSION,
    E_JSON, E_LOCK_AS_SIDE, E_TOO_LARGE) and nothing else.
    """
    if is_ours(raw):
        return None
    text = decode(raw, where=where, limits=limits, max_bytes=limits.manifest_bytes)
    head = text.lstrip()[:1]
    if head in ("{", "["):
        return _json(text, where, limits)
    if "\n@EXPLICIT\n" in f"\n{text[:20_000]}\n":
        return read_explicit_list(text, where=where, limits=limits)
    if f"\n{HEAD}" in f"\n{text}":
        return read_collect_env(text, where=where, limits=limits)
    for begins, problem, hint in _OTHER_NOTATIONS:
        if begins.match(text.lstrip()[:1_000]):
            raise InputFault("E_FOREIGN", f"{where} {problem}", hint=hint)
    frozen = read_freeze(text, where=where, limits=limits)
    if frozen is None and (kind := format_of(where, text)):
        raise InputFault(
            "E_LOCK_AS_SIDE",
            f"{where} is a lock file ({kind}), not a list of what is installed",
            hint="Compare an environment with it by `reprocheck diff MANIFEST --lock FILE`.",
        )
    return frozen


def is_ours(raw: bytes) -> bool:
    """Whether a document begins as reprocheck writes it: a large one need not be parsed twice to tell."""
    return _OURS.match(raw) is not None


def _json(text: str, where: str, limits: Limits) -> Manifest | None:
    document = read_json(text, where=where, limits=limits)
    if isinstance(document, list):
        return _list(document, where, limits)
    if not isinstance(document, dict):
        return None
    if "spdx.org/rdf/3" in str(document.get("@context", ""))[:400]:
        raise fault(where, "is an SPDX 3 document; SPDX 2 is known", code="E_FOREIGN_VERSION")
    for fits, read in OBJECTS:
        if fits(document):
            return read(document, where=where, limits=limits)
    return None


def _list(document: list[object], where: str, limits: Limits) -> Manifest | None:
    sound = (e for e in document[:_TRIED] if text_in(e, "name") and text_in(e, "version"))
    first = next(sound, None)
    if first is None:
        return None
    if text_in(first, "build_string"):
        return read_json_list(document, where=where, limits=limits)
    return read_list(document, where=where, limits=limits)
