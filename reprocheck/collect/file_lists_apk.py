"""Files of Alpine packages: `F:` and `R:` of lib/apk/db/installed. Its SHA-1 checksums are not compared."""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck.collect.apk import DATABASES
from reprocheck.collect.file_lists import Listed, Lists
from reprocheck.collect.reading import read
from reprocheck.limits import Limits
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView


def apk_files(
    view: ContainerView, packages: tuple[Package, ...], limits: Limits, lists: Lists
) -> Iterator[Listed]:
    """Give every file of every Alpine package."""
    owners = {(package.name, package.version): package.purl for package in packages if package.type == "apk"}
    real = {entry.path for path in DATABASES if (entry := view.tree.resolve(path)) is not None}
    for path in sorted(real) if owners else ():
        raw = read(view, path, limits.retained_file, "integrity")
        if isinstance(raw, Unknown):
            lists.unknowns.append(raw)
            continue
        name, version, directory = "", "", ""
        for line in raw.decode("utf-8", "surrogateescape").split("\n"):
            field, text = line[:2], line[2:]
            if field == "P:":
                name = text.strip()
            elif field == "V:":
                version = text.strip()
            elif field == "F:":
                directory = f"/{text}" if text else ""
            elif field == "R:" and (name, version) in owners and "\0" not in text:
                yield Listed(lists.places(f"{directory}/{text}"), owners[name, version])
            elif not line:
                name, version, directory = "", "", ""
