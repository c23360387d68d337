"""The state of a git repository: which commit, and what differs from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from reprocheck.api.outside import Outside
from reprocheck.collect.git_state import (
    LFS_LARGEST,
    LFS_SMALLEST,
    IndexEntry,
    is_lfs_pointer,
    parse_branch,
    parse_index,
    parse_object,
    parse_paths,
    parse_settings,
    remote_of,
)
from reprocheck.engine.git import (
    PATCH,
    STABLE,
    Git,
    GitFailed,
    NoRepository,
    has_repository,
    open_git,
    own_index,
    without_filters,
)
from reprocheck.engine.inputs import hash_listed
from reprocheck.engine.small_files import read_small
from reprocheck.errors import ReprocheckError
from reprocheck.model.base import Frozen, replace
from reprocheck.model.context import Repository, Submodule
from reprocheck.model.filetree import portable
from reprocheck.model.unknown import Unknown


class SeenCode(Frozen, frozen=True, kw_only=True):
    """What one directory says of its repository."""

    root: str = ""
    """Top of the working tree (of the repository when it is bare) on this machine, '' when there is none."""
    repository: Repository | None = None
    unknowns: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gaps:
    """What could not be told of one repository."""

    shown: str
    unknowns: list[Unknown] = field(default_factory=list)

    def add(self, reason: str) -> None:
        self.unknowns.append(Unknown(section="code", where=self.shown, reason=portable(reason)))


def see_code(directory: str, shown: str, outside: Outside) -> SeenCode:
    """Describe the repository that holds `directory`; `shown` is its path in the manifest.

    No repository is a fact and gives nothing. Nothing of the repository is executed (see `engine.git`).
    """
    if not has_repository(directory):
        return SeenCode()
    gaps = _Gaps(portable(shown))
    outside.progress("reading the state of the code")
    try:
        git = open_git(directory, environ=outside.environ, limits=outside.limits)
        bare, _, above = git.ask("rev-parse", "--is-bare-repository", "--show-cdup").partition(b"\n")
        root = os.path.realpath(os.path.join(directory, os.fsdecode(above.removesuffix(b"\n"))))
        here = os.path.realpath(directory)
        if here != root and not here.startswith(root.rstrip("/") + "/"):
            raise GitFailed("its configuration places the working tree elsewhere (core.worktree)")
        git, settings, filters = _opened(git, root)
        repository = Repository(
            path=gaps.shown,
            commit=parse_object(git.try_to("rev-parse", "--verify", "-q", "HEAD")),
            branch=portable(parse_branch(git.try_to("symbolic-ref", "-q", "HEAD"))),
            remote=remote_of(settings),
        )
    except NoRepository:
        return SeenCode()
    except GitFailed as failed:
        gaps.add(failed.reason)
        return SeenCode(unknowns=tuple(gaps.unknowns))
    if bare.strip() != b"true":
        repository = _with_working_tree(git, repository, gaps, outside)
    return SeenCode(
        root=root,
        repository=repository,
        unknowns=tuple(gaps.unknowns),
        notes=_note(gaps.shown, filters) if repository.changed else (),
    )


def _opened(git: Git, root: str) -> tuple[Git, tuple[tuple[str, bytes], ...], tuple[str, ...]]:
    git = git.at(root)
    settings = parse_settings(git.ask("config", "--list", "-z"))
    git, filters = without_filters(git, settings)
    return git, settings, filters


def _note(shown: str, filters: tuple[str, ...]) -> tuple[str, ...]:
    if not filters:
        return ()
    names = ", ".join(portable(name) for name in filters)
    return (f"code {shown}: changed files were compared as they lie there, without the git filters {names}",)


def _with_working_tree(git: Git, repository: Repository, gaps: _Gaps, outside: Outside) -> Repository:
    """Add what differs from HEAD; each part that fails is an Unknown of its own."""
    base = "HEAD" if repository.commit else ""
    try:
        changed, patch = _changes(git, base)
        too_many = len(changed) > outside.limits.outputs
        if too_many:
            gaps.add(f"{len(changed)} of its files changed, too many to list (limit outputs)")
        repository = replace(
            repository,
            dirty=bool(changed),
            patch_sha256=patch,
            changed=() if too_many else tuple(map(portable, changed)),
        )
    except GitFailed as failed:
        gaps.add(f"what differs from its commit was not told: {failed.reason}")
    nested: tuple[str, ...] = ()
    try:
        others = parse_paths(git.ask("ls-files", "--others", "--exclude-standard", "-z"))
        nested = tuple(path.rstrip("/") for path in others if path.endswith("/"))
        loose = tuple(path for path in others if not path.endswith("/"))
        repository = replace(repository, untracked=len(loose))
        repository = replace(repository, untracked_sha256=_digest(git.directory, loose, outside))
    except GitFailed as failed:
        gaps.add(f"its untracked files were not listed: {failed.reason}")
    except ReprocheckError as error:
        gaps.add(f"its untracked files were not hashed: {error.message.partition(';')[0]}")
    try:
        index = parse_index(git.ask("ls-files", "--stage", "-z"))
    except GitFailed as failed:
        gaps.add(f"its submodules and large files were not told: {failed.reason}")
        return repository
    modules = [entry for entry in index if entry.commit]
    modules += [IndexEntry(path=path, commit="") for path in nested]
    return replace(
        repository,
        submodules=tuple(sorted(_submodules(git, modules, gaps), key=lambda module: module.path)),
        lfs_pointers=_pointers(git.directory, index),
    )


def _changes(git: Git, base: str) -> tuple[tuple[str, ...], str]:
    """Give the paths that differ from a commit, and the SHA-256 of the patch, '' when none does."""
    # Before the first commit everything in the index is new: it is compared with the empty tree.
    base = base or git.ask("hash-object", "-t", "tree", "--stdin").decode("ascii").strip()
    patch = ("diff", base, *PATCH[2:], *STABLE)
    with own_index(git) as quiet:
        changed = parse_paths(quiet.ask(*patch, "--name-only", "-z"))
        return changed, quiet.hash(*patch)[0] if changed else ""


def _digest(root: str, paths: tuple[str, ...], outside: Outside) -> str:
    if not paths:
        return ""
    return hash_listed(
        root, paths, "the untracked files", limits=outside.limits, most=outside.limits.git_output
    )


def _pointers(root: str, index: tuple[IndexEntry, ...]) -> tuple[str, ...]:
    small = read_small(
        root,
        (entry.path for entry in index if not entry.commit),
        smallest=LFS_SMALLEST,
        largest=LFS_LARGEST,
    )
    return tuple(sorted(portable(path) for path, content in small if is_lfs_pointer(content)))


def _submodules(git: Git, modules: list[IndexEntry], gaps: _Gaps) -> Iterator[Submodule]:
    """Give every submodule to any depth, and every nested repository that is none (`recorded` is '')."""
    todo = [(git.directory, "", entry) for entry in reversed(modules)]
    while todo:
        above, prefix, entry = todo.pop()
        place, path = os.path.join(above, entry.path), f"{prefix}{entry.path}"
        module = Submodule(path=portable(path), recorded=entry.commit, checked_out="")
        if os.path.realpath(place) != place or not os.path.lexists(os.path.join(place, ".git")):
            yield module  # not checked out, or a link stands there: git does not follow it either
            continue
        try:
            inner, _, _ = _opened(git.at(place), place)
            commit = parse_object(inner.try_to("rev-parse", "--verify", "-q", "HEAD"))
            changed, _ = _changes(inner, "HEAD" if commit else "")
            others = parse_paths(inner.ask("ls-files", "--others", "--exclude-standard", "-z"))
            index = parse_index(inner.ask("ls-files", "--stage", "-z"))
        except GitFailed as failed:
            gaps.add(f"the state of its submodule {module.path} was not told: {failed.reason}")
            yield module
            continue
        yield replace(module, checked_out=commit, dirty=bool(changed or others))
        deeper = [item for item in index if item.commit]
        todo.extend((place, f"{path}/", item) for item in reversed(deeper))
