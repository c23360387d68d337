"""From a difference to a suspicion: which rule it falls under, and where it ranks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from packaging.utils import canonicalize_name

from reprocheck.explain import tables
from reprocheck.explain.context import CONTEXT, REPOSITORY, judge_context
from reprocheck.explain.suspicion import Group, Suspicion, suspect
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest

_CODE_LIKE = re.compile(r".*\.(?:py|pyx|pth|ipynb|sh|so(?:\.[0-9.]+)?|json|ya?ml|toml|cfg|ini)")
_MINOR = ("location", "architecture")
_DESCRIPTION = frozenset(
    {
        "source",
        "provides",
        "conflicts",
        "multi-arch",
        "owner",
        "extras",
        "has-record",
        "file-count",
        "requires-listed",
        "pip-name",
    }
)
"""What metadata says of a package beside version and content."""
PLACES = ("executable", "prefix", "base")
"""What of a Python environment only says where it lies."""
_CONFIGURATION = ("entrypoint", "command", "working_dir", "user")


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a judgement needs to know beside the difference itself."""

    origins: Mapping[str, frozenset[str]]
    """Who set each variable, on either side."""
    both_run: bool
    """Both sides hold a run, so the image's own command decides nothing."""
    content_differs: bool
    """Something inside the image differs that is listed on its own."""


def setting_of(delta: Delta, a: Manifest, b: Manifest) -> Setting:
    """Gather the setting of one comparison."""
    origins: dict[str, set[str]] = {}
    for variable in (*a.environment, *b.environment):
        origins.setdefault(variable.name, set()).add(variable.origin)
    inside = ("packages", "libraries", "pythons", "os")
    return Setting(
        origins={name: frozenset(found) for name, found in origins.items()},
        both_run=a.run is not None and b.run is not None,
        content_differs=any(
            d.section in inside or (d.section == "environment" and "image" in origins.get(d.name, ()))
            for d in delta.differences
        ),
    )


def judge(difference: Difference, setting: Setting) -> Suspicion:
    """Find the rule for one difference. Total: every difference gets one."""
    return _SECTIONS[difference.section](difference, setting)


@lru_cache(maxsize=65536)
def normal_name(type: str, name: str) -> str:  # noqa: A002 - named as the field it takes
    """Return a package's name as the tables and requirements write it."""
    return canonicalize_name(name) if type == "pypi" else name.lower()


def _judge_input(d: Difference, _: Setting) -> Suspicion:
    if d.attribute in REPOSITORY:
        return judge_context(d)
    if d.attribute == "presence":
        return suspect(d, "DAT-713", Group.CODE if d.section == "code" else Group.DATA)
    if d.attribute in ("kind", "writable"):
        return suspect(d, "DAT-714", Group.DATA)
    if d.section == "code":
        return suspect(d, "RUN-022", Group.CODE)
    return suspect(d, "DAT-708", Group.DATA)


_RUN_RULES = {
    "argv": ("RUN-021", Group.COMMAND),
    "working_dir": ("RUN-024", Group.COMMAND),
    "user": ("RUN-024", Group.COMMAND),
    "network": ("RUN-025", Group.COMMAND),
    "resources.nano_cpus": ("CPU-112", Group.MACHINE),
    "resources.memory_bytes": ("RUN-026", Group.MACHINE),
    "resources.shm_bytes": ("RUN-026", Group.MACHINE),
    "resources.gpus": ("GPU-203", Group.MACHINE),
    "engine": ("RUN-027", Group.COMMAND),
    "privileged_run": ("RUN-028", Group.COMMAND),
    "exit_code": ("RUN-023", Group.OUTPUTS),
    "oom_killed": ("RUN-023", Group.OUTPUTS),
    "timed_out": ("RUN-023", Group.OUTPUTS),
}


