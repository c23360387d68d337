"""Environment, run, inputs, outputs, machine, image, libraries and interpreters."""

from __future__ import annotations

from typing import Any

from reprocheck.compare import compare
from reprocheck.model.host import Driver
from reprocheck.model.image import OperatingSystem, Source
from reprocheck.model.manifest import Digests, Observation
from reprocheck.model.package import NativeLibrary
from reprocheck.model.run import Change, IgnoredKey, Mount, Resources, Tolerance
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_cpu,
    make_gpu,
    make_host,
    make_image,
    make_input,
    make_manifest,
    make_output,
    make_python,
    make_run,
    make_variable,
    sha,
)

Row = tuple[str, str, str | None, str | None]


def rows(before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    delta = compare(make_manifest(**before), make_manifest(**after))
    return [(d.name, d.attribute, d.before, d.after) for d in delta.differences]


def open_ends(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    delta = compare(make_manifest(**before), make_manifest(**after))
    return [(u.section, u.where) for u in delta.unknowns]


def left_out(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    delta = compare(make_manifest(**before), make_manifest(**after))
    assert delta.unknowns == ()
    return [(u.section, u.where) for u in delta.left_out]


def test_source_and_observation_never_count() -> None:
    after = {
        "source": Source(kind="container", reference="x", reader="export", repo_digests=("a",)),
        "observation": Observation(tools=(), duration_ms=7, recorded_at="2026-01-01T00:00:00Z"),
    }
    assert rows({}, after) == []


def test_a_variable_differs_by_value_and_by_presence() -> None:
    one, two = make_variable("TZ", "UTC"), make_variable("TZ", "CET")
    assert rows({"environment": (one,)}, {"environment": (two,)}) == [("TZ", "value", "UTC", "CET")]
    assert rows({"environment": (one,)}, {"environment": ()}) == [("TZ", "presence", "UTC", None)]


def test_an_empty_value_is_not_an_absent_variable() -> None:
    assert rows({"environment": (make_variable("X", ""),)}, {"environment": ()}) == [
        ("X", "presence", "", None)
    ]


def test_hidden_values_are_never_compared_but_their_presence_is() -> None:
    secret = make_variable("TOKEN", None, state="secret")
    for other in (secret, make_variable("TOKEN", None), make_variable("TOKEN", "x")):
        before, after = {"environment": (secret,)}, {"environment": (other,)}
        assert rows(before, after) == []
        assert left_out(before, after) == [("environment", "TOKEN")]
    assert rows({"environment": (secret,)}, {"environment": ()}) == [("TOKEN", "presence", "(secret)", None)]


def test_a_secret_with_a_value_never_shows_it() -> None:
    leaked = make_variable("TOKEN", "hunter2", state="secret")
    delta = compare(make_manifest(environment=(leaked,)), make_manifest(environment=()))
    assert "hunter2" not in repr(delta)


def test_what_the_run_was_given_overrides_the_image() -> None:
    image, run = make_variable("X", "1", origin="image"), make_variable("X", "2")
    before, after = {"environment": (image, run)}, {"environment": (run, image)}
    assert rows(before, after) == []
    assert rows(before, {"environment": (image,)}) == [("X", "value", "2", "1")]


def test_the_same_value_from_another_origin_is_told() -> None:
    image, run = make_variable("X", "1", origin="image"), make_variable("X", "1")
    assert rows({"environment": (image,)}, {"environment": (run,)}) == [("X", "origin", "image", "run")]


def test_an_overridden_value_is_told() -> None:
    run = make_variable("X", "1")
    sides = [{"environment": (run, make_variable("X", v, origin="image"))} for v in "23"]
    assert rows(*sides) == [("X", "overridden", "image=2", "image=3")]


def test_inputs_differ_by_content_kind_and_presence() -> None:
    def run(*inputs: Any) -> dict[str, Any]:
        return {"run": make_run(inputs=inputs)}

    assert rows(run(make_input()), run(make_input(sha256=sha("9")))) == [
        ("/data", "sha256", sha("1"), sha("9"))
    ]
    assert rows(run(make_input()), run()) == [("/data", "presence", sha("1"), None)]
    assert rows(run(make_input()), run(make_input(writable=True))) == [("/data", "writable", "no", "yes")]


def test_an_input_that_was_not_hashed_is_not_compared() -> None:
    before: dict[str, Any] = {}
    after = {"run": make_run(inputs=(make_input(sha256=None, files=3),))}
    assert rows(before, after) == [("/data", "files", "2", "3")]
    assert open_ends(before, after) == [("inputs", "/data")]


def test_a_single_source_file_is_code() -> None:
    runs = [make_run(inputs=(make_input("/app/train.py", kind="file", sha256=sha(x)),)) for x in "12"]
    delta = compare(make_manifest(run=runs[0]), make_manifest(run=runs[1]))
    assert [d.section for d in delta.differences] == ["code"]


def test_every_part_of_the_run_counts() -> None:
    changed = make_run(
        argv=("python3", "/app/train.py", "--seed", "1 2"),
        working_dir="/x",
        user="1000",
        network="bridge",
        engine="local",
        resources=Resources(nano_cpus=10**9, memory_bytes=1, shm_bytes=2, gpus="all"),
        exit_code=1,
        oom_killed=True,
        timed_out=True,
        privileged_run=True,
        output_patterns=("/out", "/x"),
        ignore_outputs=("*.log",),
        ignore_keys=(IgnoredKey(file="m.json", key="/t"),),
        tolerance=Tolerance(rtol="1e-6"),
    )
    names = {name for name, *_ in rows({}, {"run": changed})}
    assert names == {
        "argv",
        "working_dir",
        "user",
        "network",
        "engine",
        "resources.nano_cpus",
        "resources.memory_bytes",
        "resources.shm_bytes",
        "resources.gpus",
        "exit_code",
        "oom_killed",
        "timed_out",
        "privileged_run",
        "output_patterns",
        "ignore_outputs",
        "ignore_keys",
        "tolerance",
    }


def test_arguments_that_quote_alike_but_split_differently_differ() -> None:
    sides = [{"run": make_run(argv=argv)} for argv in (("a", "b c"), ("a", "b", "c"))]
    assert rows(*sides) == [("argv", "value", "a 'b c'", "a b c")]


def test_a_withheld_argument_is_not_compared() -> None:
    run = {"run": make_run(argv=("x", "***"), withheld_arguments=(1,))}
    assert rows(run, run) == []
    assert left_out(run, run) == [("run", "argv[1]")]


def test_mounts_count_by_target() -> None:
    mount = Mount(target="/data", kind="bind", writable=True, role="unread")
    assert rows({}, {"run": make_run(mounts=(mount,))}) == [("/data", "mount", None, "bind writable unread")]


def test_files_written_after_start_count_but_volatile_ones_do_not() -> None:
    changes = (
        Change(path="/app/train.py", kind="modified"),
        Change(path="/root/.cache/x", kind="added", volatile=True),
    )
    run = {"run": make_run(changes=changes)}
    assert rows({}, run) == [("/app/train.py", "written", None, "modified")]
    assert rows(run, run) == []
    assert open_ends(run, run) == [("changes", "/app/train.py")]


def test_outputs_agree_by_content_before_bytes() -> None:
    def run(**fields: Any) -> dict[str, Any]:
        return {"run": make_run(outputs=(make_output(**fields),))}

    name = "/out/model.safetensors"
    content = f"sha256:{sha('3')}"
    assert rows(run(), run(sha256=sha("9"))) == [(name, "bytes", sha("2"), sha("9"))]
    assert rows(run(), run(sha256=sha("9"), content=f"sha256:{sha('8')}")) == [
        (name, "content", content, f"sha256:{sha('8')}")
    ]
    assert rows(run(content=None), run(content=None, sha256=sha("9"))) == [
        (name, "sha256", sha("2"), sha("9"))
    ]
    assert rows(run(content=None), run(content=None, size=7)) == [(name, "size", "100", "7")]
    assert rows(run(), {"run": make_run(outputs=())}) == [(name, "presence", sha("2"), None)]


def test_same_size_other_bytes_differ() -> None:
    """container-diff#339."""
    sides = [{"run": make_run(outputs=(make_output(content=None, sha256=sha(x)),))} for x in "45"]
    assert len(rows(*sides)) == 1


def test_swapped_outputs_differ_twice() -> None:
    one, two = make_output("/out/a", content=None), make_output("/out/b", content=None, sha256=sha("7"))
    swapped = (make_output("/out/a", content=None, sha256=sha("7")), make_output("/out/b", content=None))
    assert len(rows({"run": make_run(outputs=(one, two))}, {"run": make_run(outputs=swapped)})) == 2


def test_an_output_that_both_name_as_volatile_is_not_compared() -> None:
    def run(letter: str, *ignored: str) -> dict[str, Any]:
        output = make_output("/out/events.1", content=None, sha256=sha(letter))
        return {"run": make_run(outputs=(output,), ignore_outputs=ignored)}

    assert rows(run("1", "/out/events.*"), run("2", "/out/events.*")) == []
    assert left_out(run("1", "/out/events.*"), run("2", "/out/events.*")) == [("outputs", "/out/events.1")]
    assert [r[0] for r in rows(run("1"), run("2", "/out/events.*"))] == ["ignore_outputs", "/out/events.1"]


def test_a_section_that_one_side_lacks_is_not_compared() -> None:
    lacking = {"image": None, "os": None, "host": None, "run": None}
    assert rows({}, lacking) == []
    assert {section for section, _ in open_ends({}, lacking)} == set(lacking)
    assert open_ends(lacking, lacking) == []


def test_the_cpu_differs_by_what_one_side_has_alone() -> None:
    other = make_cpu(features=("avx", "avx2", "fma", "sve"), level="x86-64-v3", quota_millicpus=2000)
    assert rows({}, {"host": make_host(cpu=other)}) == [
        ("cpu.features", "value", "avx512f", "sve"),
        ("cpu.level", "value", "x86-64-v4", "x86-64-v3"),
        ("cpu.quota_millicpus", "value", None, "2000"),
    ]


def test_a_missing_gpu_counts_once_as_number_and_once_as_card() -> None:
    before = {"host": make_host(gpus=(make_gpu(), make_gpu(index=1)))}
    after = {"host": make_host(gpus=(make_gpu(compute_capability="9.0"),))}
    assert rows(before, after) == [
        ("gpus", "value", "2", "1"),
        ("gpus[0].compute_capability", "value", "8.0", "9.0"),
        ("gpus[1]", "value", "NVIDIA A100-SXM4-40GB", None),
    ]


def test_the_driver_differs_by_version_and_only_then_by_cuda() -> None:
    def host(version: str, cuda: str) -> dict[str, Any]:
        return {"host": make_host(driver=Driver(version=version, cuda_maximum=cuda))}

    assert rows(host("535.54", "12.2"), host("550.1", "12.4")) == [
        ("driver.version", "value", "535.54", "550.1")
    ]
    assert rows(host("535.54", "12.2"), host("535.54", "12.1")) == [
        ("driver.cuda_maximum", "value", "12.2", "12.1")
    ]
    assert rows({}, host("535.54", "")) == [("driver.version", "value", None, "535.54")]


def test_layers_are_one_difference_that_says_how_many_are_shared() -> None:
    (row,) = rows({}, {"image": make_image(diff_ids=(f"sha256:{sha('a')}", f"sha256:{sha('c')}"))})
    assert row[:2] == ("layers", "diff_ids")
    assert row[2] == f"2 layers: 1 shared, then sha256:{sha('b')}"
    assert row[3] == f"2 layers: 1 shared, then sha256:{sha('c')}"


def test_layers_in_another_order_differ() -> None:
    ids = make_image().diff_ids
    assert len(rows({}, {"image": make_image(diff_ids=ids[::-1])})) == 1


def test_the_images_configuration_and_platform_count() -> None:
    image = make_image(architecture="arm64", entrypoint=("x",), command=(), working_dir="/", user="1")
    assert {r[0] for r in rows({}, {"image": image})} == {
        "platform",
        "entrypoint",
        "command",
        "working_dir",
        "user",
    }


def test_the_pretty_name_counts_only_where_nothing_else_differs() -> None:
    def system(**fields: str) -> dict[str, Any]:
        return {"os": OperatingSystem(id="debian", **fields)}

    assert rows(system(name="A", version_id="12"), system(name="B", version_id="13")) == [
        ("version_id", "value", "12", "13")
    ]
    assert rows(system(name="A"), system(name="B")) == [("name", "value", "A", "B")]
    assert rows(system(libc="glibc 2.36"), system(libc="musl 1.2.4"))[0][0] == "libc"


def test_a_library_keeps_its_identity_over_a_new_soname() -> None:
    def with_library(**fields: Any) -> dict[str, Any]:
        library: dict[str, Any] = {"kind": "cudnn", "name": "libcudnn.so.8", "path": "/l/libcudnn.so.8"}
        return {"libraries": (NativeLibrary(**library | fields),)}

    assert rows(with_library(version="8.9"), with_library(version="9.1", name="libcudnn.so.9")) == [
        ("libcudnn.so.8", "name", "libcudnn.so.8", "libcudnn.so.9"),
        ("libcudnn.so.8", "version", "8.9", "9.1"),
    ]
    assert rows(with_library(owner="pkg:pypi/x@1"), with_library(owner="pkg:pypi/x@2")) == []
    assert [r[1] for r in rows(with_library(owner="pkg:pypi/x@1"), with_library(owner="pkg:pypi/y@1"))] == [
        "owner"
    ]


def test_a_library_in_a_renamed_environment_is_in_its_old_place() -> None:
    """The directory of the environment is told once, by the interpreter."""

    def side(home: str, folder: str = "lib") -> dict[str, Any]:
        path = f"{home}/{folder}/libopenblas.so"
        python = make_python(f"{home}/bin/python", prefix=home, kind="venv")
        return {
            "libraries": (NativeLibrary(kind="openblas", name="libopenblas.so", path=path),),
            "pythons": (make_python(), python),
        }

    assert {row[1] for row in rows(side("/a"), side("/b"))} == {"executable"}
    assert ("libopenblas.so", "path", "/a/lib/libopenblas.so", "/b/lib64/libopenblas.so") in rows(
        side("/a"), side("/b", "lib64")
    )
    assert [row[1] for row in rows(side("/a"), side("/a", "lib64"))] == ["path"]


def test_interpreters_are_matched_by_path_or_by_being_the_last_ones() -> None:
    assert rows({}, {"pythons": (make_python(version="3.11.9"),)}) == [
        ("/usr/bin/python3.11", "version", "3.11.2", "3.11.9")
    ]
    moved = make_python("/usr/bin/python3.12", version="3.12.1", prefix="/opt")
    assert {r[1] for r in rows({}, {"pythons": (moved,)})} == {"executable", "version"}
    assert rows({}, {"pythons": (make_python(), moved)}) == [
        ("/usr/bin/python3.12", "presence", None, "3.12.1")
    ]


def test_unknowns_of_one_side_say_which() -> None:
    unknown = Unknown(section="packages", where="/var/lib/rpm", reason="it is encrypted")
    both = compare(make_manifest(unknowns=(unknown,)), make_manifest(unknowns=(unknown,)))
    one = compare(make_manifest(unknowns=(unknown,)), make_manifest())
    assert both.unknowns == (unknown,)
    assert [u.reason for u in one.unknowns] == ["it is encrypted (first manifest)"]


def test_sealed_content_that_differs_unseen_is_told() -> None:
    zero = f"sha256:{sha('0')}"
    contents = [{"digests": Digests(content=f"sha256:{sha(x)}", manifest=zero)} for x in ("1", "2")]
    assert [r[0] for r in rows(*contents)] == ["content digest"]
    assert [r[0] for r in rows(contents[0], contents[1] | {"packages": ()})] == ["libc6", "numpy"]

    identities = [
        {"digests": Digests(content=zero, manifest=zero, identity=f"sha256:{sha(x)}")} for x in ("1", "2")
    ]
    assert [r[0] for r in rows(*identities)] == ["identity digest"]
    assert [r[0] for r in rows(identities[0], identities[1] | {"image": make_image(user="1")})] == ["user"]


def test_variables_that_an_unpacked_root_cannot_tell_are_not_absent() -> None:
    image = {"environment": (make_variable("LANG", "C.UTF-8", origin="image"),)}
    root = {"environment": (), "source": Source(kind="rootfs", reader="directory")}
    assert rows(image, root) == []
    assert ("environment", "the whole section") in open_ends(image, root)
    assert ("environment", "the whole section") in open_ends(root, image)
    assert open_ends(root, root) == []


def test_what_was_changed_in_a_container_is_told_against_its_image() -> None:
    """An image has no changes; where a run is recorded they are effects of its command."""
    changes = (
        Change(path="/app/train.py", kind="modified"),
        Change(path="/var/log/x", kind="added", volatile=True),
    )
    image = {"run": None}
    container = {"run": make_run(changes=changes)}
    assert rows(image, container) == [("/app/train.py", "written", None, "modified")]
    assert rows(container, image) == [("/app/train.py", "written", "modified", None)]
    assert open_ends(image, container) == [("run", "the whole section")]
    assert rows(image, {"run": make_run(changes=changes, fresh=True)}) == []
    assert rows({"run": None, "image": None}, container) == []
