"""What shared objects of Python distributions want: libraries, symbol versions, NumPy's API."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.elf import library_reader
from reprocheck.collect.linking import Linking, links_of
from reprocheck.engine.window import StoredWindow
from reprocheck.limits import DEFAULT
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import LinkNeed
from reprocheck.ports import ViewError
from tests.collect.elf_files import I386, shared_object
from tests.collect.fakeview import Content, FakeView
from tests.collect.native_objects import compiled, consumer_of, library_with
from tests.strategies import make_python

SITE = "/usr/lib/python3.11/site-packages"
EXT = "cpython-311-x86_64-linux-gnu.so"
PYTHON = make_python("/usr/bin/python3.11", search_path=(SITE,))


def facts_of(path: str, raw: bytes) -> LibraryFacts:
    seen = StoredWindow(size=len(raw), window=len(raw), head=raw, tail=b"")
    return library_reader(DEFAULT)(path, seen)


def link(
    files: Mapping[str, Content], library_path: str = "", owners: Mapping[str, str] | None = None
) -> Linking:
    objects = tuple(
        (path, facts_of(path, content))
        for path, content in sorted(files.items())
        if isinstance(content, bytes) and content.startswith(b"\x7fELF")
    )
    return links_of(FakeView(files), DEFAULT, objects, (PYTHON,), library_path, owners or {})


def test_what_no_rule_finds_is_told_with_its_first_consumer() -> None:
    found = link(
        {
            f"{SITE}/cv2/cv2.abi3.so": shared_object(needed=("libGL.so.1", "libz.so.1")),
            f"{SITE}/cv2/b.abi3.so": shared_object(needed=("libGL.so.1",)),
            "/usr/lib/libz.so.1": shared_object(soname="libz.so.1"),
        },
        owners={f"{SITE}/cv2/cv2.abi3.so": "pkg:pypi/opencv", f"{SITE}/cv2/b.abi3.so": "pkg:pypi/opencv"},
    )
    assert found.needs == (
        LinkNeed(
            owner="pkg:pypi/opencv", soname="libGL.so.1", consumer=f"{SITE}/cv2/b.abi3.so", imported=True
        ),
    )


def test_what_another_distribution_brings_is_not_missed() -> None:
    """torchvision needs libc10.so, which is in the process when torch was imported before."""
    files = {
        f"{SITE}/torchvision/_C.abi3.so": shared_object(needed=("libc10.so",)),
        f"{SITE}/torch/lib/libc10.so": shared_object(soname="libc10.so"),
    }
    assert link(files).needs == ()


def test_a_library_where_the_loader_does_not_look() -> None:
    files = {
        f"{SITE}/a.abi3.so": shared_object(needed=("libodd.so.1",)),
        "/opt/odd/lib/libodd.so.1": shared_object(soname="libodd.so.1"),
        "/opt/odd/lib/stubs/libodd.so.1": shared_object(soname="libodd.so.1"),
    }
    (need,) = link(files).needs
    assert (need.provider, need.elsewhere) == ("", "/opt/odd/lib/libodd.so.1")
    assert link(files, library_path="/opt/odd/lib").needs == ()


def test_only_what_an_import_leads_to_is_imported() -> None:
    """Of a package with extension modules its other objects count when such a module needs them."""
    files = {
        f"{SITE}/p/_p.{EXT}": shared_object(needed=("libp.so",), runpath="$ORIGIN"),
        f"{SITE}/p/libp.so": shared_object(soname="libp.so", needed=("libgone1.so",)),
        f"{SITE}/p/plugins/libx.so": shared_object(needed=("libgone2.so",)),
        f"{SITE}/only/lib_lightgbm.so": shared_object(needed=("libgomp.so.1",)),
    }
    owners = {path: f"pkg:pypi/{path.split('/')[5]}" for path in files}
    assert [(n.soname, n.imported) for n in link(files, owners=owners).needs] == [
        ("libgomp.so.1", True),
        ("libgone1.so", True),
        ("libgone2.so", False),
    ]


def test_libraries_of_a_package_for_another_package() -> None:
    """Where another's extension modules lead to some of its objects, the rest are plug-ins."""
    files = {
        f"{SITE}/PyQt5/QtCore.abi3.so": shared_object(needed=("libQt5Core.so.5",), runpath="$ORIGIN/Qt5"),
        f"{SITE}/PyQt5/Qt5/libQt5Core.so.5": shared_object(needed=("libglib-2.0.so.0",)),
        f"{SITE}/PyQt5/Qt5/libother.so": shared_object(needed=("libgone.so",)),
    }
    owners = {path: "qt" if "/Qt5/" in path else "pyqt" for path in files}
    assert [(n.soname, n.imported) for n in link(files, owners=owners).needs] == [
        ("libglib-2.0.so.0", True),
        ("libgone.so", False),
    ]


