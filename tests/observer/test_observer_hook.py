"""The hook in real Pythons: it reports, and the program cannot tell that it was there."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reprocheck.engine.hook import write_hook
from tests.observer.interpreters import interpreters, modern

LOOK = """
import sys, os, signal, threading
skip = {"atexit"}
print(sys.path, sys.flags, sorted(sys.path_importer_cache), [type(f).__name__ for f in sys.meta_path])
print(sorted(set(sys.modules) - skip), "sitecustomize" in sys.modules)
print(threading.active_count(), [signal.getsignal(s) for s in (2, 15)], os.getcwd())
print(len(os.listdir("/proc/self/fd")))
import random
random.seed(1); print(random.random(), hash("a"))
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One interpreter, a working directory, and a directory for reports."""

    python: str
    version: str
    directory: Path
    reports: Path
    hook: str
    """The directory that holds the hook and nothing else."""
    variables: dict[str, str] = field(default_factory=dict)

    def run(
        self, code: str, *flags: str, hooked: bool = True, more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the code as a script, with the hook or as if there were none."""
        script = self.directory / "script.py"
        script.write_text(code, encoding="utf-8")
        path = [self.hook] * hooked + [str(self.directory / "beside")]
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ":".join(path),
            **({"REPROCHECK_OBSERVE_DIR": str(self.reports)} if hooked else {}),
            **(more or {}),
        }
        return subprocess.run(
            [self.python, *flags, str(script)],
            cwd=self.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def both(self, code: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run without and with the hook, prove that nobody can tell, and return the latter."""
        plain, hooked = self.run(code, *flags, hooked=False), self.run(code, *flags)
        assert (plain.returncode, plain.stdout, plain.stderr) == (
            hooked.returncode,
            hooked.stdout,
            hooked.stderr,
        )
        return hooked

    def shadow(self, code: str) -> None:
        """Give the target a sitecustomize of its own."""
        (self.directory / "beside/sitecustomize.py").write_text(code, encoding="utf-8")

    def seen(self) -> list[dict[str, Any]]:
        """The reports so far, by process number."""
        found = [json.loads(path.read_text("ascii")) for path in self.reports.glob("*.json")]
        return sorted(found, key=lambda report: int(report["pid"]))


def bench_for(version: str, tmp_path: Path) -> Bench:
    for name in ("work", "work/beside", "reports"):
        (tmp_path / name).mkdir()
    return Bench(
        python=interpreters()[version],
        version=version,
        directory=tmp_path / "work",
        reports=tmp_path / "reports",
        hook=write_hook(str(tmp_path)),
    )


@pytest.fixture(params=modern())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return bench_for(request.param, tmp_path)


def test_a_program_finds_its_interpreter_as_it_would_be_without_the_hook(bench: Bench) -> None:
    look = LOOK
    if bench.version == "3.6":  # there the hook waits on sys.meta_path for multiprocessing
        look = look.replace(
            "for f in sys.meta_path", "for f in sys.meta_path if type(f).__name__ != '_Watch'"
        )
    assert bench.both(look).returncode == 0


def test_it_reports_what_was_loaded(bench: Bench) -> None:
    bench.both("import decimal, json\nimport xml.dom\n")
    (report,) = bench.seen()
    assert report["hook"] == 1
    assert report["python"].startswith(f"{bench.version}.")
    assert report["executable"] == os.path.realpath(bench.python)
    assert "failed" not in report
    names = [name for name, _, _ in report["modules"]]
    assert names == sorted(names)
    assert {"json", "decimal", "xml"} <= set(names)
    assert not {"xml.dom", "__main__", "sitecustomize", "ctypes"} & set(names)
    libraries = {path: build for path, _, _, _, build in report["libraries"]}
    libc = [path for path in libraries if "/libc.so" in path or "/libc-" in path or "ld-musl" in path]
    assert libc
    assert all(len(libraries[path]) >= 16 for path in libc)
    assert ["sys.flags.hash_randomization", "0"] in report["state"]
    assert [path.suffix for path in sorted(bench.reports.iterdir())] == [".json", ".start"]


def test_it_reads_the_state_of_modules_that_are_there_and_imports_none(bench: Bench) -> None:
    (bench.directory / "torch.py").write_text(
        "__version__ = '9.9'\n"
        "def are_deterministic_algorithms_enabled(): return True\n"
        "def initial_seed(): return 2**63\n"
        "def get_num_threads(): raise RuntimeError('no')\n"
        "def get_default_dtype():\n"
        "    import warnings; warnings.warn('never shown'); return 'torch.float32'\n",
        encoding="utf-8",
    )
    bench.both("import torch\n")
    bench.both("pass\n")
    first, second = bench.seen()
    flags = {name: value for name, value in first["state"] if name.startswith("torch")}
    assert flags == {
        "torch.version": "9.9",
        "torch.are_deterministic_algorithms_enabled": "True",
        "torch.initial_seed": str(2**63),
        "torch.get_default_dtype": "torch.float32",
    }
    assert not [name for name, _ in second["state"] if name.startswith("torch")]


@pytest.mark.parametrize(
    "real",
    [
        "import sys; sys.path.append('/added'); MARK = 1",
        "raise ValueError('broken')",
        "import nothing_of_that_name",
        "raise ImportError('plain')",
        "import atexit; atexit.register(print, 'the end')",
    ],
)
def test_a_shadowed_sitecustomize_runs_as_if_nothing_stood_before_it(bench: Bench, real: str) -> None:
    bench.shadow(real)
    bench.both(
        "import sys; m = sys.modules.get('sitecustomize')\n"
        "print(m is not None and (m.__file__, m.__name__, m.__spec__.name, vars(m).get('MARK')), sys.path)\n"
        "import importlib\n"
        "try:\n    print(importlib.reload(m).__file__)\n"
        "except Exception as error:\n    print(type(error), error)\n"
    )


def test_a_shadowed_one_that_ends_the_start_ends_it_the_same_way(bench: Bench) -> None:
    """Of the traceback only: the import now stands in one more frame."""
    bench.shadow("raise SystemExit(5)")
    plain, hooked = bench.run("pass\n", hooked=False), bench.run("pass\n")
    assert plain.returncode == hooked.returncode
    assert plain.stderr.splitlines()[-1:] == hooked.stderr.splitlines()[-1:]


def test_a_shadowed_package_is_found_too(bench: Bench) -> None:
    (bench.directory / "beside/sitecustomize").mkdir()
    (bench.directory / "beside/sitecustomize/__init__.py").write_text("print('package')", encoding="utf-8")
    done = bench.both("import sitecustomize; print(sitecustomize.__path__)\n")
    assert done.stdout.startswith("package\n")
    assert len(bench.seen()) == 1


def test_what_the_program_says_of_its_end_stays(bench: Bench) -> None:
    assert bench.both("import sys; sys.exit(3)\n").returncode == 3
    assert "ZeroDivisionError" in bench.both("1 / 0\n").stderr
    done = bench.both(
        "import atexit\n"
        "class Bad:\n"
        "    def __call__(self): 1 / 0\n"
        "    def __repr__(self): return 'bad'\n"
        "atexit.register(Bad()); atexit.register(print, 'bye')\n"
    )
    assert "ZeroDivisionError" in done.stderr
    assert len(bench.seen()) == 3


def test_it_sees_what_the_programs_own_exit_functions_still_import(bench: Bench) -> None:
    bench.both("import atexit\natexit.register(lambda: __import__('colorsys'))\n")
    (report,) = bench.seen()
    assert "colorsys" in [name for name, _, _ in report["modules"]]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_report(bench: Bench, method: str) -> None:
    done = bench.both(
        "import multiprocessing as mp\n"
        "def work(n):\n    import colorsys\n    return n * n\n"
        "if __name__ == '__main__':\n"
        f"    context = mp.get_context('{method}')\n"
        "    pool = context.Pool(2)\n"
        "    print(pool.map(work, range(4)))\n"
        "    pool.close(); pool.join()\n"
        "    one = context.Process(target=work, args=(1,)); one.start(); one.join(); print(one.exitcode)\n"
    )
    assert done.stdout == "[0, 1, 4, 9]\n0\n"
    reports = bench.seen()
    workers = [r for r in reports if "colorsys" in [name for name, _, _ in r["modules"]]]
    assert len(workers) >= 2  # one worker of the pool may have got all the work
    assert len(reports) >= 4
    assert any(r["children"] for r in reports)


def test_a_forked_child_reports_under_its_own_number(bench: Bench) -> None:
    done = bench.both(
        "import os, sys\n"
        "child = os.fork()\n"
        "if child == 0:\n    sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "other = os.fork()\n"
        "if other == 0:\n    os._exit(0)\n"
        "os.waitpid(other, 0)\n"
    )
    assert done.returncode == 0
    first, second = bench.seen()
    assert {first["ppid"], second["ppid"]} & {first["pid"], second["pid"]}
    assert len(list(bench.reports.glob("*.start"))) == 1


def test_children_inherit_it_unless_they_are_isolated(bench: Bench) -> None:
    bench.run(
        "import subprocess, sys\n"
        "for flags in ([], ['-I'], ['-S'], ['-E']):\n"
        "    subprocess.check_call([sys.executable, *flags, '-c', 'pass'])\n"
    )
    assert len(bench.seen()) == 2


def test_a_process_that_leaves_at_once_leaves_its_start(bench: Bench) -> None:
    bench.both("import os; os._exit(4)\n")
    assert not bench.seen()
    (start,) = bench.reports.iterdir()
    assert start.suffix == ".start"
    assert start.read_text() == os.path.realpath(bench.python)


def test_threads_that_still_run_do_no_harm(bench: Bench) -> None:
    bench.both(
        "import threading, time\n"
        "def spin():\n    while True: time.sleep(0.001)\n"
        "threading.Thread(target=spin, daemon=True).start()\n"
    )
    assert len(bench.seen()) == 1


@pytest.mark.parametrize("place", ["missing", "a file", "relative", ""])
def test_a_place_that_cannot_be_written_is_passed_over_in_silence(bench: Bench, place: str) -> None:
    (bench.directory / "file").write_text("", encoding="utf-8")
    target = {"missing": str(bench.directory / "missing"), "a file": str(bench.directory / "file")}.get(
        place, place
    )
    plain = bench.run(LOOK.replace("[type(f)", "0 and [type(f)"), hooked=False)
    hooked = bench.run(LOOK.replace("[type(f)", "0 and [type(f)"), more={"REPROCHECK_OBSERVE_DIR": target})
    assert (plain.returncode, plain.stdout, plain.stderr) == (0, hooked.stdout, hooked.stderr)


def test_strange_modules_are_passed_over_and_huge_numbers_bounded(bench: Bench) -> None:
    bench.both(
        "import sys, types\n"
        "class Trap(types.ModuleType):\n"
        "    def __getattribute__(self, name):\n        print('touched', name); raise RuntimeError\n"
        "sys.modules['trap'] = Trap('trap')\n"
        "sys.modules['nothing'] = None\n"
        "sys.modules['number'] = 7\n"
        "sys.modules['bad'] = types.ModuleType('bad')\n"
        "sys.modules['bad'].__file__ = 'x\\udc80\"\\u20ac\\U0001f600'\n"
        "for number in range(60000):\n"
        "    m = types.ModuleType('m'); m.__file__ = '/m.py'; sys.modules['zz%d' % number] = m\n"
    )
    (report,) = bench.seen()
    assert len(report["modules"]) == 50_000
    assert ["bad", 'x\\x80"\u20ac\U0001f600', False] in report["modules"]


def test_members_of_a_namespace_package_are_named(bench: Bench) -> None:
    (bench.directory / "wide/deep").mkdir(parents=True)
    (bench.directory / "wide/deep/part.py").write_text("", encoding="utf-8")
    bench.both("import wide.deep.part\n")
    (report,) = bench.seen()
    modules = {name: (path, namespace) for name, path, namespace in report["modules"]}
    assert modules["wide"] == (str(bench.directory / "wide"), True)
    assert modules["wide.deep.part"] == (str(bench.directory / "wide/deep/part.py"), False)


def test_what_the_program_replaces_does_not_reach_the_report(bench: Bench) -> None:
    bench.both(
        "import builtins, os\n"
        "def no(*a, **k): raise OSError('closed')\n"
        "builtins.open = os.open = os.rename = os.listdir = no\n"
        "os.getpid = lambda: 1\n"
    )
    (report,) = bench.seen()
    assert report["pid"] > 1


@pytest.mark.parametrize("version", ["2.7", *modern()][("2.7" not in interpreters()) :][:2])
def test_where_it_does_not_work_it_sleeps(version: str, tmp_path: Path) -> None:
    """On Python 2, and without a place for reports."""
    bench = bench_for(version, tmp_path)
    more = {} if version == "2.7" else {"REPROCHECK_OBSERVE_DIR": ""}
    for code in (
        "import sys; print(sys.path, sorted(sys.modules))\n",
        "import sitecustomize as real; print(real.MARK, real.__file__)\n",
    ):
        plain, hooked = bench.run(code, hooked=False), bench.run(code, more=more)
        assert (plain.returncode, plain.stdout, plain.stderr) == (0, hooked.stdout, hooked.stderr)
        bench.shadow("MARK = 1")
    assert not list(bench.reports.iterdir())
