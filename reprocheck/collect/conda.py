"""Conda packages: PREFIX/conda-meta/NAME-VERSION-BUILD.json, one per package."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urlsplit

from reprocheck.collect.claims import claimable
from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.purl import package_url
from reprocheck.collect.reading import read_json, text_of, texts_of, unknown
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.package import Conda, Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "conda"
endings: tuple[str, ...] = (".json",)
prefixes: tuple[str, ...] = ()

_RECORD = re.compile(r"(.*)/conda-meta/[^/]+\.json", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"[!-~]{1,256}")
_TOKEN = re.compile(r"^/t/[^/]+")


def wants(path: str) -> bool:
    """Each package's own record."""
    return "/conda-meta/" in path and _RECORD.fullmatch(path) is not None


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read every record of every prefix. A bad record is one Unknown."""
    packages: list[Package] = []
    claims: list[Claim] = []
    unknowns: list[Unknown] = []
    for path in sorted(filter(wants, view.tree.entries)):
        if len(packages) >= limits.packages:
            reason = f"comes after the limit of {limits.packages} packages; it was not read, nor what follows"
            unknowns.append(unknown("packages", path, reason))
            break
        document = read_json(view, path, limits, "packages")
        if isinstance(document, Unknown):
            unknowns.append(document)
            continue
        prefix = path.rpartition("/conda-meta/")[0] or "/"
        package = _package(document, prefix)
        if package is None:
            unknowns.append(unknown("packages", path, "has no valid name and version"))
            continue
        packages.append(package)
        files = (posixpath.normpath(f"{prefix}/{file}") for file in texts_of(document.get("files")))
        claims.extend(
            Claim(path=file, manager="conda", owner=package.purl, version=package.version)
            for file in dict.fromkeys(claimable(files))
        )
    return Observed(packages=tuple(packages), unknowns=tuple(unknowns), claims=tuple(claims))


def _package(document: dict[str, object], prefix: str) -> Package | None:
    label, version = text_of(document.get("name")), text_of(document.get("version"))
    if not _NAME.fullmatch(label) or not _VERSION.fullmatch(version):
        return None
    subdir = text_of(document.get("subdir"))
    channel = channel_name(text_of(document.get("channel")), subdir)
    if channel in ("", "<unknown>"):  # conda writes this for a package that was given by its URL
        channel = channel_of_url(text_of(document.get("url")), subdir)
    build = text_of(document.get("build")) or text_of(document.get("build_string"))
    return Package(
        type="conda",
        name=label,
        version=version,
        purl=package_url(
            "conda",
            label,
            version,
            qualifiers=(("build", build), ("channel", channel), ("subdir", subdir)),
        ),
        architecture=text_of(document.get("arch")),
        conda=Conda(
            prefix=portable(prefix),
            build=build,
            channel=channel,
            subdir=subdir,
            sha256=text_of(document.get("sha256")),
            md5=text_of(document.get("md5")),
            depends=texts_of(document.get("depends")),
        ),
    )


def channel_name(channel: str, subdir: str) -> str:
    """Return `conda-forge` or `pkgs/main` of a channel URL.

    The host is left out: through a mirror the same package comes from another one; so are user, password
    and the token that anaconda.org puts into the path (`/t/TOKEN/conda-forge`).
    """
    try:
        parts = urlsplit(channel)
    except ValueError:
        return ""
    path = _TOKEN.sub("", parts.path) if parts.netloc else parts.path
    path = path.strip("/")
    if subdir and (path == subdir or path.endswith(f"/{subdir}")):
        path = path.removesuffix(subdir).rstrip("/")
    return path


def channel_of_url(url: str, subdir: str) -> str:
    """Return the channel of a package's own URL, '' for a file of the machine that built the prefix."""
    return channel_name(posixpath.dirname(url), subdir) if url.startswith(("https://", "http://")) else ""
