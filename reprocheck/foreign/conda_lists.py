"""What conda says is installed: `conda list --explicit` and `conda list --json`."""

from __future__ import annotations

from reprocheck.foreign.conda_locks import read_explicit
from reprocheck.foreign.partial import distribution, partial_manifest, problem_of, unread_entry
from reprocheck.foreign.reading import check_count, fault, is_md5, is_sha256, text_in
from reprocheck.foreign.urls import channel_of, conda_package
from reprocheck.limits import Limits
from reprocheck.model.image import Coverage
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

_FACTS = ("packages.build", "packages.channel", "packages.md5", "packages.sha256", "packages.subdir")
"""A hash is compared where both sides have it."""


def read_explicit_list(text: str, *, where: str, limits: Limits) -> Manifest:
    """Read `conda list --explicit`, with or without hashes. Raises InputFault (E_FOREIGN, E_TOO_LARGE)."""
    packages, unknowns = read_explicit(text, where=where, limits=limits)
    if not packages and unknowns:
        raise fault(where, "is an @EXPLICIT list without a single URL of a conda package")
    return partial_manifest(
        where=where,
        reader="conda list --explicit",
        covers=Coverage(format="a conda list", scope="environment", types=("conda",), facts=_FACTS),
        packages=packages,
        unknowns=unknowns,
    )


def read_json_list(document: list[object], *, where: str, limits: Limits) -> Manifest:
    """Read `conda list --json`, whose channel `pypi` stands for what pip installed."""
    check_count(len(document), where=where, limits=limits)
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    pypi = False
    for number, entry in enumerate(document):
        name, version, channel = (text_in(entry, key) for key in ("name", "version", "channel"))
        from_pip = channel == "pypi"
        if problem := problem_of(name, version, pypi=from_pip):
            unknowns.append(unread_entry(where, f"[{number}]", problem))
            continue
        pypi = pypi or from_pip
        packages.append(distribution(name, version) if from_pip else _listed(entry, name, version, channel))
    return partial_manifest(
        where=where,
        reader="conda list --json",
        covers=Coverage(
            format="a conda list",
            scope="environment",
            types=("conda", "pypi") if pypi else ("conda",),
            facts=_FACTS,
        ),
        packages=packages,
        unknowns=unknowns,
    )


def _listed(entry: object, name: str, version: str, channel: str) -> Package:
    subdir = text_in(entry, "platform")
    md5, sha256 = text_in(entry, "md5"), text_in(entry, "sha256")
    return conda_package(
        name,
        version,
        build=text_in(entry, "build_string"),
        channel=channel_of(channel, subdir),
        subdir=subdir,
        md5=md5 if is_md5(md5) else "",
        sha256=sha256 if is_sha256(sha256) else "",
    )
