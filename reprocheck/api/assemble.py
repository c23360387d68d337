"""Putting a manifest together from its parts, the same way for every source."""

from __future__ import annotations

from collections.abc import Iterable

from reprocheck import __version__
from reprocheck.api.outside import Outside
from reprocheck.api.sight import Sight
from reprocheck.codec import seal
from reprocheck.collect.hardware import describe
from reprocheck.collect.secrets import REDACTOR, withhold_arguments
from reprocheck.engine.machine import read_machine
from reprocheck.model.base import Frozen, map_text, replace
from reprocheck.model.context import DataSet, Job, Label, Repository
from reprocheck.model.environment import Variable
from reprocheck.model.host import Host
from reprocheck.model.image import Image, Source
from reprocheck.model.loaded import Loaded
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation, Tool
from reprocheck.model.package import Package
from reprocheck.model.run import RunRecord
from reprocheck.model.unknown import Unknown


def see_machine(outside: Outside) -> tuple[Host, tuple[Unknown, ...]]:
    """Describe the machine that this process runs on."""
    outside.progress("reading hardware facts")
    return describe(read_machine(limits=outside.limits, environ=outside.environ))


_EXACT = frozenset({"content", "dtype", "engine", "format", "kind", "network", "role", "sha256", "structure"})
"""Fields that hold digests or words of ours: no secret stands there, and masking would break them."""


def clean_run(run: RunRecord) -> RunRecord:
    """Mask every known secret in a run's free text; a masked argument counts as withheld."""
    argv, withheld = withhold_arguments(run.argv)
    masked = tuple(REDACTOR.clean(argument) for argument in argv)
    touched = {index for index, argument in enumerate(masked) if argument != argv[index]}
    cleaned = map_text(replace(run, argv=masked), REDACTOR.clean, keep=_EXACT)
    return replace(cleaned, withheld_arguments=tuple(sorted({*withheld, *touched})))


class Context(Frozen, frozen=True, kw_only=True):
    """What stood around the environment: code, data, labels, job."""

    code: tuple[Repository, ...] = ()
    data: tuple[DataSet, ...] = ()
    labels: tuple[Label, ...] = ()
    job: Job | None = None
    unknowns: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()


NO_CONTEXT = Context()


def _is_shadowed(package: Package) -> bool:
    return package.python is not None and not package.python.effective


def assemble(
    *,
    outside: Outside,
    source: Source,
    image: Image | None,
    sight: Sight,
    environment: tuple[Variable, ...],
    host: Host | None,
    run: RunRecord | None = None,
    unknowns: Iterable[Unknown] = (),
    notes: Iterable[str] = (),
    duration_ms: int | None = None,
    private: bool = False,
    context: Context = NO_CONTEXT,
    loaded: Loaded | None = None,
) -> Manifest:
    """Return the sealed manifest."""
    seen = {(u.section, u.where, u.reason): u for u in (*sight.unknowns, *unknowns, *context.unknowns)}
    return seal(
        Manifest(
            schema_version=MANIFEST_VERSION,
            digests=None,
            image=image,
            os=sight.observed.os,
            packages=tuple(p for p in sight.observed.packages if not _is_shadowed(p)),
            shadowed=tuple(p for p in sight.observed.packages if _is_shadowed(p)),
            pythons=sight.observed.pythons,
            libraries=sight.observed.libraries,
            wheels=sight.observed.wheels,
            remnants=sight.observed.remnants,
            frameworks=sight.observed.frameworks,
            loading=sight.observed.loading,
            linking=sight.observed.linking,
            hub=sight.observed.hub,
            integrity=sight.observed.integrity,
            code=context.code,
            data=context.data,
            labels=context.labels,
            job=context.job,
            loaded=loaded,
            environment=environment,
            host=host,
            run=clean_run(run) if run else None,
            unknowns=tuple(map_text(seen[key], REDACTOR.clean) for key in sorted(seen)),
            source=source,
            observation=Observation(
                tools=(Tool(name="reprocheck", version=__version__), *sight.tools),
                disagreements=sight.disagreements,
                notes=(*sight.notes, *notes, *context.notes),
                duration_ms=duration_ms,
                recorded_at=outside.now() if outside.now else "",
            ),
            private=private,
        )
    )
