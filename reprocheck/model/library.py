"""What one shared object says of itself."""

from __future__ import annotations

from reprocheck.model.base import Frozen


class LibraryFacts(Frozen, frozen=True, kw_only=True):
    """The dynamic section of an ELF file and what else its bytes tell. Names follow elf(5)."""

    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    """DT_RPATH as written, split at `:`; `$ORIGIN` stands."""
    runpath: tuple[str, ...] = ()
    build_id: str = ""
    """NT_GNU_BUILD_ID in hexadecimal."""
    machine: int = 0
    """e_machine: 62 is x86-64, 183 AArch64."""
    bits: int = 0
    """32 or 64: the class of the file."""
    no_default: bool = False
    """DF_1_NODEFLIB: the loader must not look in ld.so.cache and its default directories."""
    sha256: str = ""
    """'' for a file larger than `limits.library_whole`."""
    versions: tuple[tuple[str, str], ...] = ()
    """(what, version) from version strings in its bytes, e.g. (`openblas`, `0.3.27`)."""
    wants: tuple[tuple[str, str], ...] = ()
    """(SONAME, version) of each symbol version that must be there, e.g. (`libc.so.6`, `GLIBC_2.34`)."""
    offers: tuple[str, ...] = ()
    """Symbol versions that it defines."""
    untold: str = ""
    """Why `wants` and `offers` could not be read, '' when they were; they are empty then."""
