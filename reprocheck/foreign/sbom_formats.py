"""syft-json, CycloneDX JSON and SPDX JSON.

Field names: syft JSON schema 16; CycloneDX 1.2 to 1.7 (ECMA-424); SPDX 2.2 and 2.3. The image configuration
that syft-json carries is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reprocheck.foreign.reading import fault, is_version, list_in, object_in, text_in
from reprocheck.foreign.sbom import Bill, tool_of
from reprocheck.limits import Limits
from reprocheck.model.image import OperatingSystem
from reprocheck.model.manifest import Manifest, Tool

_SPDX = re.compile(r"SPDX-2\.[0-9]{1,2}")
_CYCLONEDX = re.compile(r"1\.[0-9]{1,2}")
_ID = re.compile(r"[a-z][a-z0-9._-]{0,60}")
_SOURCE_INFO = re.compile(r"acquired package info from [a-z ]{1,80}: (/.{1,60000})", re.DOTALL)
_CREATOR = re.compile(r"Tool: ([A-Za-z][A-Za-z0-9_ ]{0,60}?)(?:-v?([0-9][!-~]{0,60}))?")
_TRIVY_PATH = "aquasecurity:trivy:FilePath"
_NO_VERSION = "UNKNOWN"
"""What syft writes for a version that the metadata lacks."""


def read_syft(document: Mapping[str, object], *, where: str, limits: Limits) -> Manifest:
    """Read syft-json. Raises InputFault (E_FOREIGN, E_TOO_LARGE)."""
    bill = Bill(where=where, limits=limits)
    for number, artifact in enumerate(list_in(document, "artifacts")):
        version = text_in(artifact, "version")
        bill.add(
            text_in(artifact, "purl"),
            text_in(artifact, "name"),
            "" if version == _NO_VERSION else version,
            place=f"artifacts[{number}]",
            locations=_syft_locations(artifact),
        )
    descriptor, distro = object_in(document, "descriptor"), object_in(document, "distro")
    return bill.manifest(
        reader="syft-json",
        words="a syft SBOM",
        tool=tool_of(text_in(descriptor, "name"), text_in(descriptor, "version")),
        os=_system(text_in(distro, "id"), text_in(distro, "versionID")),
    )


def _syft_locations(artifact: object) -> list[str]:
    """Paths that prove the package: two equal copies are one artifact with two primary locations."""
    paths = []
    for entry in list_in(artifact, "locations"):
        if text_in(object_in(entry, "annotations"), "evidence") in ("", "primary"):
            paths.append(text_in(entry, "path"))
    return [path for path in paths if path]


def _system(name: str, version: str) -> OperatingSystem | None:
    if not _ID.fullmatch(name):
        return None
    return OperatingSystem(id=name, version_id=version if is_version(version) else "")


def read_cyclonedx(document: Mapping[str, object], *, where: str, limits: Limits) -> Manifest:
    """Read CycloneDX JSON. Raises InputFault (E_FOREIGN_VERSION, E_TOO_LARGE)."""
    if not _CYCLONEDX.fullmatch(text_in(document, "specVersion")):
        raise fault(where, "is a CycloneDX document of a version other than 1", code="E_FOREIGN_VERSION")
    bill = Bill(where=where, limits=limits)
    system: OperatingSystem | None = None
    for number, component in enumerate(_components(document)):
        if text_in(component, "type") == "operating-system":
            system = system or _system(text_in(component, "name").lower(), text_in(component, "version"))
            continue
        if text_in(component, "type") == "file":
            continue
        bill.add(
            text_in(component, "purl"),
            text_in(component, "name"),
            text_in(component, "version"),
            place=f"components[{number}]",
            locations=_cyclonedx_locations(component),
        )
    return bill.manifest(
        reader="CycloneDX", words="a CycloneDX SBOM", tool=_cyclonedx_tool(document), os=system
    )


def _components(document: Mapping[str, object]) -> Iterator[object]:
    """Yield components and, after each, those that it holds: by a stack, never by calls."""
    stack: list[object] = list(reversed(list_in(document, "components")))
    while stack:
        component = stack.pop()
        yield component
        stack.extend(reversed(list_in(component, "components")))


def _cyclonedx_locations(component: object) -> list[str]:
    paths = []
    for entry in list_in(component, "properties"):
        name, value = text_in(entry, "name"), text_in(entry, "value")
        if (name.startswith("syft:location:") and name.endswith(":path")) or name == _TRIVY_PATH:
            paths.append(value if value.startswith("/") else f"/{value}")
    return paths


def _cyclonedx_tool(document: Mapping[str, object]) -> Tool | None:
    """`metadata.tools` is a list up to 1.4, an object with components from 1.5 on."""
    metadata = object_in(document, "metadata")
    tools = [*list_in(metadata, "tools"), *list_in(object_in(metadata, "tools"), "components")]
    return tool_of(text_in(tools[0], "name"), text_in(tools[0], "version")) if tools else None


def read_spdx(document: Mapping[str, object], *, where: str, limits: Limits) -> Manifest:
    """Read SPDX 2 JSON. Raises InputFault (E_FOREIGN_VERSION, E_TOO_LARGE)."""
    if not _SPDX.fullmatch(text_in(document, "spdxVersion")):
        raise fault(where, "is an SPDX document of a version other than 2", code="E_FOREIGN_VERSION")
    bill = Bill(where=where, limits=limits)
    for number, package in enumerate(list_in(document, "packages")):
        if text_in(package, "primaryPackagePurpose") in ("CONTAINER", "OPERATING-SYSTEM"):
            continue
        info = _SOURCE_INFO.fullmatch(text_in(package, "sourceInfo"))
        bill.add(
            _purl(package),
            text_in(package, "name"),
            text_in(package, "versionInfo"),
            place=f"packages[{number}]",
            locations=info[1].split(", ") if info else (),
        )
    return bill.manifest(reader="SPDX", words="an SPDX SBOM", tool=_spdx_tool(document), os=None)


def _purl(package: object) -> str:
    for reference in list_in(package, "externalRefs"):
        if text_in(reference, "referenceType") == "purl":
            return text_in(reference, "referenceLocator")
    return ""


def _spdx_tool(document: Mapping[str, object]) -> Tool | None:
    for creator in list_in(object_in(document, "creationInfo"), "creators"):
        if isinstance(creator, str) and (match := _CREATOR.fullmatch(creator)):
            return tool_of(match[1], match[2] or "")
    return None
