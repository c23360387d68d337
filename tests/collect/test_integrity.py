"""Installed files against what RECORD, conda, dpkg and apk say of them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, wanted
from reprocheck.collect.integrity import wants
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ViewError
from tests.collect.fakeview import Content, FakeView, Link, metadata

SITE = "/usr/local/lib/python3.11/site-packages"
PYTHON: Mapping[str, Content] = {
    "/usr/local/bin/python3.11": "elf",
    "/usr/local/lib/python3.11/os.py": "",
    "/usr/local/include/python3.11/patchlevel.h": '#define PY_VERSION "3.11.9"',
}


class StreamView(FakeView):
    """As strict as a stream that was opened for the check."""

    def read(self, path: str, limit: int) -> bytes:
        entry = self.tree.resolve(path)
        if entry is not None and entry.kind == "file" and not wanted(path) and wants(path):
            raw = self._bytes(entry)
            if len(raw) > limit:
                raise ViewError("is too large")
            return raw
        return super().read(path, limit)


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def wheel(name: str, files: Mapping[str, str], *, site: str = SITE, more: str = "") -> dict[str, Content]:
    """An installed distribution whose RECORD is right."""
    info = f"{name}-1.0.dist-info"
    described = metadata(name, "1.0")
    rows = [f"{path},sha256={b64(text)},{len(text)}" for path, text in files.items()]
    rows += [f"{info}/METADATA,sha256={b64(described)},{len(described)}", f"{info}/RECORD,,"]
    return {
        **{f"{site}/{path}": text for path, text in files.items()},
        f"{site}/{info}/METADATA": described,
        f"{site}/{info}/RECORD": "\n".join(rows) + "\n" + more,
    }


def deb(
    name: str,
    files: Mapping[str, str],
    *,
    directories: tuple[str, ...] = (),
    conffiles: Mapping[str, str] | None = None,
    links: tuple[str, ...] = (),
) -> tuple[str, dict[str, Content]]:
    """A stanza of the status file, and the files of an installed package that is as shipped."""
    own = conffiles or {}
    names: set[str] = set()
    for path in (*files, *own, *links):
        parts = path.split("/")
        names.update("/".join(parts[:n]) or "/." for n in range(1, len(parts) + 1))
    names.update(directories)
    stanza = f"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
    if own:
        stanza += "Conffiles:\n" + "".join(f" {path} {md5(text)}\n" for path, text in own.items())
    return stanza + "Description: x\n y\n", {
        **files,
        **own,
        f"/var/lib/dpkg/info/{name}.list": "\n".join(sorted(names)) + "\n",
        f"/var/lib/dpkg/info/{name}.md5sums": "".join(f"{md5(t)}  {p[1:]}\n" for p, t in files.items()),
    }


def debian(*packages: tuple[str, dict[str, Content]]) -> dict[str, Content]:
    files: dict[str, Content] = {"/etc/os-release": "ID=debian\nVERSION_ID=12\n"}
    files["/var/lib/dpkg/status"] = "\n".join(stanza for stanza, _ in packages)
    for _, part in packages:
        files.update(part)
    return files


def check(
    files: Mapping[str, Content], limits: Limits = DEFAULT, *, prefix: str | None = None, broken: str = ""
) -> tuple[Integrity, list[Unknown]]:
    view = StreamView(files, broken=frozenset([broken] if broken else []))
    observed = observe(view, limits, integrity=True, only_prefix=prefix)
    assert observed.integrity is not None
    return observed.integrity, [item for item in observed.unknowns if item.section == "integrity"]


def faults(files: Mapping[str, Content], **options: object) -> list[tuple[str, str]]:
    integrity, unknowns = check(files, **options)  # type: ignore[arg-type]
    assert unknowns == []
    return [(fault.kind, fault.path) for fault in integrity.faults]


NUMPY = {"numpy/__init__.py": "import x\n", "numpy/core.py": "two\n"}


def test_a_distribution_as_its_record_says_has_no_fault() -> None:
    integrity, unknowns = check({**PYTHON, **wheel("numpy", NUMPY)})
    assert (integrity.checked, integrity.without_digest, integrity.faults, unknowns) == (3, 1, (), [])


def test_changed_missing_and_added_files_of_a_distribution() -> None:
    files = {**PYTHON, **wheel("numpy", NUMPY)}
    files[f"{SITE}/numpy/core.py"] = "edited\n"
    files[f"{SITE}/numpy/mine.py"] = "added\n"
    del files[f"{SITE}/numpy/__init__.py"]
    integrity, _ = check(files)
    owner = ("pkg:pypi/numpy@1.0",)
    assert integrity.faults == (
        FileFault(
            kind="changed",
            path=f"{SITE}/numpy/core.py",
            owners=owner,
            expected=f"sha256:{hashlib.sha256(b'two' + bytes([10])).hexdigest()}",
            actual=f"sha256:{hashlib.sha256(b'edited' + bytes([10])).hexdigest()}",
        ),
        FileFault(
            kind="missing",
            path=f"{SITE}/numpy/__init__.py",
            owners=owner,
            expected=f"sha256:{hashlib.sha256(b'import x' + bytes([10])).hexdigest()}",
        ),
        FileFault(kind="unowned", path=f"{SITE}/numpy/mine.py"),
    )


def test_two_wheels_that_write_one_file_are_told_and_the_content_of_the_last_is_right() -> None:
    """opencv-python beside opencv-python-headless."""
    first = wheel("opencv-python", {"cv2/__init__.py": "gui\n"})
    second = wheel("opencv-python-headless", {"cv2/__init__.py": "headless\n"})
    integrity, _ = check({**PYTHON, **first, **second})
    assert integrity.faults == (
        FileFault(
            kind="owned-twice",
            path=f"{SITE}/cv2/__init__.py",
            owners=("pkg:pypi/opencv-python-headless@1.0", "pkg:pypi/opencv-python@1.0"),
        ),
    )


def test_what_installers_and_interpreters_write_themselves_is_not_unowned() -> None:
    assert (
        faults(
            {
                **PYTHON,
                **wheel("numpy", NUMPY),
                f"{SITE}/numpy/__pycache__/core.cpython-311.pyc": b"\0",
                f"{SITE}/numpy-1.0.dist-info/INSTALLER": "pip\n",
                f"{SITE}/numpy-1.0.dist-info/REQUESTED": "",
                f"{SITE}/numpy-1.0.dist-info/direct_url.json": '{"url": "file:///x", "dir_info": {}}',
                f"{SITE}/README.txt": "This directory exists so that ...",
            }
        )
        == []
    )


def test_a_pth_file_and_a_link_that_nobody_lists_are_unowned() -> None:
    extra: dict[str, Content] = {
        f"{SITE}/hook.pth": "import os\n",
        f"{SITE}/linked.py": Link(target="/usr/local/lib/python3.11/os.py"),
        f"{SITE}/dangling.py": Link(target="/nowhere"),
    }
    assert faults({**PYTHON, **wheel("numpy", NUMPY), **extra}) == [
        ("unowned", f"{SITE}/hook.pth"),
        ("unowned", f"{SITE}/linked.py"),
    ]


def test_missing_bytecode_is_counted_and_no_fault() -> None:
    more = "numpy/__pycache__/core.cpython-311.pyc,,\nnumpy/sourceless.pyc,,\n"
    integrity, _ = check({**PYTHON, **wheel("numpy", NUMPY, more=more)})
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [
        ("missing", f"{SITE}/numpy/sourceless.pyc")
    ]
    assert integrity.left_out == 1


def test_record_paths_go_up_and_through_links() -> None:
    """A script lies in bin; on some systems lib64 is a link to lib."""
    files = {**PYTHON, **wheel("tool", {"tool.py": "x"}, more=f"../../../bin/tool,sha256={b64('run')},3\n")}
    files["/usr/local/bin/tool"] = "run"
    assert faults(files) == []
    files["/usr/local/bin/tool"] = "ruin"
    assert faults(files) == [("changed", "/usr/local/bin/tool")]


@pytest.mark.parametrize("row", ["a.py,sha384=AAAA,1", "a.py,md5=AAAA,1", "a.py,,", "a.py"])
def test_other_digests_are_counted_as_none(row: str) -> None:
    integrity, unknowns = check({**PYTHON, **wheel("p", {}, more=row + "\n"), f"{SITE}/a.py": "x"})
    assert (integrity.checked, integrity.without_digest, integrity.faults, unknowns) == (1, 2, (), [])


@pytest.mark.parametrize("value", ["sha256=", "sha256=short", "sha256=" + "!" * 43, "sha256=\u00fc"])
def test_a_hash_that_is_none_is_unknown(value: str) -> None:
    files = {**PYTHON, **wheel("p", {"b.py": "b"}, more=f"a.py,{value},1\n"), f"{SITE}/a.py": "x"}
    integrity, unknowns = check(files)
    assert integrity.faults == ()
    assert [(item.where, item.reason) for item in unknowns] == [
        (f"{SITE}/p-1.0.dist-info/RECORD", "has 1 hashes that are no SHA-256")
    ]


def test_a_file_that_cannot_be_read_is_unknown_and_the_rest_is_checked() -> None:
    integrity, unknowns = check({**PYTHON, **wheel("numpy", NUMPY)}, broken=f"{SITE}/numpy/core.py")
    assert (integrity.checked, integrity.faults) == (2, ())
    assert [(item.where, item.reason) for item in unknowns] == [(f"{SITE}/numpy/core.py", "cannot be hashed")]


def test_a_distribution_without_record_is_named_and_its_files_are_not_called_unowned() -> None:
    files: dict[str, Content] = {
        **PYTHON,
        f"{SITE}/old-1.0.egg-info/PKG-INFO": metadata("old", "1.0"),
        f"{SITE}/old-1.0.egg-info/top_level.txt": "older\n",
        f"{SITE}/older/a.py": "a",
        f"{SITE}/bare-1.0.dist-info/METADATA": metadata("bare", "1.0"),
        f"{SITE}/bare.py": "b",
        f"{SITE}/other.py": "c",
    }
    integrity, _ = check(files)
    assert integrity.packages_without_list == ("pkg:pypi/bare@1.0", "pkg:pypi/old@1.0")
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [("unowned", f"{SITE}/other.py")]


def test_installed_files_txt_counts_from_the_egg_info() -> None:
    files: dict[str, Content] = {
        **PYTHON,
        f"{SITE}/old-1.0.egg-info/PKG-INFO": metadata("old", "1.0"),
        f"{SITE}/old-1.0.egg-info/installed-files.txt": "../old.py\n../gone.py\nPKG-INFO\n./\n",
        f"{SITE}/old.py": "a",
    }
    integrity, _ = check(files)
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [
        ("missing", f"{SITE}/gone.py"),
        ("unowned", f"{SITE}/old-1.0.egg-info/installed-files.txt"),
    ]


CONFIGURED = deb(
    "base", {"/usr/bin/tool": "elf", "/usr/lib/x.so": "so"}, conffiles={"/etc/tool.conf": "a=1\n"}
)


def test_a_debian_package_as_shipped_has_no_fault() -> None:
    integrity, unknowns = check(debian(CONFIGURED))
    assert (integrity.checked, integrity.without_digest, integrity.faults, unknowns) == (3, 0, (), [])


def test_changed_and_missing_files_of_debian_packages_and_configuration_is_marked() -> None:
    files = debian(CONFIGURED)
    files["/usr/bin/tool"] = "other"
    files["/etc/tool.conf"] = "a=2\n"
    files["/usr/bin/mine"] = "mine"
    files["/usr/local/bin/mine"] = "not judged"
    files["/usr/bin/alternative"] = Link(target="/usr/bin/tool")
    del files["/usr/lib/x.so"]
    files["/usr/lib/y.so"] = "y"
    integrity, _ = check(files)
    assert [(fault.kind, fault.path, fault.configuration) for fault in integrity.faults] == [
        ("changed", "/etc/tool.conf", True),
        ("changed", "/usr/bin/tool", False),
        ("missing", "/usr/lib/x.so", False),
        ("unowned", "/usr/bin/mine", False),
        ("unowned", "/usr/lib/y.so", False),
    ]


def test_a_merged_usr_is_one_place() -> None:
    stanza, files = deb("libc6", {"/lib/libm.so": "m"})
    del files["/lib/libm.so"]
    tree = debian((stanza, files)) | {"/lib": Link(target="usr/lib"), "/usr/lib/libm.so": "m"}
    assert faults(tree) == []
    tree["/usr/lib/libm.so"] = "n"
    assert faults(tree) == [("changed", "/usr/lib/libm.so")]


def test_a_diverted_file_is_looked_for_where_it_went() -> None:
    files = debian(deb("shell", {"/usr/bin/sh": "old"}), deb("dash", {"/usr/bin/sh": "dash"}))
    files["/usr/bin/sh"] = "dash"
    assert faults(files) == [("owned-twice", "/usr/bin/sh")]
    files["/usr/bin/sh.distrib"] = "old"
    files["/var/lib/dpkg/diversions"] = "/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n"
    assert faults(files) == []
    files["/usr/bin/sh.distrib"] = "edited"
    assert faults(files) == [("changed", "/usr/bin/sh.distrib")]


def test_a_local_diversion_moves_every_package() -> None:
    files = debian(deb("shell", {"/usr/bin/sh": "old"}))
    files["/usr/bin/sh"] = "mine"
    files["/usr/bin/sh.real"] = "old"
    files["/var/lib/dpkg/diversions"] = "/usr/bin/sh\n/usr/bin/sh.real\n:\n"
    assert faults(files) == [("unowned", "/usr/bin/sh")]


def test_documentation_that_dpkg_was_told_to_leave_out_is_counted() -> None:
    files = debian(
        deb("pkg", {"/usr/share/doc/a/README": "r", "/usr/share/doc/a/copyright": "c", "/usr/bin/a": "a"})
    )
    del files["/usr/share/doc/a/README"], files["/usr/share/doc/a/copyright"]
    files["/etc/dpkg/dpkg.cfg.d/docker"] = (
        "# slim\npath-exclude /usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n"
    )
    integrity, _ = check(files)
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [
        ("missing", "/usr/share/doc/a/copyright")
    ]
    assert integrity.left_out == 1


def test_empty_directories_that_images_clear_are_no_fault_and_others_are() -> None:
    files = debian(deb("apt", {"/usr/bin/apt": "a"}, directories=("/var", "/var/lists", "/opt", "/run")))
    integrity, _ = check(files)
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [("missing", "/opt")]
    assert integrity.left_out == 2


def test_links_are_there_even_when_they_lead_nowhere() -> None:
    files = debian(deb("pkg", {"/usr/bin/a": "a"}, links=("/usr/lib/a.so",)))
    files["/usr/lib/a.so"] = Link(target="/usr/local/a.so")
    integrity, _ = check(files)
    assert (integrity.faults, integrity.without_digest) == ((), 1)


def test_a_file_that_became_a_directory_is_changed_and_one_that_became_a_link_is_followed() -> None:
    files = debian(deb("pkg", {"/usr/bin/a": "a", "/usr/bin/b": "b"}))
    del files["/usr/bin/a"], files["/usr/bin/b"]
    files["/usr/bin/a/inner"] = "x"
    files["/usr/bin/b"] = Link(target="/opt/b")
    files["/opt/b"] = "b"
    found = [row for row in faults(files) if row[0] != "unowned"]
    assert found == [("changed", "/usr/bin/a")]


def test_two_architectures_of_one_package_share_a_file() -> None:
    stanzas = [deb(f"libx:{arch}", {"/usr/share/doc/libx/copyright": "c"})[1] for arch in ("amd64", "i386")]
    status = "\n".join(
        f"Package: libx\nStatus: install ok installed\nVersion: 1\nArchitecture: {arch}\n"
        for arch in ("amd64", "i386")
    )
    assert faults({**debian(), **stanzas[0], **stanzas[1], "/var/lib/dpkg/status": status}) == []


def test_distroless_lists_stand_beside_the_stanzas() -> None:
    files: dict[str, Content] = {
        "/etc/os-release": "ID=debian\n",
        "/var/lib/dpkg/status.d/libc": "Package: libc6\nVersion: 1\nArchitecture: amd64\n",
        "/var/lib/dpkg/status.d/libc.md5sums": (
            f"{md5('c')}  ./usr/lib/libc.so\n{md5('m')}  usr/lib/libm.so\n"
        ),
        "/usr/lib/libc.so": "c",
        "/usr/lib/libm.so": "n",
        "/usr/lib/added.so": "n",
    }
    assert faults(files) == [("changed", "/usr/lib/libm.so"), ("unowned", "/usr/lib/added.so")]


def test_a_package_without_any_list_is_named() -> None:
    status = "Package: pkg\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"
    integrity, _ = check({"/var/lib/dpkg/status": status})
    assert [purl.partition("@")[0] for purl in integrity.packages_without_list] == ["pkg:deb/debian/pkg"]


def test_lines_that_are_no_digests_are_unknown() -> None:
    files = debian(CONFIGURED)
    files["/var/lib/dpkg/info/base.md5sums"] = "what\n" + md5("elf") + "  usr/bin/tool\n"
    integrity, unknowns = check(files)
    assert (integrity.checked, integrity.without_digest) == (2, 1)
    assert [item.reason for item in unknowns] == ["has 1 lines that are no digest and path"]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (" /etc/a b {} obsolete", True),
        (" /etc/a b {} remove-on-upgrade", True),
        (" /etc/a b newconffile", False),
        (" /etc/a b newconffile remove-on-upgrade", False),
    ],
)
def test_flags_behind_a_conffile(line: str, changed: bool) -> None:
    stanza, files = deb("pkg", {}, links=("/etc/a b",))
    stanza = stanza.replace("Description:", f"Conffiles:\n{line.format(md5('old'))}\nDescription:")
    found = faults({**debian((stanza, files)), "/etc/a b": "new"})
    assert found == ([("changed", "/etc/a b")] if changed else [])


def test_a_debian_packages_own_record_is_the_same_owner_and_may_be_out_of_date() -> None:
    """Debian moves pip's scripts after RECORD was written."""
    site = "/usr/lib/python3/dist-packages"
    inner = wheel(
        "pip", {"pip/__init__.py": "p"}, site=site, more="../../scripts/pip,sha256=" + b64("s") + ",1\n"
    )
    files = debian(deb("python3-pip", {path: str(text) for path, text in inner.items()}))
    files["/usr/bin/python3.11"] = "elf"
    files["/usr/lib/python3.11/os.py"] = ""
    found = [row for row in faults(files) if row[1].startswith(site) or "scripts" in row[1]]
    assert found == []


