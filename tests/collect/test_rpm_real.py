"""Databases that the real rpm made, against its own `rpm -qa`; those of old forms through the real syft."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.sight import interest, look
from reprocheck.collect import Observed, observe
from reprocheck.engine.directory import open_directory
from reprocheck.engine.view import View
from reprocheck.limits import DEFAULT
from reprocheck.model.package import Package

pytestmark = pytest.mark.rpm

SITE = "/usr/lib/python3.11/site-packages"
QUERY = "%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{EVR}\n"

SPECS = {
    "plain": "Name: plain\nVersion: 1.0\nRelease: 1\nBuildArch: noarch\n",
    "epoch": "Name: epoch\nEpoch: 2\nVersion: 1.2~rc1\nRelease: 3.el9\nRequires: libfoo >= 1.2, baz < 3\n"
    "Requires: (one or other)\nRequires(post): /bin/sh\nProvides: virtual(epoch) = 5, other\n",
    "zero": "Name: zero\nEpoch: 0\nVersion: 1.2^git5\nRelease: 0.1\n",
    "odd": "Name: lib_odd++6-dev.x\nVersion: 20240101+dfsg_1\nRelease: 1^2~3\n",
    "python3-demo": "Name: python3-demo\nVersion: 1.0\nRelease: 4%{?dist}\nBuildArch: noarch\n",
    "libgomp": "Name: libgomp\nVersion: 13.2.0\nRelease: 7\n",
}
FILES = {
    "python3-demo": f"{SITE}/demo-1.0.dist-info/METADATA",
    "libgomp": "/usr/lib64/libgomp.so.1.0.0",
    "plain": "/usr/share/plain/read me",
}


@dataclass(frozen=True)
class Machine:
    """A root that rpm installs into."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "var/lib/rpm/rpmdb.sqlite"

    def rpm(self, *argv: str) -> str:
        """Run rpm on this root; Debian's keeps its database in the home unless told otherwise."""
        command = ["rpm", "--root", str(self.root), "--dbpath", "/var/lib/rpm", *argv]
        return run(*command)

    def listed(self, *argv: str) -> list[tuple[str, ...]]:
        lines = self.rpm("-qa", "--qf", QUERY, *argv).splitlines()
        return sorted(tuple("" if cell == "(none)" else cell for cell in line.split("\t")) for line in lines)

    def observed(self) -> Observed:
        return observe(self.view(), DEFAULT)

    def view(self) -> View:
        asked = interest(digests=False, limits=DEFAULT)
        return open_directory(str(self.root), interest=asked, limits=DEFAULT)


