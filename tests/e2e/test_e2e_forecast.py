"""Forecasts held against what runs really gave: equal bits where they were expected, others where not."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.codec import decode_manifest
from reprocheck.explain.forecast import forecast
from reprocheck.model.manifest import Manifest
from tests.e2e.harness import SMALL_A, Desk

pytestmark = pytest.mark.docker


def read(desk: Desk, name: str) -> Manifest:
    return decode_manifest((desk.work / name).read_bytes(), where=name)


def outputs(manifest: Manifest) -> dict[str, Any]:
    assert manifest.run is not None
    return {output.name: output.content or output.sha256 for output in manifest.run.outputs}


def test_another_blas_kernel_is_forecast_and_gives_other_bits(
    desk: Desk, small_run: str, other_kernel_run: str
) -> None:
    a, b = read(desk, small_run), read(desk, other_kernel_run)
    told = forecast(a, b)
    assert told.expectation == "differs"
    assert [s.subject for s in told.statements if s.expectation == "differs"] == ["openblas.dispatch"]
    assert outputs(a) != outputs(b)


def test_the_same_run_once_more_is_forecast_to_agree_and_does(desk: Desk, small_run: str) -> None:
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    desk.record("once-more.json", *options)
    a, b = read(desk, small_run), read(desk, "once-more.json")
    told = forecast(a, b)
    assert told.expectation == "identical", [s for s in told.statements if s.expectation != "identical"]
    assert outputs(a) == outputs(b)
