"""Code, data and names around a run, on a real disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from reprocheck.api.context import ContextOptions, gather, machine_name, name_host
from reprocheck.api.data import DataRequest, listing_document, see_data
from reprocheck.api.naming import expand_name
from reprocheck.api.outside import Outside
from reprocheck.engine.inputs import hash_input
from reprocheck.errors import InputFault, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.host import Cpu, Host


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory with a repository `one`, another `two`, and data."""
    for name in ("one", "two"):
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "src/train.py").write_text("x")
        git(tmp_path / name, "init", "-q")
    (tmp_path / "data/sub").mkdir(parents=True)
    for index in range(3):
        (tmp_path / f"data/sub/{index}.csv").write_text(str(index))
    (tmp_path / "data/link").symlink_to("/etc/passwd")
    return tmp_path


def git(directory: Path, *arguments: str) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    subprocess.run(["git", *arguments], cwd=directory, env=variables, check=True, capture_output=True)


def outside(place: Path, *, limits: Limits = DEFAULT) -> Outside:
    variables = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    return Outside(environ=variables, home="/nowhere", directory=str(place), limits=limits)


def paths(
    place: Path, options: ContextOptions, *, here: bool, inputs: tuple[tuple[str, str], ...] = ()
) -> list[str]:
    return [item.path for item in gather(options, outside(place), here=here, inputs=inputs).code]


def test_the_repository_of_the_working_directory(place: Path) -> None:
    assert paths(place / "one/src", ContextOptions(), here=True) == ["."]
    assert paths(place / "one/src", ContextOptions(), here=False) == []
    assert paths(place / "one", ContextOptions(no_code=True), here=True) == []
    assert paths(place, ContextOptions(), here=True) == []


def test_the_repositories_of_inputs_each_once(place: Path) -> None:
    inputs = (("two/src/train.py", "/b"), ("one/src", "/app"), ("one", "/z"), ("data", "/data"))
    assert paths(place, ContextOptions(), here=True, inputs=inputs) == ["/app", "/b"]
    assert paths(place, ContextOptions(no_code=True), here=True, inputs=inputs) == []
    here = (("src", "/app"),)
    assert paths(place / "one", ContextOptions(), here=True, inputs=here) == ["."]


def test_named_repositories_say_no_path_of_this_machine(place: Path) -> None:
    options = ContextOptions(code=("one/src", str(place / "two")))
    assert paths(place, options, here=False) == ["one/src", "two"]
    assert paths(place / "one", ContextOptions(code=("../two",), no_code=True), here=True) == ["two"]


@pytest.mark.parametrize("directory", ["data", "nowhere", "one/src/train.py", "a\0b"])
def test_a_named_directory_must_hold_a_repository(place: Path, directory: str) -> None:
    with pytest.raises(UsageFault) as caught:
        gather(ContextOptions(code=(directory,)), outside(place), here=False)
    assert caught.value.code == "E_CODE"


def test_data_is_listed_and_has_the_digest_of_an_input(place: Path) -> None:
    request = DataRequest.parse("train=data")
    (found,), notes = see_data((request,), outside(place), None)
    assert (found.name, found.kind, found.files, found.bytes, notes) == ("train", "directory", 3, 3, ())
    assert found.sha256 == hash_input(str(place / "data"), "/x", limits=DEFAULT).sha256
    assert [file.path for file in found.listing] == ["sub/0.csv", "sub/1.csv", "sub/2.csv"]
    assert found.listing[0].sha256 == hashlib.sha256(b"0").hexdigest()


def test_a_link_is_followed_and_a_file_has_its_own_digest(place: Path) -> None:
    (place / "latest").symlink_to("data/sub/1.csv")
    (found,), _ = see_data((DataRequest.parse("latest"),), outside(place), None)
    assert (found.name, found.kind, found.files, found.listing) == ("latest", "file", 1, ())
    assert found.sha256 == hashlib.sha256(b"1").hexdigest()


def test_a_long_listing_goes_to_a_file_of_its_own(place: Path) -> None:
    kept: dict[str, bytes] = {}
    few = outside(place, limits=Limits(data_listed=2))
    (found,), notes = see_data((DataRequest.parse("data"),), few, kept.__setitem__)
    assert (found.listing, notes) == ((), ())
    assert found.listing_sha256 == hashlib.sha256(kept["data"]).hexdigest()
    rows = [json.loads(line) for line in kept["data"].splitlines()]
    assert [row["path"] for row in rows] == ["sub/0.csv", "sub/1.csv", "sub/2.csv"]
    assert kept["data"].startswith(b'{"path":"sub/0.csv","sha256":"')
    (whole,), _ = see_data((DataRequest.parse("data"),), outside(place), None)
    assert listing_document(whole.listing) == kept["data"]


