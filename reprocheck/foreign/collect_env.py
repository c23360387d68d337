"""The text of `python -m torch.utils.collect_env`, which people paste into bug reports.

It names torch, its build, the operating system, the machine, and the few packages that bear on PyTorch.
`Could not collect`, `No CUDA` and `N/A` are no answers, so nothing is covered by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reprocheck.foreign.partial import distribution, interpreter, partial_manifest, problem_of
from reprocheck.foreign.reading import check_count, is_version
from reprocheck.foreign.urls import conda_package
from reprocheck.limits import Limits
from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.model.image import Coverage, OperatingSystem
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, Package, PythonEnvironment

HEAD = "PyTorch version: "
_SILENT = frozenset({"could not collect", "no cuda", "n/a", ""})
_LINE = re.compile(r"([A-Za-z][A-Za-z0-9 ().#_/-]{0,60}): {1,80}(\S.{0,2000})")
_PIP = re.compile(r"\[pip3?\] ([A-Za-z0-9][A-Za-z0-9._-]{0,200})==(\S{1,512})")
_CONDA = re.compile(r"\[conda\] (\S{1,200}) +(\S{1,200})(?: +(\S{1,200})(?: +(\S{1,200}))?)? *")
_GPU = re.compile(r"(?:GPU ([0-9]{1,4}): )?(\S.{0,200}?)(?: \(UUID: .{0,100}\))?")
_KERNEL = re.compile(r"Linux-(\S{1,200}?)-(?:x86_64|aarch64|ppc64le|s390x)(?:-\S{0,100})?")
_PLAIN_OS = re.compile(r"(.{1,200}?)(?: \((?:x86_64|aarch64|ppc64le|s390x|arm64)\))?")
_PLURAL = "GPU models and configuration"


def read_collect_env(text: str, *, where: str, limits: Limits) -> Manifest | None:
    """Read the text; None when no line of it begins with `PyTorch version:`."""
    lines = text.split("\n")
    if not any(line.startswith(HEAD) for line in lines):
        return None
    check_count(len(lines) // 1000, where=where, limits=limits)
    fields = _fields(lines)
    facts: set[str] = set()
    host = _host(fields, _gpus(lines), facts)
    packages = _packages(lines)
    return partial_manifest(
        where=where,
        reader="torch.utils.collect_env",
        covers=Coverage(
            format="a torch.utils.collect_env report",
            scope="environment",
            types=tuple(sorted({package.type for package in packages})),
            facts=tuple(
                sorted(
                    facts
                    | _build_fact(packages)
                    | _frameworks_facts(fields)
                    | _os_facts(fields)
                    | _python_facts(fields)
                )
            ),
            selected=True,
        ),
        packages=packages,
        pythons=_pythons(fields),
        os=_os(fields),
        host=host,
        frameworks=_frameworks(fields),
    )


def _fields(lines: list[str]) -> Mapping[str, str]:
    """First answer to each question; what could not be collected is left out."""
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line.rstrip())
        if match and match[2].strip().lower() not in _SILENT:
            found.setdefault(match[1].strip(), match[2].strip())
    return found


def _gpus(lines: list[str]) -> tuple[Gpu, ...]:
    """`GPU models and configuration: GPU 0: NAME`, and one further line for each further GPU."""
    found: list[Gpu] = []
    start = next((number for number, line in enumerate(lines) if line.startswith(f"{_PLURAL}:")), None)
    if start is None:
        return ()
    first = lines[start].partition(":")[2].strip()
    for line in map(str.strip, [first, *lines[start + 1 : start + 4096]]):
        if line.startswith("MIG "):
            continue
        match = _GPU.fullmatch(line)
        if not match or line.lower() in _SILENT or (found and match[1] is None) or line.startswith("Nvidia"):
            if line:
                break
            continue
        found.append(Gpu(index=int(match[1] or len(found)), name=match[2]))
    return tuple(found)


def _host(fields: Mapping[str, str], gpus: tuple[Gpu, ...], facts: set[str]) -> Host | None:
    model, driver = fields.get("Model name", ""), fields.get("Nvidia driver version", "")
    kernel = _KERNEL.fullmatch(fields.get("Python platform", ""))
    architecture = fields.get("Architecture", "")
    told = {
        "host.cpu": bool(model) and architecture == "x86_64",  # elsewhere lscpu and the kernel name it apart
        "host.gpus": bool(gpus),
        "host.driver": is_version(driver),
        "host.kernel": kernel is not None,
    }
    facts.update(fact for fact, here in told.items() if here)
    if not any(told.values()):
        return None
    return Host(
        system="Linux" if kernel else "",
        kernel=kernel[1] if kernel else "",
        cpu=Cpu(architecture=architecture, vendor=fields.get("Vendor ID", ""), model=model),
        memory_bytes=0,
        gpus=gpus,
        driver=Driver(version=driver) if told["host.driver"] else None,
    )


def _packages(lines: list[str]) -> list[Package]:
    packages: list[Package] = []
    for line in map(str.rstrip, lines):
        if match := _PIP.fullmatch(line):
            if not problem_of(match[1], match[2], pypi=True):
                packages.append(distribution(match[1], match[2]))
        elif line.partition(" ")[2].strip().lower() in _SILENT:
            continue
        elif (match := _CONDA.fullmatch(line)) and not problem_of(match[1], match[2]):
            if match[4] == "pypi" or match[3] == "pypi":
                continue  # pip's own lines have it
            packages.append(
                conda_package(match[1], match[2], build=match[3] or "", channel=match[4] or "", subdir="")
            )
    return packages


def _build_fact(packages: list[Package]) -> set[str]:
    conda = [package.conda for package in packages if package.conda is not None]
    return {"packages.build"} if conda and all(one.build for one in conda) else set()


def _frameworks_facts(fields: Mapping[str, str]) -> set[str]:
    return {"frameworks.torch"} if "PyTorch version" in fields else set()


def _frameworks(fields: Mapping[str, str]) -> tuple[Framework, ...]:
    version = fields.get("PyTorch version", "")
    if not is_version(version):
        return ()
    return (
        Framework(
            name="torch",
            version=version,
            location="",
            cuda=_built(fields, "CUDA used to build PyTorch"),
            hip=_built(fields, "ROCM used to build PyTorch"),
            debug=fields.get("Is debug build", "") == "True",
        ),
    )


def _built(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    return value if is_version(value) and value != "None" else ""


def _os_facts(fields: Mapping[str, str]) -> set[str]:
    found = {"os.name"} if "OS" in fields else set()
    return found | ({"os.libc"} if "Libc version" in fields else set())


def _os(fields: Mapping[str, str]) -> OperatingSystem | None:
    if not _os_facts(fields):
        return None
    name = _PLAIN_OS.fullmatch(fields.get("OS", ""))
    return OperatingSystem(
        id="", name=name[1] if name else "", libc=fields.get("Libc version", "").replace("-", " ", 1)
    )


def _python_facts(fields: Mapping[str, str]) -> set[str]:
    return {"pythons.version"} if _pythons(fields) else set()


def _pythons(fields: Mapping[str, str]) -> tuple[PythonEnvironment, ...]:
    version = fields.get("Python version", "").partition(" ")[0]
    return (interpreter(version),) if is_version(version) else ()
