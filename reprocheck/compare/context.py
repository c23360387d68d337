"""Data, cached models, and the place in a distributed job."""

from __future__ import annotations

from reprocheck.compare.difference import Shown, by_key, differ, recorded_once
from reprocheck.model.change import Delta, Difference
from reprocheck.model.context import DataSet, HubRepository
from reprocheck.model.manifest import Manifest

_JOB = ("world_size", "nodes", "rank", "local_rank", "node_rank", "scheduler", "id")


def compare_data(a: Manifest, b: Manifest) -> Delta:
    """Differences of `data`, by name; where both sides list the files, they are told one by one."""
    if not a.data or not b.data:
        return recorded_once("data", "data sets (--data)", bool(a.data), bool(b.data))
    old, new = (by_key(side.data, lambda x: x.name) for side in (a, b))
    found: list[Difference] = []
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            ends = (x.sha256 if x is not None else None for x in (before, after))
            found += differ("data", name, "presence", *ends)
        else:
            found += _data_set(before, after)
    return Delta(differences=tuple(found), unknowns=())


def _data_set(before: DataSet, after: DataSet) -> list[Difference]:
    found = [
        *differ("data", before.name, "sha256", before.sha256, after.sha256),
        *differ("data", before.name, "kind", before.kind, after.kind),
    ]
    if found and before.listing and after.listing:
        old, new = ({file.path: file.sha256 for file in side.listing} for side in (before, after))
        for path in sorted(old.keys() | new.keys()):
            found += differ("data", f"{before.name}/{path}", "file", old.get(path), new.get(path))
    found = found or [
        *differ("data", before.name, "files", before.files, after.files),
        *differ("data", before.name, "bytes", before.bytes, after.bytes),
    ]
    if not found and before.listing and after.listing:
        # The digest covers the listing; a document where it does not is not to be believed silently.
        listings = (tuple(f"{x.path} {x.size} {x.sha256}" for x in side.listing) for side in (before, after))
        found = list(differ("data", before.name, "listing", *listings))
    return found


def compare_hub(a: Manifest, b: Manifest) -> Delta:
    """Differences of `hub`: which revisions of which models and data sets the caches hold."""
    old, new = _repositories(a), _repositories(b)
    found: list[Difference] = []
    for key in old.keys() | new.keys():
        hub, kind, name = key
        before, after = old.get(key), new.get(key)
        one, other = (_revisions(side) if side is not None else None for side in (before, after))
        changes = differ("hub", name, "revision", one, other, type=f"{hub} {kind}")
        if not changes and before is not None and after is not None:
            contents = (tuple(sorted({x.files_sha256 for x in side})) for side in (before, after))
            changes = differ("hub", name, "files", *contents, type=f"{hub} {kind}")
            gaps = (tuple(sorted({p for x in side for p in x.incomplete})) for side in (before, after))
            changes += differ("hub", name, "incomplete", *gaps, type=f"{hub} {kind}")
            changes = changes or _details(before, after, name, f"{hub} {kind}")
        found += changes
    return Delta(differences=tuple(found), unknowns=())


def _details(
    before: list[HubRepository], after: list[HubRepository], name: str, kind: str
) -> tuple[Difference, ...]:
    """Compare what is told only where revision and content agree."""
    listed = (tuple(sorted({_listing(x) for x in side})) for side in (before, after))
    refs = (tuple(sorted({ref for x in side for ref in x.refs})) for side in (before, after))
    places = (tuple(sorted({x.place for x in side})) for side in (before, after))
    return (
        differ("hub", name, "listing", *listed, type=kind)
        + differ("hub", name, "refs", *refs, type=kind)
        + differ("hub", name, "place", *places, type=kind)
    )


def _listing(repository: HubRepository) -> str:
    return ", ".join(f"{file.path} {file.size} {file.digest}" for file in repository.files)


def _repositories(manifest: Manifest) -> dict[tuple[str, str, str], list[HubRepository]]:
    found: dict[tuple[str, str, str], list[HubRepository]] = {}
    for repository in manifest.hub:
        found.setdefault((repository.hub, repository.kind, repository.repository), []).append(repository)
    return found


def _revisions(repositories: list[HubRepository]) -> tuple[str, ...]:
    return tuple(sorted({x.revision or x.files_sha256 or "(unknown)" for x in repositories}))


def compare_job(a: Manifest, b: Manifest) -> Delta:
    """Differences of `job` and `labels`."""
    found: list[Difference] = []
    for field in _JOB:
        ends: tuple[Shown, Shown] = (
            (getattr(a.job, field) or None) if a.job is not None else None,
            (getattr(b.job, field) or None) if b.job is not None else None,
        )
        found += differ("job", field, "value", *ends)
    for what in ("facts", "labels"):
        old, new = (
            {
                x.name: x.value
                for x in (side.labels if what == "labels" else side.job.facts if side.job else ())
            }
            for side in (a, b)
        )
        for name in old.keys() | new.keys():
            found += differ(
                "job", name, "label" if what == "labels" else "fact", old.get(name), new.get(name)
            )
    return Delta(differences=tuple(found), unknowns=())
