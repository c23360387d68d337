"""`reprocheck probe`."""

from __future__ import annotations

import click

from reprocheck.cli import options
from reprocheck.cli.results import check_target, write_result
from reprocheck.cli.terminal import outside
from reprocheck.limits import Limits


@click.command("probe")
@options.limit_scale
@options.output_file("the script")
def command(limits: Limits, output_file: options.OutputFile) -> int:
    """Print a script for machines on which reprocheck cannot be installed.

    It is one file for Python 3.6 or later and needs nothing else: inside Apptainer, a SageMaker job, a pod.

    \b
        reprocheck probe -o probe.py
        python3 probe.py > result.json          (there)
        reprocheck snapshot probe:result.json   (here)

    With `--root DIR` the script looks through an unpacked image instead of the machine it runs on. It starts
    no program but nvidia-smi, changes nothing, and writes values of environment variables only where a
    snapshot would record them.
    """
    from reprocheck.api.snapshot_probe import script

    check_target(output_file)
    write_result(script(outside(limits)).encode(), output_file)
    return 0
