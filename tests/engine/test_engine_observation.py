"""Observed runs: a plain process of this machine, and containers of its engine."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from reprocheck.engine.docker_inspect import inspect_container, inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.hook import read_reports, write_hook
from reprocheck.engine.local_runner import LocalRunner
from reprocheck.engine.observation import Observation, probe_container
from reprocheck.errors import UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.library import LibraryFacts
from reprocheck.model.sighting import Sighting
from reprocheck.ports import FileWindow, OutputFile, Plan, RefusedOutput
from tests.engine.plans import make_plan
from tests.engine.real_engine import LIMITS, SMALL, connected, plan

if TYPE_CHECKING:
    from docker import APIClient


def read(path: str, window: FileWindow) -> LibraryFacts:
    return LibraryFacts(soname=path.rpartition("/")[2])


def observation(limits: Limits = DEFAULT) -> Observation:
    return Observation(read=read, limits=limits)


def documents(sighting: Sighting) -> list[dict[str, object]]:
    return [json.loads(raw) for raw in sighting.reports]


@dataclass(frozen=True, kw_only=True)
class Given:
    """An output that holds what a test says (`ports.OutputFile`)."""

    name: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        yield BytesIO(self.data)


def test_the_hook_is_written_so_that_everybody_can_read_it(tmp_path: Path) -> None:
    place = Path(write_hook(str(tmp_path)))
    assert [path.name for path in place.iterdir()] == ["sitecustomize.py"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o755
    assert stat.S_IMODE((place / "sitecustomize.py").stat().st_mode) == 0o644
    assert b"REPROCHECK_OBSERVE_DIR" in (place / "sitecustomize.py").read_bytes()


def test_reports_are_taken_starts_without_one_are_named_and_the_rest_refused() -> None:
    found: list[OutputFile | RefusedOutput] = [
        Given(name="/r/2-b.json", data=b"second"),
        Given(name="/r/1-a.start", data=b"/usr/bin/python3"),
        Given(name="/r/2-b.start", data=b"/usr/bin/python3"),
        Given(name="/r/x.start", data=b"\xff"),
        Given(name="/r/1-a.part", data=b"half"),
        Given(name="/r/10-c.json", data=b"x" * 100),
        RefusedOutput(name="/r/link.json", reason="is a symbolic link"),
    ]
    reports, starts, faults = read_reports(found, Limits(hook_report=8))
    assert reports == (b"x" * 8, b"second")
    assert starts == ((0, "\\xff"), (1, "/usr/bin/python3"))
    assert faults == (("report link.json", "is a symbolic link"),)


def test_more_reports_than_the_limit_are_said() -> None:
    found = [Given(name=f"/r/{number}-a.json", data=b"{}") for number in range(5)]
    reports, _, faults = read_reports(found, Limits(observed_processes=3))
    assert len(reports) == 3
    assert "limit of 3" in faults[0][1]


def test_reports_have_one_budget_together() -> None:
    """A program can write as many as it likes, and each may be large."""
    found = [Given(name=f"/r/{number}-a.json", data=b"x" * 60) for number in range(5)]
    reports, _, faults = read_reports(found, Limits(retained_total=200))
    assert len(reports) == 3
    assert "retained_total (200" in faults[0][1]


def test_a_local_run_is_observed_and_does_the_same() -> None:
    program = (
        "import os, sys, time; print(sys.path[1:]); time.sleep(0.6); open('out.txt', 'w').write('1');"
        "assert os.environ['PYTHONPATH'].endswith(':beside')"
    )
    watch = observation()
    said = bytearray()
    runner = LocalRunner(limits=DEFAULT, environ=dict(os.environ), observation=watch)
    asked = make_plan(sys.executable, "-c", program, environment=(("PYTHONPATH", "beside"),), outputs=("**",))
    with runner.run(asked, said.extend) as finished:
        assert finished.outcome.exit_code == 0
        assert [file.name for file in finished.outputs()] == ["out.txt"]
    assert b"hook" not in said
    (report,) = documents(watch.sighting)
    (process,) = watch.sighting.processes
    assert (process.pid, process.started, process.executable) == (
        report["pid"],
        report["started"],
        report["executable"],
    )
    assert watch.sighting.sampled
    assert watch.sighting.starts == ()
    assert watch.sighting.workspace


def test_a_local_process_that_leaves_at_once_is_named() -> None:
    watch = observation()
    runner = LocalRunner(limits=DEFAULT, environ=dict(os.environ), observation=watch)
    with runner.run(make_plan(sys.executable, "-c", "import os; os._exit(0)"), lambda _: None):
        pass
    ((_, executable),) = watch.sighting.starts
    assert executable == os.path.realpath(sys.executable)


def test_an_engine_elsewhere_is_refused_before_anything_starts(tmp_path: Path) -> None:
    class Remote:
        base_url = "http://elsewhere"

    with pytest.raises(UsageFault) as raised:
        observation().hook_into(Remote(), make_plan("true"), str(tmp_path))  # type: ignore[arg-type]
    assert raised.value.code == "E_OBSERVE_REMOTE"


def run_observed(
    client: APIClient, asked: Plan
) -> tuple[Sighting, tuple[str, ...], tuple[str, ...], int | None]:
    watch = observation(LIMITS)
    runner = DockerRunner(client, limits=LIMITS, observation=watch)
    with runner.run(asked, lambda _: None) as finished:
        outputs = tuple(file.name for file in finished.outputs())
        changes = tuple(change.path for change in finished.changes())
        return watch.sighting, outputs, changes, finished.outcome.exit_code


@pytest.mark.docker
@pytest.mark.parametrize("user", ["", "65534:65534"])
def test_every_process_of_a_container_is_seen(user: str) -> None:
    program = (
        "import os, subprocess, sys, time\n"
        "subprocess.check_call([sys.executable, '-I', '-c', 'import time, _bz2; time.sleep(1)'])\n"
        "subprocess.check_call(['sleep', '1'])\n"
        "os.makedirs('/tmp/out'); open('/tmp/out/x', 'w').close()\n"
    )
    with connected() as client:
        asked = plan(
            inspect_image(client, SMALL),
            "python3",
            "-c",
            program,
            outputs=("/tmp/out", "/*/reports"),
            user=user,
        )
        sighting, outputs, changes, code = run_observed(client, asked)
    assert code == 0
    assert "/tmp/out/x" in outputs
    assert not [path for path in (*outputs, *changes) if "reprocheck" in path]
    (report,) = documents(sighting)
    assert report["ppid"] == 1
    assert report["children"] is True
    programs = [process.executable.rpartition("/")[2] for process in sighting.processes]
    assert programs.count("sleep") == 1
    assert programs.count("python3.11") == 2
    assert sighting.sampled
    isolated = [process for process in sighting.processes if process.pid != report["pid"]]
    assert any("_bz2" in file.path for process in isolated for file in process.files)


@pytest.mark.docker
def test_a_library_that_the_run_wrote_is_told_apart_and_read() -> None:
    program = (
        "import ctypes, shutil, time\n"
        "shutil.copy('/usr/lib/x86_64-linux-gnu/libz.so.1', '/opt/mine.so'); ctypes.CDLL('/opt/mine.so')\n"
        "time.sleep(1)\n"
    )
    with connected() as client:
        image = inspect_image(client, SMALL)
        sighting, _, changes, _ = run_observed(client, plan(image, "python3", "-c", program))
    assert sighting.written == ("/opt/mine.so",)
    assert dict(sighting.facts)["/opt/mine.so"].sha256
    assert "/opt/mine.so" in changes


@pytest.mark.docker
def test_links_and_rubbish_among_the_reports_are_refused() -> None:
    program = (
        "import os; place = os.environ['REPROCHECK_OBSERVE_DIR']\n"
        "os.symlink('/etc/passwd', place + '/1-a.json'); os.mkfifo(place + '/2-b.json')\n"
        "open(place + '/3-c.json', 'w').write('[1,2]')\n"
    )
    with connected() as client:
        sighting, _, _, code = run_observed(
            client, plan(inspect_image(client, SMALL), "python3", "-c", program)
        )
    assert code == 0
    assert len(sighting.reports) == 2
    assert sorted(what for what, _ in sighting.faults) == ["report 1-a.json", "report 2-b.json"]


@pytest.mark.docker
def test_a_running_container_is_probed_without_a_touch() -> None:
    with connected() as client:
        made = client.create_container(
            SMALL, command=["python3", "-c", "import bz2, time; time.sleep(60)"], use_config_proxy=False
        )
        try:
            client.start(made)
            facts = inspect_container(client, made["Id"])
            sighting = probe_container(
                client, facts.id, layers=facts.layers, mounts=(), read=read, limits=LIMITS
            )
            document = client.inspect_container(made)
        finally:
            client.remove_container(made, force=True, v=True)
    assert sighting.sampled
    assert [process.executable for process in sighting.processes] == ["/usr/bin/python3.11"]
    assert document["State"]["Status"] == "running"
    assert document["ExecIDs"] is None