def _judge_run(d: Difference, _: Setting) -> Suspicion:
    if d.attribute == "mount":
        return suspect(d, "IMG-513", Group.FILES)
    if d.attribute == "written":
        code_like = _CODE_LIKE.fullmatch(d.name.lower()) is not None
        return suspect(d, "IMG-512", Group.FILES, effect=None if code_like else "bytes")
    code, group = _RUN_RULES.get(d.name, ("RUN-029", Group.FILES))
    return suspect(d, code, group, weight=90 if code == "RUN-023" else 50)


def _judge_variable(d: Difference, setting: Setting) -> Suspicion:
    if d.attribute in ("origin", "overridden"):
        return suspect(d, "ENV-611", Group.VARIABLES)
    known = tables.variable(d.name)
    if known is not None:
        group = Group.FLAGS if known.weight else Group.VARIABLES
        return suspect(d, known.code, group, weight=known.weight, why=known.why)
    if setting.origins.get(d.name, frozenset()) <= {"host"}:
        why = "it belongs to the machine's session and is in no list of variables that numbers depend on"
        return suspect(d, "ENV-609", Group.VARIABLES, weight=10, why=why)
    return suspect(d, "ENV-610", Group.VARIABLES)


def _judge_package(d: Difference, _: Setting) -> Suspicion:
    if d.attribute in ("wheel", "remnant"):
        return suspect(d, "PKG-345", Group.FILES, weight=10)
    known = tables.package(d.type, normal_name(d.type, d.name))
    python = d.type in ("pypi", "conda")
    weight, why = (known.weight, known.why) if known is not None else (20, "")
    group = _package_group(known, python)
    if known is not None and known.role == "tool":
        return suspect(d, "PKG-334", group, weight=0, why=why)
    if d.attribute == "version":
        code = known.code if known is not None else ("PKG-331" if python else "PKG-332")
        return suspect(d, code, group, weight=weight, why=why)
    if d.attribute == "presence":
        if known is not None:
            return suspect(d, "PKG-333", group, weight=weight, severity="medium", why=why)
        return suspect(d, "PKG-333", group, weight=weight, effect=None if python else "break")
    if d.attribute in _MINOR:
        return suspect(d, "PKG-339", group)
    if d.attribute == "effective":
        return suspect(d, "PKG-337", group, weight=weight)
    if d.attribute in _DESCRIPTION:
        return suspect(d, "PKG-348", group, weight=5)
    if known is not None:
        return suspect(d, "PKG-316", group, weight=weight)
    return suspect(d, "PKG-316", group, weight=weight, severity="medium", effect=None if python else "bytes")


def _package_group(known: tables.Knowledge | None, python: bool) -> Group:
    if known is None or known.role == "tool":
        return Group.PYTHON if python else Group.SYSTEM
    if known.role == "driver":
        return Group.DRIVER
    if python and known.role not in ("interpreter", "tz", "locale"):
        return Group.NUMERIC
    if known.role in ("numeric", "blas", "decoder"):
        return Group.NUMERIC
    return Group.PYTHON if python else Group.SYSTEM


_LIBRARY_RULES = {
    **dict.fromkeys(("openblas", "mkl", "blis", "blas", "lapack", "onednn"), "CPU-103"),
    "openmp": "CPU-113",
    "libm": "CPU-110",
}


def _judge_library(d: Difference, _: Setting) -> Suspicion:
    code = _LIBRARY_RULES.get(d.type)
    told = d.attribute in ("version", "name", "presence")
    weight = 65 if told else 40
    return suspect(d, code or "PKG-338", Group.NUMERIC, weight=weight, severity=None if told else "low")


def _judge_python(d: Difference, _: Setting) -> Suspicion:
    if d.attribute == "presence":
        return suspect(d, "PKG-336", Group.PYTHON, weight=60)
    if d.attribute in ("version", "implementation"):
        return suspect(d, "PKG-335", Group.PYTHON, weight=90)
    if d.attribute in ("path_files", "customizations", "pth-lines"):
        return suspect(d, "PKG-344", Group.PYTHON, weight=70)
    if d.attribute in ("active", "search_path"):
        return suspect(d, "PKG-337", Group.PYTHON, weight=80)
    if d.attribute in PLACES:
        why = "an equal environment in another directory computes the same"
        return suspect(d, "PKG-339", Group.PYTHON, weight=10, why=why)
    why = "what it holds is compared on its own"
    return suspect(d, "PKG-337", Group.PYTHON, weight=10, effect="none", severity="info", why=why)


