"""ABI and platform, from the names that a build gave its own files."""

from __future__ import annotations

import pytest

from reprocheck.collect import observe
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import Content, FakeView, Link

P = "/opt/py"


@pytest.mark.parametrize(
    ("executable", "files", "told"),
    [
        (
            "python3.11",
            ("python3.11/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so",),
            ("cp311", "x86_64-linux-gnu"),
        ),
        (
            "python3.12",
            ("python3.12/lib-dynload/_bz2.cpython-312-aarch64-linux-gnu.so",),
            ("cp312", "aarch64-linux-gnu"),
        ),
        (
            "python3.12",
            ("python3.12/lib-dynload/_bz2.cpython-312-x86_64-linux-musl.so",),
            ("cp312", "x86_64-linux-musl"),
        ),
        (
            "python3.7",
            ("python3.7/lib-dynload/_bz2.cpython-37m-x86_64-linux-gnu.so",),
            ("cp37m", "x86_64-linux-gnu"),
        ),
        (
            "python3.13t",
            ("python3.13t/lib-dynload/_bz2.cpython-313t-x86_64-linux-gnu.so",),
            ("cp313t", "x86_64-linux-gnu"),
        ),
        (
            "python3.11",
            ("python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py", "python3.11/os.py"),
            ("cp311", "x86_64-linux-gnu"),
        ),
        (
            "python3.11",
            (
                "python3.11/_sysconfigdata_x86_64_conda_cos6_linux_gnu.py",
                "python3.11/_sysconfigdata_d_linux_x86_64-linux-gnu.py",
                "python3.11/os.py",
            ),
            ("cp311d", "x86_64-linux-gnu"),
        ),
        ("python3.11", ("python3.11/os.py",), ("cp311", "")),
        ("python3.13t", ("python3.13t/os.py",), ("cp313t", "")),
        ("python3.11d", (), ("cp311d", "")),
        ("python3.7", ("python3.7/os.py",), ("", "")),
        ("python2.7", ("python2.7/lib-dynload/_bisect.so",), ("", "")),
        (
            "pypy3.10",
            ("pypy3.10/_ssl.pypy310-pp73-x86_64-linux-gnu.so", "pypy3.10/os.py"),
            ("pypy310_pp73", "x86_64-linux-gnu"),
        ),
        ("pypy3.10", ("pypy3.10/os.py",), ("", "")),
    ],
)
def test_names_of_files_tell_it(executable: str, files: tuple[str, ...], told: tuple[str, str]) -> None:
    tree: dict[str, Content] = {f"{P}/lib/{path}": b"" for path in files}
    (python,) = observe(FakeView({f"{P}/bin/{executable}": b"", **tree}), DEFAULT).pythons
    assert (python.abi, python.platform) == told


def test_a_debug_build_shares_the_directory_of_the_usual_one() -> None:
    """Debian's python3.11-dbg."""
    place = f"{P}/lib/python3.11/lib-dynload"
    files: dict[str, Content] = {
        f"{P}/bin/python3.11": b"",
        f"{P}/bin/python3.11d": b"",
        f"{P}/bin/python3.11-dbg": Link(target="python3.11d"),
        f"{place}/_bz2.cpython-311-x86_64-linux-gnu.so": b"",
        f"{place}/_bz2.cpython-311d-x86_64-linux-gnu.so": b"",
    }
    found = observe(FakeView(files), DEFAULT).pythons
    assert [(item.executable, item.abi) for item in found] == [
        (f"{P}/bin/python3.11", "cp311"),
        (f"{P}/bin/python3.11d", "cp311d"),
    ]


def test_a_venv_takes_the_abi_of_its_base() -> None:
    files: dict[str, Content] = {
        f"{P}/bin/python3.12": b"",
        f"{P}/lib/python3.12/lib-dynload/_bz2.cpython-312-x86_64-linux-gnu.so": b"",
        "/v/pyvenv.cfg": f"home = {P}/bin\ninclude-system-site-packages = false\n",
        "/v/bin/python3.12": Link(target=f"{P}/bin/python3.12"),
        "/w/pyvenv.cfg": "home = /gone/bin\ninclude-system-site-packages = false\nversion = 3.13.1\n",
        "/w/bin/python3.13": Link(target="/gone/bin/python3.13"),
    }
    found = {item.prefix: (item.abi, item.platform) for item in observe(FakeView(files), DEFAULT).pythons}
    assert found["/v"] == ("cp312", "x86_64-linux-gnu")
    assert found["/w"] == ("cp313", "")
