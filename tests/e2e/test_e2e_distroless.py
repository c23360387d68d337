"""A root file system as distroless images have it: one stanza per package, no shell, no dpkg."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness import SMALL_A, Desk, docker

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of a real image, split into status.d as the distroless builders do: without Status."""
    root = tmp_path_factory.mktemp("distroless")
    place = root / "var/lib/dpkg/status.d"
    place.mkdir(parents=True)
    (root / "etc").mkdir()
    inside = ("run", "--rm", "--network", "none", SMALL_A, "cat")
    (root / "etc/os-release").write_text(docker(*inside, "/etc/os-release"), encoding="utf-8")
    for stanza in docker(*inside, "/var/lib/dpkg/status").split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if line[:1].isalpha() and ": " in line
        )
        if fields.get("Status", "").endswith(" installed"):
            text = "\n".join(line for line in stanza.splitlines() if not line.startswith("Status:"))
            (place / fields["Package"]).write_text(text + "\n", encoding="utf-8")
            sums = f"{'0' * 32}  usr/share/doc/{fields['Package']}/copyright\n"
            (place / f"{fields['Package']}.md5sums").write_text(sums, encoding="utf-8")
    return root


def test_the_packages_are_those_of_the_image_it_was_made_from(desk: Desk, rootfs: Path) -> None:
    form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"
    told = docker("run", "--rm", "--network", "none", SMALL_A, "dpkg-query", "-W", "-f", form).splitlines()
    expected = sorted(line.removeprefix("installed\t") for line in told if line.startswith("installed\t"))
    manifest = desk.snapshot(f"rootfs:{rootfs}")
    rows = [(one["name"], one["version"], one["architecture"]) for one in manifest["packages"]]
    assert sorted("\t".join(row) for row in rows) == expected
    assert manifest["os"]["id"] == "debian"
    assert manifest["unknowns"] == []


@pytest.mark.syft
def test_syft_agrees(desk: Desk, rootfs: Path) -> None:
    manifest = desk.call("snapshot", f"rootfs:{rootfs}").json()
    assert manifest["observation"].get("disagreements", []) == []
    assert [tool["name"] for tool in manifest["observation"]["tools"]] == ["reprocheck", "syft"]
