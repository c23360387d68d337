"""Putting a manifest together from its parts, the same way for every source."""

from __future__ import annotations

from collections.abc import Iterable

from reprocheck import __version__
from reprocheck.api.outside import Outside
from reprocheck.api.sight import Sight
from reprocheck.codec import seal
from reprocheck.collect.hardware import describe
from reprocheck.engine.machine import read_machine
from reprocheck.model.environment import Variable
from reprocheck.model.host import Host
from reprocheck.model.image import Image, Source
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation, Tool
from reprocheck.model.run import RunRecord
from reprocheck.model.unknown import Unknown


def see_machine(outside: Outside) -> tuple[Host, tuple[Unknown, ...]]:
    """Describe the machine that this process runs on."""
    outside.progress("reading hardware facts")
    return describe(read_machine(limits=outside.limits, environ=outside.environ))


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
) -> Manifest:
    """Return the sealed manifest."""
    seen = {(u.section, u.where, u.reason): u for u in (*sight.unknowns, *unknowns)}
    return seal(
        Manifest(
            schema_version=MANIFEST_VERSION,
            digests=None,
            image=image,
            os=sight.observed.os,
            packages=sight.observed.packages,
            pythons=sight.observed.pythons,
            libraries=sight.observed.libraries,
            environment=environment,
            host=host,
            run=run,
            unknowns=tuple(seen[key] for key in sorted(seen)),
            source=source,
            observation=Observation(
                tools=(Tool(name="reprocheck", version=__version__), *sight.tools),
                disagreements=sight.disagreements,
                notes=(*sight.notes, *notes),
                duration_ms=duration_ms,
                recorded_at=outside.now() if outside.now else "",
            ),
            private=private,
        )
    )
