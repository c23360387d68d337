"""What a run stood in beside its environment: code, data, models, job and labels."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Name, Sha256, Value


class Submodule(Value, frozen=True, kw_only=True):
    """A git submodule."""

    path: Name
    recorded: str
    """Commit that the superproject names."""
    checked_out: str
    """Commit that lies there, '' when it is not checked out."""
    dirty: bool = False


class Repository(Value, frozen=True, kw_only=True):
    """A git working tree that the code came from."""

    path: Name
    """`.` for the repository of the working directory, else the target that was handed into the run."""
    commit: str
    """Full object id of HEAD, '' before the first commit."""
    branch: str = ""
    """'' when HEAD is detached."""
    remote: str = ""
    """URL of `origin` (else of the only remote) without credentials."""
    dirty: bool = False
    """Tracked files differ from HEAD."""
    patch_sha256: str = ""
    """SHA-256 of `git diff HEAD --binary`, '' for a clean tree."""
    changed: tuple[str, ...] = ()
    """Paths that differ from HEAD, sorted."""
    untracked: Count = 0
    """Files that git neither tracks nor ignores."""
    untracked_sha256: str = ""
    """Tree digest of the untracked files, '' when there are none."""
    submodules: tuple[Submodule, ...] = ()
    lfs_pointers: tuple[str, ...] = ()
    """Files that are unresolved git-lfs pointers in the working tree, sorted."""


class DataFile(Value, frozen=True, kw_only=True):
    """One file of a data set."""

    path: Name
    size: Count
    sha256: Sha256


class DataSet(Value, frozen=True, kw_only=True):
    """Data named by `--data`."""

    name: Name
    """As the user named it: NAME of `--data NAME=PATH`, else the last part of the path."""
    kind: Literal["file", "directory"]
    files: Count
    bytes: Count
    sha256: Sha256
    """The file's own, or the Merkle root (tree digest, see `artifacts.tree`) of the directory."""
    listing: tuple[DataFile, ...] = ()
    """Each file, sorted by path; empty above the limit `data_listed`, where it goes to a side file."""
    listing_sha256: str = ""
    """SHA-256 of the side file."""


class HubFile(Value, frozen=True, kw_only=True):
    """One file of a cached model or data set."""

    path: Name
    size: Count
    digest: str
    """As the cache names it, '' where it does not: `sha256:HEX`, `git-sha1:HEX` for a small file named by its
    git object id, `sha256-prefix:HEX` for a torch checkpoint."""


class HubRepository(Value, frozen=True, kw_only=True):
    """A model, data set or code repository in a download cache."""

    hub: Literal["huggingface", "torch"]
    kind: Literal["model", "dataset", "space", "code", "checkpoint"]
    repository: Name
    """`org/name`; the file name for a torch checkpoint."""
    revision: str
    """Commit, '' when the cache does not tell it."""
    refs: tuple[str, ...] = ()
    """Branches or tags that led to this revision, sorted."""
    place: str = ""
    """Directory of the cache."""
    files: tuple[HubFile, ...] = ()
    """Sorted by path."""
    files_sha256: str = ""
    """SHA-256 over the sorted lines `PATH NUL DIGEST LF`."""
    incomplete: tuple[str, ...] = ()
    """Files that are missing or half downloaded, sorted."""


class Label(Value, frozen=True, kw_only=True):
    """A name and a value that the user gave (`--label`) or that a scheduler set."""

    name: Name
    value: str


class Job(Value, frozen=True, kw_only=True):
    """Where the run stood in a distributed or scheduled job."""

    scheduler: Literal["slurm", "kubernetes", "sagemaker", "vertex", "torchrun", "mpi", ""]
    id: str = ""
    rank: str = ""
    local_rank: str = ""
    world_size: str = ""
    node_rank: str = ""
    nodes: str = ""
    facts: tuple[Label, ...] = ()
    """Variables of the scheduler that were set, by name, after the secret scan; sorted."""
