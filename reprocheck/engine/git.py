"""Asking git about a repository that may be hostile: nothing that it names is executed, nothing is fetched.

A repository can name programs: hooks, a file-system monitor, filters, textconv and external diff drivers,
pagers, credential helpers, ssh commands (see "SECURITY" in git(1)). Every one that a reading command could
start is switched off on the command line, which wins over every configuration file. Filters have names of the
repository's own choice, so they are listed first and switched off one by one (`without_filters`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from reprocheck.engine.directory import reason
from reprocheck.engine.process import run_tool, supervise
from reprocheck.engine.writing import create_private, scratch_directory
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, replace

OLDEST = (2, 25)
"""Every option below exists from this version on."""

PATCH = (
    "diff",
    "HEAD",
    "--binary",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--full-index",
    "--submodule=short",
)
"""The patch whose SHA-256 the manifest holds, as documented."""

STABLE = (
    # What a user's diff.* settings could change in the bytes of a patch.
    "--no-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--indent-heuristic",
    "-O/dev/null",
    # `dirty` keeps git from running `git status` in a submodule, where other filters are set.
    "--ignore-submodules=dirty",
)

_SETTINGS = (
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.untrackedCache=false",
    "core.quotePath=true",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.askPass=",
    "core.alternateRefsCommand=false",
    "credential.helper=",
    "diff.external=",
    "diff.suppressBlankEmpty=false",
    "diff.relative=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "log.showSignature=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_KEPT = frozenset(
    {
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)
"""Variables of git that say where the user's own settings lie and how far up to look."""

_LFS = (b"git-lfs clean -- %f", b"git-lfs smudge -- %f", b"git-lfs smudge --skip -- %f")
_LFS_PROCESS = (b"git-lfs filter-process", b"git-lfs filter-process --skip")
_HARMLESS = {b"clean": _LFS, b"smudge": _LFS, b"process": _LFS_PROCESS}
"""What `git lfs install` writes; without it every large file would look changed."""


class GitFailed(Exception):
    """Git gave no answer; `reason` says why, and holds no path of this machine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoRepository(GitFailed):
    """There is no repository here: a fact."""


class Git(Frozen, frozen=True, kw_only=True):
    """Git in one directory, within one budget of time."""

    binary: str
    directory: str
    environ: Mapping[str, str]
    limits: Limits
    deadline: float
    """Of `time.monotonic`."""
    settings: tuple[str, ...] = ()
    index: str = ""
    """Used instead of the repository's own index."""

    def at(self, directory: str) -> Git:
        """Give the same git in another directory, without the settings of this repository."""
        return replace(self, directory=directory, settings=(), index="")

    def ask(self, *arguments: str) -> bytes:
        """Return what git prints. Raises GitFailed and NoRepository."""
        answer = self.try_to(*arguments)
        if answer is None:
            raise GitFailed(f"git {arguments[0]} gave no answer")
        return answer

    def try_to(self, *arguments: str) -> bytes | None:
        """Return what git prints, None for a plain `no` (exit code 1). Raises GitFailed and NoRepository."""
        try:
            result = run_tool(
                self._argv(arguments),
                seconds=self._remaining(),
                stdout_limit=self.limits.git_output,
                environ=self._environment(),
                cwd=self.directory,
            )
        except CouldNotRun as error:
            raise GitFailed(_without_place(error.message, self.binary)) from None
        self._check(result.returncode, result.stderr, timed_out=result.timed_out)
        return result.stdout if result.returncode == 0 else None

    def hash(self, *arguments: str) -> tuple[str, int]:
        """Return the SHA-256 of what git prints and its length, without holding it. Raises GitFailed."""
        digest = hashlib.sha256()
        seen = 0
        tail = bytearray()

        def take(chunk: bytes) -> None:
            nonlocal seen
            seen += len(chunk)
            if seen > self.limits.git_output:
                raise GitFailed(
                    f"its patch is larger than the limit git_output of {self.limits.git_output} bytes "
                    "(raise it with --limit-scale)"
                )
            digest.update(chunk)

        def keep_tail(chunk: bytes) -> None:
            tail.extend(chunk)
            del tail[: -64 * 1024]

        try:
            ending = supervise(
                self._argv(arguments),
                seconds=self._remaining(),
                environ=self._environment(),
                cwd=self.directory,
                stdout=take,
                stderr=keep_tail,
            )
        except CouldNotRun as error:
            raise GitFailed(_without_place(error.message, self.binary)) from None
        self._check(ending.returncode, bytes(tail), timed_out=ending.timed_out)
        if ending.returncode != 0:
            raise GitFailed(f"git {arguments[0]} gave no answer")
        return digest.hexdigest(), seen

    def _argv(self, arguments: Sequence[str]) -> list[str]:
        settings = [part for setting in (*_SETTINGS, *self.settings) for part in ("-c", setting)]
        return [self.binary, "--no-pager", "--no-optional-locks", *settings, *arguments]

    def _environment(self) -> dict[str, str]:
        """Drop what would point git elsewhere (one of its hooks may call us), and what could ask or fetch."""
        kept = {
            name: value
            for name, value in self.environ.items()
            if name in _KEPT or not name.startswith(("GIT_", "SSH_ASKPASS", "LC_", "LANG"))
        }
        return (
            kept
            | ({"GIT_INDEX_FILE": self.index} if self.index else {})
            | {
                "LC_ALL": "C",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_OPTIONAL_LOCKS": "0",
                # A partial clone fetches what it lacks: no protocol at all, on git before 2.45 as well.
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_ALLOW_PROTOCOL": "none",
                "GIT_NO_REPLACE_OBJECTS": "1",
                "GIT_PAGER": "cat",
            }
        )

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise GitFailed(self._too_slow())
        return remaining

    def _too_slow(self) -> str:
        return f"git took more than {self.limits.git_seconds} seconds (raise it with --limit-scale)"

    def _check(self, code: int, stderr: bytes, *, timed_out: bool) -> None:
        if timed_out:
            raise GitFailed(self._too_slow())
        if code in (0, 1):
            return
        words = stderr.decode("utf-8", "replace")
        if "not a git repository (or any" in words:
            raise NoRepository("it is no repository")
        raise GitFailed(_reason(words, code))


