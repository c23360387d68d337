"""Two images that differ in known ways, in five ecosystems; everything in them is made here."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.collect.elf_files import shared_object
from tests.collect.rpm_files import database, package
from tests.e2e.harness import SMALL_A, docker

Side = Literal["a", "b"]

SITE = "/usr/local/lib/python3.11/dist-packages"
EDITED = f"{SITE}/edited_by_hand/__init__.py"
BLAS = "libopenblas-0123abcd.so"
INSTALL = "pip install --quiet --no-index --no-deps --break-system-packages --root-user-action=ignore"


@contextmanager
def planted_image(folder: Path, side: Side) -> Iterator[str]:
    """Build one side's image without a network; gives its id, removed at the end."""
    folder.mkdir()
    _wheels(folder / "wheels", side)
    _debs(folder / "debs", side)
    _records(folder / "root", side)
    lines = [
        f"FROM {SMALL_A}",
        "COPY wheels /tmp/wheels",
        "COPY debs /tmp/debs",
        "COPY root /",
        "RUN for deb in /tmp/debs/*; do dpkg-deb --build $deb >/dev/null && dpkg -i $deb.deb; done \\",
        # Found by name, as from an index: a file that pip is handed leaves its own path behind.
        f" && {INSTALL} --find-links /tmp/wheels $(ls /tmp/wheels | sed 's/-/==/;s/-.*//') \\",
        " && rm -r /tmp/debs /tmp/wheels",
        f"ENV OMP_NUM_THREADS={'1' if side == 'a' else '4'} PLAIN_NOTE={side}",
    ]
    if side == "b":
        lines += [
            "ENV CUBLAS_WORKSPACE_CONFIG=:4096:8",
            f"RUN echo '# edited' >> {EDITED}",
            "RUN python3 -m venv --without-pip /opt/added",
        ]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    name = f"reprocheck-e2e-planted:{uuid.uuid4().hex}"
    try:
        docker("build", "--quiet", "--network", "none", "--force-rm", "--tag", name, str(folder))
        yield docker("image", "inspect", "--format", "{{.Id}}", name)
    finally:
        docker("image", "rm", "--force", name)


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, bytes],
    *,
    tag: str = "py3-none-any",
    build: str = "",
    requires: tuple[str, ...] = (),
) -> None:
    """Write a wheel with a correct RECORD."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    built = f"Build: {build}\n" if build else ""
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n{built}"
    content = {**files, f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    rows = [f"{path},sha256={_record_hash(raw)},{len(raw)}" for path, raw in content.items()]
    record = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    middle = f"{version}-{build}" if build else version
    with zipfile.ZipFile(folder / f"{name}-{middle}-{tag}.whl", "w") as archive:
        for path, raw in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(path, raw)


def _record_hash(raw: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()


def _wheels(folder: Path, side: Side) -> None:
    first = side == "a"
    write_wheel(folder, "moved", "1.9" if first else "1.10", {"moved.py": b""})
    cuda = "11.8" if first else "12.6"
    torch = f"2.1.0+cu{cuda.replace('.', '')}"
    told = f"__version__ = {torch!r}\ndebug = False\ncuda = {cuda!r}\ngit_version = '0123'\nhip = None\n"
    write_wheel(folder, "torch", torch, {"torch/__init__.py": b"", "torch/version.py": told.encode()})
    write_wheel(folder, "rebuilt", "1.0", {"rebuilt.py": b""}, build="1" if first else "2")
    linux = "linux" if first else "manylinux_2_17"
    write_wheel(folder, "compiled", "1.0", {"compiled.py": b""}, tag=f"cp311-cp311-{linux}_x86_64")
    write_wheel(folder, "silent", "1.0", {"silent.py": f"side = {side!r}\n".encode()})
    write_wheel(folder, "edited_by_hand", "1.0", {"edited_by_hand/__init__.py": b""})
    blas = shared_object(soname=BLAS, body=f"OpenBLAS 0.3.26 {side} NO_AFFINITY".encode())
    files = {"blaslike/__init__.py": b"", f"blaslike.libs/{BLAS}": blas}
    write_wheel(folder, "blaslike", "1.0", files, tag="cp311-cp311-linux_x86_64")
    pin = "==1.0" if first else "==2.0"
    write_wheel(folder, "root_cause", pin[2:], {"root_cause.py": b""}, requires=(f"followed{pin}",))
    write_wheel(folder, "followed", pin[2:], {"followed.py": b""})
    if first:
        write_wheel(folder, "gone", "3.0", {"gone.py": b""})
    else:
        write_wheel(folder, "joblib", "1.4.2", {"joblib/__init__.py": b""})


def _debs(folder: Path, side: Side) -> None:
    """Two packages of one source, and one whose epoch alone differs."""
    release = "1" if side == "a" else "2"
    epoch = "" if side == "a" else "1:"
    rows = (
        ("planted-lib", f"1.0-{release}", "Source: planted\n"),
        ("planted-dev", f"1.0-{release}", "Source: planted\n"),
        ("planted-epoch", f"{epoch}1.0-1", ""),
        ("planted-same", "1.0-1", ""),
        ("planted-old", "2.0-1", ""),
    )
    for name, version, more in rows if side == "a" else rows[:-1]:
        control = folder / name / "DEBIAN" / "control"
        control.parent.mkdir(parents=True, mode=0o755)
        control.write_text(
            f"Package: {name}\n{more}Version: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\n"
            f"Description: planted\n",
            encoding="utf-8",
        )


def _records(root: Path, side: Side) -> None:
    """What other package managers and another interpreter leave in a file system."""
    first = side == "a"
    for name, version, build, channel in (
        ("conda-moved", "1.9" if first else "1.10", "h0_0", "conda-forge"),
        ("conda-rebuilt", "1.0", "h1_0" if first else "h2_0", "conda-forge"),
        ("conda-elsewhere", "1.0", "h0_0", "conda-forge" if first else "bioconda"),
        ("conda-old" if first else "conda-new", "1.0", "h0_0", "conda-forge"),
        ("conda-same", "1.0", "h0_0", "conda-forge"),
    ):
        record = {
            "name": name,
            "version": version,
            "build": build,
            "channel": f"https://conda.anaconda.org/{channel}/linux-64",
            "subdir": "linux-64",
            "files": [],
        }
        _put(root, f"opt/conda/conda-meta/{name}-{version}-{build}.json", json.dumps(record).encode())
    rpms = (package("planted-rpm", "1.0", "9.el9" if first else "10.el9"), package("rpm-same"))
    _put(root, "usr/lib/sysimage/rpm/rpmdb.sqlite", database(rpms))
    apk = f"P:planted-apk\nV:1.2.3-r{'9' if first else '10'}\nA:x86_64\n\nP:apk-same\nV:1.0-r0\nA:x86_64\n\n"
    _put(root, "usr/lib/apk/db/installed", apk.encode())
    _put(root, "opt/other/bin/python3.12", shared_object(body=b"interpreter"))
    (root / "opt/other/bin/python3.12").chmod(0o755)
    _put(root, "opt/other/lib/python3.12/os.py", b"")
    header = f'#define PY_VERSION "3.12.{"4" if first else "7"}"\n'
    _put(root, "opt/other/include/python3.12/patchlevel.h", header.encode())


def _put(root: Path, path: str, content: bytes) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
