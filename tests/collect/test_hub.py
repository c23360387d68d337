"""Download caches of models and data sets, as their libraries lay them out."""

from __future__ import annotations

import hashlib

import pytest

from reprocheck.collect import hub
from reprocheck.collect.observed import Observed
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.context import HubFile, HubRepository
from reprocheck.ports import ViewError
from tests.collect.fakeview import Content, FakeView, Link

CACHE = "/root/.cache/huggingface/hub"
MODEL = f"{CACHE}/models--org--tiny"
REVISION, OLDER = "a" * 40, "b" * 40
LARGE, SMALL = "c" * 64, "d" * 40


class CacheView(FakeView):
    """Reads what the collector under test wants, and nothing else."""

    def read(self, path: str, limit: int) -> bytes:
        entry = self.tree.resolve(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.path in self.broken or not hub.wants(path):
            raise ViewError("was not retained")
        return self._bytes(entry)


def model(at: str = MODEL) -> dict[str, Content]:
    return {
        f"{at}/refs/main": REVISION,
        f"{at}/refs/pr/1": OLDER,
        f"{at}/blobs/{LARGE}": b"weights",
        f"{at}/blobs/{SMALL}": b"{}",
        f"{at}/snapshots/{REVISION}/model.safetensors": Link(target=f"../../blobs/{LARGE}"),
        f"{at}/snapshots/{REVISION}/onnx/config.json": Link(target=f"../../../blobs/{SMALL}"),
        f"{at}/snapshots/{OLDER}/config.json": Link(target=f"../../blobs/{SMALL}"),
        f"{at}/.no_exist/{REVISION}/tokenizer.json": b"",
        f"{CACHE}/.locks/models--org--tiny/x.lock": b"",
        f"{CACHE}/version.txt": b"1",
        "/root/.cache/huggingface/token": b"hf_secret",
    }


def collect(
    files: dict[str, Content], *, limits: Limits = DEFAULT, broken: frozenset[str] = frozenset()
) -> Observed:
    return hub.collect(CacheView(files, broken=broken), limits)


def test_each_revision_is_told_with_its_refs_and_named_digests() -> None:
    observed = collect(model())
    assert observed.unknowns == ()
    newer, older = observed.hub
    assert (newer.hub, newer.kind, newer.repository, newer.place) == (
        "huggingface",
        "model",
        "org/tiny",
        CACHE,
    )
    assert (newer.revision, newer.refs) == (REVISION, ("main",))
    assert newer.files == (
        HubFile(path="model.safetensors", size=0, digest=f"sha256:{LARGE}"),
        HubFile(path="onnx/config.json", size=0, digest=f"git-sha1:{SMALL}"),
    )
    assert (older.revision, older.refs, len(older.files)) == (OLDER, ("pr/1",), 1)


def test_the_digest_of_a_repository_is_the_documented_one() -> None:
    lines = f"model.safetensors\0sha256:{LARGE}\nonnx/config.json\0git-sha1:{SMALL}\n"
    assert collect(model()).hub[0].files_sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("label", "kind", "repository"),
    [
        ("models--gpt2", "model", "gpt2"),
        ("datasets--org--set", "dataset", "org/set"),
        ("spaces--org--app", "space", "org/app"),
    ],
)
def test_every_kind_in_any_place(label: str, kind: str, repository: str) -> None:
    found = collect(model(f"/models/cache/{label}")).hub[0]
    assert (found.kind, found.repository, found.place) == (kind, repository, "/models/cache")


def test_missing_and_half_downloaded_files_are_told() -> None:
    files = model()
    del files[f"{MODEL}/blobs/{LARGE}"]
    files[f"{MODEL}/blobs/{LARGE}.incomplete"] = b"wei"
    observed = collect(files)
    by_revision = {item.revision: item for item in observed.hub}
    assert by_revision[REVISION].incomplete == ("model.safetensors",)
    assert [file.path for file in by_revision[REVISION].files] == ["onnx/config.json"]
    assert by_revision[""].incomplete == (f"blobs/{LARGE}.incomplete",)


def test_a_ref_without_its_snapshot_is_told_without_files() -> None:
    observed = collect({f"{MODEL}/refs/main": REVISION})
    assert observed.hub == (
        HubRepository(
            hub="huggingface",
            kind="model",
            repository="org/tiny",
            revision=REVISION,
            refs=("main",),
            place=CACHE,
        ),
    )


def test_files_without_links_have_no_named_digest() -> None:
    """On a file system without links, and with links that lead elsewhere."""
    observed = collect(
        {
            f"{MODEL}/snapshots/{REVISION}/a": b"plain",
            f"{MODEL}/snapshots/{REVISION}/b": Link(target=f"/data/{LARGE}"),
            f"/data/{LARGE}": b"x",
        }
    )
    assert [file.digest for file in observed.hub[0].files] == ["", ""]