def test_without_a_place_beside_the_manifest_the_root_stays_and_a_note(place: Path) -> None:
    few = outside(place, limits=Limits(data_listed=2))
    context = gather(ContextOptions(data=(DataRequest.parse("data"),)), few, here=False)
    assert (context.data[0].listing, context.data[0].listing_sha256) == ((), "")
    assert context.data[0].sha256
    assert ["not listed" in note for note in context.notes] == [True]


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("a=b", "a", "b"),
        ("data/train", "train", "data/train"),
        ("./a=b", "", ""),
        ("x=./a=b", "x", "./a=b"),
        ("/data/set.v1/", "set.v1", "/data/set.v1/"),
        ("", "", ""),
        ("a=", "", ""),
        ("/", "", ""),
    ],
)
def test_a_name_is_given_or_taken_from_the_path(text: str, name: str, path: str) -> None:
    if not name:
        with pytest.raises(UsageFault):
            DataRequest.parse(text)
    else:
        assert DataRequest.parse(text) == DataRequest(name=name, path=path)


def test_two_data_sets_of_one_name_and_absent_ones_are_refused(place: Path) -> None:
    with pytest.raises(UsageFault, match="two sets of data"):
        see_data((DataRequest.parse("data"), DataRequest.parse("data=one")), outside(place), None)
    with pytest.raises(InputFault, match="--data nowhere"):
        see_data((DataRequest.parse("x=nowhere"),), outside(place), None)


def test_job_and_labels_come_with_it(place: Path) -> None:
    options = ContextOptions(labels=(("site", "cern"),))
    context = gather(options, outside(place), here=False, variables=(("RANK", "1"), ("MASTER_ADDR", "n01")))
    assert context.job is not None
    assert (context.job.rank, [item.name for item in context.job.facts]) == ("1", ["RANK"])
    assert [item.name for item in context.labels] == ["site"]


def test_the_machine_is_named_on_request_only() -> None:
    cpu = Cpu(architecture="x86_64", vendor="", model="")
    host = Host(system="Linux", kernel="", cpu=cpu, memory_bytes=1, gpus=(), driver=None)
    named = name_host(host, ContextOptions(host_name=True))
    assert named is not None
    assert named.name == machine_name() != ""
    assert name_host(host, ContextOptions()) == host
    assert name_host(None, ContextOptions(host_name=True)) is None


@pytest.mark.parametrize(
    ("pattern", "labels", "environ", "expected"),
    [
        ("plain.json", (), {}, "plain.json"),
        ("%h-%r.json", (), {}, "big-0.json"),
        ("runs/%h/%r.json", (("node", "a100-3"),), {"RANK": "7"}, "runs/a100-3/7.json"),
        ("%h", (("host", "b"), ("site", "x")), {}, "b"),
        ("%h", (("host", "b"), ("node", "a")), {}, "a"),
        ("%h", (("node", "../../etc/x y"),), {}, "_._.._etc_x_y"),
        ("%h", (("node", ""),), {}, "big"),
        ("100%%-%r", (), {"SLURM_PROCID": "3"}, "100%-3"),
        ("%%h", (), {}, "%h"),
    ],
)
def test_a_file_is_named_for_host_and_rank(
    pattern: str, labels: tuple[tuple[str, str], ...], environ: dict[str, str], expected: str
) -> None:
    assert expand_name(pattern, labels=labels, environ=environ, machine="big.example.org") == expected


@pytest.mark.parametrize("pattern", ["%x", "a%", "%H", "%%%"])
def test_other_signs_have_no_meaning(pattern: str) -> None:
    with pytest.raises(UsageFault) as caught:
        expand_name(pattern, labels=(), environ={}, machine="m")
    assert caught.value.code == "E_NAME_PATTERN"


def test_a_secret_that_the_environment_holds_is_masked_in_what_git_says(place: Path) -> None:
    token = "ghp_" + "k" * 36
    git(place / "one", "checkout", "-q", "-b", f"fix/{token}")
    variables = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "MY_TOKEN": token}
    here = Outside(environ=variables, home="/nowhere", directory=str(place / "one"))
    assert [item.branch for item in gather(ContextOptions(), here, here=True).code] == ["fix/***"]
