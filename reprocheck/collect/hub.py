"""Download caches of the Hugging Face hub, its `datasets` library, and torch.hub.

Layouts: huggingface_hub "Understand caching" (`models--ORG--NAME/{refs,snapshots,blobs}`, a blob is named by
its SHA-256 when it lies in git-lfs or Xet, else by its git object id); `datasets` "Cache management"
(`ORG___NAME/CONFIG/VERSION/REVISION`); torch.hub (`hub/OWNER_REPO_REF`, `hub/checkpoints/NAME-HASH8.pth`). A
digest is what the cache itself names; where it names none (links switched off, torch code), it is '' through
every source. Tokens lie beside these caches and are never read.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reprocheck.collect.observed import Observed
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import Limits
from reprocheck.model.context import HubFile, HubRepository
from reprocheck.model.filetree import Entry, FileTree, portable
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

Kind = Literal["model", "dataset", "space", "code", "checkpoint"]

name = "hub"
endings: tuple[str, ...] = ("/refs/main",)
prefixes: tuple[str, ...] = ()
infixes: tuple[str, ...] = ("/refs/",)
"""Tags have any name, and a cache lies anywhere."""

_KINDS: Mapping[str, Kind] = {"models": "model", "datasets": "dataset", "spaces": "space"}
_REPOSITORY = re.compile(r"(models|datasets|spaces)--([^/]{1,200})")
_REF = re.compile(r".*/(?:models|datasets|spaces)--[^/]{1,200}/refs/.+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHECKPOINT = re.compile(r".*-([0-9a-f]{8,64})\.(?:pth|pt|bin|tar|zip|safetensors)(?:\.tar|\.zip)?")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_INCOMPLETE = (".incomplete", ".partial")
_LONGEST_REF = 256


def cache_directories(environ: Mapping[str, str], home: str) -> tuple[str, ...]:
    """Return where the libraries keep their caches for a user with these variables; sorted.

    Sources: huggingface_hub `constants.py`, datasets `config.py`, torch `hub.py`.
    """
    cache = environ.get("XDG_CACHE_HOME") or f"{home}/.cache"
    face = environ.get("HF_HOME") or f"{cache}/huggingface"
    hub = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE") or f"{face}/hub"
    datasets = environ.get("HF_DATASETS_CACHE") or f"{face}/datasets"
    torch = f"{environ.get('TORCH_HOME') or f'{cache}/torch'}/hub"
    places = (
        place.replace("~", home, 1) if place.startswith("~/") else place for place in (hub, datasets, torch)
    )
    return tuple(sorted({posixpath.normpath(place) for place in places if place.startswith("/")}))


def wants(path: str) -> bool:
    """Want the refs: a few bytes each, naming the commit of a branch or tag."""
    return "/refs/" in path and "--" in path and _REF.fullmatch(path) is not None


@dataclass(slots=True)
class _Cache:
    """What a pass over the tree has found."""

    repositories: list[str] = field(default_factory=list)
    datasets: list[tuple[str, str, str]] = field(default_factory=list)
    """Place of the cache, repository, directory of one revision."""
    torch: list[str] = field(default_factory=list)


class _Budget:
    """Files that may still be listed."""

    def __init__(self, limits: Limits) -> None:
        self.left = limits.hub_files
        self.limit = limits.hub_files

    def take(self, place: str, count: int) -> Unknown | None:
        self.left -= count
        if self.left >= 0:
            return None
        return unknown("hub", place, f"goes beyond the limit hub_files ({self.limit})")


def collect(view: ContainerView, limits: Limits) -> Observed:
    """List what the caches hold, without the files' bytes."""
    tree: FileTree = view.tree
    cache = _find(tree)
    found: list[HubRepository] = []
    unknowns: list[Unknown] = []
    budget = _Budget(limits)
    for place in cache.repositories:
        repositories, problems = _hugging_face(view, place, limits)
        unknowns += problems
        excess = budget.take(place, sum(len(item.files) + len(item.incomplete) for item in repositories))
        if excess is not None:
            unknowns.append(excess)
            break
        found += repositories
    made = [_dataset(tree, *row) for row in cache.datasets]
    made += [item for place in cache.torch for item in _torch(tree, place)]
    for item in made:
        excess = budget.take(item.place, len(item.files))
        if excess is not None:
            unknowns.append(excess)
            break
        found.append(item)
    key = sorted(found, key=lambda item: (item.hub, item.kind, item.repository, item.revision, item.place))
    return Observed(hub=tuple(key), unknowns=tuple(unknowns))


