"""The dynamic loader's choices, held against the loader of this machine where that needs no root."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import library_reader, observe, wanted
from reprocheck.collect.ld_cache import BrokenCache, Row, fits, parse_cache
from reprocheck.collect.loader import CACHE, Loading, choices_of
from reprocheck.engine.window import StoredWindow
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.package import LoaderChoice, PythonEnvironment
from tests.collect.elf_files import AARCH64, I386, X86_64, shared_object
from tests.collect.fakeview import Content, FakeView, Link, real_view

MACHINE = {"x86_64": X86_64, "aarch64": AARCH64}[os.uname().machine]
NAME = "libopenblas_probe.so.7"
SITE = "/usr/lib/python3.11/site-packages"
GOOD = shared_object(soname=NAME)
OTHER_CLASS = shared_object(soname=NAME, bits=32, machine=I386)


def real_loader() -> str:
    """What PT_INTERP of this machine's programs names."""
    names = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-x86-64.so.2")
    return next(name for name in names if Path(name).exists())


def look(
    files: Mapping[str, Content],
    library_path: str = "",
    pythons: tuple[PythonEnvironment, ...] = (),
    limits: Limits = DEFAULT,
) -> Loading:
    view = FakeView(files)
    read = library_reader(DEFAULT)
    objects = []
    for path, content in sorted(files.items()):
        if isinstance(content, bytes) and content.startswith(b"\x7fELF"):
            whole = StoredWindow(size=len(content), window=len(content), head=content, tail=b"")
            objects.append((path, read(path, whole)))
    return choices_of(view, limits, tuple(objects), pythons, library_path)


def choice(
    files: Mapping[str, Content],
    library_path: str = "",
    pythons: tuple[PythonEnvironment, ...] = (),
) -> tuple[str, str, tuple[str, ...]]:
    (found,) = look(files, library_path, pythons).choices
    return found.rule, found.path, found.shadowed


def needing(**more: str) -> bytes:
    return shared_object(needed=(NAME,), **more)  # type: ignore[arg-type]


PLACES = st.sampled_from(
    ["@/a", "@/b", "@/c", "@/d", "@/missing", "$ORIGIN", "$ORIGIN/../a", "${ORIGIN}/../link", "@/a/../b"]
)
LISTS = st.lists(PLACES, max_size=3)


