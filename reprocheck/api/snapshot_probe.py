"""Snapshot from what `reprocheck probe`'s script wrote, where reprocheck itself cannot run."""

from __future__ import annotations

from reprocheck.api.assemble import assemble
from reprocheck.api.context import gather
from reprocheck.api.outside import Outside
from reprocheck.api.sight import DEFAULT_PATH, look
from reprocheck.api.snapshot import SnapshotOptions
from reprocheck.collect.elf import probed_library
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.hardware import describe
from reprocheck.collect.probe_settings import probe_settings
from reprocheck.engine.probe_result import ProbeResult, read_probe
from reprocheck.engine.probe_script import probe_script, probed_machine
from reprocheck.errors import UsageFault
from reprocheck.model.base import replace
from reprocheck.model.environment import Variable
from reprocheck.model.image import Source
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown


def script(outside: Outside) -> str:
    """Return the probe script: one file that needs nothing but Python 3.6 or later."""
    return probe_script(probe_settings(outside.limits))


def snapshot_probe(reference: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    """Return the manifest of the machine on which the script wrote the file `reference`."""
    if options.integrity:
        raise UsageFault(
            "E_INTEGRITY_PROBE",
            "--integrity was given, but a probe's result holds package metadata and no installed files",
            hint="Leave it out, or run reprocheck where the files are.",
        )
    path = outside.absolute(reference)
    outside.progress("reading the probe's result")
    result = read_probe(path, read_library=probed_library, limits=outside.limits)
    variables = {name: value for name, value, _ in result.environment if value is not None}
    sight = look(
        result.view,
        outside,
        with_syft=options.with_syft,
        path_variable=variables.get("PATH", DEFAULT_PATH),
        library_path=variables.get("LD_LIBRARY_PATH", ""),
        virtual_env="" if result.whole_root else result.prefix,
        only_prefix=None if result.whole_root else result.prefix,
    )
    host, problems = describe(probed_machine(result, limits=outside.limits))
    pairs = tuple((name, value) for name, value in sorted(variables.items()))
    return assemble(
        outside=outside,
        source=Source(
            kind="rootfs" if result.whole_root else "local",
            reference=reference,
            reader="probe",
            missing=("image configuration",) if result.whole_root else (),
        ),
        image=None,
        sight=sight,
        environment=_environment(result, pairs, options, outside),
        host=host,
        unknowns=(
            *problems,
            *(Unknown(section="packages", where=path, reason=why) for path, why in result.view.unreadable),
        ),
        private=options.all_values,
        context=gather(options.context, outside, here=False, variables=pairs),
    )


def _environment(
    result: ProbeResult, pairs: tuple[tuple[str, str], ...], options: SnapshotOptions, outside: Outside
) -> tuple[Variable, ...]:
    """Judge again what the script judged; where it withheld a value, there is none to judge."""
    states = {name: state for name, value, state in result.environment if value is None}
    names = tuple((name, "") for name in states)
    described = describe_environment(
        host=(*pairs, *names),
        add_values=options.env_values,
        all_values=options.all_values,
        limits=outside.limits,
    )
    return tuple(
        replace(variable, value=None, state="secret" if states[variable.name] == "secret" else "withheld")
        if variable.name in states
        else variable
        for variable in described
    )