def test_a_cycle_of_links_is_a_missing_file() -> None:
    observed = collect({f"{MODEL}/snapshots/{REVISION}/a": Link(target="a")})
    assert observed.hub[0].incomplete == ("a",)


@pytest.mark.parametrize("content", [b"", b"main", b"\xff" * 40, b"A" * 40])
def test_a_ref_that_names_no_commit_is_an_unknown(content: bytes) -> None:
    observed = collect({**model(), f"{MODEL}/refs/main": content})
    assert [(item.section, item.where) for item in observed.unknowns] == [("hub", f"{MODEL}/refs/main")]
    assert len(observed.hub) == 2


def test_a_ref_that_cannot_be_read_is_an_unknown() -> None:
    observed = collect(model(), broken=frozenset({f"{MODEL}/refs/main"}))
    assert len(observed.unknowns) == 1
    assert observed.hub[0].refs == ()


def test_the_cache_of_the_datasets_library() -> None:
    top = f"/data/datasets/org___set/default/0.0.0/{REVISION}"
    observed = collect(
        {f"{top}/dataset_info.json": b"{}", f"{top}/set-train.arrow": b"x", f"{top}_builder.lock": b""}
    )
    (found,) = observed.hub
    assert (found.kind, found.repository, found.revision) == ("dataset", "org/set", REVISION)
    assert (found.refs, found.place) == (("default/0.0.0",), "/data/datasets")
    assert [file.path for file in found.files] == ["dataset_info.json", "set-train.arrow"]


def test_torch_hub_code_and_checkpoints() -> None:
    place = "/opt/torch/hub"
    observed = collect(
        {
            f"{place}/pytorch_vision_v0.10.0/hubconf.py": b"x",
            f"{place}/pytorch_vision_v0.10.0/torchvision/__init__.py": b"x",
            f"{place}/pytorch_vision_v0.10.0/__pycache__/hubconf.cpython-311.pyc": b"x",
            f"{place}/checkpoints/resnet18-f37072fd.pth": b"x",
            f"{place}/checkpoints/model-{LARGE}.safetensors": b"x",
            f"{place}/checkpoints/plain.pt": b"x",
            f"{place}/checkpoints/resnet50-0676ba61.pth.abc.partial": b"x",
            f"{place}/trusted_list": b"pytorch_vision",
        }
    )
    by_name = {item.repository: item for item in observed.hub}
    code = by_name["pytorch/vision"]
    assert (code.kind, code.refs, len(code.files)) == ("code", ("v0.10.0",), 2)
    assert by_name["resnet18-f37072fd.pth"].files[0].digest == "sha256-prefix:f37072fd"
    assert by_name[f"model-{LARGE}.safetensors"].files[0].digest == f"sha256:{LARGE}"
    assert by_name["plain.pt"].files[0].digest == ""
    assert by_name["resnet50-0676ba61.pth.abc.partial"].files == ()
    assert len(by_name["resnet50-0676ba61.pth.abc.partial"].incomplete) == 1


def test_a_directory_called_hub_is_no_cache() -> None:
    assert collect({"/srv/hub/checkpoints/readme.md": b"x", "/srv/hub/a/b": b"x"}).hub == ()


def test_beyond_the_limit_is_an_unknown_and_what_came_before_stays() -> None:
    observed = collect({**model(), **model(f"{CACHE}/models--org--zwei")}, limits=Limits(hub_files=4))
    assert {item.repository for item in observed.hub} == {"org/tiny"}
    assert ["hub_files" in item.reason for item in observed.unknowns] == [True]


def test_only_refs_are_read() -> None:
    assert [path for path in model() if hub.wants(path)] == [f"{MODEL}/refs/main", f"{MODEL}/refs/pr/1"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("/h/.cache/huggingface/datasets", "/h/.cache/huggingface/hub", "/h/.cache/torch/hub")),
        (
            {"XDG_CACHE_HOME": "/c"},
            ("/c/huggingface/datasets", "/c/huggingface/hub", "/c/torch/hub"),
        ),
        (
            {"HF_HOME": "/hf", "TORCH_HOME": "~/t", "HF_DATASETS_CACHE": "/d"},
            ("/d", "/h/t/hub", "/hf/hub"),
        ),
        (
            {"HF_HOME": "/hf", "HF_HUB_CACHE": "/x/../y", "TORCH_HOME": "relative"},
            ("/hf/datasets", "/y"),
        ),
    ],
)
def test_where_a_user_keeps_the_caches(variables: dict[str, str], expected: tuple[str, ...]) -> None:
    assert hub.cache_directories(variables, "/h") == expected
