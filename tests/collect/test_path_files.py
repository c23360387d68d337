"""`.pth` files, held against site.py of the interpreter that runs the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, wanted
from reprocheck.collect.path_files import Reading
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.package import PythonEnvironment
from tests.collect.fakeview import Content, FakeView, Link, metadata

SITE = "/usr/local/lib/python3.13/site-packages"
BASE: dict[str, Content] = {
    "/usr/local/bin/python3.13": b"\x7fELF",
    "/usr/local/lib/python3.13/os.py": "",
    "/usr/local/lib/python3.13/lib-dynload/x": "",
    f"{SITE}/README": "",
    "/src/one/x": "",
    "/src/two/x": "",
}


def python(files: dict[str, Content], limits: Limits = DEFAULT) -> PythonEnvironment:
    (only,) = observe(FakeView({**BASE, **files}), limits).pythons
    return only


def test_what_a_path_file_adds_follows_its_directory() -> None:
    found = python({f"{SITE}/b.pth": "/src/two\n/gone\n", f"{SITE}/a.pth": "../../../../../src/one\n# x\n\n"})
    assert found.search_path == (SITE, "/src/one", "/src/two")
    assert [(item.path, item.adds, item.missing, item.executes) for item in found.path_files] == [
        (f"{SITE}/a.pth", ("/src/one",), (), False),
        (f"{SITE}/b.pth", ("/src/two",), ("/gone",), False),
    ]


def test_a_directory_is_added_once_and_the_standard_library_never() -> None:
    found = python({f"{SITE}/a.pth": f"/src/one\n/src/one/\n/usr/local/lib/python3.13\n{SITE}\n/src/./one\n"})
    assert found.search_path == (SITE, "/src/one")


def test_an_import_line_is_executed_by_python_and_named_by_us() -> None:
    files: dict[str, Content] = {f"{SITE}/a.pth": "import os; os.x\n", f"{SITE}/b.pth": "importlib\n"}
    first, second = python(files).path_files
    assert (first.executes, first.missing) == (True, ())
    assert (second.executes, second.missing) == (False, ("importlib",))


def test_path_files_of_added_directories_are_not_read() -> None:
    files: dict[str, Content] = {f"{SITE}/a.pth": "/src/one\n", "/src/one/b.pth": "/src/two\n"}
    assert python(files).search_path == (SITE, "/src/one")


def test_a_link_counts_where_it_leads() -> None:
    files: dict[str, Content] = {f"{SITE}/a.pth": "/link\n", "/link": Link(target="/src/one")}
    assert python(files).search_path == (SITE, "/src/one")


@pytest.mark.parametrize(
    ("version", "skipped"),
    [
        ("3.13", True),
        ("3.13.0", True),
        ("3.12.1", False),
        ("3.12.2", True),
        ("3.12", True),
        ("3.11.7", False),
        ("3.11.8", True),
        ("3.8.18", False),
        ("3.7.16", False),
        ("3.7", False),
        ("2.7", False),
    ],
)
def test_hidden_path_files_are_passed_over_since_the_fix(version: str, skipped: bool) -> None:
    """gh-113659."""
    assert Reading.of_version(version).skips_hidden is skipped


def test_a_byte_order_mark_spoils_the_first_line_before_3_13() -> None:
    raw = b"\xef\xbb\xbf/src/one\n"
    assert Reading.of_version("3.13.1").lines(raw) == (("/src/one",), False)
    assert Reading.of_version("3.12.9").lines(raw) == (("\ufeff/src/one",), False)


def test_undecodable_bytes_name_the_path_that_has_them() -> None:
    files: dict[str, Content] = {f"{SITE}/a.pth": b"/src/\xff\n", "/src/\udcff/x": ""}
    assert python(files).search_path == (SITE, "/src/\\xff")


def test_a_path_file_over_the_limit_is_an_unknown() -> None:
    view = FakeView({**BASE, f"{SITE}/a.pth": "/src/one\n" * 1000})
    observed = observe(view, Limits(metadata_file=4096))
    assert [item.where for item in observed.unknowns if item.section == "pythons"] == [f"{SITE}/a.pth"]
    observed = observe(view, Limits(packages=10))
    assert any("--limit-scale" in item.reason for item in observed.unknowns)


def test_a_line_that_is_no_path_stays_short() -> None:
    (found,) = python({f"{SITE}/a.pth": "x" * 100_000}).path_files
    assert found.missing == (f"{'x' * 200}... (100000 characters)",)


def test_secrets_in_a_path_file_are_masked() -> None:
    (found,) = python({f"{SITE}/a.pth": "https://user:hunter2secret@host/x\n"}).path_files
    assert "hunter2secret" not in found.missing[0]


def test_models_weights_are_not_path_files() -> None:
    assert wanted(f"{SITE}/a.pth")
    assert not wanted("/models/resnet50.pth")
    assert not wanted(f"{SITE}/torch/weights.pth")


def test_distributions_of_added_directories_belong_to_the_environment() -> None:
    files: dict[str, Content] = {
        **BASE,
        f"{SITE}/a.pth": "/src/one\n/src/two\n",
        "/src/one/demo.egg-info/PKG-INFO": metadata("demo", "1"),
        "/src/two/demo-2.dist-info/METADATA": metadata("demo", "2"),
        "/src/three/other.egg-info/PKG-INFO": metadata("other", "1"),
    }
    rows = [
        (item.name, item.version, item.python.effective, item.python.environment)
        for item in observe(FakeView(files), DEFAULT).packages
        if item.python
    ]
    executable = "/usr/local/bin/python3.13"
    assert rows == [("demo", "1", True, executable), ("demo", "2", False, executable)]


def test_venvs_share_the_path_files_of_their_base_only_when_they_see_it() -> None:
    config = "home = /usr/local/bin\ninclude-system-site-packages = {}\n"
    files: dict[str, Content] = {
        **BASE,
        f"{SITE}/a.pth": "/src/one\n",
        "/v/bin/python3.13": Link(target="/usr/local/bin/python3.13"),
        "/v/lib/python3.13/site-packages/v.pth": "/src/two\n",
    }
    for answer, path in (
        ("false", ("/v/lib/python3.13/site-packages", "/src/two")),
        ("true", ("/v/lib/python3.13/site-packages", "/src/two", SITE, "/src/one")),
    ):
        view = FakeView({**files, "/v/pyvenv.cfg": config.format(answer)})
        venv = next(item for item in observe(view, DEFAULT).pythons if item.kind == "venv")
        assert venv.search_path == path


LINES = st.sampled_from(
    [
        "one",
        "./two",
        "two/..",
        "gone",
        "",
        "  ",
        "# one",
        "import sys",
        "import\tos",
        "importx",
        "two ",
        "\t",
        "one/../two",
        "x\x0cy",
        "one\r",
    ]
)


def what_site_does(site: Path, raw: bytes) -> list[str]:
    """Ask the real site.py, in a process of its own; `import` lines here do no harm."""
    (site / "a.pth").write_bytes(raw)
    question = (
        "import site, sys; n = len(sys.path); site.addsitedir(sys.argv[1]); print('\\n'.join(sys.path[n:]))"
    )
    command = [sys.executable, "-I", "-S", "-c", question, str(site)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


@settings(deadline=None, max_examples=15)
@given(rows=st.lists(LINES, max_size=6))
def test_site_py_agrees(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    site = tmp_path_factory.mktemp("t").resolve() / "site-packages"
    for label in ("one", "two"):
        (site / label).mkdir(parents=True)
    raw = "\n".join(rows).encode()
    theirs = [item.replace(str(site), SITE) for item in what_site_does(site, raw)]
    series = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ours = python_of(series, raw)
    assert list(ours) == [item.replace("python3.13", f"python{series}") for item in theirs]


def python_of(series: str, raw: bytes) -> tuple[str, ...]:
    site = f"/usr/local/lib/python{series}/site-packages"
    files: dict[str, Content] = {
        f"/usr/local/bin/python{series}": b"\x7fELF",
        f"/usr/local/lib/python{series}/os.py": "",
        f"{site}/one/x": "",
        f"{site}/two/x": "",
        f"{site}/a.pth": raw,
    }
    return observe(FakeView(files), DEFAULT).pythons[0].search_path


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(raw: bytes) -> None:
    assert python({f"{SITE}/a.pth": raw}).search_path[0] == SITE
