"""Options that several verbs share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import Frozen

if TYPE_CHECKING:
    from reprocheck.model.run import IgnoredKey, Resources

F = TypeVar("F", bound=Callable[..., Any])


class OutputFile(Frozen, frozen=True, kw_only=True):
    """Where a result goes: a file, or stdout for None and '-'."""

    path: str | None
    force: bool


class Recording(Frozen, frozen=True, kw_only=True):
    """What a manifest may hold, and what is volatile by nature."""

    env_values: frozenset[str]
    all_values: bool
    ignore_outputs: tuple[str, ...]
    ignore_keys: tuple[IgnoredKey, ...]
    keep: bool
    timings: bool


def merging(name: str, parts: tuple[str, ...], make: Callable[..., object]) -> Callable[[F], F]:
    """Replace several parameters of a command by one value."""

    def decorate(function: F) -> F:
        import functools

        @functools.wraps(function)
        def merged(**parameters: Any) -> Any:
            taken = {part: parameters.pop(part) for part in parts}
            return function(**parameters, **{name: make(**taken)})

        return merged  # type: ignore[return-value]

    return decorate


def _scaled(_context: click.Context, _option: click.Parameter, factor: float) -> Limits:
    if math.isnan(factor):
        raise click.BadParameter("nan is no factor")
    return DEFAULT if factor == 1.0 else DEFAULT.scaled(factor)


def limit_scale(function: F) -> F:
    """`--limit-scale F`: one knob for every budget; the command receives `limits`."""
    return click.option(
        "--limit-scale",
        "limits",
        type=click.FloatRange(min=0.001, max=1_000_000),
        default=1.0,
        metavar="FACTOR",
        help="Multiply every limit of size, count and time.",
        callback=_scaled,
    )(function)


def docker_host(function: F) -> F:
    """`--docker-host URL`."""
    return click.option(
        "--docker-host",
        metavar="URL",
        help="Engine to use; otherwise DOCKER_HOST, then the active docker context.",
    )(function)


def output_file(what: str, *, default: str | None = None, patterns: bool = False) -> Callable[[F], F]:
    """`-o FILE` and `--force`; the command receives `output_file`.

    `patterns` says that the command expands `%h` and `%r` (see `surroundings`).
    """

    def decorate(function: F) -> F:
        standing = f"  [default: {default}]" if default else ""
        names = " %h in its name is the host, %r the rank." if patterns else ""
        function = merging("output_file", ("path", "force"), OutputFile)(function)
        function = click.option("--force", is_flag=True, help="Replace FILE when it exists.")(function)
        return click.option(
            "-o",
            "path",
            metavar="FILE",
            default=default,
            help=f"Write {what} to FILE; '-' is stdout.{names}{standing}",
        )(function)

    return decorate


def recording(function: F) -> F:
    """Options about what a manifest holds; the command receives `recording`."""
    parts = ("env_values", "env_policy", "ignore_outputs", "ignore_keys", "keep", "timings")
    function = merging("recording", parts, _recording)(function)
    for option in (
        click.option("--timings", is_flag=True, help="Record when this was done."),
        click.option(
            "--keep/--no-keep", default=True, help="Keep copies of the outputs for later comparison."
        ),
        click.option(
            "--ignore-key",
            "ignore_keys",
            metavar="FILE:KEY",
            multiple=True,
            help="A value of an output that is volatile by nature: JSON Pointer or key name. Repeatable.",
        ),
        click.option(
            "--ignore-output",
            "ignore_outputs",
            metavar="GLOB",
            multiple=True,
            help="An output that is volatile by nature. Repeatable.",
        ),
        click.option(
            "--env-values",
            "env_policy",
            type=click.Choice(("allowlist", "all")),
            default="allowlist",
            show_default=True,
            help="'all' makes a private manifest.",
        ),
        click.option(
            "--env-value",
            "env_values",
            metavar="NAME",
            multiple=True,
            help="Record the value of this variable, unless it looks like a secret. Repeatable.",
        ),
    ):
        function = option(function)
    return function


def _recording(
    *,
    env_values: tuple[str, ...],
    env_policy: str,
    ignore_outputs: tuple[str, ...],
    ignore_keys: tuple[str, ...],
    keep: bool,
    timings: bool,
) -> Recording:
    from reprocheck.model.run import IgnoredKey

    pairs = [split_last(item, ":", "FILE:KEY") for item in ignore_keys]
    return Recording(
        env_values=frozenset(env_values),
        all_values=env_policy == "all",
        ignore_outputs=ignore_outputs,
        ignore_keys=tuple(IgnoredKey(file=file, key=key) for file, key in pairs),
        keep=keep,
        timings=timings,
    )


def resources(what: str) -> Callable[[F], F]:
    """`--gpus`, `--cpus`, `--memory`, `--shm-size`; the command receives `resources`."""

    def decorate(function: F) -> F:
        parts = ("gpus", "nano_cpus", "memory_bytes", "shm_bytes")
        function = merging("resources", parts, _resources)(function)
        for option in (
            click.option(
                "--shm-size", "shm_bytes", callback=quantity, metavar="SIZE", help="Size of /dev/shm."
            ),
            click.option(
                "--memory",
                "memory_bytes",
                callback=quantity,
                metavar="SIZE",
                help=f"Memory{what}, such as 8g.",
            ),
            click.option(
                "--cpus", "nano_cpus", callback=processors, metavar="N", help=f"CPUs{what}, such as 1.5."
            ),
            click.option("--gpus", default="", metavar="REQUEST", help="'all', a number, or device=0,1."),
        ):
            function = option(function)
        return function

    return decorate


def _resources(**fields: Any) -> Resources:
    from reprocheck.model.run import Resources

    return Resources(**fields)


def formats(*names: str) -> Callable[[F], F]:
    """`--format`, the first name being the default; the command receives `format_`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="Output format; the exit code never depends on it.",
    )


