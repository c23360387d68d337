"""Shared objects: what their bytes say through a window, and what broken ones give."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.elf import (
    EMPTY,
    LINKER_SCRIPT,
    NO_ELF,
    NOT_DYNAMIC,
    library_reader,
    library_spans,
    wanted_library,
)
from reprocheck.engine.window import StoredWindow
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import ViewError
from tests.collect.elf_files import AARCH64, I386, X86_64, shared_object

SITE = "/usr/lib/python3.11/site-packages"


def facts(raw: bytes, path: str = "/x/libcudnn.so.9", limits: Limits = DEFAULT) -> LibraryFacts:
    window = limits.library_window
    whole = len(raw) <= 2 * window
    seen = StoredWindow(
        size=len(raw),
        window=window,
        head=raw if whole else raw[:window],
        tail=b"" if whole else raw[-window:],
    )
    return library_reader(limits)(path, seen)


def reason(raw: bytes, path: str = "/x/libcudnn.so.9", limits: Limits = DEFAULT) -> str:
    with pytest.raises(ViewError) as caught:
        facts(raw, path, limits)
    return str(caught.value)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("bits", "machine"), [(32, I386), (64, X86_64), (64, AARCH64)])
def test_every_class_and_byte_order(bits: int, machine: int, order: str) -> None:
    raw = shared_object(
        soname="libcudnn.so.9",
        needed=("libcublas.so.12", "libc.so.6"),
        rpath="$ORIGIN:/opt/x",
        runpath="$ORIGIN/../lib::/y",
        build_id=bytes(range(20)),
        bits=bits,
        machine=machine,
        order=order,
        flags_1=0x800,
    )
    assert facts(raw) == LibraryFacts(
        soname="libcudnn.so.9",
        needed=("libcublas.so.12", "libc.so.6"),
        rpath=("$ORIGIN", "/opt/x"),
        runpath=("$ORIGIN/../lib", "/y"),
        build_id=bytes(range(20)).hex(),
        machine=machine,
        bits=bits,
        no_default=True,
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def test_a_library_that_this_process_has_loaded() -> None:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    found = re.search(r" (/\S+/libc\.so\.6)$", maps, re.MULTILINE)
    assert found is not None
    seen = facts(Path(found[1]).read_bytes(), found[1])
    assert seen.soname == "libc.so.6"
    assert any(name.startswith("ld-linux") for name in seen.needed)
    assert (len(seen.build_id), seen.sha256) == (40, "")


def test_only_a_numeric_library_is_hashed_and_searched() -> None:
    raw = shared_object(soname="libtorch.so", body=b"\0OpenBLAS 0.3.27 \0")
    assert (facts(raw, "/x/libtorch.so").sha256, facts(raw, "/x/libtorch.so").versions) == ("", ())
    renamed = shared_object(soname="libopenblas.so.0", body=b"\0OpenBLAS 0.3.27 \0")
    assert facts(renamed, f"{SITE}/x/renamed.so").versions == (("openblas", "0.3.27"),)


def test_above_the_limit_there_is_neither_digest_nor_version() -> None:
    raw = shared_object(soname="libopenblas.so.0", needed=("libm.so.6",), body=b"OpenBLAS 0.3.27 ")
    seen = facts(raw, "/x/libopenblas.so.0", replace(DEFAULT, library_whole=len(raw) - 1))
    assert (seen.sha256, seen.versions, seen.needed) == ("", (), ("libm.so.6",))
    assert facts(raw, "/x/libopenblas.so.0", replace(DEFAULT, library_whole=len(raw))).sha256


@pytest.mark.parametrize(
    ("path", "body", "versions"),
    [
        ("libopenblas64_-32a4b2a6.so", b"OpenBLAS 0.3.31.188.0  USE64", ("openblas", "0.3.31.188.0")),
        ("libopenblas.so.0", b"OpenBLAS warning: bad\0OpenBLAS 0.3.21 NO", ("openblas", "0.3.21")),
        ("libmkl_rt.so.1", b"Math Kernel Library Version 2020.0.4 Product", ("mkl", "2020.0.4")),
        ("libiomp5.so", b"Intel(R) OMP version: 5.0.2026\0GCC: (GNU) 8.5.0", ("intel-openmp", "5.0.2026")),
        ("libgomp.so.1", b"libgomp.so.1.0.0-8.5.0-28.el8_10.alma.1.x86_64.debug", ("gcc", "8.5.0")),
        ("libgomp.so.1", b"GCC: (GNU) 4.8.5 20150623\0GCC: (GNU) 10.2.1 20210130", ("gcc", "10.2.1")),
        ("libnccl.so.2", b"NCCL version 2.21.5+cuda12.4\0", ("nccl", "2.21.5")),
        ("libnvJitLink.so.12", b"Cuda compilation tools, release 12.4, V12.4.9\n", ("cuda-tools", "12.4.9")),
        ("libtbb.so.12", b"TBB: VERSION\t\t2023.2.0\0", ("tbb", "2023.2.0")),
        ("libblas.so.3", b"OpenBLAS 0.3.21 ", ("openblas", "0.3.21")),
        ("libcudart.so.12", b"OpenBLAS 0.3.21 ", None),
        ("libomp.so.5", b"GCC: (GNU) 12.2.0", None),
    ],
)  # fmt: skip
def test_strings_as_the_real_libraries_carry_them(
    path: str, body: bytes, versions: tuple[str, str] | None
) -> None:
    seen = facts(shared_object(soname="x", body=body), f"/x/{path}")
    assert seen.versions == ((versions,) if versions else ())


@pytest.mark.parametrize("before", [(1 << 20) - back for back in (0, 1, 5, 9, 12, 15, 16, 200, 256, 300)])
def test_a_string_across_two_pieces_is_found_whole(before: int) -> None:
    raw = shared_object(soname="libopenblas.so.0")
    padded = raw + bytes(before - len(raw)) + b"OpenBLAS 0.3.27.1 \0" + bytes(3000)
    assert facts(padded, "/x/libopenblas.so.0").versions == (("openblas", "0.3.27.1"),)


def test_strings_and_dynamic_section_may_lie_in_the_two_windows_of_a_large_file() -> None:
    small = replace(DEFAULT, library_window=4096, library_whole=1)
    raw = shared_object(soname="libcudnn.so.9", needed=("libm.so.6",), body=bytes(100_000))
    assert facts(raw, limits=small).needed == ("libm.so.6",)
    assert "too large" in reason(raw + bytes(100_000), limits=small)


def patched(raw: bytes, place: int, value: bytes) -> bytes:
    return raw[:place] + value + raw[place + len(value) :]


GOOD = shared_object(soname="libcudnn.so.9", needed=("libm.so.6",), build_id=b"\1" * 20)
DYNAMIC = 64 + 56  # its program header


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", EMPTY),
        (b"\x7fEL", NO_ELF),
        (b"MZ" + bytes(100), NO_ELF),
        (b"/* GNU ld script */\nGROUP ( libcudnn.so.9 )", LINKER_SCRIPT),
        (b"INPUT(libtbb.so.12)\n", LINKER_SCRIPT),
        (b"\x7fELF", "has a broken ELF header"),
        (GOOD[:63], "has a broken ELF header"),
        (patched(GOOD, 4, b"\3"), "has a broken ELF header"),
        (patched(GOOD, 5, b"\0"), "has a broken ELF header"),
        (patched(GOOD, 16, b"\1\0"), "is an ELF file, but no shared object"),
        (patched(GOOD, 54, b"\0\0"), "has a broken table of program headers"),
        (patched(GOOD, 56, b"\xff\xff"), "has a broken table of program headers"),
        (patched(GOOD, 32, b"\xff" * 8), "names bytes behind its end"),
        (patched(GOOD, DYNAMIC, b"\x99"), NOT_DYNAMIC),
        (patched(GOOD, DYNAMIC + 32, bytes(8)), NOT_DYNAMIC),
        (patched(GOOD, DYNAMIC + 8, b"\xff" * 8), "names bytes behind its end"),
        (GOOD[:-40], "names bytes behind its end"),
        (
            shared_object(needed=("x" * 5000,)),
            "names a string that is longer than 4096 bytes or has no end",
        ),
        (shared_object(needed=("x",) * 1100), "names more than 1024 libraries"),
    ],
)  # fmt: skip
def test_what_is_no_proper_shared_object_says_why(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 400)
)
@settings(max_examples=50, deadline=None)
def test_no_damage_gives_anything_but_facts_or_a_reason(damage: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray(GOOD)
    for place, value in damage:
        raw[place] = value
    try:
        assert facts(bytes(raw[: len(raw) - cut])).bits in (32, 64)
    except ViewError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/usr/lib/x86_64-linux-gnu/libgomp.so.1.0.0", True),
        ("/usr/lib/x86_64-linux-gnu/libm.so.6", True),
        ("/opt/conda/lib/libtorch_cuda.so", True),
        (f"{SITE}/vllm/_C.abi3.so", True),
        (f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9", True),
        ("/deps/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so", True),
        ("/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so", False),
        ("/opt/conda/bin/python3.11", True),
        ("/opt/conda/bin/python3", False),
        ("/usr/lib/x86_64-linux-gnu/libssl.so.3", False),
        (f"{SITE}/x/data.so.txt", False),
        (f"{SITE}/x.so/readme", False),
        ("/etc/ld.so.conf", False),
    ],
)
def test_which_files_are_looked_at(path: str, wanted: bool) -> None:
    assert wanted_library(path) is wanted


@pytest.mark.parametrize("bits", [32, 64])
def test_the_spans_of_a_large_file_are_its_dynamic_section_and_notes(bits: int) -> None:
    raw = shared_object(
        soname="libcudnn.so.9", needed=("libm.so.6",), build_id=b"\1" * 20, bits=bits, body=bytes(100_000)
    )
    spans = library_spans(raw[:4096], len(raw) + 1000)
    assert any(raw[at : at + size].endswith(b"\1" * 20) for at, size in spans)
    assert any(at > 100_000 and at + size == len(raw) for at, size in spans)
    assert library_spans(raw[:100], len(raw)) == ()
    assert library_spans(b"no ELF file" * 10, 1 << 30) == ()
