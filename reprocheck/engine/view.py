"""The one implementation of `ports.ContainerView`: a tree, and ways to get at a file's bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from reprocheck.limits import MIB
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import Algorithm, ViewError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_LARGE = 4 * MIB
"""From this size on hashing, which releases the interpreter's lock, outweighs handing it to a thread."""
_AHEAD = 64


class View(Frozen, frozen=True, kw_only=True):
    """A readable file system (`ports.ContainerView`)."""

    tree: FileTree
    load: Callable[[Entry, int], bytes]
    """Give the bytes of a regular file of the tree, at most the given number; raises ViewError."""
    inspect: Callable[[Entry], LibraryFacts]
    """Say what a shared object tells of itself; raises ViewError."""
    digest: Callable[[Entry, Algorithm], str]
    """Hash a regular file; raises ViewError."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Directories and files that could not be listed, as (path, reason), sorted."""

    def read(self, path: str, limit: int) -> bytes:
        """Return a regular file's bytes; links are resolved inside the tree.

        Raises FileNotFoundError, IsADirectoryError, or ViewError (larger than `limit`, not a regular file,
        not retained, not readable).
        """
        entry = self._file(path)
        if entry.size > limit:
            raise ViewError(f"has {entry.size} bytes, more than the limit of {limit}")
        return self.load(entry, limit)

    def library(self, path: str) -> LibraryFacts:
        """Return what a shared object says of itself. Raises what `read` raises."""
        return self.inspect(self._file(path))

    def digests(self, wanted: Sequence[tuple[str, Algorithm]]) -> Iterator[str | ViewError]:
        """Give each file's digest or why there is none, in order; two threads take the large ones."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=2) as pool:
            for start in range(0, len(wanted), _AHEAD):
                batch = [
                    self._start(path, algorithm, pool) for path, algorithm in wanted[start : start + _AHEAD]
                ]
                for item in batch:
                    yield item if isinstance(item, str | ViewError) else item.result()

    def _start(
        self, path: str, algorithm: Algorithm, pool: ThreadPoolExecutor
    ) -> str | ViewError | Future[str | ViewError]:
        try:
            entry = self._file(path)
        except FileNotFoundError:
            return ViewError("is missing")
        except IsADirectoryError:
            return ViewError("is a directory")
        except ViewError as error:
            return error
        if entry.size < _LARGE:
            return self._digest(entry, algorithm)
        return pool.submit(self._digest, entry, algorithm)

    def _digest(self, entry: Entry, algorithm: Algorithm) -> str | ViewError:
        try:
            return self.digest(entry, algorithm)
        except ViewError as error:
            return error

    def _file(self, path: str) -> Entry:
        entry = self.tree.resolve(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.kind == "directory":
            raise IsADirectoryError(path)
        if entry.kind != "file":
            raise ViewError("not a regular file")
        return entry
