"""Shared objects: the dynamic section of an ELF file, and version strings in its bytes (elf(5), gABI)."""

from __future__ import annotations

from reprocheck.limits import Limits
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import FileWindow, ReadLibrary, ViewError


def wanted_library(path: str) -> bool:
    """Whether the shared object at this absolute path will be looked at."""
    return False


def library_reader(limits: Limits) -> ReadLibrary:
    """Give the reader of shared objects that every view is opened with."""

    def read_library(path: str, window: FileWindow) -> LibraryFacts:
        raise ViewError("is not read yet")

    return read_library
