"""A world for every test of this folder, and documents that every test may damage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, SOCKET, World, image, relayed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world of its own for each test."""
    return World.at(tmp_path / "world")


@pytest.fixture(scope="session")
def local_documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A manifest of a run as a plain process, and the receipt of its verification."""
    world = World.at(tmp_path_factory.mktemp("documents") / "world")
    program = ("sh", "-c", "echo '{\"loss\": 1}' > metrics.json")
    done = world.run("run", "--engine", "local", "--no-syft", "--output", "metrics.json", "--", *program)
    assert done.code == 0, done
    verified = world.run("verify", "run.json", "-o", "receipt.json")
    assert verified.code == 0, verified
    world.check("run.json", "receipt.json")
    return (world.cwd / "run.json").read_bytes(), (world.cwd / "receipt.json").read_bytes()


@pytest.fixture(scope="session")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image on small-a that declares a volume, so that each of its containers gets an anonymous one."""
    context = tmp_path_factory.mktemp("context")
    with image(f"FROM {SMALL_A}\nVOLUME /scratch\n", context) as name:
        yield name


@pytest.fixture
def relay() -> Iterator[str]:
    """The real engine behind a loopback port: reached so, its disk counts as another machine's."""
    with relayed(SOCKET) as url:
        yield url
