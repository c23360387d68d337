"""Which environment variables a re-execution gets, and which it must not take from a stranger."""

from __future__ import annotations

import re

from reprocheck.errors import InputFault, Refused, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.environment import Variable
from reprocheck.model.manifest import Manifest
from reprocheck.model.verdict import Relaxation
from reprocheck.rerun.policy import Policy

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def plan_environment(
    manifest: Manifest, policy: Policy, *, limits: Limits
) -> tuple[tuple[tuple[str, str], ...], tuple[Relaxation, ...]]:
    """Give the variables beyond the image's own, sorted by name, and the relaxations they cost.

    Those of `run --env` and `docker run -e` apply; for a run of the local engine the recorded ones of its
    machine as well, but for those that name places on it. Raises Refused (E_ENV_WITHHELD, E_ENV_UNSET,
    E_ENV_REFUSED), InputFault (E_ENV_NAME, E_ENV_VALUE) and UsageFault (E_ENV_NAME, E_ENV_VALUE,
    E_UNSET_IMAGE).
    """
    _check_flags(manifest, policy, limits)
    given = dict(policy.env)
    wanted = _wanted(manifest)
    for variable in wanted:
        _check_recorded(variable, limits)
    left = [v for v in wanted if v.name not in given and v.name not in policy.unset]
    gone = sorted({v.name for v in left if v.state == "unset"})
    if gone:
        raise Refused(
            "E_ENV_UNSET",
            f"the recorded container took {', '.join(gone)} away from what its image declares, and a "
            "re-execution keeps what the image declares; nothing was started",
            hint="Add "
            + " ".join(f"--env {name}=VALUE" for name in gone)
            + " with a value that does nothing.",
        )
    missing = sorted({v.name for v in left if v.value is None and v.origin != "host"})
    if missing:
        raise Refused(
            "E_ENV_WITHHELD",
            f"the recorded run had {', '.join(missing)}, whose values the manifest does not hold; "
            "nothing was started",
            hint="Add " + " ".join(f"--env {name}=VALUE" for name in missing) + ", or --unset them.",
        )
    values = {v.name: v.value for v in left if v.value is not None}
    _refuse_steering(manifest, policy, sorted(values))
    withheld = {v.name for v in manifest.environment if v.value is None} | policy.secret_env
    relaxations = [
        *(Relaxation(what="env", value=_shown(name, given[name], withheld)) for name in sorted(given)),
        *(Relaxation(what="unset", value=name) for name in sorted(set(policy.unset))),
        *(Relaxation(what="allow-env", value=name) for name in sorted(set(policy.allow_env) & values.keys())),
    ]
    return tuple(sorted({**values, **given}.items())), tuple(relaxations)


def steers(name: str) -> bool:
    """Whether a variable reaches the loader, the GPU hooks or the network rather than the program."""
    upper = name.upper()
    return upper.startswith(("LD_", "NVIDIA_")) or upper.endswith("_PROXY")


_PLACES = frozenset(
    {"CONDA_PREFIX", "HOME", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "TMPDIR", "VIRTUAL_ENV"}
)


def names_a_place(name: str) -> bool:
    """Whether a variable says where things lie on one machine; its value means nothing on another."""
    return name.startswith("LD_") or name in _PLACES


def _wanted(manifest: Manifest) -> list[Variable]:
    local = manifest.run is not None and manifest.run.engine == "local"
    origins = {"run", "container", "host"} if local else {"run", "container"}
    return [
        variable
        for variable in manifest.environment
        if variable.origin in origins and not (variable.origin == "host" and names_a_place(variable.name))
    ]


def _check_recorded(variable: Variable, limits: Limits) -> None:
    if not _NAME.fullmatch(variable.name):
        raise InputFault(
            "E_ENV_NAME",
            f"the manifest names the variable {variable.name[:80]!r}, which is not a name",
            hint="Check where the manifest came from, or leave it out with --unset.",
        )
    if variable.value is not None and ("\0" in variable.value or len(variable.value) > limits.variable_bytes):
        raise InputFault(
            "E_ENV_VALUE",
            f"the manifest gives {variable.name} a value with a NUL or of more than {limits.variable_bytes}",
            hint="Check where the manifest came from.",
        )


def _check_flags(manifest: Manifest, policy: Policy, limits: Limits) -> None:
    for name, value in policy.env:
        if not _NAME.fullmatch(name):
            raise UsageFault(
                "E_ENV_NAME",
                f"--env names {name[:80]!r}, which is not a name",
                hint="Use letters, digits, _.",
            )
        if "\0" in value or len(value) > limits.variable_bytes:
            raise UsageFault(
                "E_ENV_VALUE", f"--env gives {name} a value that no process can take", hint="Shorten it."
            )
    images = {v.name for v in manifest.environment if v.origin == "image"}
    for name in sorted(images.intersection(policy.unset) - {name for name, _ in policy.env}):
        raise UsageFault(
            "E_UNSET_IMAGE",
            f"the image itself declares {name}, so it cannot be left out",
            hint=f"Give it another value instead: --env {name}=VALUE.",
        )


def _refuse_steering(manifest: Manifest, policy: Policy, names: list[str]) -> None:
    """Hold back what a stranger could use against the machine or the comparison (security: N4)."""
    refused = {name for name in names if policy.foreign and steers(name)}
    if policy.gpus:
        # the GPU hooks of the host run with the container's loader variables (CVE-2025-23266)
        declared = {v.name for v in manifest.environment if v.origin == "image"}
        refused |= {name for name in (*names, *declared) if name == "LD_PRELOAD"}
    refused -= {*policy.allow_env, *(name for name, _ in policy.env)}
    if refused:
        shown = sorted(refused)
        raise Refused(
            "E_ENV_REFUSED",
            f"the manifest sets {', '.join(shown)}, which can redirect the loader, the GPU or the network; "
            "nothing was started",
            hint="If you trust it, add " + " ".join(f"--allow-env {name}" for name in shown) + ".",
        )


def _shown(name: str, value: str, withheld: set[str]) -> str:
    """A receipt never repeats a value that its author withheld, nor a secret of the reader."""
    return f"{name} (value not shown)" if name in withheld else f"{name}={value}"
