"""From a difference to a suspicion: which rule it falls under, and where it ranks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from packaging.utils import canonicalize_name

from reprocheck.explain import tables
from reprocheck.explain.context import CONTEXT, REPOSITORY, judge_context
from reprocheck.explain.judging_machine import judge_host, judge_os
from reprocheck.explain.judging_packages import judge_package
from reprocheck.explain.suspicion import Group, Suspicion, suspect
from reprocheck.model.base import Frozen
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest

_CODE_LIKE = re.compile(r".*\.(?:py|pyx|pth|ipynb|sh|so(?:\.[0-9.]+)?|json|ya?ml|toml|cfg|ini)")
PLACES = ("executable", "prefix", "base")
"""What of a Python environment only says where it lies."""
_CONFIGURATION = ("entrypoint", "command", "working_dir", "user")


class Setting(Frozen, frozen=True, kw_only=True):
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
    return judge_package(d, tables.package(d.type, normal_name(d.type, d.name)))


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
    "os": lambda difference, _: judge_os(difference),
    "image": _judge_image,
    "host": lambda difference, _: judge_host(difference),
    "outputs": _judge_output,
    **dict.fromkeys(CONTEXT, lambda difference, _: judge_context(difference)),
}
