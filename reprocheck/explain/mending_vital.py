"""Packages without which the second side's system or package manager does not run: never to be removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reprocheck.explain.judging import normal_name
from reprocheck.explain.sides import Index
from reprocheck.model.package import Package

Key = tuple[str, str]
"""Type and normalised name of a package."""

_DEB = """
apt base-files base-passwd bash bsdutils coreutils coreutils-from-gnu dash debconf
debian-archive-keyring debianutils diffutils dpkg e2fsprogs findutils gpgv grep gzip hostname init
init-system-helpers libc-bin libc6 libcrypt1 libgcc-s1 libstdc++6 login login.defs ncurses-base
ncurses-bin passwd perl-base sed sysvinit-utils tar ubuntu-keyring usr-is-merged usrmerge util-linux
zlib1g
"""
_RPM = """
basesystem bash coreutils coreutils-single crypto-policies dnf dnf-data dnf5 filesystem glibc glibc-common
glibc-minimal-langpack libgcc libstdc++ microdnf ncurses-base python3-dnf rpm rpm-libs rpm-sequoia setup sudo
systemd systemd-libs tdnf yum zlib
"""
_APK = """
alpine-base alpine-baselayout alpine-baselayout-data alpine-keys alpine-release apk-tools busybox
busybox-binsh libapk2 libcrypto3 libssl3 musl musl-utils zlib
"""
_NAMES: Mapping[str, frozenset[str]] = {
    "deb": frozenset(_DEB.split()),
    "rpm": frozenset(_RPM.split()),
    "apk": frozenset(_APK.split()),
}
"""deb: what Debian 12 and 13 mark as Essential, Protected or Important, with apt and what these load. rpm:
what dnf and rpm run on. apk: what an Alpine base image holds."""
SYSTEMS = frozenset(_NAMES)


def is_vital(kind: str, name: str) -> bool:
    """Whether a package is known by its name alone as one that every system of its kind needs."""
    return name in _NAMES.get(kind, ()) or (kind == "rpm" and name.endswith("-release"))


def has_system(kind: str, index: Index) -> bool:
    """Whether a side holds a system of a kind: any package of those that every one needs."""
    return any((kind, name, None, "") in index for name in _NAMES[kind])


def vital_of(packages: Iterable[Package]) -> frozenset[Key]:
    """Return the packages of a system that are vital: the known ones, and what these depend on by name.

    Of a choice (`a | b`) the first one that is installed counts; a virtual name or a capability does not,
    since another package may stand for it.
    """
    needs: dict[Key, list[tuple[str, ...]]] = {}
    for package in packages:
        if package.type in _NAMES:
            needs.setdefault((package.type, normal_name(package.type, package.name)), []).append(
                package.depends
            )
    found = {key for key in needs if is_vital(*key)}
    waiting = sorted(found)
    while waiting:
        kind, name = waiting.pop()
        for group in (group for depends in needs[kind, name] for group in depends):
            options = ((kind, _name(option)) for option in group.split("|"))
            key = next((option for option in options if option in needs), None)
            if key is not None and key not in found:
                found.add(key)
                waiting.append(key)
    return frozenset(found)


def _name(option: str) -> str:
    """Return the bare name in `libc6:any (>= 2.34)`."""
    words = option.split("(", 1)[0].split(None, 1)
    return words[0].partition(":")[0] if words else ""
