"""Interpreters by all the names that they go by."""

from __future__ import annotations

import pytest

from reprocheck.collect import observe
from reprocheck.collect.observed import Observed
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import Content, FakeView, Link, metadata

ELF = b"\x7fELF"


def see(files: dict[str, Content], **more: str) -> Observed:
    return observe(FakeView(files), DEFAULT, **more)  # type: ignore[arg-type]


def rows(files: dict[str, Content]) -> list[tuple[str, str]]:
    return [(item.executable, item.version) for item in see(files).pythons]


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"/p/lib/python3.9/os.py": ""}, "3.9"),
        ({"/p/lib64/python3.9/os.py": ""}, "3.9"),
        (
            {"/p/lib/python3.9/os.py": "", "/p/include/python3.9/patchlevel.h": '#define PY_VERSION "3.9.1"'},
            "3.9.1",
        ),
        ({"/p/lib/python3.9/os.py": "", "/p/lib/python3.11/site-packages/x": ""}, "3.9"),
        (
            {"/p/lib/python3.9/os.py": "", "/p/lib/python3.8/os.py": "", "/p/lib/libpython3.8.so.1.0": ""},
            "3.8",
        ),
        ({"/p/lib/python3.9/os.py": "", "/p/lib/python3.8/os.py": "", "/p/include/python3.9/x.h": ""}, "3.9"),
        ({"/p/lib/python2.7/os.py": "", "/p/lib/python3.8/os.py": ""}, "3.8"),
    ],
)
def test_an_interpreter_without_a_versioned_name_is_told_by_its_library(
    files: dict[str, Content], version: str
) -> None:
    assert rows({"/p/bin/python3": ELF, "/p/bin/python": Link(target="python3"), **files}) == [
        ("/p/bin/python3", version)
    ]


def test_a_wrapper_script_is_no_interpreter() -> None:
    """Debian always has this directory; the script starts what conda installed."""
    files: dict[str, Content] = {
        "/usr/local/bin/python3": "#!/bin/sh\nexec /opt/conda/bin/python\n",
        "/usr/local/lib/python3.11/dist-packages/x": "",
    }
    assert rows(files) == []


def test_two_libraries_and_nothing_that_tells_are_an_unknown() -> None:
    observed = see({"/p/bin/python3": ELF, "/p/lib/python3.9/os.py": "", "/p/lib/python3.8/os.py": ""})
    assert observed.pythons == ()
    (problem,) = (item for item in observed.unknowns if item.section == "pythons")
    assert problem.where == "/p/bin/python3"
    assert "3.8, 3.9" in problem.reason


def test_a_free_threaded_prefix_without_versioned_names() -> None:
    (python,) = see(
        {"/p/bin/python3": ELF, "/p/lib/python3.13t/os.py": "", "/p/lib/python3.13t/site-packages/x": ""}
    ).pythons
    assert (python.version, python.abi, python.search_path) == (
        "3.13",
        "cp313t",
        ("/p/lib/python3.13t/site-packages",),
    )


@pytest.mark.parametrize(
    ("labels", "library", "kept"),
    [
        (("python3.7", "python3.7m"), "python3.7/lib-dynload/x.cpython-37m-x86_64-linux-gnu.so", "python3.7"),
        (("python3.7m",), "python3.7/lib-dynload/x.cpython-37m-x86_64-linux-gnu.so", "python3.7m"),
        (("python3.13", "python3.13t"), "python3.13t/os.py", "python3.13t"),
        (
            ("python3.11", "python3.11d"),
            "python3.11/lib-dynload/x.cpython-311d-x86_64-linux-gnu.so",
            "python3.11d",
        ),
    ],
)
def test_hard_links_are_one_interpreter(labels: tuple[str, ...], library: str, kept: str) -> None:
    """`make install` gives a build with ABI flags two names for one file."""
    files: dict[str, Content] = {f"/p/bin/{label}": ELF for label in labels}
    assert [path for path, _ in rows({**files, f"/p/lib/{library}": ""})] == [f"/p/bin/{kept}"]


def test_the_free_threaded_build_beside_the_usual_one() -> None:
    files: dict[str, Content] = {
        "/p/bin/python3.13": ELF,
        "/p/bin/python3.13t": ELF,
        "/p/lib/python3.13/os.py": "",
        "/p/lib/python3.13t/os.py": "",
    }
    assert [(item.executable, item.abi) for item in see(files).pythons] == [
        ("/p/bin/python3.13", "cp313"),
        ("/p/bin/python3.13t", "cp313t"),
    ]


def test_an_old_pypy_keeps_its_packages_beside_its_library() -> None:
    files: dict[str, Content] = {
        "/opt/pypy/bin/pypy3.7": ELF,
        "/opt/pypy/bin/pypy3": Link(target="pypy3.7"),
        "/opt/pypy/lib-python/3/os.py": "",
        "/opt/pypy/lib_pypy/_ctypes_test.pypy37-pp73-x86_64-linux-gnu.so": b"",
        "/opt/pypy/lib_pypy/os.py": "",
        "/opt/pypy/include/patchlevel.h": '#define PY_VERSION "3.7.13"\n#define PYPY_VERSION "7.3.9"\n',
        "/opt/pypy/site-packages/x-1.dist-info/METADATA": metadata("x", "1"),
    }
    (python,) = see(files).pythons
    assert (python.implementation, python.version, python.abi) == ("pypy", "3.7.13", "pypy37_pp73")
    assert python.search_path == ("/opt/pypy/site-packages",)


