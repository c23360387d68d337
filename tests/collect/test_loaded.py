"""Reports and samples become one account of what was loaded; what neither saw is said."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe
from reprocheck.collect.hook_reports import parse_reports
from reprocheck.collect.loaded import describe_loaded, library_paths
from reprocheck.collect.secrets import REDACTOR
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import replace
from reprocheck.model.library import LibraryFacts
from reprocheck.model.loaded import Loaded
from reprocheck.model.run import Change
from reprocheck.model.sighting import MappedFile, SampledProcess, Sighting
from reprocheck.model.unknown import Unknown
from tests.collect.fakeview import Content, FakeView, Link, metadata

SITE = "/usr/local/lib/python3.11/dist-packages"
PYTHON = "/usr/bin/python3.11"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
CUDNN = f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"
OTHER = "/opt/cudnn/libcudnn.so.9"

FILES: dict[str, Content] = {
    "/lib": Link(target="usr/lib"),
    PYTHON: "",
    "/usr/bin/python3": Link(target="python3.11"),
    "/usr/lib/python3.11/os.py": "",
    LIBC: "libc",
    CUDNN: "cudnn 9.20",
    OTHER: "cudnn 9.23",
    f"{SITE}/nvidia_cudnn_cu12-9.20.0.48.dist-info/METADATA": metadata("nvidia-cudnn-cu12", "9.20.0.48"),
    f"{SITE}/nvidia_cudnn_cu12-9.20.0.48.dist-info/RECORD": "nvidia/cudnn/lib/libcudnn.so.9,,\n",
    f"{SITE}/scikit_learn-1.5.dist-info/METADATA": metadata("scikit-learn", "1.5"),
    f"{SITE}/scikit_learn-1.5.dist-info/RECORD": "sklearn/__init__.py,,\n",
    f"{SITE}/sklearn/__init__.py": "",
    "/usr/lib/python3/dist-packages/yaml/__init__.py": "",
    "/usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO": metadata("PyYAML", "6.0"),
    "/usr/lib/python3/dist-packages/six.py": "",
    "/usr/lib/python3/dist-packages/six-1.16.egg-info": metadata("six", "1.16"),
    "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "/var/lib/dpkg/status": "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n\n"
        for name, version in (("libc6", "2.36-9"), ("python3-yaml", "6.0-3"))
    ),
    "/var/lib/dpkg/info/libc6:amd64.list": "/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n",
    "/var/lib/dpkg/info/python3-yaml.list": (
        "/usr/lib/python3/dist-packages/yaml/__init__.py\n"
        "/usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO\n"
    ),
}


def report(**parts: object) -> bytes:
    document: dict[str, object] = {
        "hook": 1,
        "pid": 7,
        "ppid": 1,
        "started": 100,
        "executable": PYTHON,
        "python": "3.11.2",
        "children": False,
        "libraries": [[LIBC, "00:2a", 1, False, "ab" * 20], [PYTHON, "00:2a", 2, False, ""]],
        "modules": [],
        "standard": ["/usr/lib/python3.11"],
        "mounts": ["/"],
        "state": [],
        **parts,
    }
    return json.dumps(document).encode()


def sample(
    *paths: str, pid: int = 7, started: int = 100, executable: str = PYTHON, mount: str = "/"
) -> SampledProcess:
    files = tuple(MappedFile(path=path, mount=mount) for path in sorted(paths))
    return SampledProcess(pid=pid, started=started, executable=executable, files=files)


def seen(
    *reports: bytes, samples: tuple[SampledProcess, ...] = (), sampled: bool = True, **more: Any
) -> Sighting:
    return Sighting(
        hooked=True,
        reports=reports,
        processes=samples,
        sampled=sampled,
        unsampled="" if sampled else "no",
        **more,
    )


def described(
    sighting: Sighting, *, changes: tuple[Change, ...] = (), limits: Limits = DEFAULT
) -> tuple[Loaded, tuple[Unknown, ...]]:
    view = FakeView(FILES)
    return describe_loaded(sighting, view, observe(view, DEFAULT), changes=changes, limits=limits)


def test_report_and_sample_of_one_process_are_one() -> None:
    loaded, unknowns = described(seen(report(), samples=(sample(CUDNN, LIBC, PYTHON),)))
    assert unknowns == ()
    assert loaded.observer == "reprocheck hook 1 + /proc maps"
    (process,) = loaded.processes
    assert (process.executable, process.python, process.seen) == (PYTHON, "3.11.2", "both")
    assert [(item.path, item.processes) for item in loaded.libraries] == [(LIBC, 1), (CUDNN, 1)]
    assert loaded.libraries[0].build_id == "ab" * 20


def test_installed_and_loaded_may_differ_and_both_are_there_to_see() -> None:
    loaded, _ = described(seen(report(), samples=(sample(OTHER),)))
    (library,) = [item for item in loaded.libraries if item.kind == "cudnn"]
    assert (library.path, library.owner, library.origin) == (OTHER, "", "image")
    loaded, _ = described(seen(report(), samples=(sample(CUDNN),)))
    (library,) = [item for item in loaded.libraries if item.kind == "cudnn"]
    assert library.owner == "pkg:pypi/nvidia-cudnn-cu12@9.20.0.48"
    assert library.sha256


def test_a_deb_that_lists_lib_owns_what_lies_in_usr_lib() -> None:
    loaded, _ = described(seen(report()))
    (library,) = loaded.libraries
    assert library.owner.startswith("pkg:deb/debian/libc6@2.36-9")


def test_the_same_number_and_program_later_is_another_process() -> None:
    loaded, _ = described(seen(report(), samples=(sample(LIBC, started=101), sample(executable="/bin/sh"))))
    assert [(process.executable, process.seen, process.python) for process in loaded.processes] == [
        ("/bin/sh", "maps", ""),
        (PYTHON, "maps", "3.11"),
        (PYTHON, "hook", "3.11.2"),
    ]


def test_where_a_library_came_from() -> None:
    facts = LibraryFacts(soname="libcuda.so.1", build_id="cd", sha256="0" * 64)
    sighting = seen(
        report(libraries=[["/run/nvidia/libcuda.so.1", "0:1", 1, False, ""]], mounts=["/", "/run/nvidia"]),
        samples=(
            sample("/data/mine.so", pid=8, mount="/data"),
            sample("/opt/written.so", pid=9),
            sample("/opt/changed.so", pid=10),
            sample("/opt/folded/x.so", pid=11),
            sample("/nowhere.so", pid=12),
            sample("/dev/shm/made.so", pid=13, mount="/dev/shm"),
            sample("/tmp/made.so", pid=14, mount="/tmp"),
        ),
        mounts=("/data",),
        written=("/opt/written.so",),
        facts=(("/run/nvidia/libcuda.so.1", facts),),
    )
    changes = (
        Change(path="/opt/changed.so", kind="modified"),
        Change(path="/opt/folded/**", kind="added"),
    )
    loaded, _ = described(sighting, changes=changes)
    assert {item.path: item.origin for item in loaded.libraries} == {
        "/run/nvidia/libcuda.so.1": "host",
        "/data/mine.so": "mount",
        "/opt/written.so": "run",
        "/opt/changed.so": "run",
        "/opt/folded/x.so": "run",
        "/nowhere.so": "unknown",
        "/dev/shm/made.so": "run",
        "/tmp/made.so": "host",
    }
    (cuda,) = [item for item in loaded.libraries if item.origin == "host" and "cuda" in item.path]
    assert (cuda.soname, cuda.build_id, cuda.sha256) == ("libcuda.so.1", "cd", "0" * 64)


def test_modules_come_from_distributions_the_standard_library_and_the_run() -> None:
    modules = [
        ["json", "/usr/lib/python3.11/json/__init__.py", False],
        ["nvidia", f"{SITE}/nvidia", True],
        ["six", "/usr/lib/python3/dist-packages/six.py", False],
        ["sklearn", f"{SITE}/sklearn/__init__.py", False],
        ["train", "/app/train.py", False],
        ["yaml", "/usr/lib/python3/dist-packages/yaml/__init__.py", False],
    ]
    loaded, _ = described(seen(report(modules=modules), report(pid=8, modules=modules[:1])))
    assert [(m.name, m.distribution, m.version, m.path, m.processes) for m in loaded.modules] == [
        ("json", "", "", "", 2),
        ("nvidia", "", "", f"{SITE}/nvidia", 1),
        ("six", "six", "1.16", "/usr/lib/python3/dist-packages/six.py", 1),
        ("sklearn", "scikit-learn", "1.5", f"{SITE}/sklearn/__init__.py", 1),
        ("train", "", "", "/app/train.py", 1),
        ("yaml", "PyYAML", "6.0", "/usr/lib/python3/dist-packages/yaml/__init__.py", 1),
    ]


def test_settings_belong_to_their_process_whatever_the_order_of_reports() -> None:
    one = report(pid=7, state=[["torch.initial_seed", "1"], ["a", "x"]])
    two = report(pid=8, state=[["torch.initial_seed", "2"]])
    loaded, _ = described(seen(one, two))
    assert [(flag.process, flag.name, flag.value) for flag in loaded.state] == [
        (0, "a", "x"),
        (0, "torch.initial_seed", "1"),
        (1, "torch.initial_seed", "2"),
    ]
    swapped = [raw.replace(b'"pid": 7', b'"pid": 70') for raw in (two, one)]
    assert described(seen(*swapped))[0] == loaded


def test_a_workspace_of_chance_is_not_recorded() -> None:
    place = "/tmp/reprocheck-abc"
    sighting = seen(
        report(
            executable=f"{place}/venv/bin/python",
            libraries=[[f"{place}/fast.so", "0:1", 1, False, ""], [LIBC, "0:1", 1, False, ""]],
            modules=[["fast", f"{place}/fast.so", False]],
        ),
        workspace=(place,),
    )
    loaded, _ = described(sighting)
    assert [(item.path, item.origin) for item in loaded.libraries] == [(LIBC, "host"), ("fast.so", "run")]
    assert loaded.processes[0].executable == "venv/bin/python"
    assert loaded.modules[0].path == "fast.so"


def test_files_whose_name_is_gone_are_not_asked_for() -> None:
    gone = SampledProcess(
        pid=1,
        started=1,
        executable="/x",
        files=(MappedFile(path="/gone.so", gone=True), MappedFile(path="/a.so")),
    )
    assert library_paths(seen(samples=(gone,)), DEFAULT) == ("/a.so",)
    (library,) = [item for item in described(seen(samples=(gone,)))[0].libraries if item.path == "/gone.so"]
    assert library.origin == "unknown"


@pytest.mark.parametrize(
    ("sighting", "where"),
    [
        (seen(sampled=False), "processes"),
        (seen(report(children=True), sampled=False), "child processes"),
        (seen(report(children=None), sampled=False), "child processes"),
        (seen(report(ppid=9), sampled=False), "the program itself"),
        (seen(report(), starts=((9, PYTHON),)), PYTHON),
        (seen(report(), samples=(sample(pid=9, executable="/bin/sleep"),), starts=((9, PYTHON),)), PYTHON),
        (seen(report(), faults=(("report x", "is a symbolic link"),)), "report x"),
        (seen(report(failed=[["state", "OSError"]])), PYTHON),
        (seen(report(), b"{"), "a report of the hook"),
        (seen(report(), b'{"hook": 2}'), "a report of the hook"),
        (Sighting(hooked=False, unsampled="permission denied"), "processes"),
    ],
)
def test_what_was_missed_is_said(sighting: Sighting, where: str) -> None:
    _, unknowns = described(sighting)
    assert [(item.section, item.where) for item in unknowns] == [("loaded", where)]


@pytest.mark.parametrize(
    "sighting",
    [
        seen(report(), sampled=False),
        seen(report(children=True), samples=(sample(),)),
        seen(samples=(sample(pid=9),), starts=((9, PYTHON),)),
        seen(samples=(sample(executable="/bin/sh"),)),
        replace(seen(samples=(sample(),)), hooked=False),
    ],
)
def test_what_was_seen_by_either_is_no_unknown(sighting: Sighting) -> None:
    assert described(sighting)[1] == ()


def test_a_report_beyond_the_limit_is_one_unknown() -> None:
    _, unknowns = parse_reports((report(),), dataclasses.replace(DEFAULT, hook_report=10))
    assert "10" in unknowns[0].reason


def test_modules_beyond_the_limit_are_one_unknown() -> None:
    raw = report(modules=[[name, f"/app/{name}.py", False] for name in "abc"])
    assert parse_reports((raw,), dataclasses.replace(DEFAULT, observed_modules=3))[1] == ()
    reports, unknowns = parse_reports((raw,), dataclasses.replace(DEFAULT, observed_modules=2))
    assert [module.name for module in reports[0].modules] == ["a", "b"]
    assert "observed_modules (2)" in unknowns[0].reason


def test_a_process_that_reported_twice_counts_once() -> None:
    reports, _ = parse_reports((report(), report(modules=[["a", "/a", False]])), DEFAULT)
    (only,) = reports
    assert len(only.modules) == 1


def test_secrets_in_paths_and_settings_are_masked() -> None:
    secret = "a1B2c3D4e5F6g7H8i9J0"
    REDACTOR.register_variables((("API_TOKEN", secret),))
    path = f"/opt/{secret}/x.so"
    loaded, _ = described(
        seen(report(state=[["x", f"token {secret}"]], libraries=[[path, "", 0, False, ""]]))
    )
    assert secret not in repr(loaded)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("pid", "libraries", "modules", "state", "failed", "mounts", "standard", "executable", "children")


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
@settings(max_examples=50, deadline=None)
def test_no_report_can_raise(parts: dict[str, Any]) -> None:
    raw = report(**parts)
    first = described(seen(raw))
    assert first == described(seen(raw))


@given(st.binary(max_size=64))
@settings(max_examples=50, deadline=None)
def test_no_bytes_can_raise(raw: bytes) -> None:
    reports, unknowns = parse_reports((raw,), DEFAULT)
    assert (len(reports), len(unknowns)) == (0, 1)