def open_git(directory: str, *, environ: Mapping[str, str], limits: Limits) -> Git:
    """Find git on PATH and see that it is new enough. Raises GitFailed."""
    binary = shutil.which("git", path=environ.get("PATH", os.defpath))
    if binary is None:
        raise GitFailed("git is not installed, so the code's state was not read")
    git = Git(
        binary=binary,
        directory=directory,
        environ=environ,
        limits=limits,
        deadline=time.monotonic() + limits.git_seconds,
    )
    words = git.ask("version").decode("ascii", "replace").split()
    version = words[2] if len(words) > 2 else ""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        raise GitFailed(f"git {version} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return git


def has_repository(directory: str) -> bool:
    """Whether this directory or one above it looks like a repository; no git is needed to say no."""
    place = os.path.realpath(directory)
    while True:
        if os.path.lexists(os.path.join(place, ".git")) or _is_bare(place):
            return True
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above


def _is_bare(place: str) -> bool:
    return os.path.isfile(os.path.join(place, "HEAD")) and all(
        os.path.isdir(os.path.join(place, name)) for name in ("objects", "refs")
    )


@contextmanager
def own_index(git: Git) -> Iterator[Git]:
    """Give git a copy of the index: `git diff` rewrites it, which no setting forbids. Raises GitFailed."""
    place = os.path.join(git.directory, os.fsdecode(git.ask("rev-parse", "--git-path", "index")[:-1]))
    try:
        with scratch_directory() as scratch:
            copy = os.path.join(scratch, "index")
            with suppress(FileNotFoundError), open(place, "rb") as source:
                status = os.fstat(source.fileno())
                with create_private(copy) as target:
                    while chunk := source.read(1 << 20):
                        target.write(chunk)
                # Git takes a file that is as new as the index for one that may have changed since.
                os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
            yield replace(git, index=copy)
    except OSError as error:
        raise GitFailed(f"its index could not be read: {reason(error)}") from None
    except CouldNotRun as error:
        raise GitFailed(error.message) from None


def without_filters(git: Git, listed: Sequence[tuple[str, bytes]]) -> tuple[Git, tuple[str, ...]]:
    """Switch off every filter that any configuration sets, git-lfs' own apart; give the names of those.

    `listed` holds the keys and values of `git config --list`. Raises GitFailed for a name that cannot stand
    on a command line.
    """
    names: set[str] = set()
    for key, value in listed:
        section, _, rest = key.partition(".")
        name, _, member = rest.rpartition(".")
        if section != "filter" or member not in ("clean", "smudge", "process"):
            continue
        if value and not (name == "lfs" and value in _HARMLESS[member.encode()]):
            names.add(name)
    settings: list[str] = []
    for name in sorted(names):
        if "=" in name or "\n" in name:
            raise GitFailed("its configuration sets a filter whose name cannot be switched off")
        settings += [f"filter.{name}.{member}=" for member in ("clean", "smudge", "process")]
        settings.append(f"filter.{name}.required=false")
    return replace(git, settings=tuple(settings)), tuple(sorted(names))


def _reason(words: str, code: int) -> str:
    """Say in one line what git said, without the paths that it quotes."""
    if "dubious ownership" in words or "unsafe repository" in words:
        return (
            "git refuses it because its files belong to another user "
            "(if you trust it: git config --global --add safe.directory DIRECTORY)"
        )
    if "safe.bareRepository" in words or "cannot use bare repository" in words:
        return "git refuses a bare repository here (safe.bareRepository)"
    if "not a git repository" in words:
        return "its .git file leads to no repository on this machine"
    if "promisor remote" in words or ("transport" in words and "not allowed" in words):
        return "it is a partial clone that lacks objects, and nothing is fetched"
    line = next((line for line in reversed(words.splitlines()) if line.startswith(("fatal:", "error:"))), "")
    said = " ".join("..." if "/" in word else word for word in line.partition(":")[2].split())
    return f"git says: {said[:300]}" if said else f"git ended with code {code}"


def _without_place(message: str, binary: str) -> str:
    return message.replace(binary, "git")
