"""An export stream becomes a view with a full listing and only the wanted bytes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from reprocheck.engine.export import read_export
from reprocheck.engine.view import View
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.ports import Interest, ViewError


def export(
    *parts: tuple[str, bytes, bytes | str],
    wants: Callable[[str], bool] = lambda _path: True,
    limits: Limits = DEFAULT,
) -> View:
    """Each part: name, tar type, content or link target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, content in parts:
            member = tarfile.TarInfo(name)
            member.type = kind
            if isinstance(content, str):
                member.linkname = content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    out.seek(0)
    return read_export(out.read, interest=Interest(keep=wants), limits=limits, where="the export")


FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_wanted_files_are_read_through_links_and_others_raise() -> None:
    view = export(
        ("usr", DIRECTORY, b""),
        ("usr/lib", DIRECTORY, b""),
        ("usr/lib/os-release", FILE, b"ID=debian\n"),
        ("usr/lib/big.so", FILE, b"\x7fELF"),
        ("etc", DIRECTORY, b""),
        ("etc/os-release", LINK, "../usr/lib/os-release"),
        wants=lambda path: path.endswith("os-release"),
    )
    assert view.read("/etc/os-release", 100) == b"ID=debian\n"
    assert view.tree.entries["/usr/lib/big.so"].size == 4
    with pytest.raises(ViewError, match="not kept"):
        view.read("/usr/lib/big.so", 100)
    with pytest.raises(ViewError, match="limit of 3"):
        view.read("/etc/os-release", 3)
    with pytest.raises(FileNotFoundError):
        view.read("/none", 1)
    with pytest.raises(IsADirectoryError):
        view.read("/usr", 1)


def test_what_the_engine_puts_there_is_masked() -> None:
    view = export(
        (".dockerenv", FILE, b""),
        ("dev", DIRECTORY, b""),
        ("dev/console", FILE, b""),
        ("etc", DIRECTORY, b""),
        ("etc/hostname", FILE, b""),
        ("etc/hosts", FILE, b""),
        ("etc/resolv.conf", FILE, b""),
        ("etc/mtab", LINK, "/proc/mounts"),
        ("proc", DIRECTORY, b""),
        ("sys", DIRECTORY, b""),
        ("devices", DIRECTORY, b""),
        ("app", FILE, b"x"),
    )
    assert sorted(view.tree.entries) == ["/", "/app", "/devices"]


def test_the_last_of_two_members_counts() -> None:
    view = export(("a", FILE, b"first"), ("./a", FILE, b"second!"))
    assert view.read("/a", 10) == b"second!"
    view = export(("b", FILE, b"x"), ("a", FILE, b"first"), ("a", LINK, "b"))
    assert view.read("/a", 10) == b"x"


def test_hard_links_have_the_size_and_bytes_of_their_file() -> None:
    view = export(("store", FILE, b"data"), ("lib", HARD, "store"))
    assert view.read("/lib", 10) == b"data"
    assert view.tree.entries["/lib"].size == 4
    view = export(("store", FILE, b"data"), ("lib", HARD, "store"), wants=lambda path: path == "/lib")
    with pytest.raises(ViewError, match="hard link"):
        view.read("/lib", 10)


@pytest.mark.parametrize(
    "parts",
    [
        (("lib", HARD, "nothing"),),
        (("lib", HARD, "lib"),),
        (("d", DIRECTORY, b""), ("lib", HARD, "d")),
        (("f", FILE, b""), ("f/below", FILE, b"")),
        (("l", LINK, "/etc"), ("l/passwd", FILE, b"")),
    ],
)
def test_states_that_no_file_system_can_be_in_are_refused(
    parts: tuple[tuple[str, bytes, bytes | str], ...],
) -> None:
    with pytest.raises(InputFault) as caught:
        export(*parts)
    assert caught.value.code == "E_TAR_HOSTILE"


def test_a_file_above_the_limit_is_an_error_on_read_only() -> None:
    view = export(("a", FILE, b"12345"), ("b", FILE, b"1"), limits=replace(DEFAULT, retained_file=4))
    assert view.read("/b", 10) == b"1"
    with pytest.raises(ViewError, match=r"retained_file.*--limit-scale"):
        view.read("/a", 10)


def test_too_much_in_all_is_an_error_at_once() -> None:
    with pytest.raises(CouldNotRun, match="retained_total") as caught:
        export(("a", FILE, b"x" * 60), ("b", FILE, b"x" * 60), limits=replace(DEFAULT, retained_total=100))
    assert caught.value.code == "E_LIMIT"


def test_names_count_as_kept_bytes() -> None:
    """Two million long names would otherwise fill the memory."""
    with pytest.raises(CouldNotRun, match="retained_total"):
        export(
            *((f"{'n' * 90}{i}", FILE, b"") for i in range(3)), limits=replace(DEFAULT, retained_total=200)
        )
