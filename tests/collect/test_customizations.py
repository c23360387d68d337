"""Modules that run at every start of an interpreter."""

from __future__ import annotations

import pytest

from reprocheck.collect import observe
from reprocheck.limits import DEFAULT
from reprocheck.model.package import PythonEnvironment
from tests.collect.fakeview import Content, FakeView, Link

LIB = "/usr/local/lib/python3.11"
SITE = f"{LIB}/site-packages"
USER = "/root/.local/lib/python3.11/site-packages"
BASE: dict[str, Content] = {
    "/usr/local/bin/python3.11": b"\x7fELF",
    f"{LIB}/os.py": "",
    f"{SITE}/README": "",
}


def pythons(files: dict[str, Content]) -> tuple[PythonEnvironment, ...]:
    return observe(FakeView({**BASE, **files}), DEFAULT).pythons


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ()),
        ({f"{SITE}/sitecustomize.py": ""}, (f"{SITE}/sitecustomize.py",)),
        ({f"{SITE}/sitecustomize/__init__.py": ""}, (f"{SITE}/sitecustomize/__init__.py",)),
        ({f"{SITE}/sitecustomize/other.py": ""}, ()),
        ({f"{SITE}/sitecustomize.pyc": b""}, (f"{SITE}/sitecustomize.pyc",)),
        ({f"{SITE}/sitecustomize.abi3.so": b""}, (f"{SITE}/sitecustomize.abi3.so",)),
        ({f"{SITE}/sitecustomize.py": Link(target="/gone")}, ()),
        ({f"{LIB}/sitecustomize.py": "", f"{SITE}/sitecustomize.py": ""}, (f"{LIB}/sitecustomize.py",)),
        ({f"{SITE}/a.pth": "/src\n", "/src/usercustomize.py": ""}, ("/src/usercustomize.py",)),
        (
            {f"{USER}/usercustomize.py": "", f"{SITE}/usercustomize.py": ""},
            (f"{USER}/usercustomize.py", f"{SITE}/usercustomize.py"),
        ),
    ],
)
def test_the_first_of_each_on_the_path_counts(files: dict[str, Content], found: tuple[str, ...]) -> None:
    """One in a user's own directory counts for that user alone."""
    assert pythons(files)[0].customizations == found


def test_debian_links_its_own_into_the_standard_library() -> None:
    files: dict[str, Content] = {
        f"{LIB}/sitecustomize.py": Link(target="/etc/python3.11/sitecustomize.py"),
        "/etc/python3.11/sitecustomize.py": "",
    }
    assert pythons(files)[0].customizations == (f"{LIB}/sitecustomize.py",)


def test_a_venv_of_its_own_knows_no_user() -> None:
    files: dict[str, Content] = {
        "/v/pyvenv.cfg": "home = /usr/local/bin\ninclude-system-site-packages = false\n",
        "/v/bin/python3.11": Link(target="/usr/local/bin/python3.11"),
        "/v/lib/python3.11/site-packages/usercustomize.py": "",
        "/v/lib/python3.11/site-packages/sitecustomize.py": "",
    }
    venv = pythons(files)[1]
    assert venv.customizations == ("/v/lib/python3.11/site-packages/sitecustomize.py",)
