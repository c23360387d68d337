"""IMG rules."""

from __future__ import annotations

import pytest

from reprocheck.model.base import replace
from reprocheck.model.image import Source
from reprocheck.model.run import Change, Mount
from tests.checks.recorded import clean, found, outcome


def test_img_501_a_tag_alone_is_found() -> None:
    """Neither image id nor repository digest."""
    manifest = clean(source=Source(kind="image", reference="train:latest"))
    assert found("IMG-501", manifest) == (("high", "source"),)


def test_img_501_a_local_run_has_no_image_to_hand_on() -> None:
    """`--engine local` records no image."""
    assert found("IMG-501", clean(image=None, source=Source(kind="local"))) == (("high", "image"),)


def test_img_501_an_image_id_is_a_digest() -> None:
    """The id names one image, if only here; that it is local is the next rule's."""
    manifest = clean(source=replace(clean().source, repo_digests=()))
    assert outcome("IMG-501", manifest) == "passed"
    assert found("IMG-504", manifest) == (("high", "source.repo_digests"),)


def test_img_504_a_repository_digest_passes() -> None:
    """Others can pull it."""
    assert outcome("IMG-504", clean()) == "passed"


def mounted(**overrides: object) -> Mount:
    """Return a bind mount."""
    return replace(Mount(target="/app", kind="bind", writable=False, role="input"), **overrides)


@pytest.mark.parametrize(
    ("mount", "severity"),
    [
        (mounted(role="unread"), "high"),
        (mounted(writable=True), "medium"),
        (mounted(kind="volume", role="unread"), "high"),
    ],
)
def test_img_505_unread_and_writable_mounts_are_found(mount: Mount, severity: str) -> None:
    """What lay there before the run is not proved."""
    assert found("IMG-505", clean(run={"mounts": (mount,)})) == ((severity, "run.mounts[/app]"),)


@pytest.mark.parametrize(
    "mount",
    [mounted(), mounted(writable=True, role="output"), mounted(kind="tmpfs", writable=True, role="unread")],
)
def test_img_505_read_inputs_outputs_and_tmpfs_pass(mount: Mount) -> None:
    """These leave no doubt about what the run read."""
    assert outcome("IMG-505", clean(run={"mounts": (mount,)})) == "passed"


def test_img_506_a_package_installed_after_the_start_is_found() -> None:
    """One finding counts all changed paths and names the first."""
    changes = tuple(Change(path=f"/usr/lib/p{n}", kind="added") for n in range(9))
    manifest = clean(run={"changes": changes})
    assert found("IMG-506", manifest) == (("medium", "run.changes"),)
    assert outcome("IMG-506", clean(run={"changes": changes, "fresh": True})) == "passed"


def test_img_506_caches_pass() -> None:
    """Volatile paths bear on no result."""
    changes = (Change(path="/root/.cache/x", kind="added", volatile=True),)
    assert outcome("IMG-506", clean(run={"changes": changes})) == "passed"


def test_img_506_a_local_run_cannot_be_judged() -> None:
    """A plain process has no writable layer, so no change is no evidence."""
    assert outcome("IMG-506", clean(run={"engine": "local"})) == "not checked"