def test_the_systems_own_python_of_red_hat_8() -> None:
    files: dict[str, Content] = {
        "/usr/libexec/platform-python": Link(target="platform-python3.6"),
        "/usr/libexec/platform-python3.6": ELF,
        "/usr/lib64/python3.6/os.py": "",
        "/usr/lib/python3.6/site-packages/x": "",
    }
    (python,) = see(files).pythons
    assert (python.executable, python.prefix) == ("/usr/libexec/platform-python3.6", "/usr")
    assert python.search_path == ("/usr/lib/python3.6/site-packages",)
    assert rows({**files, "/usr/bin/python3.6": Link(target="/usr/libexec/platform-python3.6")}) == [
        ("/usr/bin/python3.6", "3.6")
    ]


def test_a_link_to_an_interpreter_elsewhere_uses_the_library_there() -> None:
    files: dict[str, Content] = {
        "/usr/bin/python3.12": Link(target="/opt/py/bin/python3"),
        "/opt/py/bin/python3": ELF,
        "/opt/py/lib/python3.12/os.py": "",
        "/opt/py/lib/python3.12/site-packages/x": "",
    }
    (python,) = see(files).pythons
    assert (python.executable, python.prefix) == ("/usr/bin/python3.12", "/opt/py")
    assert python.search_path == ("/opt/py/lib/python3.12/site-packages",)


def test_pythons_in_homes_are_found() -> None:
    """pyenv and uv; the shims and the links in ~/.local/bin are no interpreters of their own."""
    pyenv, uv = "/root/.pyenv/versions/3.11.7", "/root/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu"
    files: dict[str, Content] = {
        f"{pyenv}/bin/python3.11": ELF,
        f"{pyenv}/include/python3.11/patchlevel.h": '#define PY_VERSION "3.11.7"\n',
        "/root/.pyenv/shims/python3": "#!/bin/sh\n",
        f"{uv}/bin/python3.12": ELF,
        f"{uv}/include/python3.12/patchlevel.h": '#define PY_VERSION "3.12.4"\n',
        "/root/.local/bin/python3.12": Link(target=f"{uv}/bin/python3.12"),
    }
    assert rows(files) == [(f"{uv}/bin/python3.12", "3.12.4"), (f"{pyenv}/bin/python3.11", "3.11.7")]


def test_a_venv_in_a_cache_is_an_environment() -> None:
    """Poetry and pre-commit keep them there; what else lies in a cache is no installed copy."""
    venv = "/root/.cache/pypoetry/virtualenvs/app-x-py3.11"
    site = f"{venv}/lib/python3.11/site-packages"
    files: dict[str, Content] = {
        "/usr/local/bin/python3.11": ELF,
        f"{venv}/pyvenv.cfg": "home = /usr/local/bin\ninclude-system-site-packages = false\n",
        f"{venv}/bin/python3.11": Link(target="/usr/local/bin/python3.11"),
        f"{site}/x-1.dist-info/METADATA": metadata("x", "1"),
        "/root/.cache/uv/archive-v0/abc/y-1.dist-info/METADATA": metadata("y", "1"),
        "/root/.cache/uv/archive-v0/abc/y-1.dist-info/RECORD": "",
    }
    observed = see(files)
    assert [item.prefix for item in observed.pythons] == [venv, "/usr/local"]
    assert [(item.name, item.python.environment) for item in observed.packages if item.python] == [
        ("x", f"{venv}/bin/python3.11")
    ]


def test_python_2_of_debian_does_not_see_the_packages_of_python_3() -> None:
    files: dict[str, Content] = {
        "/etc/debian_version": "10",
        "/usr/bin/python2.7": ELF,
        "/usr/bin/python3.7": ELF,
        "/usr/lib/python2.7/dist-packages/x": "",
        "/usr/lib/python3/dist-packages/x": "",
    }
    assert [item.search_path for item in see(files).pythons] == [
        ("/usr/lib/python2.7/dist-packages",),
        ("/usr/lib/python3/dist-packages",),
    ]


@pytest.mark.parametrize("label", ["python3", "python3.13"])
def test_a_hard_link_on_the_path_starts_the_interpreter_that_it_is(label: str) -> None:
    files: dict[str, Content] = {
        f"/p/bin/{label}": ELF,
        "/p/bin/python3.13t": ELF,
        "/p/lib/python3.13t/os.py": "",
        "/q/bin/python3.13": ELF,
    }
    if label != "python3":
        files["/p/bin/python3"] = Link(target=label)
    observed = see(files, path_variable="/p/bin")
    assert [item.executable for item in observed.pythons if item.active] == ["/p/bin/python3.13t"]
