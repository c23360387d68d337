"""What people type after docker run, read the same way."""

from __future__ import annotations

import click
import pytest

from reprocheck.cli import options

CONTEXT = click.Context(click.Command("test"))
OPTION = click.Option(["--x"])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 512 * 2**20),
        ("2g", 2 * 2**30),
        ("2G", 2 * 2**30),
        ("2gb", 2 * 2**30),
        ("2GiB", 2 * 2**30),
        ("64k", 64 * 1024),
        ("1t", 2**40),
        ("1048576", 1048576),
        ("7b", 7),
    ],
)
def test_sizes_are_those_of_docker_run(text: str, size: int) -> None:
    assert options.quantity(CONTEXT, OPTION, text) == size


@pytest.mark.parametrize(
    "text", ["", "g", "0", "0g", "-1g", "1.5g", "1x", "1 g", "one", "1gg", "0x10", "1e3"]
)
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.quantity(CONTEXT, OPTION, text)


@pytest.mark.parametrize(
    ("text", "billionths"),
    [("1", 10**9), ("1.5", 1_500_000_000), ("0.1", 100_000_000), ("2.25", 2_250_000_000)],
)
def test_cpus_are_exact(text: str, billionths: int) -> None:
    assert options.processors(CONTEXT, OPTION, text) == billionths


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "1e9", "two", "1,5"])
def test_other_cpus_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.processors(CONTEXT, OPTION, text)


def test_absent_values_stay_absent() -> None:
    assert options.quantity(CONTEXT, OPTION, None) is None
    assert options.processors(CONTEXT, OPTION, None) is None


def test_a_pair_is_split_at_its_last_separator() -> None:
    assert options.split_last("C:/data:/in", ":", "HOST:PATH") == ("C:/data", "/in")


@pytest.mark.parametrize("item", ["", ":", "a:", ":b", "ab"])
def test_half_a_pair_is_refused(item: str) -> None:
    with pytest.raises(click.BadParameter, match="HOST:PATH"):
        options.split_last(item, ":", "HOST:PATH")
