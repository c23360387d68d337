"""NVIDIA's driver and GPUs, from the kernel module's own text, from NVML, else from nvidia-smi's XML.

`nvidia-smi -q -x` prints a plain DOCTYPE line that names a DTD (nvsmi_device_v12.dtd). It is taken off; any
other declaration is refused, so that no entity is ever expanded. The XML holds no compute capability, hence
the second query. Serial numbers and UUIDs are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reprocheck.model.host import Driver, Gpu
from reprocheck.model.machine import NVIDIA_COMPUTE, NVIDIA_SMI, NvmlGpu, NvmlReading
from reprocheck.model.package import VersionClaim

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MODULE = "/proc/driver/nvidia/version"

_MODULE_VERSION = re.compile(r"^NVRM version:.*?\s(\d{1,5}(?:\.\d{1,5}){1,3})(?:\s|$)", re.MULTILINE)
_LIBRARY_VERSION = re.compile(r"lib[a-z-]{1,40}\.so\.([1-9][0-9]{2,4}(?:\.[0-9]{1,5}){1,3})")
_DOCTYPE = re.compile(r"<!DOCTYPE nvidia_smi_log SYSTEM (?:\"[\w.-]{1,80}\"|'[\w.-]{1,80}')\s*>")
_ABSENT = frozenset({"", "N/A", "[N/A]", "None", "[Not Supported]", "Not Supported"})

_Problems = list[tuple[str, str]]


def describe_gpus(
    *,
    present: bool,
    version: bytes | None,
    smi: bytes | None,
    compute: bytes | None,
    nvml: NvmlReading | None = None,
    libcuda: str = "",
    libnvidia_ml: str = "",
    failed: tuple[str, ...],
    problems: _Problems,
) -> tuple[tuple[Gpu, ...], Driver | None]:
    """Describe the GPUs and the driver; () and None when the machine has none, which is a fact.

    `failed` names readings that are already known to have failed; other problems are added to `problems` as
    (where, reason). Versions of the driver that disagree are no problem: all stay, each with its source.
    """
    module = _module_version(version, problems)
    log = _parse(smi, problems) if smi is not None else None
    if log is None and nvml is None and present and smi is None and NVIDIA_SMI not in failed:
        problems.append((NVIDIA_SMI, "an NVIDIA device or driver is there, but nvidia-smi is not"))
    claims = [
        VersionClaim(version=module, source=MODULE),
        VersionClaim(version=nvml.driver if nvml else "", source="nvml"),
        VersionClaim(version=_value(log, "driver_version") if log is not None else "", source=NVIDIA_SMI),
    ]
    library = VersionClaim(version=_library_version(libnvidia_ml), source="libnvidia-ml")
    if any(claim.version for claim in claims):
        claims.append(library)  # alone it is a file of an image, not a driver
    maximum = (nvml.cuda_maximum if nvml else "") or (_value(log, "cuda_version") if log is not None else "")
    driver = _driver([claim for claim in claims if claim.version], maximum, _library_version(libcuda))
    if nvml is not None and (nvml.gpus or log is None):
        return tuple(_from_nvml(gpu) for gpu in nvml.gpus), driver
    if log is None:
        return (), driver
    capabilities = _capabilities(compute)
    found = tuple(
        _gpu(index, element, capabilities, problems) for index, element in enumerate(log.findall("gpu"))
    )
    if found and compute is not None and any(not gpu.compute_capability for gpu in found):
        problems.append((NVIDIA_COMPUTE, "nvidia-smi gives no compute capability for some GPU"))
    return found, driver


def _driver(claims: list[VersionClaim], maximum: str, user_mode: str) -> Driver | None:
    """The first claim is the version, and the others stay where they differ from it."""
    if not claims:
        return None
    first = claims[0]
    others = sorted(
        (claim for claim in claims[1:] if claim.version != first.version),
        key=lambda claim: (claim.source, claim.version),
    )
    return Driver(
        version=first.version,
        cuda_maximum=maximum,
        source=first.source,
        user_mode=user_mode,
        others=tuple(others),
    )


def _library_version(file_name: str) -> str:
    """Version in a name such as libcuda.so.580.65.06; '' on Jetson and WSL, whose names tell none."""
    found = _LIBRARY_VERSION.fullmatch(file_name)
    return found[1] if found else ""


def _from_nvml(gpu: NvmlGpu) -> Gpu:
    return Gpu(
        index=gpu.index,
        name=gpu.name or "unknown",
        compute_capability=gpu.compute_capability,
        memory_mib=gpu.memory_bytes >> 20,
        mig=_sliced(gpu.mig, [(str(units), memory) for units, memory in gpu.slices]),
        ecc=gpu.ecc,
        vbios=gpu.vbios,
        persistence=gpu.persistence,
        source="nvml",
    )


def _module_version(raw: bytes | None, problems: _Problems) -> str:
    if raw is None:
        return ""
    found = _MODULE_VERSION.search(raw.decode("utf-8", "replace")[:4096])
    if found is None:
        problems.append((MODULE, "it names no version"))
        return ""
    return found[1]


def _parse(raw: bytes, problems: _Problems) -> Element | None:
    """Parse the log. Driver warnings may stand before it; nothing may stand after it."""
    from xml.etree import ElementTree as ET

    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        problems.append((NVIDIA_SMI, "its output is not UTF-8"))
        return None
    start = text.find("<?xml")
    if start < 0:
        problems.append((NVIDIA_SMI, f"it printed no XML but {text.strip()[:200]!r}"))
        return None
    body = _DOCTYPE.sub("", text[start:], count=1)
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        problems.append((NVIDIA_SMI, "its XML declares entities or an unknown document type"))
        return None
    try:
        log = ET.fromstring(body)  # noqa: S314  (no DOCTYPE is left, so there is nothing to expand)
    except ET.ParseError as error:
        problems.append((NVIDIA_SMI, f"its XML is broken: {error}"))
        return None
    if log.tag != "nvidia_smi_log":
        problems.append((NVIDIA_SMI, f"its XML is a {log.tag[:40]!r}, not an nvidia_smi_log"))
        return None
    return log


def _gpu(index: int, element: Element, capabilities: dict[str, str], problems: _Problems) -> Gpu:
    memory = _mebibytes(_value(element, "fb_memory_usage/total"))
    name = _value(element, "product_name")
    if memory is None:
        problems.append((f"GPU {index}", "nvidia-smi gives no memory size"))
    if not name:
        problems.append((f"GPU {index}", "nvidia-smi gives no product name"))
    return Gpu(
        index=index,
        name=name or "unknown",
        compute_capability=capabilities.get(element.get("id", "").lower(), ""),
        memory_mib=memory or 0,
        mig=_mig(element),
        ecc=_value(element, "ecc_mode/current_ecc").lower(),
        vbios=_value(element, "vbios_version"),
        persistence=_value(element, "persistence_mode").lower(),
        source=NVIDIA_SMI,
    )


def _mig(element: Element) -> str:
    """`disabled`, or `enabled` with each kind of slice: `enabled: 4 x (14 SM, 19968 MiB)`."""
    mode = _value(element, "mig_mode/current_mig").lower()
    if mode != "enabled":
        return mode
    return _sliced(
        mode,
        [
            (
                _value(device, "device_attributes/shared/multiprocessor_count"),
                _mebibytes(_value(device, "fb_memory_usage/total")) or 0,
            )
            for device in element.findall("mig_devices/mig_device")
        ],
    )


def _sliced(mode: str, devices: list[tuple[str, int]]) -> str:
    if mode != "enabled":
        return mode
    kinds: dict[tuple[str, int], int] = {}
    for kind in devices:
        kinds[kind] = kinds.get(kind, 0) + 1
    slices = [f"{count} x ({units} SM, {memory} MiB)" for (units, memory), count in sorted(kinds.items())]
    return f"enabled: {', '.join(slices)}" if slices else "enabled"


def _capabilities(raw: bytes | None) -> dict[str, str]:
    """Compute capability by PCI bus id, from lines such as `00000000:01:00.0, 8.0`."""
    found: dict[str, str] = {}
    for line in (raw or b"").decode("utf-8", "replace").splitlines():
        bus, _, capability = line.partition(",")
        if re.fullmatch(r"\d{1,3}\.\d{1,3}", capability.strip()):
            found[bus.strip().lower()] = capability.strip()
    return found


def _value(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    return "" if text in _ABSENT else text


def _mebibytes(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,9}) MiB", text)
    return int(found[1]) if found else None