@given(
    rpath=LISTS,
    runpath=LISTS,
    library_path=st.lists(st.sampled_from(["@/a", "@/b", "@/c", "@/link", "@/missing"]), max_size=2),
    copies=st.dictionaries(
        st.sampled_from(["a", "b", "c", "d", "own", "a/glibc-hwcaps/x86-64-v2"]),
        st.sampled_from(["good", "other class", "link", "dangling"]),
        max_size=5,
    ),
)
@settings(max_examples=50, deadline=None)
def test_the_loader_of_this_machine_agrees(
    rpath: list[str], runpath: list[str], library_path: list[str], copies: dict[str, str]
) -> None:
    root = Path(tempfile.mkdtemp()).resolve()
    try:
        for name in ("a", "b", "c", "d", "own", "store"):
            (root / name).mkdir()
            (root / name / "here").touch()  # the view below knows of a directory by the files in it
        (root / "link").symlink_to("c")
        (root / "store" / "kept.so").write_bytes(shared_object(soname=NAME, machine=MACHINE))
        for place, what in copies.items():
            target = root / place / NAME
            target.parent.mkdir(parents=True, exist_ok=True)
            if what == "good":
                target.write_bytes(shared_object(soname=NAME, machine=MACHINE))
            elif what == "other class":
                target.write_bytes(OTHER_CLASS)
            else:
                target.symlink_to(root / "store" / ("kept.so" if what == "link" else "gone.so"))
        lists = [":".join(part).replace("@", str(root)) for part in (rpath, runpath, library_path)]
        consumer = root / "own" / "libtorch_probe.so"
        consumer.write_bytes(shared_object(needed=(NAME,), rpath=lists[0], runpath=lists[1], machine=MACHINE))
        environ = {"LD_LIBRARY_PATH": lists[2]} if lists[2] else {}
        done = subprocess.run(
            [real_loader(), "--inhibit-cache", "--list", str(consumer)],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        answer = re.search(rf"{re.escape(NAME)} => (/\S+) \(", done.stdout)
        ours = next(
            item
            for item in look(
                {k: _content(v) for k, v in real_view(root, str(root)).files.items()}, lists[2]
            ).choices
            if item.consumer == str(consumer)
        )
        assert ours.path == (os.path.realpath(answer[1]) if answer else ""), (done.stdout, done.stderr)
        assert (ours.rule == "none") == (answer is None)
    finally:
        shutil.rmtree(root)


def _content(content: Content) -> Content:
    return content() if callable(content) else content


def test_each_rule_shadows_the_next_ones() -> None:
    files: dict[str, Content] = {
        "/app/libtorch_x.so": needing(runpath="$ORIGIN/deps"),
        f"/app/deps/{NAME}": GOOD,
        f"/opt/x/{NAME}": GOOD,
        f"/usr/lib/{NAME}": GOOD,
    }
    assert choice(files) == ("runpath", f"/app/deps/{NAME}", (f"/usr/lib/{NAME}",))
    assert choice(files, "/opt/x") == (
        "LD_LIBRARY_PATH",
        f"/opt/x/{NAME}",
        (f"/app/deps/{NAME}", f"/usr/lib/{NAME}"),
    )
    files["/app/libtorch_x.so"] = needing(rpath="$ORIGIN/deps")
    assert choice(files, "/opt/x")[:2] == ("rpath", f"/app/deps/{NAME}")
    files["/app/libtorch_x.so"] = needing()
    assert choice(files) == ("default", f"/usr/lib/{NAME}", ())
    del files[f"/usr/lib/{NAME}"]
    assert choice(files) == ("none", "", ())


def test_the_interpreter_s_rpath_counts_for_objects_without_runpath() -> None:
    python = PythonEnvironment(
        executable="/conda/bin/python3.11",
        prefix="/conda",
        kind="conda",
        implementation="cpython",
        version="3.11",
        search_path=("/conda/lib/python3.11/site-packages",),
    )
    extension = "/conda/lib/python3.11/site-packages/x/_x.cpython-311-x86_64-linux-gnu.so"
    files: dict[str, Content] = {
        "/conda/bin/python3.11": shared_object(rpath="$ORIGIN/../lib"),
        f"/conda/lib/{NAME}": GOOD,
        extension: needing(),
    }
    assert choice(files, "", (python,))[:2] == ("rpath", f"/conda/lib/{NAME}")
    assert choice(files | {extension: needing(runpath="/nowhere")}, "", (python,))[0] == "none"
    assert choice(files)[0] == "none"


@pytest.mark.parametrize("library_path", [":/opt/x", "/opt/x:", "/opt/x::/b", "lib:/opt/x"])
def test_the_working_directory_is_passed_over_with_a_note(library_path: str) -> None:
    found = look({"/app/libtorch_x.so": needing(), f"/opt/x/{NAME}": GOOD, f"/{NAME}": GOOD}, library_path)
    assert [item.rule for item in found.choices] == ["LD_LIBRARY_PATH"]
    assert len(found.notes) == 1
    assert "working directory" in found.notes[0]


def test_an_unset_library_path_has_no_note() -> None:
    assert look({"/app/libtorch_x.so": needing()}).notes == ()


def test_consumers_with_one_choice_make_one_row_with_the_first_of_them() -> None:
    files: dict[str, Content] = {f"/app/libtorch_{letter}.so": needing() for letter in "cab"}
    (row,) = look(files | {f"/lib/{NAME}": GOOD}).choices
    assert row == LoaderChoice(
        soname=NAME, consumer="/app/libtorch_a.so", path=f"/lib/{NAME}", rule="default"
    )


def test_musl_looks_at_the_library_path_first_and_has_no_cache() -> None:
    files: dict[str, Content] = {
        "/lib/ld-musl-x86_64.so.1": b"",
        CACHE: cache({NAME: f"/cached/{NAME}"}),
        f"/cached/{NAME}": GOOD,
        "/app/libtorch_x.so": needing(rpath="/r"),
        f"/r/{NAME}": GOOD,
        f"/opt/x/{NAME}": GOOD,
        f"/usr/local/lib/{NAME}": GOOD,
    }
    assert choice(files, "/opt/x") == (
        "LD_LIBRARY_PATH",
        f"/opt/x/{NAME}",
        (f"/r/{NAME}", f"/usr/local/lib/{NAME}"),
    )


def test_links_are_resolved_inside_the_tree() -> None:
    files: dict[str, Content] = {
        "/app/libtorch_x.so": needing(runpath="/alternatives"),
        "/alternatives": Link(target="etc/../etc/here"),
        f"/etc/here/{NAME}": Link(target="/../../../store/real.so"),
        "/store/real.so": GOOD,
    }
    assert choice(files)[:2] == ("runpath", "/store/real.so")


def cache(
    rows: Mapping[str, str],
    *,
    order: str = "<",
    flags: int = 0x0303,
    hwcaps: tuple[str, ...] = (),
    level: Mapping[str, int] | None = None,
    old: bool = False,
) -> bytes:
    """A cache as ldconfig writes it (struct cache_file_new), behind an empty old table if so wished."""
    strings, places = bytearray(), {}
    start = 48 + 24 * len(rows)
    for text in (*rows, *rows.values(), *hwcaps):
        places[text] = start + len(strings)
        strings += text.encode("utf-8", "surrogateescape") + b"\0"
    strings += bytes(-len(strings) % 4)
    extension = start + len(strings)
    head = b"glibc-ld.so.cache1.1" + struct.pack(
        order + "IIBxxxIIII",
        len(rows),
        len(strings),
        2 if order == "<" else 3,
        extension if hwcaps else 0,
        0,
        0,
        0,
    )
    table = b""
    for soname, path in rows.items():
        mark = (1 << 62) + level[path] if level and path in level else 0
        table += struct.pack(order + "IIIIQ", flags, places[soname], places[path], 0, mark)
    end = b""
    if hwcaps:
        end = struct.pack(order + "IIIIII", 0xEAA42174, 1, 1, 0, extension + 24, 4 * len(hwcaps))
        end += struct.pack(f"{order}{len(hwcaps)}I", *(places[name] for name in hwcaps))
    prefix = b"ld.so-1.7.0\0" + struct.pack("<I", 0) if old else b""
    return prefix + head + table + bytes(strings) + end


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_cache_is_read_in_both_forms_and_byte_orders(order: str, old: bool) -> None:
    assert parse_cache(cache({NAME: f"/x/{NAME}"}, order=order, old=old)) == {
        NAME: (Row(path=f"/x/{NAME}", flags=0x0303),)
    }


def test_a_cache_of_the_old_form_alone_is_read() -> None:
    strings = NAME.encode() + b"\0/x/y\0"
    raw = b"ld.so-1.7.0\0" + struct.pack("<IIII", 1, 0x0303, 0, len(NAME) + 1) + strings
    assert parse_cache(raw) == {NAME: (Row(path="/x/y", flags=0x0303),)}


def test_the_best_hardware_level_of_the_cache_comes_first() -> None:
    plain, best = f"/lib/{NAME}", f"/lib/glibc-hwcaps/x86-64-v3/{NAME}"
    other = f"/lib/glibc-hwcaps/x86-64-v4/{NAME}"
    rows = cache({NAME: plain}, hwcaps=("x86-64-v4", "x86-64-v3"))
    assert parse_cache(rows)[NAME] == (Row(path=plain, flags=0x0303),)
    levels = {best: 1, other: 0}
    table = {f"{NAME}": best}
    raw = cache(table, hwcaps=("x86-64-v4", "x86-64-v3"), level=levels)
    assert parse_cache(raw)[NAME] == (Row(path=best, flags=0x0303, hwcaps="x86-64-v3"),)
    files: dict[str, Content] = {"/app/libtorch_x.so": needing(), plain: GOOD, best: GOOD, CACHE: raw}
    assert choice(files) == ("cache", best, (plain,))
    raw = cache({NAME: other}, hwcaps=("x86-64-v4",), level={other: 0})
    assert choice({"/app/libtorch_x.so": needing(), other: GOOD, CACHE: raw})[0] == "none"


@pytest.mark.parametrize(
    ("flags", "machine", "bits", "expected"),
    [
        (0x0303, X86_64, 64, True),
        (0x0003, X86_64, 64, False),
        (0x0803, X86_64, 32, True),
        (0x0003, I386, 32, True),
        (0x0A03, AARCH64, 64, True),
        (0x0303, AARCH64, 64, False),
        (0x0001, I386, 32, False),
        (0x1003, 243, 64, True),
    ],
)
def test_rows_of_another_architecture_are_not_looked_at(
    flags: int, machine: int, bits: int, expected: bool
) -> None:
    assert fits(Row(path="/x", flags=flags), machine, bits) is expected


def test_a_stale_row_of_the_cache_falls_through_to_the_default_directories() -> None:
    files: dict[str, Content] = {
        "/app/libtorch_x.so": needing(),
        CACHE: cache({NAME: f"/gone/{NAME}"}),
        f"/usr/lib/{NAME}": GOOD,
    }
    assert choice(files)[:2] == ("default", f"/usr/lib/{NAME}")


def test_nodeflib_keeps_out_of_cache_and_default_directories() -> None:
    consumer = shared_object(needed=(NAME,), flags_1=0x800)
    files: dict[str, Content] = {
        "/app/libtorch_x.so": consumer,
        CACHE: cache({NAME: f"/usr/lib/{NAME}"}),
        f"/usr/lib/{NAME}": GOOD,
    }
    assert choice(files)[0] == "none"


def test_a_broken_cache_is_an_unknown() -> None:
    found = look({"/app/libtorch_x.so": needing(), CACHE: b"glibc-ld.so.cache1.1"})
    assert [(item.section, item.where) for item in found.unknowns] == [("libraries", CACHE)]


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    good = cache({NAME: "/x"}, hwcaps=("a",), level={"/x": 0})
    for attempt in (raw, b"ld.so-1.7.0\0" + raw, good[:20] + raw, good[: len(raw)] + raw):
        with suppress(BrokenCache):
            assert all(rows for rows in parse_cache(attempt).values())


def test_searching_has_an_end_that_is_said() -> None:
    """One object may name a thousand libraries and a thousand directories, and there may be many objects."""
    hungry = shared_object(needed=(NAME,), runpath=":".join(f"/r{number}" for number in range(100)))
    files = {f"/app/lib{number}.so": hungry for number in range(3)}
    assert look(files).unknowns == ()
    (problem,) = look(files, limits=Limits(libraries=5)).unknowns
    assert (problem.where, "limit libraries (5)" in problem.reason) == ("/app/lib2.so", True)


def test_the_whole_observation_has_the_choices() -> None:
    assert wanted(CACHE)
    consumer = f"{SITE}/torch/lib/libtorch_cuda.so"
    view = FakeView(
        {
            consumer: shared_object(
                soname="libtorch_cuda.so",
                needed=("libcudnn.so.9", "libc.so.6"),
                runpath="$ORIGIN/../../nvidia",
            ),
            f"{SITE}/nvidia/libcudnn.so.9": shared_object(soname="libcudnn.so.9"),
            "/opt/cudnn/libcudnn.so.9": shared_object(soname="libcudnn.so.9", build_id=b"\1\2"),
        }
    )
    observed = observe(view, DEFAULT, library_path="/opt/cudnn:")
    assert observed.loading == (
        LoaderChoice(
            soname="libcudnn.so.9",
            consumer=consumer,
            path="/opt/cudnn/libcudnn.so.9",
            rule="LD_LIBRARY_PATH",
            shadowed=(f"{SITE}/nvidia/libcudnn.so.9",),
        ),
    )
    assert len(observed.notes) == 1
    assert observed.objects == ()