def test_objects_of_another_machine_cannot_be_loaded_at_all() -> None:
    """debugpy brings one for every architecture."""
    files = {
        "/usr/bin/python3.11": shared_object(),
        f"{SITE}/debugpy/attach_x86.so": shared_object(needed=("libgone.so",), bits=32, machine=I386),
    }
    assert link(files).needs == ()


def test_musl_answers_to_the_names_of_the_c_library() -> None:
    files = {
        "/lib/ld-musl-x86_64.so.1": shared_object(),
        f"{SITE}/a.abi3.so": shared_object(needed=("libc.so.6", "libc.musl-x86_64.so.1", "libstdc++.so.6")),
    }
    assert [need.soname for need in link(files).needs] == ["libstdc++.so.6"]


def test_outside_of_site_directories_nothing_is_told() -> None:
    assert link({"/opt/app/x.abi3.so": shared_object(needed=("libgone.so",))}).needs == ()


# --- with the real compiler


@pytest.fixture
def demo(tmp_path: Path) -> tuple[bytes, bytes, bytes]:
    """A C library that offers up to GLIBC_2.40, one that offers up to 2.17, and a module that wants both."""
    new = library_with(
        tmp_path / "new",
        "libc.so.6",
        {"GLIBC_2.17": ("one",), "GLIBC_2.38": ("two",), "GLIBC_2.40": ("three",)},
    )
    old = library_with(tmp_path / "old", "libc.so.6", {"GLIBC_2.17": ("one",)})
    module = consumer_of(tmp_path, f"m.{EXT}", new, "one", "two")
    return new.read_bytes(), old.read_bytes(), module.read_bytes()


@pytest.mark.gcc
def test_versions_that_are_wanted_and_offered(tmp_path: Path, demo: tuple[bytes, bytes, bytes]) -> None:
    new, _, module = demo
    facts = facts_of("/usr/lib/libc.so.6", new)
    assert facts.offers == ("GLIBC_2.17", "GLIBC_2.38", "GLIBC_2.40")
    wants = facts_of(f"{SITE}/m.{EXT}", module).wants
    assert sorted(wants) == [("libc.so.6", "GLIBC_2.17"), ("libc.so.6", "GLIBC_2.38")]


@pytest.mark.gcc
def test_real_libraries_are_read_as_readelf_reads_them() -> None:
    for path in sorted(Path("/usr/lib").glob("*-linux-gnu/lib[cms]*.so.*"))[:40]:
        if path.read_bytes()[:4] != b"\x7fELF":
            continue
        said = subprocess.run(
            ["readelf", "-VW", str(path)], capture_output=True, text=True, check=True
        ).stdout
        facts = facts_of(str(path), path.read_bytes())
        needs = re.split(r"Version needs section", said)
        wanted = re.findall(r"Name: (\S+) {2}Flags: none", needs[1]) if len(needs) > 1 else []
        assert sorted(version for _, version in facts.wants) == sorted(wanted), path
        offered = re.findall(r"Rev: 1 {2}Flags: (?:none|WEAK) .*?Name: (\S+)", needs[0])
        assert sorted(facts.offers) == sorted(offered), path


