"""Conflicts below Python in real images, held against what apt and the dynamic loader say there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reprocheck.codec import decode_manifest
from reprocheck.graph.accelerator import find_copy_conflicts
from reprocheck.graph.debian import build_debian, find_debian_conflicts
from reprocheck.graph.native import find_native_conflicts
from reprocheck.graph.openmp import find_openmp_conflicts
from reprocheck.model.manifest import Manifest
from tests.e2e.harness import SMALL_A, TRAIN, Desk, derived_image

pytestmark = pytest.mark.docker

SITE = "/usr/local/lib/python3.11/dist-packages"


def snapshot(desk: Desk, image: str) -> Manifest:
    name = f"below-{re.sub(r'[^a-z0-9]', '-', image)}.json"
    desk.call("snapshot", f"docker:{image}", "--no-syft", "-o", name)
    return decode_manifest(Path(desk.work, name).read_bytes(), where=name)


def said(image: str, *command: str) -> str:
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", image, *command],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout + done.stderr


def unmet(manifest: Manifest) -> set[tuple[str, str]]:
    graph = build_debian(manifest)
    assert graph.unknowns == ()
    return {(one.package, one.requirement) for one in find_debian_conflicts(graph)}


@pytest.mark.parametrize(
    "image", ["reprocheck-fixture/bookworm", "reprocheck-fixture/trixie", SMALL_A, TRAIN]
)
def test_the_fixture_images_have_no_conflict_below_python(desk: Desk, image: str) -> None:
    """dpkg and apt agree; nothing is broken among the libraries either."""
    manifest = snapshot(desk, image)
    assert len(build_debian(manifest).links) > 100
    assert unmet(manifest) == set()
    assert find_native_conflicts(manifest) == ((), ())
    assert find_copy_conflicts(manifest) == ((), ())
    assert {one.severity for one in find_openmp_conflicts(manifest)[0]} <= {"info"}
    assert said(image, "dpkg", "--audit") == ""
    assert "unmet" not in said(image, "apt-get", "check")


def test_packages_removed_by_force_are_found_as_apt_finds_them(desk: Desk) -> None:
    with derived_image("RUN dpkg --force-depends -r libexpat1 libsqlite3-0") as image:
        manifest = snapshot(desk, image)
        rows = re.findall(
            r"^ (\S+) : Depends: (.+?) but it is not", said(image, "apt-get", "check"), re.MULTILINE
        )
    assert len(rows) == 2
    assert unmet(manifest) == set(rows)


def test_a_library_that_is_gone_is_found_as_the_loader_finds_it(desk: Desk) -> None:
    with derived_image(f"RUN rm {SITE}/scikit_learn.libs/libgomp-*") as image:
        manifest = snapshot(desk, image)
        words = said(image, "python3", "-c", "import sklearn.utils._openmp_helpers")
    (name,) = re.findall(r"ImportError: (\S+): cannot open shared object file", words)
    conflicts, unknowns = find_native_conflicts(manifest)
    assert unknowns == ()
    assert [(one.code, one.package, one.requirement, one.broken) for one in conflicts] == [
        ("DEP-432", "scikit-learn", name, True)
    ]
