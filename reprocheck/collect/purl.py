"""Package URLs (ECMA-427), built by packageurl-python, which knows each type's normalisation."""

from __future__ import annotations

import re
from functools import lru_cache

from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import PackageType

_HOME: dict[PackageType, str] = {"deb": "debian", "apk": "alpine"}
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
    from packageurl import PackageURL

    given = {key: value for key, value in qualifiers if value}
    return PackageURL(
        type=type_, namespace=namespace or None, name=name, version=version or None, qualifiers=given or None
    ).to_string()


def distribution_url(
    type_: PackageType, name: str, version: str, architecture: str, system: OperatingSystem | None
) -> str:
    """Return the purl of an OS package: `pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12`.

    Without os-release the namespace is the distribution that the format was made for.
    """
    namespace = _UNSAFE.sub("-", system.id.lower()) if system is not None and system.id else _HOME[type_]
    distro = ""
    if system is not None and system.version_id:
        distro = f"{namespace}-{_UNSAFE.sub('-', system.version_id.lower())}"
    qualifiers = (("arch", architecture), ("distro", distro))
    return package_url(type_, name, version, namespace=namespace, qualifiers=qualifiers)
