"""Files of conda packages: `paths_data` of PREFIX/conda-meta/*.json, else the plain list `files`.

conda writes its prefix into text and binary files, so `sha256_in_prefix` is the digest of what lies there and
`sha256` that of what the package holds; the latter counts only for files without a prefix placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.collect.file_lists import Listed, Lists
from reprocheck.collect.file_lists_python import is_bytecode
from reprocheck.collect.reading import read_json, text_of, texts_of
from reprocheck.limits import Limits
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGESTED = frozenset({"", "hardlink", "unix_python_entry_point", "linked_package_record"})
"""Kinds of path whose digest is of the file's own bytes; of a soft link it is that of its target when the
package was built."""


def conda_files(
    view: ContainerView, packages: tuple[Package, ...], limits: Limits, lists: Lists
) -> Iterator[Listed]:
    """Give every file of every conda package."""
    owners = {(package.conda.prefix, package.name): package.purl for package in packages if package.conda}
    for prefix in sorted({prefix for prefix, _ in owners}):
        directory = f"{prefix.rstrip('/')}/conda-meta"
        for file in view.tree.names(directory):
            if not file.endswith(".json"):
                continue
            document = read_json(view, f"{directory}/{file}", limits, "integrity")
            if isinstance(document, Unknown):
                lists.unknowns.append(document)
                continue
            purl = owners.get((prefix, text_of(document.get("name"))))
            if purl is None:
                continue
            rows = dict(_rows(document))
            if not rows:
                lists.without.add(purl)
            for path, digest in rows.items():
                place = lists.places(f"{prefix.rstrip('/')}/{path}")
                yield Listed(place, purl, "sha256" if digest else "", digest, optional=is_bytecode(place))


def _rows(document: dict[str, object]) -> Iterator[tuple[str, str]]:
    """(path, digest) of each file; later rows stand over earlier ones."""
    for path in texts_of(document.get("files")):
        if _is_inside(path):
            yield path, ""
    data = document.get("paths_data")
    paths = data.get("paths") if isinstance(data, dict) else None
    for item in paths if isinstance(paths, list) else ():
        if not isinstance(item, dict):
            continue
        path, kind = text_of(item.get("_path")), text_of(item.get("path_type"))
        if not _is_inside(path) or kind == "directory":
            continue
        digest = text_of(item.get("sha256_in_prefix"))
        if not digest and not item.get("prefix_placeholder"):
            digest = text_of(item.get("sha256"))
        yield path, digest if kind in _DIGESTED and _SHA256.fullmatch(digest) else ""


def _is_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and "\0" not in path and ".." not in path.split("/")