def environment(help_text: str) -> Callable[[F], F]:
    """`--env NAME=VALUE`, repeatable; the command receives `environment` as pairs."""
    return click.option(
        "--env",
        "environment",
        metavar="NAME=VALUE",
        multiple=True,
        callback=lambda _context, _option, items: tuple(map(_assignment, items, itertools.count(1))),
        help=help_text,
    )


def syft(function: F) -> F:
    """`--no-syft`; the command receives `with_syft`."""
    return click.option(
        "--syft/--no-syft", "with_syft", default=True, help="Cross-check the package list with syft."
    )(function)


def cache(function: F) -> F:
    """`--no-cache`; the command receives `use_cache`."""
    return click.option(
        "--cache/--no-cache",
        "use_cache",
        default=True,
        help="Take what an unchanged image holds from the cache; the result is the same.",
    )(function)


def _assignment(item: str, number: int) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name:  # not shown: it may be the value, and that a secret
        raise click.BadParameter(f"the one at place {number} is not of the form NAME=VALUE")
    if not (name.isascii() and name.isidentifier()):
        raise click.BadParameter(f"{name!r} is not a variable name")
    return name, value


def split_last(item: str, separator: str, form: str) -> tuple[str, str]:
    """Split `item` at its last separator; both parts must be there."""
    left, found, right = item.rpartition(separator)
    if not found or not left or not right:
        raise click.BadParameter(f"{item!r} is not of the form {form}")
    return left, right


def quantity(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Parse a size as `docker run` does: `512m`, `2g`, `1073741824`; powers of 1024."""
    if text is None:
        return None
    units = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(digits) :].lower()
    unit = unit.removesuffix("ib") if len(unit) == 3 else unit.removesuffix("b") if len(unit) == 2 else unit
    if unit not in units or not digits.isdecimal() or not int(digits):
        raise click.BadParameter(f"{text!r} is no size; write 512m or 2g")
    return int(digits) * units[unit]


def processors(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Parse `--cpus 1.5` into billionths of a CPU, exactly."""
    if text is None:
        return None
    from decimal import Decimal, InvalidOperation

    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0 or amount > 100_000:
        raise click.BadParameter(f"{text!r} is no number of CPUs; write 2 or 1.5")
    return int(amount * 1_000_000_000)
