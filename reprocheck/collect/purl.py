"""Package URLs (ECMA-427), built by packageurl-python, which knows each type's normalisation.

A hundred thousand plain names would keep it busy for longer than all other reading, so those are put together
here; a property test holds the two against each other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import PackageType

_HOME: dict[PackageType, str] = {"deb": "debian", "apk": "alpine"}
_LOWER = re.compile(r"[a-z0-9.-]+")
"""A namespace and a name that no type writes in another way."""
_PLAIN = re.compile(r"[A-Za-z0-9.~:+_-]+")
"""What a URL holds as it is, and `+`."""
_UNSAFE = re.compile(r"[^a-z0-9._-]+")


@lru_cache(maxsize=4096)
def package_url(
    type_: PackageType,
    name: str,
    version: str,
    *,
    namespace: str = "",
    qualifiers: tuple[tuple[str, str], ...] = (),
) -> str:
    """Return the purl. `name` must be a valid name of its type (non-empty)."""
    given = {key: value for key, value in qualifiers if value}
    texts = (version or "0", *given.values())
    if _LOWER.fullmatch(f"{namespace or 'a'}{name}") and all(map(_PLAIN.fullmatch, texts)):
        place = f"{namespace}/{name}" if namespace else name
        end = "&".join(f"{key}={value}" for key, value in sorted(given.items()))
        url = f"pkg:{type_}/{place}@{version}" if version else f"pkg:{type_}/{place}"
        return f"{url}?{end}".replace("+", "%2B") if end else url.replace("+", "%2B")

    from packageurl import PackageURL

    return PackageURL(
        type=type_, namespace=namespace or None, name=name, version=version or None, qualifiers=given or None
    ).to_string()


def distribution_url(
    type_: PackageType,
    name: str,
    version: str,
    architecture: str,
    system: OperatingSystem | None,
    *,
    more: tuple[tuple[str, str], ...] = (),
) -> str:
    """Return the purl of an OS package: `pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12`.

    Without os-release the namespace is the distribution that the format was made for; rpm's was made for none
    that is left. `more` holds further qualifiers; empty ones are left out.
    """
    namespace = _HOME.get(type_, "")
    if system is not None and system.id:
        namespace = _UNSAFE.sub("-", system.id.lower())
    distro = ""
    if system is not None and system.version_id:
        distro = f"{namespace}-{_UNSAFE.sub('-', system.version_id.lower())}"
    qualifiers = (("arch", architecture), ("distro", distro), *more)
    return package_url(type_, name, version, namespace=namespace, qualifiers=qualifiers)