def _judge_os(d: Difference, _: Setting) -> Suspicion:
    if d.name == "libc":
        return suspect(d, "CPU-110", Group.SYSTEM, weight=85)
    return suspect(d, "IMG-514", Group.SYSTEM, weight=40)


def _judge_image(d: Difference, setting: Setting) -> Suspicion:
    if d.name == "platform":
        return suspect(d, "CPU-111", Group.MACHINE, weight=95)
    if d.name in ("content digest", "identity digest"):
        return suspect(d, "IMG-516", Group.FILES)
    if d.name in _CONFIGURATION:
        why = "both runs name their own command, directory and user" if setting.both_run else ""
        return suspect(
            d, "IMG-515", Group.COMMAND, weight=20, effect="none" if setting.both_run else None, why=why
        )
    return suspect(d, "IMG-510" if setting.content_differs else "IMG-511", Group.FILES)


_HOST_RULES = {
    "cpu.architecture": ("CPU-111", 100),
    "cpu.level": ("CPU-101", 95),
    "cpu.features": ("CPU-101", 90),
    "cpu.model": ("CPU-114", 70),
    "cpu.vendor": ("CPU-114", 72),
    "cpu.microcode": ("CPU-115", 10),
    "cpu.logical": ("CPU-112", 40),
    "cpu.allowed": ("CPU-112", 42),
    "cpu.quota_millicpus": ("CPU-112", 44),
    "cpu.cores": ("CPU-112", 38),
    "cpu.sockets": ("CPU-112", 30),
    "numa": ("CPU-112", 28),
    "memory_bytes": ("CPU-117", 20),
    "numa.memory_bytes": ("CPU-117", 18),
    "memory_limit_bytes": ("CPU-117", 22),
    "gpus": ("GPU-203", 85),
    "driver.version": ("DRV-218", 30),
    "driver.cuda_maximum": ("DRV-218", 20),
    "driver.user_mode": ("DRV-218", 28),
    "driver.claims": ("DRV-218", 15),
}
_GPU_RULES = {"compute_capability": ("GPU-201", 92), "name": ("GPU-209", 80), "mig": ("GPU-209", 78)}


def _judge_host(d: Difference, _: Setting) -> Suspicion:
    if d.name.startswith("gpus["):
        field = d.name.partition("].")[2]
        whole_card = ("GPU-203", 84)
        code, weight = _GPU_RULES.get(field, ("GPU-210", 10)) if field else whole_card
    else:
        code, weight = _HOST_RULES.get(d.name, ("CPU-116", 10))
    return suspect(d, code, Group.DRIVER if code == "DRV-218" else Group.MACHINE, weight=weight)


_SAME_CONTENT = {
    "torch": "OUT-801",
    "npz": "OUT-802",
    "zip": "OUT-802",
    "hdf5": "OUT-803",
    "h5": "OUT-803",
}


def _judge_output(d: Difference, _: Setting) -> Suspicion:
    if d.attribute == "presence":
        return suspect(d, "OUT-813", Group.OUTPUTS, weight=80)
    if d.attribute == "bytes":
        return suspect(d, _SAME_CONTENT.get(d.type, "OUT-811"), Group.OUTPUTS, weight=10)
    return suspect(d, "OUT-812", Group.OUTPUTS)


_SECTIONS: Mapping[str, Callable[[Difference, Setting], Suspicion]] = {
    "inputs": _judge_input,
    "code": _judge_input,
    "run": _judge_run,
    "environment": _judge_variable,
    "packages": _judge_package,
    "libraries": _judge_library,
    "pythons": _judge_python,
    "os": _judge_os,
    "image": _judge_image,
    "host": _judge_host,
    "outputs": _judge_output,
    **dict.fromkeys(CONTEXT, lambda difference, _: judge_context(difference)),
}