def _find(tree: FileTree) -> _Cache:
    """Find the caches, wherever they were put, by the names of their directories."""
    cache = _Cache()
    for path, entry in tree.entries.items():
        if entry.kind == "directory":
            label = path.rpartition("/")[2]
            if "--" in label and _REPOSITORY.fullmatch(label) and tree.names(path):
                if {"snapshots", "blobs", "refs"}.intersection(tree.names(path)):
                    cache.repositories.append(path)
            elif label == "hub" and _is_torch(tree, path):
                cache.torch.append(path)
        elif path.endswith("/dataset_info.json"):
            parts = path.split("/")
            # .../ORG___NAME/CONFIG/VERSION/REVISION/dataset_info.json
            if len(parts) >= 7 and _VERSION.fullmatch(parts[-3]) and _REVISION.fullmatch(parts[-2]):
                place = "/".join(parts[:-5])
                cache.datasets.append((place, parts[-5].replace("___", "/"), path.rpartition("/")[0]))
    cache.repositories.sort()
    cache.datasets.sort()
    cache.torch.sort()
    return cache


def _is_torch(tree: FileTree, path: str) -> bool:
    """Whether a directory `hub` is torch's: it has checkpoints with a hash in the name, or cloned code."""
    for label in tree.names(path):
        if label == "checkpoints":
            if any(_CHECKPOINT.fullmatch(item) for item in tree.names(f"{path}/checkpoints")):
                return True
        elif f"{path}/{label}/hubconf.py" in tree.entries:
            return True
    return False


def _hugging_face(
    view: ContainerView, place: str, limits: Limits
) -> tuple[list[HubRepository], list[Unknown]]:
    tree: FileTree = view.tree
    cache, _, label = place.rpartition("/")
    word, _, rest = label.partition("--")
    repository = rest.replace("--", "/")
    refs, problems = _refs(view, place, limits)
    made: list[HubRepository] = []
    revisions = set(tree.names(f"{place}/snapshots"))
    for revision in sorted(revisions | set(refs)):
        files: list[HubFile] = []
        incomplete: list[str] = []
        top = f"{place}/snapshots/{revision}"
        for entry in tree.under(top) if revision in revisions else ():
            if entry.kind in ("file", "link"):
                path = portable(entry.path[len(top) + 1 :])
                seen = _blob(tree, place, entry)
                if seen is None:
                    incomplete.append(path)
                else:
                    files.append(HubFile(path=path, size=seen[0], digest=seen[1]))
        made.append(
            _repository(
                kind=_KINDS[word],
                repository=portable(repository),
                revision=portable(revision),
                refs=tuple(sorted(refs.get(revision, ()))),
                place=cache,
                files=files,
                incomplete=incomplete,
            )
        )
    halves = [label for label in tree.names(f"{place}/blobs") if label.endswith(_INCOMPLETE)]
    if halves:  # which revision they belong to is not told: links are made when a file is whole
        made.append(
            _repository(
                kind=_KINDS[word],
                repository=portable(repository),
                place=cache,
                incomplete=[f"blobs/{portable(label)}" for label in halves],
            )
        )
    return made, problems


