"""Interpreters and their search paths, told from files alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, python_environments
from reprocheck.collect.python_interpreters import parse_venv
from reprocheck.limits import DEFAULT
from reprocheck.model.package import PythonEnvironment
from tests.collect.fakeview import Content, FakeView, Link

ELF = b"\x7fELF"
DEBIAN: dict[str, Content] = {
    "/bin": Link(target="usr/bin"),
    "/etc/debian_version": "12.5\n",
    "/usr/bin/python3.11": ELF,
    "/usr/bin/python3": Link(target="python3.11"),
    "/usr/lib/python3/dist-packages/README": "",
    "/usr/local/lib/python3.11/dist-packages/README": "",
    "/var/lib/dpkg/status": (
        "Package: python3.11-minimal\nStatus: install ok installed\nVersion: 3.11.2-6+deb12u4\n"
    ),
    "/var/lib/dpkg/info/python3.11-minimal.list": "/.\n/usr/bin/python3.11\n",
}


def pythons(files: dict[str, Content], **more: str) -> tuple[PythonEnvironment, ...]:
    return observe(FakeView(files), DEFAULT, **more).pythons  # type: ignore[arg-type]


def test_debian_puts_pips_directory_before_apts() -> None:
    (python,) = pythons(DEBIAN)
    assert python.executable == "/usr/bin/python3.11"
    assert (python.version, python.kind, python.implementation) == ("3.11.2", "system", "cpython")
    assert python.search_path == ("/usr/local/lib/python3.11/dist-packages", "/usr/lib/python3/dist-packages")


def test_an_interpreter_of_ones_own_stands_beside_debians() -> None:
    found = pythons(
        {
            **DEBIAN,
            "/usr/local/bin/python3.12": ELF,
            "/usr/local/bin/python3": Link(target="python3.12"),
            "/usr/local/lib/python3.12/site-packages/README": "",
            "/usr/local/include/python3.12/patchlevel.h": '#define PY_VERSION  "3.12.4"\n',
        },
        path_variable="/usr/local/bin:/usr/bin",
    )
    assert [(item.executable, item.version, item.active) for item in found] == [
        ("/usr/bin/python3.11", "3.11.2", False),
        ("/usr/local/bin/python3.12", "3.12.4", True),
    ]
    assert found[1].search_path == ("/usr/local/lib/python3.12/site-packages",)


def test_the_users_own_directory_comes_first() -> None:
    files: dict[str, Content] = {
        **DEBIAN,
        "/home/ana/.local/lib/python3.11/site-packages/README": "",
        "/root/.local/lib/python3.11/site-packages/README": "",
        "/root/.local/lib/python3.9/site-packages/README": "",
    }
    (python,) = pythons(files)
    assert python.search_path[:2] == (
        "/root/.local/lib/python3.11/site-packages",
        "/home/ana/.local/lib/python3.11/site-packages",
    )


VENV: dict[str, Content] = {
    **DEBIAN,
    "/opt/venv/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.1\n",
    "/opt/venv/bin/python": Link(target="/usr/bin/python3"),
    "/opt/venv/bin/python3": Link(target="python"),
    "/opt/venv/bin/python3.11": Link(target="python"),
    "/opt/venv/lib/python3.11/site-packages/README": "",
    "/opt/venv/lib64": Link(target="lib"),
    "/root/.local/lib/python3.11/site-packages/README": "",
}


def test_a_venv_sees_only_itself_and_runs_its_base() -> None:
    venv = pythons(VENV)[0]
    assert (venv.executable, venv.kind, venv.base) == (
        "/opt/venv/bin/python3.11",
        "venv",
        "/usr/bin/python3.11",
    )
    assert venv.search_path == ("/opt/venv/lib/python3.11/site-packages",)
    assert venv.version == "3.11.2"


def test_a_venv_with_system_packages_puts_itself_before_the_user_and_the_base() -> None:
    files = {**VENV, "/opt/venv/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = TRUE\n"}
    assert pythons(files)[0].search_path == (
        "/opt/venv/lib/python3.11/site-packages",
        "/root/.local/lib/python3.11/site-packages",
        "/usr/local/lib/python3.11/dist-packages",
        "/usr/lib/python3/dist-packages",
    )


def test_a_venv_whose_base_is_elsewhere_is_still_seen() -> None:
    view = FakeView({path: item for path, item in VENV.items() if path.startswith("/opt/venv")})
    observed = observe(view, DEFAULT)
    (venv,) = observed.pythons
    assert (venv.version, venv.base) == ("3.11.1", "/usr/bin/python3.11")
    assert observed.unknowns == ()


def test_a_missing_base_whose_packages_count_is_an_unknown() -> None:
    files: dict[str, Content] = {
        "/v/pyvenv.cfg": "home = /gone\ninclude-system-site-packages = true\nversion_info = 3.11.9.final.0\n",
        "/v/bin/python3.11": ELF,
    }
    observed = observe(FakeView(files), DEFAULT)
    assert observed.pythons[0].version == "3.11.9"
    assert [item.where for item in observed.unknowns] == ["/v/bin/python3.11"]


@pytest.mark.parametrize(
    ("path_variable", "virtual_env", "active"),
    [
        ("/usr/bin", "", "/usr/bin/python3.11"),
        ("/bin:/opt/venv/bin", "", "/usr/bin/python3.11"),
        ("/opt/venv/bin:/usr/bin", "", "/opt/venv/bin/python3.11"),
        ("/usr/bin", "/opt/venv", "/opt/venv/bin/python3.11"),
        ("/usr/bin", "/opt/venv/", "/opt/venv/bin/python3.11"),
        ("/usr/bin", "/not/there", "/usr/bin/python3.11"),
        ("", "", ""),
        ("relative:./bin::", "", ""),
    ],
)
def test_the_active_environment(path_variable: str, virtual_env: str, active: str) -> None:
    found = pythons(VENV, path_variable=path_variable, virtual_env=virtual_env)
    assert [item.executable for item in found if item.active] == ([active] if active else [])


def test_a_shim_on_the_path_is_an_unknown() -> None:
    files: dict[str, Content] = {**DEBIAN, "/root/.pyenv/shims/python3": "#!/bin/sh\n"}
    observed = observe(FakeView(files), DEFAULT, path_variable="/root/.pyenv/shims:/usr/bin")
    assert not any(item.active for item in observed.pythons)
    assert [item.where for item in observed.unknowns] == ["/root/.pyenv/shims/python3"]


def test_pypy_is_one_interpreter_under_its_own_name() -> None:
    (python,) = pythons(
        {
            "/opt/pypy/bin/pypy3.10": ELF,
            "/opt/pypy/bin/python3.10": Link(target="pypy3.10"),
            "/opt/pypy/lib/pypy3.10/site-packages/README": "",
        }
    )
    assert (python.executable, python.implementation) == ("/opt/pypy/bin/pypy3.10", "pypy")
    assert python.search_path == ("/opt/pypy/lib/pypy3.10/site-packages",)


def test_a_link_elsewhere_is_no_second_interpreter() -> None:
    assert len(pythons({**DEBIAN, "/opt/tool/bin/python3.11": Link(target="/usr/bin/python3.11")})) == 1


def test_a_dangling_interpreter_is_none() -> None:
    assert pythons({"/usr/bin/python3.11": Link(target="/nowhere")}) == ()


def test_fedora_searches_lib64_before_lib() -> None:
    (python,) = pythons(
        {
            "/usr/bin/python3.12": ELF,
            "/usr/lib/python3.12/site-packages/README": "",
            "/usr/lib64/python3.12/site-packages/README": "",
            "/usr/local/lib/python3.12/site-packages/README": "",
        }
    )
    assert python.search_path == (
        "/usr/local/lib/python3.12/site-packages",
        "/usr/lib64/python3.12/site-packages",
        "/usr/lib/python3.12/site-packages",
    )


def test_the_free_threaded_build_has_its_own_library() -> None:
    (python,) = pythons({"/usr/local/bin/python3.14t": ELF, "/usr/local/lib/python3.14t/site-packages/x": ""})
    assert (python.version, python.search_path) == ("3.14", ("/usr/local/lib/python3.14t/site-packages",))


def test_old_pythons_keep_their_headers_elsewhere() -> None:
    (python,) = pythons(
        {"/p/bin/python3.6": ELF, "/p/include/python3.6m/patchlevel.h": '#define PY_VERSION "3.6.15"\n'}
    )
    assert python.version == "3.6.15"


def test_site_py_takes_an_absent_key_for_true() -> None:
    assert parse_venv(b"home = /usr/bin\n", "/v").system_site
    assert not parse_venv(b"Include-System-Site-Packages = False\n", "/v").system_site


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_survived(config: bytes, header: bytes) -> None:
    view = FakeView(
        {
            "/v/pyvenv.cfg": config,
            "/v/bin/python3.11": ELF,
            "/u/bin/python3.11": ELF,
            "/u/include/python3.11/patchlevel.h": header,
        }
    )
    assert [item.executable for item in python_environments.collect(view, DEFAULT).pythons] == [
        "/u/bin/python3.11",
        "/v/bin/python3.11",
    ]