CONDA = "/opt/conda"


def conda(paths: list[dict[str, object]], files: list[str]) -> dict[str, Content]:
    document = {
        "name": "numpy",
        "version": "1.0",
        "build": "py311",
        "channel": "conda-forge",
        "files": files,
        "paths_data": {"paths": paths, "paths_version": 1},
    }
    return {f"{CONDA}/conda-meta/numpy-1.0-py311.json": json.dumps(document)}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_conda_digests_are_those_in_the_prefix() -> None:
    paths: list[dict[str, object]] = [
        {
            "_path": "bin/f2py",
            "path_type": "hardlink",
            "sha256": sha("#!/old"),
            "sha256_in_prefix": sha("#!/new"),
        },
        {"_path": "lib/plain", "path_type": "hardlink", "sha256": sha("plain")},
        {"_path": "lib/rewritten", "path_type": "hardlink", "sha256": sha("x"), "prefix_placeholder": "/p"},
        {"_path": "lib/link", "path_type": "softlink", "sha256": sha("what it led to when it was built")},
        {"_path": "lib/empty", "path_type": "directory"},
        {"_path": "../../etc/passwd", "path_type": "hardlink", "sha256": sha("no")},
    ]
    files: dict[str, Content] = {
        **conda(paths, ["bin/f2py", "lib/plain", "lib/only-listed"]),
        f"{CONDA}/bin/f2py": "#!/new",
        f"{CONDA}/lib/plain": "plain",
        f"{CONDA}/lib/rewritten": "y",
        f"{CONDA}/lib/link": Link(target="plain"),
        f"{CONDA}/lib/only-listed": "z",
    }
    integrity, unknowns = check(files)
    assert (integrity.checked, integrity.without_digest, integrity.faults, unknowns) == (2, 3, (), [])
    files[f"{CONDA}/bin/f2py"] = "#!/edited"
    assert faults(files) == [("changed", f"{CONDA}/bin/f2py")]