def _refs(view: ContainerView, place: str, limits: Limits) -> tuple[dict[str, list[str]], list[Unknown]]:
    """Give the names of branches and tags by commit."""
    refs: dict[str, list[str]] = {}
    problems: list[Unknown] = []
    top = f"{place}/refs"
    for entry in view.tree.under(top):
        if entry.kind != "file":
            continue
        raw = read(view, entry.path, min(_LONGEST_REF, limits.metadata_file), "hub")
        if isinstance(raw, Unknown):
            problems.append(raw)
            continue
        commit = raw.strip().decode("ascii", "replace")
        if not _COMMIT.fullmatch(commit):
            problems.append(unknown("hub", entry.path, "names no commit"))
            continue
        refs.setdefault(commit, []).append(portable(entry.path[len(top) + 1 :]))
    return refs, problems


def _blob(tree: FileTree, place: str, entry: Entry) -> tuple[int, str] | None:
    """Give size and named digest of a file of a snapshot; None when its blob is missing."""
    target = tree.resolve(entry.path)
    if target is None or target.kind != "file":
        return None
    folder, _, label = target.path.rpartition("/")
    # A link may lead anywhere; only a name in a `blobs` directory is a digest.
    named = entry.kind == "link" and folder.endswith("/blobs")
    if named and _SHA256.fullmatch(label):
        return target.size, f"sha256:{label}"
    if named and _COMMIT.fullmatch(label):
        return target.size, f"git-sha1:{label}"
    return target.size, ""


def _dataset(tree: FileTree, place: str, repository: str, top: str) -> HubRepository:
    revision = top.rpartition("/")[2]
    return _repository(
        kind="dataset",
        repository=portable(repository),
        revision=portable(revision),
        refs=(portable("/".join(top.split("/")[-3:-1])),),
        place=place,
        files=_plain(tree, top, top),
    )


def _torch(tree: FileTree, place: str) -> Iterator[HubRepository]:
    for label in tree.names(place):
        top = f"{place}/{label}"
        entry = tree.resolve(top)
        if entry is None or entry.kind != "directory":
            continue
        if label == "checkpoints":
            yield from (_checkpoint(place, file) for file in _plain(tree, top, place))
        elif f"{top}/hubconf.py" in tree.entries:
            # OWNER_REPO_REF: an owner has no `_`; repository and branch may, so the last one is taken.
            owner, _, rest = label.partition("_")
            project, _, ref = rest.rpartition("_")
            yield _repository(
                hub="torch",
                kind="code",
                repository=portable(f"{owner}/{project}" if project else label),
                refs=(portable(ref),) if project else (),
                place=place,
                files=_plain(tree, top, top),
            )


def _checkpoint(place: str, file: HubFile) -> HubRepository:
    label = file.path.rpartition("/")[2]
    match = _CHECKPOINT.fullmatch(label)
    digest = "" if match is None else f"{'sha256' if len(match[1]) == 64 else 'sha256-prefix'}:{match[1]}"
    half = label.endswith(_INCOMPLETE)
    return _repository(
        hub="torch",
        kind="checkpoint",
        repository=label,
        place=place,
        files=[] if half else [HubFile(path=file.path, size=file.size, digest=digest)],
        incomplete=[file.path] if half else [],
    )


def _plain(tree: FileTree, top: str, base: str) -> list[HubFile]:
    return [
        HubFile(path=portable(entry.path[len(base) + 1 :]), size=entry.size, digest="")
        for entry in tree.under(top)
        if entry.kind == "file" and not entry.path.endswith((".pyc", ".lock"))
    ]


def _repository(
    *,
    kind: Kind,
    repository: str,
    place: str,
    hub: Literal["huggingface", "torch"] = "huggingface",
    revision: str = "",
    refs: tuple[str, ...] = (),
    files: Iterable[HubFile] = (),
    incomplete: Iterable[str] = (),
) -> HubRepository:
    listed = tuple(sorted(files, key=lambda file: file.path))
    digest = hashlib.sha256()
    for file in listed:
        digest.update(f"{file.path}\0{file.digest}\n".encode())
    return HubRepository(
        hub=hub,
        kind=kind,
        repository=repository,
        revision=revision,
        refs=refs,
        place=portable(place),
        files=listed,
        files_sha256=digest.hexdigest() if listed else "",
        incomplete=tuple(sorted(incomplete)),
    )
