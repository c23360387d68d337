"""Containers that somebody started by plain `docker run`: targets of snapshot, and honest to verify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import SMALL_A, Desk, container, derived_image, docker, shell

pytestmark = pytest.mark.docker

TOKEN = "ghp_" + "Zq7" * 12
TRAIN = shell("python3 /app/train.py && cp /out/metrics.json /results/copy.json")


@pytest.fixture(scope="module")
def folders(desk: Desk) -> Path:
    """Host directories that are mounted: read-only data, a writable cache, and a place for results."""
    base = desk.work / "mounts"
    for name in ("cache", "results", "clean"):
        (base / name).mkdir(parents=True)
    (base / "cache/words.txt").write_text("one two\n")
    return base


@pytest.fixture(scope="module")
def trained(desk: Desk, folders: Path) -> Iterator[str]:
    """Everything at once: mounts in three roles, variables of three kinds, outputs in two places."""
    mounts = (
        f"{desk.work}/data:/data:ro",
        f"{folders}/cache:/cache",
        f"{folders}/results:/results",
    )
    variables = (f"HF_TOKEN={TOKEN}", "MY_NAME=ada", "OMP_NUM_THREADS=1")
    options = [word for mount in mounts for word in ("-v", mount)]
    options += [word for variable in variables for word in ("-e", variable)]
    with container(*options, "--network", "none", SMALL_A, program=TRAIN) as name:
        yield name


@pytest.fixture(scope="module")
def observed(desk: Desk, trained: str) -> Any:
    outputs = ("--output", "/out", "--output", "/results")
    desk.call("snapshot", trained, "--no-syft", *outputs, "-o", "trained.json")
    return desk.read("trained.json")


def test_mounts_have_their_roles_and_inputs_are_hashed(observed: Any) -> None:
    run = observed["run"]
    roles = {mount["target"]: (mount["role"], mount["writable"]) for mount in run["mounts"]}
    assert roles == {"/data": ("input", False), "/cache": ("input", True), "/results": ("output", True)}
    inputs = {item["path"]: item for item in run["inputs"]}
    assert set(inputs) == {"/data", "/cache"}
    assert all(item["files"] == 1 and item["sha256"] for item in inputs.values())
    assert inputs["/cache"]["writable"] is True
    assert observed["unknowns"] == []


def test_an_input_has_the_hash_that_run_gives_it(desk: Desk, observed: Any, small_run: str) -> None:
    """The same folder, handed in by `run` and mounted by hand."""
    by_hand = next(item for item in observed["run"]["inputs"] if item["path"] == "/data")
    assert by_hand == desk.read(small_run)["run"]["inputs"][0]


def test_outputs_are_read_from_the_layer_and_from_the_mount(
    desk: Desk, observed: Any, small_run: str
) -> None:
    outputs = {item["name"]: item for item in observed["run"]["outputs"]}
    layer = ["/out/metrics.json", "/out/model.npz", "/out/weights.npy"]
    assert sorted(outputs) == [*layer, "/results/copy.json"]
    assert outputs["/results/copy.json"]["sha256"] == outputs["/out/metrics.json"]["sha256"]
    # plain `docker run` and our sandbox make the same bytes
    assert [outputs[name] for name in layer] == desk.read(small_run)["run"]["outputs"]


def test_variables_are_recorded_by_the_rules(desk: Desk, observed: Any, folders: Path) -> None:
    told = {v["name"]: (v["value"], v["origin"], v.get("state", "recorded")) for v in observed["environment"]}
    assert told["HF_TOKEN"] == (None, "container", "secret")
    assert told["MY_NAME"] == (None, "container", "withheld")
    assert told["OMP_NUM_THREADS"][0] == "1"
    text = (desk.work / "trained.json").read_text()
    assert TOKEN not in text
    assert "ada" not in {v["value"] for v in observed["environment"]}
    assert str(folders) not in text


def test_what_it_could_write_is_not_proved(desk: Desk, observed: Any, folders: Path) -> None:
    """The cache was writable, and a value is withheld: refused, then not comparable, never identical."""
    del observed
    inputs = ("--input", "/data=./data", "--input", f"/cache={folders}/cache")
    refused = desk.call("verify", "trained.json", *inputs, expect=5)
    assert "HF_TOKEN" in refused.stderr
    assert "MY_NAME" in refused.stderr
    given = ("--env", "MY_NAME=ada", "--unset", "HF_TOKEN")
    receipt = desk.verify("trained.json", *inputs, *given, expect=4)
    assert receipt["verdict"] == "not-comparable"
    assert "/cache" in receipt["reason"]


def test_a_clean_container_is_reproduced(desk: Desk, folders: Path) -> None:
    """Read-only data, results in the layer and in a mount, nothing else changed."""
    mounts = ("-v", f"{desk.work}/data:/data:ro", "-v", f"{folders}/clean:/results")
    with container(*mounts, "--network", "none", SMALL_A, program=TRAIN) as name:
        outputs = ("--output", "/out", "--output", "/results/*.json")
        desk.call("snapshot", name, "--no-syft", *outputs, "-o", "clean.json")
    # the container is gone, the recorded image is enough
    receipt = desk.verify("clean.json", "--input", "/data=./data")
    assert (receipt["verdict"], receipt["level"]) == ("identical", "L0")
    assert {item["name"] for item in receipt["outputs"]} >= {"/out/model.npz", "/results/copy.json"}
    assert all(item["verdict"] == "identical" for item in receipt["outputs"])


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        ("edited", "sed -i s/0.2/0.3/ /app/train.py", "/app/train.py"),
        ("removed", "rm /etc/debian_version", "/etc/debian_version"),
        ("installed", "pip install --no-index --no-deps --break-system-packages /wheels/*.whl", "planted"),
    ],
)
def test_a_container_that_was_changed_is_never_called_reproduced(
    desk: Desk, tmp_path: Path, name: str, change: str, path: str
) -> None:
    """The change itself leaves the outputs alone or not: what ran is not what the image holds."""
    wheel(tmp_path)
    program = shell(f"{change} && python3 /app/train.py --data /none")
    with container("-v", f"{tmp_path}:/wheels:ro", "--network", "none", SMALL_A, program=program) as made:
        desk.call("snapshot", made, "--no-syft", "--output", "/out", "-o", f"{name}.json")
    manifest = desk.read(f"{name}.json")
    changes = [change["path"] for change in manifest["run"]["changes"] if not change.get("volatile")]
    assert any(path in changed for changed in changes), changes
    # the command would do the same again; what was done by hand is what counts
    receipt = desk.verify(f"{name}.json", "--input", f"/wheels={tmp_path}", expect=4)
    assert receipt["verdict"] == "not-comparable"
    assert "changed after start" in receipt["reason"]
    if name == "installed":
        assert "planted" in {package["name"] for package in manifest["packages"]}


def wheel(directory: Path) -> None:
    """Write the smallest wheel that pip installs."""
    import zipfile

    info = "planted-1.0.dist-info"
    with zipfile.ZipFile(directory / "planted-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("planted.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", f"planted.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )


def test_a_running_container_is_left_alone(desk: Desk) -> None:
    program = shell("python3 /app/train.py; exec sleep 600")
    with container("--network", "none", SMALL_A, program=program, wait=False) as name:
        before = state(name)
        manifest = desk.snapshot(name, "--output", "/out", expect=4)
        assert state(name) == before
        assert before["Running"] is True
    run = manifest["run"]
    assert run["outputs"] == []
    assert run.get("exit_code") is None
    assert [(unknown["section"], unknown["where"]) for unknown in manifest["unknowns"]] == [
        ("outputs", "/out")
    ]


def state(name: str) -> Any:
    """How the engine says that a container is."""
    return json.loads(docker("inspect", "--format", "{{json .State}}", name))


def test_an_output_that_is_not_there_is_unknown(desk: Desk) -> None:
    with container("--network", "none", SMALL_A, program=("true",)) as name:
        manifest = desk.snapshot(name, "--output", "/out", expect=4)
    assert [unknown["where"] for unknown in manifest["unknowns"]] == ["/out"]


def test_name_id_and_kind_lead_to_one_container(desk: Desk) -> None:
    with container("--network", "none", SMALL_A, program=("true",)) as name:
        identifier = docker("inspect", "--format", "{{.Id}}", name)
        found = [
            desk.snapshot(target)["digests"]
            for target in (name, identifier[:12], f"docker:{name}", f"docker:container:{name}")
        ]
        # a container is no image, and is not taken for one
        desk.call("snapshot", f"docker:image:{name}", expect=3)
    assert all(digests == found[0] for digests in found)


def test_the_path_that_was_given_tells_which_python_is_active(desk: Desk) -> None:
    """A venv that only the container's own PATH finds, not the image's: with `docker run` and with `run`."""
    given = "PATH=/opt/venv/bin:/usr/bin:/bin"

    def active(manifest: Any) -> list[str]:
        return [python["prefix"] for python in manifest["pythons"] if python.get("active")]

    with derived_image("RUN python3 -m venv --without-pip /opt/venv") as image:
        assert active(desk.call("snapshot", "--no-syft", image).json()) == ["/usr"]
        with container("-e", given, image, program=("true",)) as box:
            assert active(desk.call("snapshot", "--no-syft", box).json()) == ["/opt/venv"]
        command = shell("mkdir /out && command -v python3 > /out/which")
        recorded = desk.record(
            "path.json", "--image", image, "--output", "/out", "--env", given, command=command
        )
        assert active(recorded) == ["/opt/venv"]


def test_a_variable_that_the_container_took_away_is_not_set(desk: Desk) -> None:
    """`docker run -e NAME` for a name that is not set here; the engine lists the bare name."""
    with container("-e", "PYTHONHASHSEED", SMALL_A, program=("sleep", "600"), wait=False) as name:
        assert "PYTHONHASHSEED" not in docker("exec", name, "env")
        desk.call("snapshot", f"docker:container:{name}", "--no-syft", "-o", "away.json")
    listed = [v for v in desk.read("away.json")["environment"] if v["name"] == "PYTHONHASHSEED"]
    assert [(v["origin"], v.get("state", "recorded")) for v in listed] == [
        ("container", "unset"),
        ("image", "recorded"),
    ]
    report = json.loads(
        desk.call("diff", f"docker:image:{SMALL_A}", "away.json", "--format", "json", expect=1).stdout
    )
    (found,) = [f for f in report["findings"] if f["name"] == "PYTHONHASHSEED"]
    assert (found["before"], found["after"]) == ("0", None)
