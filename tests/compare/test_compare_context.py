"""Code, data, models, job, loaded and edited files: no field of them differs without being told."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.base import Value, replace
from reprocheck.model.context import DataFile, DataSet, HubRepository, Job, Label, Repository, Submodule
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, ObservedProcess, StateFlag
from reprocheck.model.package import Framework, LoaderChoice, PathFile, Remnant, WheelFile
from tests.strategies import make_manifest, make_python, sha

COMMIT = "a" * 40
OTHER = "b" * 40

REPOSITORY = Repository(path=".", commit=COMMIT)
DATA = DataSet(name="digits", kind="directory", files=2, bytes=10, sha256=sha("1"))
HUB = HubRepository(
    hub="huggingface", kind="model", repository="org/net", revision=COMMIT, files_sha256=sha("1")
)
LIBRARY = LoadedLibrary(
    path="/opt/cudnn/libcudnn.so.9", kind="cudnn", sha256=sha("1"), build_id="01", owner="pkg:deb/x@1"
)
LOADED = Loaded(observer="hook", processes=(), libraries=(LIBRARY,))
FRAMEWORK = Framework(name="torch", version="2.3.0+cu121", location="/site", cuda="12.1")
CHOICE = LoaderChoice(soname="libcudnn.so.9", consumer="/c.so", path="/w/libcudnn.so.9", rule="runpath")
INTEGRITY = Integrity(checked=10, without_digest=2, faults=())

Row = tuple[str, str, str | None, str | None]


def rows(before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    delta = compare(make_manifest(**before), make_manifest(**after))
    assert delta.unknowns == ()
    return [(d.name, d.attribute, d.before, d.after) for d in delta.differences]


@pytest.mark.parametrize(
    ("section", "value", "field", "other"),
    [
        ("code", REPOSITORY, "commit", OTHER),
        ("code", REPOSITORY, "branch", "main"),
        ("code", REPOSITORY, "remote", "https://example.org/x.git"),
        ("code", REPOSITORY, "dirty", True),
        ("code", REPOSITORY, "untracked", 1),
        ("code", REPOSITORY, "lfs_pointers", ("w.bin",)),
        ("code", REPOSITORY, "submodules", (Submodule(path="s", recorded=COMMIT, checked_out=COMMIT),)),
        ("data", DATA, "sha256", sha("2")),
        ("data", DATA, "files", 3),
        ("data", DATA, "bytes", 11),
        ("data", DATA, "kind", "file"),
        ("hub", HUB, "revision", OTHER),
        ("hub", HUB, "files_sha256", sha("2")),
        ("hub", HUB, "incomplete", ("weights.bin",)),
        ("frameworks", FRAMEWORK, "version", "2.4"),
        ("frameworks", FRAMEWORK, "cuda", "12.4"),
        ("frameworks", FRAMEWORK, "hip", "6"),
        ("frameworks", FRAMEWORK, "cudnn", "9"),
        ("frameworks", FRAMEWORK, "git", COMMIT),
        ("frameworks", FRAMEWORK, "debug", True),
        ("frameworks", FRAMEWORK, "pins", ("nvidia-cudnn-cu12==9",)),
        ("loading", CHOICE, "path", "/opt/libcudnn.so.9"),
        ("loading", CHOICE, "rule", "LD_LIBRARY_PATH"),
        ("wheels", WheelFile(path="/x.whl", name="x", version="1"), "version", "2"),
        ("remnants", Remnant(path="/~x.dist-info", reason="old"), "reason", "empty"),
    ],
)
def test_each_field_that_differs_is_told(section: str, value: Value, field: str, other: object) -> None:
    after = replace(value, **{field: other})

    assert rows({section: (value,)}, {section: (after,)}) != []
    assert rows({section: (value,)}, {section: (value,)}) == []


@pytest.mark.parametrize("value", [REPOSITORY, DATA])
def test_what_only_one_side_was_asked_for_is_left_out_and_no_difference(value: Value) -> None:
    section = "code" if value is REPOSITORY else "data"
    delta = compare(make_manifest(**{section: (value,)}), make_manifest())

    assert delta.differences == () == delta.unknowns
    assert [(item.section, item.reason) for item in delta.left_out] == [
        (section, "only the first manifest has it")
    ]


def test_files_of_a_data_set_are_told_one_by_one_where_both_sides_list_them() -> None:
    one = replace(
        DATA,
        listing=(DataFile(path="a", size=1, sha256=sha("1")), DataFile(path="b", size=1, sha256=sha("1"))),
    )
    two = replace(one, sha256=sha("2"), listing=(one.listing[0], DataFile(path="b", size=1, sha256=sha("2"))))

    assert rows({"data": (one,)}, {"data": (two,)}) == [
        ("digits", "sha256", sha("1"), sha("2")),
        ("digits/b", "file", sha("1"), sha("2")),
    ]


def test_a_loaded_library_from_another_place_with_other_bytes_is_the_first_suspect() -> None:
    other = replace(LIBRARY, path="/w/libcudnn.so.9", sha256=sha("2"), build_id="02", owner="pkg:pypi/y@2")
    a, b = make_manifest(loaded=LOADED), make_manifest(loaded=replace(LOADED, libraries=(other,)))
    report = rank(compare(a, b), a, b)

    assert [(f.code, f.name, f.attribute) for f in report.findings] == [("PKG-341", "libcudnn", "sha256")]
    assert report.explained


def test_a_determinism_setting_inside_the_process_explains_a_result() -> None:
    flag = StateFlag(name="torch.backends.cuda.matmul.allow_tf32", value="False")
    a = make_manifest(loaded=replace(LOADED, state=(flag,)))
    b = make_manifest(loaded=replace(LOADED, state=(replace(flag, value="True"),)))
    finding = rank(compare(a, b), a, b).findings[0]

    assert (finding.code, finding.before, finding.after) == ("RUN-033", "False", "True")
    assert finding.fix == "set torch.backends.cuda.matmul.allow_tf32 to False at the program's start"


def test_a_module_that_came_from_another_distribution_is_told() -> None:
    module = ImportedModule(name="cv2", distribution="opencv-python", version="4.9")
    other = replace(module, distribution="opencv-python-headless")
    pair = [{"loaded": replace(LOADED, modules=(m,))} for m in (module, other)]

    assert rows(*pair) == [("cv2", "module", "opencv-python 4.9", "opencv-python-headless 4.9")]


def test_another_interpreter_is_told_and_what_was_sampled_by_chance_is_not() -> None:
    python = ObservedProcess(executable="/usr/bin/python3.11", python="3.11.2", seen="both")
    other = replace(python, executable="/opt/v/bin/python3.12", python="3.12.1")
    git = ObservedProcess(executable="/usr/bin/git", seen="maps")
    one, two, three = ((python,), (other,), (python, python, git))
    sides = [{"loaded": replace(LOADED, processes=processes)} for processes in (one, two, three)]

    assert rows(sides[0], sides[1]) == [
        ("python", "interpreters", "/usr/bin/python3.11 3.11.2", "/opt/v/bin/python3.12 3.12.1")
    ]
    assert rows(sides[0], sides[2]) == []
    reported = make_manifest(**sides[0]), make_manifest(**sides[1])
    assert [item.attribute for item in rank(compare(*reported), *reported).findings] == ["interpreters"]


def test_an_edited_file_is_told_by_its_path() -> None:
    fault = FileFault(
        kind="changed", path="/site/numpy/x.py", owners=("pkg:pypi/numpy@1",), actual="sha256:1"
    )
    found = rows({"integrity": INTEGRITY}, {"integrity": replace(INTEGRITY, faults=(fault,))})

    assert found == [("/site/numpy/x.py", "changed", "as packaged", "changed sha256:1 pkg:pypi/numpy@1")]


def test_a_file_that_no_package_installed_is_to_be_removed_and_not_reinstalled() -> None:
    fault = FileFault(kind="unowned", path="/site/numpy/zz.py")
    sides = [make_manifest(integrity=replace(INTEGRITY, faults=f)) for f in ((), (fault,))]
    (finding,) = rank(compare(*sides), *sides).findings

    assert (finding.before, finding.after) == (None, "unowned")
    assert finding.fix == "remove /site/numpy/zz.py"
    assert "no package installed it" in finding.why


def test_rank_and_world_size_can_change_results_and_a_job_id_cannot() -> None:
    a = make_manifest(
        job=Job(scheduler="slurm", id="1", world_size="8"), labels=(Label(name="site", value="x"),)
    )
    b = make_manifest(
        job=Job(scheduler="slurm", id="2", world_size="4"), labels=(Label(name="site", value="y"),)
    )

    assert [(f.name, f.code, f.effect) for f in rank(compare(a, b), a, b).findings] == [
        ("world_size", "RUN-034", "result"),
        ("id", "RUN-035", "none"),
        ("site", "RUN-035", "none"),
    ]


def test_a_path_file_that_executes_or_adds_is_told() -> None:
    hook = PathFile(path="/site/x.pth", executes=True)
    python = make_python()

    assert rows({"pythons": (python,)}, {"pythons": (replace(python, path_files=(hook,)),)}) == [
        (python.executable, "path_files", "", "x.pth (executes)")
    ]


def test_a_git_commit_gets_a_command_that_undoes_it() -> None:
    a, b = make_manifest(code=(REPOSITORY,)), make_manifest(code=(replace(REPOSITORY, commit=OTHER),))

    assert rank(compare(a, b), a, b).findings[0].fix == f"git checkout {COMMIT}"