def test_a_conda_package_and_its_own_record_are_one_owner() -> None:
    site = f"{CONDA}/lib/python3.11/site-packages"
    inner = wheel("numpy", NUMPY, site=site)
    listed = [path.removeprefix(f"{CONDA}/") for path in inner]
    rows: list[dict[str, object]] = [
        {"_path": path, "path_type": "hardlink", "sha256_in_prefix": sha(str(inner[f"{CONDA}/{path}"]))}
        for path in listed
    ]
    files: dict[str, Content] = {
        **conda(rows, listed),
        **inner,
        f"{CONDA}/bin/python3.11": "elf",
        f"{CONDA}/lib/python3.11/os.py": "",
        f"{site}/added.py": "x",
    }
    assert faults(files) == [("unowned", f"{site}/added.py")]


def test_apk_files_are_owned_and_must_be_there() -> None:
    files: dict[str, Content] = {
        "/lib/apk/db/installed": "P:musl\nV:1.2\nA:x86_64\nF:lib\nR:ld-musl.so\nZ:Q1abc=\nR:gone.so\n\n",
        "/lib/ld-musl.so": "elf",
        "/lib/added.so": "elf",
    }
    integrity, _ = check(files)
    assert [(fault.kind, fault.path) for fault in integrity.faults] == [
        ("missing", "/lib/gone.so"),
        ("unowned", "/lib/added.so"),
    ]
    assert (integrity.checked, integrity.without_digest) == (0, 1)


