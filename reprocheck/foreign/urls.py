"""URLs of requirements and of conda archives, without credentials."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from reprocheck.foreign.reading import (
    LONGEST_VALUE,
    is_md5,
    is_name,
    is_sha256,
    is_version,
    object_in,
    text_in,
)
from reprocheck.model.package import Conda, DirectUrl, Package, PackageType

_VCS = re.compile(r"(git|hg|svn|bzr)\+(.*)", re.DOTALL)
_SUBDIRS = re.compile(r"noarch|(?:linux|osx|win|freebsd|zos|emscripten|wasi)-[a-z0-9]{1,12}")
_TOKEN = re.compile(r"^/t/[^/]+")
"""anaconda.org puts an access token into the path."""
_ARCHIVES = (".tar.bz2", ".conda")


def without_credentials(url: str) -> str:
    """Reduce a URL to scheme, host and path, as manifests record it; '' if it cannot be taken apart.

    User, password, query and fragment go: each may be a credential. A bare `git@` stays.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"git@{place}" if user == "git" else place
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def purl_of(type_: PackageType, name: str, version: str, **qualifiers: str) -> str:
    """Return the package URL (ECMA-427) of a Python distribution or a conda package."""
    safe = {key: quote(value, safe=":/~") for key, value in sorted(qualifiers.items()) if value}
    end = "&".join(f"{key}={value}" for key, value in safe.items())
    whole = f"pkg:{type_}/{quote(name, safe='~')}" + (f"@{quote(version, safe=':~')}" if version else "")
    return f"{whole}?{end}" if end else whole


def channel_of(text: str, subdir: str) -> str:
    """Return `conda-forge` or `pkgs/main` of a channel or its URL, as manifests record it.

    The host is left out: through a mirror the same package comes from another one; so is an access token.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    path = (_TOKEN.sub("", parts.path) if parts.netloc else parts.path).strip("/")
    if subdir and (path == subdir or path.endswith(f"/{subdir}")):
        path = path.removesuffix(subdir).rstrip("/")
    return path


def direct_url(text: str, *, editable: bool = False) -> DirectUrl | None:
    """Take a requirement's URL apart as PEP 610 does; None when it is none.

    `git+https://host/x@REV#subdirectory=y`, `https://host/x.whl#sha256=HEX`, `file:///x`.
    """
    if not text or len(text) > LONGEST_VALUE:
        return None
    body, _, fragment = text.partition("#")
    named = dict(part.partition("=")[::2] for part in fragment.split("&") if "=" in part)
    vcs, revision = "", ""
    if match := _VCS.fullmatch(body):
        vcs, body = match[1], match[2]
        head, slash, tail = body.rpartition("/")
        if slash and "@" in tail:
            tail, _, revision = tail.rpartition("@")
            body = f"{head}/{tail}"
    url = without_credentials(body)
    if not url:
        return None
    sha256 = named.get("sha256", "")
    return DirectUrl(
        url=url,
        vcs=vcs,
        commit=revision,
        archive_sha256=sha256 if is_sha256(sha256) else "",
        subdirectory=named.get("subdirectory", ""),
        editable=editable,
    )


def pep610_url(document: Mapping[str, object]) -> DirectUrl | None:
    """Take what PEP 610 defines for direct_url.json; None when there is no usable URL."""
    url = without_credentials(text_in(document, "url"))
    vcs, archive = object_in(document, "vcs_info"), object_in(document, "archive_info")
    sha256 = text_in(object_in(archive, "hashes"), "sha256") or text_in(archive, "hash").removeprefix(
        "sha256="
    )
    if not url:
        return None
    return DirectUrl(
        url=url,
        vcs=text_in(vcs, "vcs"),
        commit=text_in(vcs, "commit_id"),
        archive_sha256=sha256 if is_sha256(sha256) else "",
        subdirectory=text_in(document, "subdirectory"),
        editable=object_in(document, "dir_info").get("editable") is True,
    )


def plain_url(text: str) -> str:
    """Return a URL for a pin: `git+` kept, credentials, revision and fragment gone."""
    found = direct_url(text)
    if found is None:
        return ""
    return f"{found.vcs}+{found.url}" if found.vcs else found.url


def project_of(url: str) -> tuple[str, str]:
    """Return (normalised name, version) as a URL or a path tells them by `#egg=` or its file name."""
    body, _, fragment = url.partition("#")
    for part in fragment.split("&"):
        key, _, value = part.partition("=")
        egg = unquote(value).partition("[")[0]
        if key == "egg" and is_name(egg, pypi=True):
            return canonicalize_name(egg), ""
    file = unquote(body.partition("?")[0].rpartition("/")[2])
    if len(file) > 512:
        return "", ""
    try:
        name, version = (
            parse_wheel_filename(file)[:2] if file.endswith(".whl") else parse_sdist_filename(file)
        )
    except (InvalidWheelFilename, InvalidSdistFilename, ValueError):
        return "", ""
    return name, str(version)


def conda_archive(text: str) -> Package | None:
    """Read one line of `conda list --explicit`: `URL/CHANNEL/SUBDIR/NAME-VERSION-BUILD.conda#MD5`.

    None when it is none. The hash may be `md5`, 64 digits of SHA-256, or `sha256:` with them.
    """
    if len(text) > LONGEST_VALUE:
        return None
    url, _, digest = text.strip().partition("#")
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    directory, _, file = unquote(path).rpartition("/")
    ending = next((ending for ending in _ARCHIVES if file.endswith(ending)), "")
    name, version, build = (
        ((*file.removesuffix(ending).rsplit("-", 2), "", "")[:3]) if ending else ("", "", "")
    )
    if not (is_name(name) and is_version(version) and is_version(build)):
        return None
    subdir = directory.rpartition("/")[2]
    subdir = subdir if _SUBDIRS.fullmatch(subdir) else ""
    digest = digest.removeprefix("sha256:")
    web = url.startswith(("https://", "http://"))
    channel = channel_of(posixpath.dirname(url), subdir) if web else ""
    return conda_package(
        name,
        version,
        build=build,
        channel=channel,
        subdir=subdir,
        md5=digest if is_md5(digest) else "",
        sha256=digest if is_sha256(digest) else "",
    )


def conda_package(
    name: str, version: str, *, build: str, channel: str, subdir: str, md5: str = "", sha256: str = ""
) -> Package:
    """Return a conda package of which no prefix is known."""
    return Package(
        type="conda",
        name=name,
        version=version,
        purl=purl_of("conda", name, version, build=build, channel=channel, subdir=subdir),
        conda=Conda(prefix="", build=build, channel=channel, subdir=subdir, md5=md5, sha256=sha256),
    )
