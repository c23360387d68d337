"""Eggs: what setuptools and distutils installed before wheels, read as `importlib.metadata` finds it.

An egg counts where a `.pth` file puts it on a search path: a directory or zip file `NAME.egg` with EGG-INFO
inside, or the sources that `NAME.egg-link` names. Beside them stand `.egg-info` files and directories.
"""

from __future__ import annotations

import io
import posixpath
import zlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from reprocheck.collect.native_names import kind_of
from reprocheck.collect.python_metadata import Metadata, requires_of_egg
from reprocheck.collect.python_reader import Reader, package_of
from reprocheck.collect.python_sites import Found, in_site
from reprocheck.model.base import replace
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import DirectUrl, Package

ENDINGS = (
    ".egg-info/PKG-INFO",
    ".egg-info/requires.txt",
    ".egg-info/installed-files.txt",
    ".egg/EGG-INFO/PKG-INFO",
    ".egg/EGG-INFO/requires.txt",
    ".egg-info",
    ".egg-link",
    ".egg",
)

_NO_PATH = "is an egg that no .pth file puts on a search path"


def wants_egg(path: str) -> bool:
    """Whether this is metadata of an egg; a zipped egg is wanted in a site directory only."""
    return path.endswith(ENDINGS) and (not path.endswith(".egg") or in_site(path))


def egg(reader: Reader, found: Found, added: AbstractSet[str]) -> Package | None:
    """Read the EGG-INFO of `NAME.egg`, or an `.egg-info`; a Remnant or an Unknown says why there is none."""
    if found.metadata == "EGG-INFO" and found.location not in added:
        reader.leave(found.location, _NO_PATH)
        return None
    if found.path.endswith(".egg"):
        return _zipped(reader, found)
    entry = reader.tree.resolve(found.path)
    if entry is None:
        reader.leave(found.path, "is a link that leads nowhere")
        return None
    path = found.path if entry.kind == "file" else f"{found.path}/PKG-INFO"
    if not reader.tree.exists(path):
        # setuptools leaves such a directory behind when a build fails; pip passes over it, so do we, aloud.
        reader.leave(found.path, "has no PKG-INFO, so it describes nothing")
        return None
    metadata = reader.metadata(path)
    if metadata is None:
        return None
    if entry.kind != "file" and not metadata.requires:
        metadata = _with_requires(metadata, reader.optional(f"{found.path}/requires.txt"))
    return package_of(found, metadata)


def _with_requires(metadata: Metadata, raw: bytes) -> Metadata:
    requires, extras = requires_of_egg(raw)
    return Metadata(
        name=metadata.name,
        version=metadata.version,
        requires_python=metadata.requires_python,
        requires=requires,
        extras=metadata.extras or extras,
        changelog=metadata.changelog,
    )


def libraries_of(reader: Reader, found: Found) -> Iterator[str]:
    """Native libraries in `installed-files.txt`, whose paths start at the `.egg-info` directory itself."""
    raw = reader.optional(f"{found.path}/installed-files.txt")
    for line in raw.decode("utf-8", "surrogateescape").splitlines():
        if ".so" in line and kind_of(posixpath.basename(line)):
            yield posixpath.normpath(posixpath.join(found.path, line))


def linked(reader: Reader, links: list[Found], added: AbstractSet[str]) -> dict[str, DirectUrl]:
    """Read each `NAME.egg-link` (`setup.py develop`): the metadata that it names, and where its sources lie.

    What the link names is found through the `.pth` file beside it; a link that has none, or that leads
    nowhere, is a Remnant.
    """
    origins: dict[str, DirectUrl] = {}
    for found in links:
        raw = reader.required(found.path, reader.limits.metadata_file)
        if raw is None:
            continue
        target = raw.split(b"\n")[0].strip().decode("utf-8", "surrogateescape")
        entry = reader.tree.resolve(posixpath.normpath(posixpath.join(found.location, target)))
        name = _egg_in(reader.tree, entry.path, found.metadata) if entry is not None and target else ""
        if entry is None or not name:
            reader.leave(found.path, f"points to {target[:200]!r}, where no metadata was found")
        elif entry.path not in added:
            reader.leave(found.path, f"points to {target[:200]!r}, which no .pth file puts on a search path")
        else:
            origins[f"{entry.path}/{name}"] = DirectUrl(url=f"file://{portable(entry.path)}", editable=True)
    return origins


def with_origin(package: Package, origin: DirectUrl | None) -> Package:
    """Say that a distribution is editable, where a link said so."""
    if origin is None or package.python is None:
        return package
    return replace(package, python=replace(package.python, direct_url=origin))


def _egg_in(tree: FileTree, directory: str, link: str) -> str:
    """Return the name of the .egg-info in `directory` that belongs to NAME.egg-link, '' if there is none."""
    stem = link.removesuffix(".egg-link").replace("-", "_").lower()
    for entry in tree.names(directory):
        if entry.endswith(".egg-info") and entry.removesuffix(".egg-info").replace("-", "_").lower() == stem:
            return entry
    return ""


def _zipped(reader: Reader, found: Found) -> Package | None:
    if not in_site(found.path):
        reader.fail(found.path, "is a zipped egg outside every site directory; it was not read")
        return None
    raw = reader.required(found.path, reader.limits.record_file)
    if raw is None:
        return None
    parts = []
    for member in ("EGG-INFO/PKG-INFO", "EGG-INFO/requires.txt"):
        content = _member(reader, raw, member)
        if isinstance(content, str):
            reader.fail(found.path, content)
            return None
        parts.append(content)
    if parts[0] is None:
        reader.leave(found.path, "has no EGG-INFO/PKG-INFO, so it describes nothing")
        return None
    metadata = reader.parse(found.path, parts[0])
    if metadata is None:
        return None
    if not metadata.requires:
        metadata = _with_requires(metadata, parts[1] or b"")
    return package_of(found, metadata)


def _member(reader: Reader, raw: bytes, name: str) -> bytes | str | None:
    """Return a member's bytes, None when it is not there, or why it cannot be read."""
    import zipfile  # few environments hold a zipped egg

    limit = reader.limits.metadata_file
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if len(archive.namelist()) > reader.limits.zip_entries:
                return f"has more than {reader.limits.zip_entries} members"
            try:
                with archive.open(name) as stream:
                    content = stream.read(limit + 1)
            except KeyError:
                return None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return "is no zip file that could be read"
    return content if len(content) <= limit else f"has a {name} of more than {limit} bytes"