@pytest.mark.parametrize("database", ["/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/rpmdb.sqlite"])
def test_what_an_rpm_database_may_own_is_not_called_unowned(database: str) -> None:
    """Its packages strip RECORD, and its own digests are not read here."""
    files: dict[str, Content] = {
        "/usr/bin/python3.11": "elf",
        "/usr/lib/python3.11/os.py": "",
        "/usr/lib/python3.11/site-packages/dnf.py": "x",
        **PYTHON,
        f"{SITE}/mine.py": "x",
    }
    unowned = [("unowned", f"{SITE}/mine.py")]
    found = [(fault.kind, fault.path) for fault in check({**files, database: b""})[0].faults]
    assert found == unowned
    found = [(fault.kind, fault.path) for fault in check(files)[0].faults]
    assert found == [("unowned", "/usr/lib/python3.11/site-packages/dnf.py"), *unowned]


def test_only_the_site_directories_are_judged_where_only_one_environment_was_looked_at() -> None:
    more = "../../../bin/tool,,\n"
    files: dict[str, Content] = {
        **wheel("numpy", NUMPY, site="/work/venv/lib/python3.11/site-packages", more=more),
        "/work/venv/pyvenv.cfg": "home = /usr/local/bin\nversion = 3.11.9\n",
        "/work/venv/bin/python3": Link(target="/usr/local/bin/python3.11"),
        **PYTHON,
        **debian(CONFIGURED),
    }
    del files["/usr/bin/tool"]
    integrity, _ = check(files, prefix="/work/venv")
    assert integrity.places == ("/work/venv/lib/python3.11/site-packages",)
    assert (integrity.checked, integrity.faults) == (3, ())


