"""Plain processes: what goes in, what comes out, and that nothing stays."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reprocheck.engine.local_runner import LocalRunner
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import DEFAULT
from reprocheck.ports import Outcome, Plan, PlannedMount, RefusedOutput
from tests.engine.plans import make_plan


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR of the test's own, which must be empty again at its end."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


def plan(*argv: str, **changed: Any) -> Plan:
    return make_plan(*argv, **{"pids": 1024, "seconds": 30, **changed})


def python(source: str, **changed: Any) -> Plan:
    return plan(sys.executable, "-I", "-c", source, **changed)


def run(what: Plan, **environ: str) -> tuple[Outcome, list[tuple[str, bytes]], bytes]:
    log = bytearray()
    runner = LocalRunner(limits=DEFAULT, environ={"PATH": os.environ["PATH"], **environ})
    with runner.run(what, log.extend) as finished:
        files = []
        for output in finished.outputs():
            if isinstance(output, RefusedOutput):
                files.append((output.name, b"refused"))
            else:
                with output.open() as file:
                    files.append((output.name, file.read()))
        assert finished.changes() == ()
        return finished.outcome, files, bytes(log)


def alive(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_inputs_are_copied_in_and_outputs_read_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "x.txt").write_text("21")
    script = tmp_path / "train.py"
    script.write_text("import pathlib; pathlib.Path('out').mkdir()\n"
                      "n = int(open('in/deep/x.txt').read())\n"
                      "open('in/deep/x.txt', 'w').write('spoiled')\n"
                      "open('out/result', 'w').write(str(2 * n)); print('done')\n")  # fmt: skip
    mounts = (
        PlannedMount(source=str(script), target="train.py"),
        PlannedMount(source=str(data), target="in"),
    )
    outcome, files, log = run(plan(sys.executable, "train.py", outputs=("out",), mounts=mounts))
    assert (outcome.exit_code, outcome.timed_out, log) == (0, False, b"done\n")
    assert files == [("out/result", b"42")]
    assert (data / "deep" / "x.txt").read_text() == "21"


def test_a_mount_inside_another_works_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "inner").write_text("inner")
    mounts = (
        PlannedMount(source=str(tmp_path / "inner"), target="d/inner"),
        PlannedMount(source=str(tmp_path / "outer"), target="d"),
    )
    _, _, log = run(plan("cat", "d/inner", mounts=mounts))
    assert log == b"inner"


def test_the_environment_is_the_given_one_with_the_plan_on_top() -> None:
    _, _, log = run(
        python("import os; print(os.environ['A'], os.environ['B'], 'HOME' in os.environ)",
               environment=(("B", "plan"),)), A="runner", B="runner",
    )  # fmt: skip
    assert log == b"runner plan False\n"


def test_the_working_directory_lies_in_the_workspace() -> None:
    outcome, files, _ = run(plan("sh", "-c", "echo x > f", working_dir="a/b", outputs=("**/f",)))
    assert (outcome.exit_code, files) == (0, [("a/b/f", b"x\n")])


def test_declared_directories_are_there_before_the_start() -> None:
    outcome, _, _ = run(plan("test", "-d", "out/deep", directories=("out/deep",)))
    assert outcome.exit_code == 0


def test_both_streams_reach_the_sink_and_the_tail() -> None:
    outcome, _, log = run(plan("sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (outcome.exit_code, log, outcome.log_tail) == (3, b"out\nerr\n", "out\nerr\n")


def test_the_tail_starts_with_a_whole_line_and_is_always_text() -> None:
    outcome, _, log = run(python("import os\nfor n in range(9000): os.write(1, b'line %d \\xff\\n' % n)"))
    assert log.count(b"\n") == 9000
    assert outcome.log_tail.startswith("line ")
    assert outcome.log_tail.endswith("line 8999 \ufffd\n")


def test_a_signal_is_told_as_a_shell_would() -> None:
    assert run(plan("sh", "-c", "kill -9 $$"))[0].exit_code == 137


def test_a_time_out_ends_the_run_without_a_result() -> None:
    outcome, files, log = run(plan("sh", "-c", "echo begun | tee f; sleep 600", outputs=("f",), seconds=1))
    assert (outcome.exit_code, outcome.timed_out, log) == (None, True, b"begun\n")
    assert files == [("f", b"begun\n")]
    assert 1000 <= outcome.duration_ms < 20_000


def test_background_processes_end_with_the_program() -> None:
    _, _, log = run(plan("sh", "-c", "sleep 600 & echo $!"))
    assert not alive(int(log))


@pytest.mark.parametrize("argv", [("no-such-program",), ("./train.sh",), ("/",), ("sh\0",)])
def test_a_command_that_is_not_there(argv: tuple[str, ...]) -> None:
    with pytest.raises(CouldNotRun) as caught:
        run(plan(*argv))
    assert caught.value.code == "E_COMMAND_NOT_FOUND"


@pytest.mark.parametrize("path", ["/data", "../x", "a/../../x", "a\0b", "link/x"])
def test_a_target_outside_the_workspace_starts_nothing(tmp_path: Path, path: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").symlink_to("/")
    mounts = (
        PlannedMount(source=str(tmp_path / "in"), target="a"),
        PlannedMount(source=str(tmp_path / "in"), target=path.replace("link", "a/f")),
    )
    with pytest.raises(UsageFault) as caught:
        run(plan("touch", str(tmp_path / "started"), mounts=mounts))
    assert caught.value.code == "E_LOCAL_PATH"
    assert not (tmp_path / "started").exists()


def test_a_working_directory_outside_the_workspace_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageFault):
        run(plan("touch", str(tmp_path / "started"), working_dir="/"))
    assert not (tmp_path / "started").exists()


def test_links_and_pipes_among_the_outputs_are_refused_not_followed() -> None:
    _, files, _ = run(
        plan("sh", "-c", "mkdir o; ln -s /etc/passwd o/link; mkfifo o/pipe; echo 1 > o/plain", outputs=("o",))
    )
    assert files == [("o/link", b"refused"), ("o/pipe", b"refused"), ("o/plain", b"1\n")]


def test_temporary_files_of_the_program_are_gone(tmp_path: Path) -> None:
    _, files, log = run(
        python("import tempfile; print(tempfile.mkstemp()[1])", outputs=("**",)), TMPDIR=str(tmp_path)
    )
    assert files == []
    assert not Path(log.decode().strip()).exists()


def test_ctrl_c_leaves_no_process_and_no_directory(tmp_path: Path) -> None:
    def press() -> None:
        stop = time.monotonic() + 10
        while not (tmp_path / "pid").exists() and time.monotonic() < stop:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    script = f"echo $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 600"
    with pytest.raises(KeyboardInterrupt):
        run(plan("sh", "-c", script))
    thread.join()
    assert not alive(int((tmp_path / "pid").read_text()))


def test_an_error_while_the_outputs_are_read_leaves_nothing_either() -> None:
    runner = LocalRunner(limits=DEFAULT, environ={"PATH": os.environ["PATH"]})
    with pytest.raises(ZeroDivisionError), runner.run(plan("true"), lambda _: None):
        raise ZeroDivisionError