@pytest.mark.gcc
def test_a_version_that_is_not_there(demo: tuple[bytes, bytes, bytes]) -> None:
    _, old, module = demo
    found = link({"/usr/lib/libc.so.6": old, f"{SITE}/m.{EXT}": module})
    assert found.needs == (
        LinkNeed(
            owner="",
            soname="libc.so.6",
            consumer=f"{SITE}/m.{EXT}",
            wanted="GLIBC_2.38",
            provider="/usr/lib/libc.so.6",
            offered="GLIBC_2.17",
            imported=True,
        ),
    )


@pytest.mark.gcc
def test_of_what_is_there_only_the_newest_is_told(demo: tuple[bytes, bytes, bytes]) -> None:
    new, _, module = demo
    (need,) = link({"/usr/lib/libc.so.6": new, f"{SITE}/m.{EXT}": module}).needs
    assert (need.wanted, need.offered, need.met) == ("GLIBC_2.38", "GLIBC_2.40", True)


@pytest.mark.gcc
def test_the_copy_that_the_loader_takes_counts(demo: tuple[bytes, bytes, bytes]) -> None:
    new, old, module = demo
    files = {"/usr/lib/libc.so.6": old, "/opt/new/libc.so.6": new, f"{SITE}/m.{EXT}": module}
    (need,) = link(files, library_path="/opt/new").needs
    assert (need.provider, need.met) == ("/opt/new/libc.so.6", True)


@pytest.mark.gcc
def test_a_c_library_that_cannot_be_read_is_an_unknown(demo: tuple[bytes, bytes, bytes]) -> None:
    _, _, module = demo
    found = link({"/usr/lib/libc.so.6": b"broken", f"{SITE}/m.{EXT}": module})
    assert found.needs == ()
    assert [(u.section, u.where) for u in found.unknowns] == [("libraries", "/usr/lib/libc.so.6")]


@pytest.mark.gcc
@pytest.mark.parametrize(
    ("strings", "wanted"),
    [
        (("numpy.core._multiarray_umath",), ["NUMPY_1"]),
        (("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"), []),
        ((), []),
    ],
)
def test_which_numpy_an_extension_was_built_for(
    tmp_path: Path, strings: tuple[str, ...], wanted: list[str]
) -> None:
    """NumPy 2's import_array tries the new name first; NumPy 1's knows only the old one."""
    body = "".join(f'const char *s{i}(void) {{ return "{text}"; }}\n' for i, text in enumerate(strings))
    raw = compiled(tmp_path, f"x.{EXT}", body + "int x;").read_bytes()
    needs = link({f"{SITE}/x/x.{EXT}": raw}).needs
    assert [need.wanted for need in needs] == wanted
    assert link({f"{SITE}/numpy/x.{EXT}": raw}).needs == (), "numpy's own are built for that very numpy"


@pytest.mark.gcc
@settings(max_examples=50)
@given(data=st.data())
def test_broken_tables_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A byte of the real object is changed anywhere: facts, or a ViewError."""
    place = tmp_path_factory.getbasetemp() / "mutated"
    source = place / f"m.{EXT}"
    if not source.exists():
        place.mkdir(exist_ok=True)
        new = library_with(place, "libc.so.6", {"GLIBC_2.17": ("one",), "GLIBC_2.38": ("two",)})
        consumer_of(place, f"m.{EXT}", new, "one", "two")
    name = data.draw(st.sampled_from([f"m.{EXT}", "libc.so.6"]))
    raw = bytearray((place / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, min(len(raw), 16_000) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ViewError):
        facts = facts_of(f"{SITE}/{name}", bytes(raw))
        assert not facts.untold or (facts.wants, facts.offers) == ((), ())
