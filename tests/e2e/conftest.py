"""One user and the records that several modules look at; each is made once."""

from __future__ import annotations

import pytest

from tests.e2e.harness import SMALL_A, Desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The user whose records are looked at by many tests; `-o` names must differ."""
    return Desk.at(tmp_path_factory.mktemp("user") / "desk")


@pytest.fixture(scope="session")
def small_run(desk: Desk) -> str:
    """A training recorded in small-a with its data as input."""
    desk.record("small.json", "--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    return "small.json"


@pytest.fixture(scope="session")
def other_kernel_run(desk: Desk, small_run: str) -> str:
    """The same with another BLAS kernel, which rounds otherwise."""
    del small_run
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    desk.record("prescott.json", *options, "--env", "OPENBLAS_CORETYPE=PRESCOTT")
    return "prescott.json"