def run(*argv: str) -> str:
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    assert done.returncode == 0, (argv, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Small packages, by the name of their spec."""
    top = tmp_path_factory.mktemp("build")
    built: dict[str, str] = {}
    for label, text in SPECS.items():
        path = FILES.get(label, f"/usr/share/{label}/file")
        directory = path.rpartition("/")[0]
        spec = top / f"{label}.spec"
        spec.write_text(
            f"{text}Summary: {label}\nLicense: MIT\nAutoReqProv: no\n%description\n{label}\n"
            f'%install\nmkdir -p "%{{buildroot}}{directory}"\n'
            f'printf "Name: demo\\nVersion: 1.0\\n" > "%{{buildroot}}{path}"\n'
            f'%files\n%dir "{directory}"\n"{path}"\n'
        )
        made = top / label
        run(
            "rpmbuild",
            "-bb",
            "--quiet",
            "--define",
            f"_topdir {made}",
            "--define",
            f"_dbpath {top}/database",
            "--define",
            "debug_package %{nil}",
            str(spec),
        )
        (found,) = made.glob("RPMS/*/*.rpm")
        built[label] = str(found)
    return built


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('ID="fedora"\nVERSION_ID=41\n')
    (root / "usr/bin/python3.11").touch(mode=0o755)
    return Machine(root)


def rpms(observed: Observed) -> list[Package]:
    return [item for item in observed.packages if item.type == "rpm"]


def unread(observed: Observed) -> list[str]:
    return [item.reason for item in observed.unknowns if item.section == "packages"]


def told(observed: Observed) -> list[tuple[str, ...]]:
    """What `QUERY` prints, from our values."""
    rows = []
    for item in rpms(observed):
        epoch, _, rest = item.version.rpartition(":")
        version, _, release = rest.rpartition("-")
        source = next(
            (part[9:] for part in item.purl.partition("?")[2].split("&") if part.startswith("upstream=")), ""
        )
        source = source.replace("%2B", "+").replace("%5E", "^")
        rows.append((item.name, epoch, version, release, item.architecture, source, item.version))
    return sorted(rows)


def test_installed_packages_are_those_of_rpm(machine: Machine, packages: dict[str, str]) -> None:
    machine.rpm("--install", "--nodeps", "--noscripts", *packages.values())
    observed = machine.observed()
    assert told(observed) == machine.listed()
    assert len(rpms(observed)) == len(SPECS)
    assert unread(observed) == []


def test_relations_are_those_of_rpm(machine: Machine, packages: dict[str, str]) -> None:
    machine.rpm("--install", "--justdb", "--nodeps", packages["epoch"])
    (found,) = rpms(machine.observed())
    asked = [line.rstrip() for line in machine.rpm("-q", "--requires", "epoch").splitlines()]
    assert sorted(found.depends) == [line for line in asked if not line.startswith("rpmlib(")]
    assert list(found.provides) == [
        line.rstrip() for line in machine.rpm("-q", "--provides", "epoch").splitlines()
    ]


def test_a_distribution_and_a_library_are_owned(machine: Machine, packages: dict[str, str]) -> None:
    machine.rpm("--install", "--nodeps", packages["python3-demo"], packages["libgomp"])
    observed = machine.observed()
    owners = {item.name: item.purl for item in rpms(observed)}
    assert [item.owner for item in observed.packages if item.type == "pypi"] == [owners["python3-demo"]]
    owned = [(item.owner, item.version, item.source) for item in observed.libraries]
    assert owned == [(owners["libgomp"], "13.2.0-7", "rpm")]


def test_what_was_erased_is_gone(machine: Machine, packages: dict[str, str]) -> None:
    machine.rpm("--install", "--justdb", "--nodeps", *packages.values())
    machine.rpm("--erase", "--justdb", "--nodeps", "plain", "zero")
    assert told(machine.observed()) == machine.listed()
    assert len(machine.listed()) == len(SPECS) - 2


@pytest.fixture
def unwritten(machine: Machine, packages: dict[str, str]) -> Iterator[Machine]:
    """A database whose newest packages lie in its write-ahead log: somebody else has it open."""
    machine.rpm("--install", "--justdb", "--nodeps", packages["plain"])
    with closing(sqlite3.connect(machine.database)) as reader:
        reader.execute("SELECT count(*) FROM Packages").fetchone()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM Packages").fetchone()
        machine.rpm("--install", "--justdb", "--nodeps", packages["epoch"], packages["odd"])
        yield machine


def test_packages_that_lie_in_the_log_alone_are_seen(unwritten: Machine) -> None:
    assert Path(f"{unwritten.database}-wal").stat().st_size > 0
    assert told(unwritten.observed()) == unwritten.listed()
    assert len(unwritten.listed()) == 3


def headers(machine: Machine) -> list[bytes]:
    with closing(sqlite3.connect(machine.database)) as connection:
        return [blob for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum")]


def berkeley(place: Path, blobs: list[bytes]) -> None:
    """Have Berkeley DB itself write `Packages`: a hash from each header's number, in native order, to it."""
    rows = [(0, struct.pack("=I", len(blobs))), *enumerate(blobs, start=1)]
    text = "".join(f" {struct.pack('=I', key).hex()}\n {value.hex()}\n" for key, value in rows)
    dump = f"VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n{text}DATA=END\n"
    subprocess.run(["db5.3_load", str(place / "Packages")], input=dump, text=True, check=True)


def ndb(place: Path, blobs: list[bytes]) -> None:
    """Write `Packages.db` as rpm's lib/backend/ndb/rpmpkg.c describes it: slots of 16 bytes, then blobs."""
    slots, store, block = b"", b"", 4096 // 16
    for number, blob in enumerate(blobs, start=1):
        head = b"BlbS" + struct.pack("<III", number, 1, len(blob))
        body = head + blob
        body += bytes(-(len(body) + 12) % 16)
        body += struct.pack("<II", zlib.adler32(body), len(blob)) + b"BlbE"
        slots += b"Slot" + struct.pack("<III", number, block, len(body) // 16)
        store += body
        block += len(body) // 16
    front = b"RpmP" + struct.pack("<IIII", 0, 1, 1, len(blobs) + 1) + bytes(12) + slots
    front += (b"Slot" + bytes(12)) * ((4096 - len(front)) // 16)
    (place / "Packages.db").write_bytes(front + store)


@pytest.mark.syft
@pytest.mark.parametrize(("write", "form"), [(berkeley, "Berkeley DB"), (ndb, "NDB")])
def test_a_database_of_an_old_form_is_read_by_syft(
    machine: Machine, packages: dict[str, str], write: Callable[[Path, list[bytes]], None], form: str
) -> None:
    machine.rpm("--install", "--justdb", "--nodeps", *packages.values())
    expected = machine.listed()
    blobs = headers(machine)
    for path in machine.database.parent.iterdir():
        path.unlink()
    write(machine.database.parent, blobs)
    if form == "Berkeley DB":
        assert machine.listed("--define", "_db_backend bdb_ro") == expected
    alone = machine.observed()
    assert rpms(alone) == []
    assert [form in reason for reason in unread(alone)] == [True]

    outside = Outside(environ=dict(os.environ), home="/", directory="/")
    sight = look(machine.view(), outside, with_syft=True)
    assert told(sight.observed) == expected
    assert unread(sight.observed) == []
    assert sight.disagreements == ()
    assert [form in note for note in sight.notes] == [True]
