"""`snapshot --integrity` on real images: what was tampered with is told, and dpkg agrees."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import SMALL_A, TRAIN, Desk, container, docker, shell

pytestmark = pytest.mark.docker

SITE = "/usr/local/lib/python3.11/dist-packages"
# Without this capability the kernel hides the overlay's own marks, so that the image must be exported.
UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin") if os.geteuid() == 0 else ()
TAMPER = f"""
echo '# edited' >> {SITE}/numpy/version.py
rm {SITE}/scipy/version.py /usr/bin/tac
echo 'x = 1' > {SITE}/added.py
echo 'import added' > {SITE}/added.pth
echo '# mine' >> /etc/debconf.conf
rm /etc/bash.bashrc
echo >> /usr/bin/factor
echo elf > /usr/lib/added.so
ln -s /usr/bin/env /usr/bin/alternative
"""


def faults(manifest: Any) -> dict[str, list[str]]:
    """Paths by kind."""
    found: dict[str, list[str]] = {}
    for fault in manifest["integrity"]["faults"]:
        found.setdefault(fault["kind"], []).append(fault["path"])
    return found


@pytest.mark.parametrize("image", [SMALL_A, TRAIN])
def test_an_image_as_it_was_built_has_no_fault(desk: Desk, image: str) -> None:
    manifest = desk.call("snapshot", image, "--no-syft", "--integrity", expect=None).json()
    integrity = manifest["integrity"]
    assert integrity["faults"] == []
    assert [item for item in manifest["unknowns"] if item["section"] == "integrity"] == []
    assert integrity["checked"] > 10_000
    assert integrity.get("packages_without_list", []) == []


def test_without_the_option_nothing_is_said_of_it(desk: Desk) -> None:
    assert "integrity" not in desk.snapshot(SMALL_A)


def test_what_was_done_to_a_container_is_told_and_dpkg_agrees(desk: Desk) -> None:
    with container(SMALL_A, program=shell(TAMPER + "dpkg --verify")) as name:
        said = docker("logs", name)
        manifest = desk.snapshot(name, "--integrity")
    assert manifest["unknowns"] == []
    assert faults(manifest) == {
        "changed": ["/etc/debconf.conf", "/usr/bin/factor", f"{SITE}/numpy/version.py"],
        "missing": ["/etc/bash.bashrc", "/usr/bin/tac", f"{SITE}/scipy/version.py"],
        "unowned": ["/usr/lib/added.so", f"{SITE}/added.pth", f"{SITE}/added.py"],
    }
    of_dpkg = {
        ("missing" if row[0] == "missing" else "changed", row[2], row[1] == "c")
        for row in re.findall(r"^(missing|\S{9})[ ]+(c?)[ ]+(/.*)$", said, re.MULTILINE)
    }
    ours = {
        (fault["kind"], fault["path"], fault.get("configuration", False))
        for fault in manifest["integrity"]["faults"]
        if fault["kind"] != "unowned" and fault["owners"][0].startswith("pkg:deb/")
    }
    # dpkg also counts directories that every image clears: /var/lib/apt/lists/partial and its like.
    assert {row for row in of_dpkg if not row[1].startswith(("/var/", "/run"))} == ours


def test_an_export_gives_the_same_as_the_layers_themselves(desk: Desk) -> None:
    """A stream is hashed while it goes by, and keeps the lists that only this check reads."""
    with container(SMALL_A, program=shell(TAMPER)) as name:
        exported = desk.snapshot(name, "--integrity", under=UNPRIVILEGED)
        direct = desk.snapshot(name, "--integrity")
    assert exported["source"]["reader"] == "export"
    assert exported["integrity"] == direct["integrity"]


def wheel(folder: Path, name: str, content: str) -> None:
    """A wheel of one file, `clash/__init__.py`, with a correct RECORD."""
    info = f"{name}-1.0.dist-info"
    files = {
        "clash/__init__.py": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        for path, text in files.items()
    ]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))


def test_two_wheels_that_install_one_file(desk: Desk, tmp_path: Path) -> None:
    """As opencv-python and opencv-python-headless do; pip says nothing."""
    wheel(tmp_path, "clash_gui", "kind = 'gui'\n")
    wheel(tmp_path, "clash_headless", "kind = 'headless'\n")
    install = "pip install --quiet --no-index --no-deps --break-system-packages --root-user-action ignore "
    script = "".join(
        f"{install} /wheels/{name}-1.0-py3-none-any.whl\n" for name in ("clash_gui", "clash_headless")
    )
    mount = f"{tmp_path}:/wheels:ro"
    with container("-v", mount, "--network", "none", SMALL_A, program=shell(script)) as name:
        manifest = desk.snapshot(name, "--integrity")
    assert manifest["integrity"]["faults"] == [
        {
            "kind": "owned-twice",
            "path": f"{SITE}/clash/__init__.py",
            "owners": ["pkg:pypi/clash-gui@1.0", "pkg:pypi/clash-headless@1.0"],
        }
    ]


def test_one_environment_is_judged_by_its_site_directories(desk: Desk) -> None:
    """Of this machine only a part is looked at, so nothing else can be called missing."""
    desk.call("snapshot", "--no-syft", "--integrity", "-o", "mine.json", expect=None)
    integrity = desk.read("mine.json")["integrity"]
    assert integrity["places"]
    assert all(place.endswith(("site-packages", "dist-packages")) for place in integrity["places"])
    assert all(fault["path"].startswith(tuple(integrity["places"])) for fault in integrity["faults"])


def test_show_counts_the_faults_and_lists_them_on_request(desk: Desk) -> None:
    script = f"for n in $(seq 7); do echo > {SITE}/added$n.py; done"
    with container(SMALL_A, program=shell(script)) as name:
        desk.call("snapshot", name, "--no-syft", "--integrity", "-o", "added.json")
    short = _block(desk.call("show", "added.json").stdout)
    assert "7 files" in short
    assert "added5.py" in short
    assert "added7.py" not in short
    assert "added7.py" in _block(desk.call("show", "added.json", "--all").stdout)


def _block(text: str) -> str:
    return text.partition("\nIntegrity\n")[2].partition("\n\n")[0]
