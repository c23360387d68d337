"""`show` on a manifest: one screen, the surprising first, everything on request."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from reprocheck.model.base import replace
from reprocheck.model.context import (
    DataSet,
    HubFile,
    HubRepository,
    Job,
    Label,
    Repository,
    Submodule,
)
from reprocheck.model.host import Driver, NumaNode
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess, StateFlag
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import (
    Framework,
    LoaderChoice,
    NativeLibrary,
    Remnant,
    VersionClaim,
    WheelFile,
)
from reprocheck.render.manifest_text import render
from tests.strategies import make_cpu, make_gpu, make_host, make_manifest, make_run, manifests

A, B = "a" * 64, "b" * 64


def block(title: str, everything: bool = False, **fields: Any) -> str:
    """The lines under one title."""
    text = render(make_manifest(**fields), everything=everything)
    return text.partition(f"{title}\n")[2].partition("\n\n")[0]


def fault(number: int, kind: Any = "changed", **fields: Any) -> FileFault:
    return FileFault(kind=kind, path=f"/usr/bin/f{number}", owners=("pkg:deb/debian/x@1",), **fields)


def integrity(*faults: FileFault, **fields: Any) -> Integrity:
    return Integrity(checked=10, without_digest=2, faults=faults, **fields)


def test_no_fault_is_said_and_the_section_is_not_there_when_nothing_was_checked() -> None:
    assert "faults" in block("Integrity", integrity=integrity())
    assert "none" in block("Integrity", integrity=integrity())
    assert "Integrity" not in render(make_manifest())


def test_faults_are_counted_by_kind_and_the_first_are_named() -> None:
    faults = [fault(n) for n in range(7)] + [fault(8, "unowned"), fault(9, configuration=True)]
    text = block("Integrity", integrity=integrity(*faults))
    assert "8 files" in text
    assert "/usr/bin/f4 (pkg:deb/debian/x@1)" in text
    assert "/usr/bin/f5" not in text
    assert "… and 3 more (--all lists them)" in text
    assert "/usr/bin/f8" in text
    whole = block("Integrity", everything=True, integrity=integrity(*faults))
    assert "/usr/bin/f9 (configuration, pkg:deb/debian/x@1)" in whole
    assert "more" not in whole


def test_what_was_not_judged_is_said() -> None:
    text = block(
        "Integrity",
        integrity=integrity(
            left_out=3, places=("/v/site-packages",), packages_without_list=("pkg:pypi/bare@1",)
        ),
    )
    assert "3 listed paths not there" in text
    assert "only /v/site-packages" in text
    assert "pkg:pypi/bare@1" in text


def test_frameworks_and_disagreeing_versions_are_told() -> None:
    text = block(
        "Software",
        frameworks=(
            Framework(name="torch", version="2.13.0+cu130", location="/site", cuda="13.0", cudnn="9.20"),
        ),
        libraries=(
            NativeLibrary(
                kind="cudnn",
                name="libcudnn.so.9",
                path="/site/libcudnn.so.9",
                version="9.20.0",
                others=(VersionClaim(version="9.19", source="wheel"),),
            ),
        ),
    )
    assert "torch 2.13.0+cu130 (built for CUDA 13.0, cuDNN 9.20) /site" in text
    assert "cudnn 9.20.0 /site/libcudnn.so.9 (wheel says 9.19)" in text


def choice(consumer: str, **fields: Any) -> LoaderChoice:
    base: dict[str, Any] = {
        "soname": "libcudnn.so.9",
        "consumer": consumer,
        "path": "/opt/c",
        "rule": "runpath",
    }
    return LoaderChoice(**base | fields)


def test_only_choices_that_shadow_a_copy_are_named_and_the_rest_is_counted() -> None:
    text = block(
        "Software",
        loading=(
            choice("/a.so", rule="LD_LIBRARY_PATH", shadowed=("/site/c",)),
            choice("/b.so", rule="LD_LIBRARY_PATH", shadowed=("/site/c",)),
            choice("/c.so", soname="libm.so.6"),
            choice("/d.so", soname="libgone.so.1", path="", rule="none"),
        ),
    )
    assert "libcudnn.so.9 → /opt/c by LD_LIBRARY_PATH, before /site/c (for 2 libraries)" in text
    assert "libgone.so.1 → not found, wanted by /d.so" in text
    assert "libm" not in text
    assert "1 choice with one candidate only" in text


def test_what_lies_about_is_counted_and_listed_on_request() -> None:
    fields: dict[str, Any] = {
        "wheels": (WheelFile(path="/w/x-1-py3-none-any.whl", name="x", version="1"),),
        "remnants": (Remnant(path="/site/~umpy-1.dist-info", reason="is empty"),),
    }
    assert "1 wheel file and 1 remnant of a distribution, not installed" in block("Software", **fields)
    assert "/site/~umpy-1.dist-info: is empty" in render(make_manifest(**fields), everything=True)


def seen(*libraries: LoadedLibrary, **fields: Any) -> Loaded:
    process = ObservedProcess(executable="/usr/bin/python3.11", seen="both")
    return Loaded(
        **{"observer": "reprocheck hook 1", "processes": (process,), "libraries": libraries} | fields
    )


def test_a_loaded_library_that_is_not_the_installed_version_comes_first() -> None:
    installed = NativeLibrary(
        kind="cudnn",
        name="libcudnn.so.9",
        path="/site/libcudnn.so.9",
        version="9.20",
        soname="libcudnn.so.9",
        sha256=A,
    )
    plain = LoadedLibrary(path="/a/libgomp.so.1", kind="openmp")
    other = LoadedLibrary(
        path="/z/libcudnn.so.9", kind="cudnn", soname="libcudnn.so.9", sha256=B, origin="mount"
    )
    text = block("Loaded", libraries=(installed,), loaded=seen(plain, other))
    assert "cudnn /z/libcudnn.so.9 (from a mount) and not 9.20 at /site/libcudnn.so.9" in text
    assert text.index("/z/libcudnn") < text.index("/a/libgomp")


def test_an_equal_copy_elsewhere_is_no_surprise() -> None:
    installed = NativeLibrary(kind="cudnn", name="libcudnn.so.9", path="/site/libcudnn.so.9", sha256=A)
    copy = LoadedLibrary(path="/z/libcudnn.so.9", kind="cudnn", soname="libcudnn.so.9", sha256=A)
    assert "not" not in block("Loaded", libraries=(installed,), loaded=seen(copy))


def test_state_of_all_processes_and_all_modules_on_request() -> None:
    loaded = seen(
        modules=(ImportedModule(name="numpy", distribution="numpy", version="2.1"),),
        state=(
            StateFlag(name="torch.backends.cudnn.benchmark", value="False"),
            StateFlag(name="torch.backends.cudnn.benchmark", value="True", process=1),
            StateFlag(name="torch.backends.cudnn.enabled", value="True", process=1),
            StateFlag(name="sys.flags.optimize", value="0", process=1),
        ),
    )
    short = block("Loaded", loaded=loaded)
    told = "benchmark = False in 1 process and True in 1 process"
    assert f"state    torch.backends.cudnn.{told}, enabled = True\n" in short
    assert "sys.flags" not in short
    assert "… and 1 more" in short
    full = block("Loaded", everything=True, loaded=loaded)
    assert f"torch.backends.cudnn.{told}\n" in full
    assert "sys.flags.optimize = 0" in full
    assert "numpy  numpy 2.1" not in short
    assert "numpy  numpy 2.1" in block("Loaded", everything=True, loaded=loaded)


def test_the_state_of_a_program_that_a_shell_starts_is_shown() -> None:
    shell = ObservedProcess(executable="/usr/bin/dash", seen="maps")
    python = ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="both")
    flag = StateFlag(name="torch.initial_seed", value="3", process=1)
    text = block("Loaded", loaded=seen(processes=(shell, python), state=(flag,)))
    assert "torch.initial_seed = 3" in text
    assert "not reporting" not in text


def test_many_settings_of_one_module_go_on_in_another_row() -> None:
    flags = tuple(StateFlag(name=f"torch.setting_{n:02}", value="x" * 20) for n in range(12))
    text = block("Loaded", loaded=seen(state=flags))
    assert all(f"setting_{n:02} = {'x' * 20}" in text for n in range(12))
    assert text.count("state    torch.setting_") == 4
    assert max(map(len, text.splitlines())) < 170


def test_a_python_process_that_did_not_report_is_told_and_its_modules_are_not_counted_as_none() -> None:
    silent = ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="maps")
    text = block("Loaded", loaded=seen(processes=(silent,)))
    assert "0 libraries; modules were not looked at" in text
    assert "1 Python process not reporting: only libraries seen" in text


def test_a_container_that_still_runs_took_no_time_yet() -> None:
    manifest = make_manifest(run=make_run(exit_code=None))
    timed = replace(manifest, observation=replace(manifest.observation, duration_ms=0))
    assert "still running" in render(timed)
    assert "took" not in render(timed)


def test_a_nested_repository_that_the_outer_one_does_not_record_says_so() -> None:
    inner = Submodule(path="sub", recorded="", checked_out="b" * 40)
    text = block("Context", code=(Repository(path=".", commit="a" * 40, submodules=(inner,)),))
    assert "sub  not recorded, here bbbbbbbbbbbb" in text


def test_the_context_names_code_data_models_job_and_labels() -> None:
    text = block(
        "Context",
        labels=(Label(name="site", value="A"),),
        job=Job(scheduler="slurm", id="77", rank="1", world_size="4", node_rank="0", nodes="2"),
        code=(
            Repository(
                path=".",
                commit="c" * 40,
                branch="main",
                remote="https://example.org/r.git",
                dirty=True,
                patch_sha256=A,
                changed=("a.py", "b.py"),
                untracked=1,
                submodules=(Submodule(path="lib", recorded="d" * 40, checked_out=""),),
                lfs_pointers=("w.bin",),
            ),
        ),
        data=(DataSet(name="train", kind="directory", files=2, bytes=2000, sha256=A),),
        hub=(
            HubRepository(
                hub="huggingface",
                kind="model",
                repository="org/bert",
                revision="e" * 40,
                files=(HubFile(path="config.json", size=1, digest=f"sha256:{A}"),),
                incomplete=("model.bin",),
            ),
        ),
    )
    for words in (
        "site=A",
        "slurm 77, rank 1 of 4, node 0 of 2",
        "commit cccccccccccc, on main, dirty: 2 files changed, patch aaaaaaaaaaaa, 1 untracked file",
        "https://example.org/r.git",
        "lib  recorded dddddddddddd, here not checked out",
        "1 LFS file not fetched",
        "train  2 files, 2.0 kB, sha256 aaaaaaaaaaaa",
        "org/bert  revision eeeeeeeeeeee, 1 file, 1 incomplete",
    ):
        assert words in text
    assert "Context" not in render(make_manifest())


def test_the_machine_tells_limits_cores_and_both_driver_versions() -> None:
    host = make_host(
        cpu=make_cpu(cores=8, sockets=2, quota_millicpus=1500, microcode="0x2b"),
        memory_bytes=64_000_000_000,
        memory_limit_bytes=8_000_000_000,
        name="node07",
        virtualization="kvm",
        numa=(NumaNode(index=0, cpus="0-7"), NumaNode(index=1, cpus="8-15")),
        gpus=(make_gpu(persistence="enabled", mig="enabled: 2 x (14 SM, 19968 MiB)"),),
        driver=Driver(
            version="565.77",
            cuda_maximum="12.7",
            user_mode="580.65.06",
            others=(VersionClaim(version="580.65.06", source="libnvidia-ml"),),
        ),
    )
    text = block("Machine", host=host)
    for words in (
        "node07",
        "8 cores on 2 sockets, limited to 1.5",
        "microcode 0x2b",
        "64.0 GB, of which the cgroup allows 8.0 GB",
        "2 nodes",
        "kvm",
        "MIG enabled: 2 x (14 SM, 19968 MiB)",
        "persistence enabled",
        "565.77, supports CUDA up to 12.7",
        "its user-mode library is 580.65.06",
        "libnvidia-ml says 580.65.06",
    ):
        assert words in text
    assert "node 1: CPUs 8-15" in block("Machine", everything=True, host=host)


@settings(max_examples=40, deadline=None)
@given(manifests())
def test_every_manifest_can_be_shown_and_shows_the_same_twice(manifest: Manifest) -> None:
    for everything in (False, True):
        text = render(manifest, everything=everything)
        assert text == render(manifest, everything=everything)
        assert "\x1b" not in text