def test_what_lies_in_a_directory_that_could_not_be_listed_is_not_called_missing() -> None:
    files = debian(
        deb("pkg", {"/usr/lib/ssl/private.pem": "k", "/usr/bin/a": "a"}), deb("other", {"/usr/bin/b": "b"})
    )
    del files["/usr/lib/ssl/private.pem"]
    view = StreamView(files)
    view.unreadable = (("/usr/lib/ssl", "permission denied"),)  # type: ignore[attr-defined]
    integrity = observe(view, DEFAULT, integrity=True).integrity
    assert integrity is not None
    assert integrity.faults == ()


def test_the_limit_of_files_is_told_and_nothing_is_called_unowned() -> None:
    files = {**PYTHON, **wheel("numpy", NUMPY), f"{SITE}/added.py": "x"}
    integrity, unknowns = check(files, replace(DEFAULT, integrity_files=2))
    assert integrity.faults == ()
    assert ["integrity_files" in item.reason for item in unknowns] == [True]


def test_the_limit_of_faults_is_told() -> None:
    files = {**PYTHON, **{f"{SITE}/m{n}.py": "x" for n in range(5)}}
    integrity, unknowns = check(files, replace(DEFAULT, integrity_faults=2))
    assert [fault.path for fault in integrity.faults] == [f"{SITE}/m0.py", f"{SITE}/m1.py"]
    assert [item.where for item in unknowns] == ["3 further faults"]


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=200), st.binary(max_size=200))
def test_no_list_makes_it_raise_and_the_same_lists_give_the_same_answer(
    record: bytes, sums: bytes, diversions: bytes, config: bytes
) -> None:
    files = {**PYTHON, **wheel("numpy", NUMPY), **debian(CONFIGURED)}
    files[f"{SITE}/numpy-1.0.dist-info/RECORD"] = record
    files["/var/lib/dpkg/info/base.md5sums"] = sums
    files["/var/lib/dpkg/info/base.list"] = sums + b"\n/" + record
    files["/var/lib/dpkg/diversions"] = diversions
    files["/etc/dpkg/dpkg.cfg"] = b"path-exclude=" + config
    assert check(files) == check(files)


@settings(max_examples=50, deadline=None)
@given(st.sets(st.sampled_from(sorted(NUMPY))), st.sets(st.sampled_from(sorted(NUMPY))))
def test_exactly_what_was_edited_and_deleted_is_told(edited: set[str], deleted: set[str]) -> None:
    files = {**PYTHON, **wheel("numpy", NUMPY)}
    for path in edited:
        files[f"{SITE}/{path}"] = "another content"
    for path in deleted:
        del files[f"{SITE}/{path}"]
    assert faults(files) == [
        *(("changed", f"{SITE}/{path}") for path in sorted(edited - deleted)),
        *(("missing", f"{SITE}/{path}") for path in sorted(deleted)),
    ]
