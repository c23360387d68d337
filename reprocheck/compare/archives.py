"""Where a distribution was installed from (PEP 610), and when that is the same.

An archive is known by its digest: the directory or address that it lay at says nothing of what it held.
"""

from __future__ import annotations

from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import DirectUrl, Package


def origins(before: DirectUrl | None, after: DirectUrl | None) -> tuple[str | None, str | None]:
    """Return both sides as text, equal for one archive of equal use."""
    if before is None or after is None or not _is_one_archive(before, after):
        return _text(before), _text(after)
    url = min(before.url, after.url)
    return _text(replace(before, url=url)), _text(replace(after, url=url))


def differ_by_place_alone(a: Manifest, b: Manifest) -> bool:
    """Whether what the files tell differs, and only in where archives of equal digest lay."""
    if (a.packages, a.shadowed) == (b.packages, b.shadowed):
        return False
    return all(
        _told(getattr(a, name)) == _told(getattr(b, name))
        for name in (
            "os",
            "packages",
            "shadowed",
            "pythons",
            "libraries",
            "frameworks",
            "hub",
            "wheels",
            "remnants",
        )
    )


def _is_one_archive(before: DirectUrl, after: DirectUrl) -> bool:
    return _is_archive(before) and _is_archive(after) and before.archive_sha256 == after.archive_sha256


def _is_archive(url: DirectUrl) -> bool:
    return url.archive_sha256 != "" and not url.vcs


def _told(value: object) -> object:
    """Return a section without the places of its archives, in an order of its own."""
    if not isinstance(value, tuple):
        return value
    return sorted(repr(_placeless(x) if isinstance(x, Package) else x) for x in value)


def _placeless(package: Package) -> Package:
    url = package.python.direct_url if package.python is not None else None
    if package.python is None or url is None or not _is_archive(url):
        return package
    return replace(package, python=replace(package.python, direct_url=replace(url, url="")))


def _text(url: DirectUrl | None) -> str | None:
    if url is None:
        return None
    parts = [f"{url.vcs}+{url.url}@{url.commit}" if url.vcs else url.url]
    if url.subdirectory:
        parts.append(f"subdirectory={url.subdirectory}")
    if url.archive_sha256:
        parts.append(f"sha256={url.archive_sha256}")
    if url.editable:
        parts.append("editable")
    return " ".join(parts)
