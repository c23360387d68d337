"""Requirements files, as pip reads them."""

from __future__ import annotations

import pytest

from reprocheck.foreign import read_lock
from reprocheck.foreign.requirements import LONGEST_LINE, numbered, read_line
from reprocheck.model.lock import Lock
from tests.foreign.samples import A, B, target


def read(text: str) -> Lock:
    return read_lock(text.encode(), name="requirements.txt", target=target())


def pins(text: str) -> dict[str, str]:
    return {pin.name: pin.specifier for pin in read(text).pins}


def reasons(text: str) -> list[str]:
    return [f"{unknown.where} {unknown.reason}" for unknown in read(text).unknowns]


def test_continuation_lines_comments_and_hashes() -> None:
    lock = read(
        "# made by pip-compile\n"
        "Some.Package==1.0 \\\n"
        f"    --hash=sha256:{A} \\\n"
        f"    --hash=sha256:{B}\n"
        "    # via other\n"
        "other==2.0  --hash=sha256:" + B + "  # why not\n"
    )
    assert {pin.name: pin.hashes for pin in lock.pins} == {
        "other": (f"sha256:{B}",),
        "some-package": (f"sha256:{A}", f"sha256:{B}"),
    }
    assert lock.complete
    assert lock.unknowns == ()


def test_without_a_hash_on_every_pin_the_file_may_be_incomplete() -> None:
    assert not read(f"a==1 --hash=sha256:{A}\nb==2\n").complete
    assert not read("").complete


def test_a_comment_line_ends_a_continuation_as_in_pip() -> None:
    assert list(numbered("a==1 \\\n# note\nb==2\n")) == [(1, "a==1"), (3, "b==2")]
    assert list(numbered("a==1 # x \\\nb==2\n")) == [(1, "a==1"), (2, "b==2")]


def test_a_hash_sign_inside_a_url_is_no_comment() -> None:
    assert list(numbered("x @ https://e.org/x.zip#egg=x # why\n")) == [(1, "x @ https://e.org/x.zip#egg=x")]


def test_markers_extras_and_ranges() -> None:
    text = "a[x,y]>=1,<2 ; python_version >= '3.8'\nb==1 ; sys_platform == 'win32'\nc\n"
    assert pins(text) == {"a": "<2,>=1", "c": ""}


def test_one_project_on_several_lines_is_one_pin_with_all_that_is_asked() -> None:
    assert pins("a>=1\nA<2\na>=1\n") == {"a": "<2,>=1"}


@pytest.mark.parametrize(
    "flag", ["-r other.txt", "--requirement=o.txt", "-c c.txt", "-rother.txt", "--constraint c"]
)
def test_other_files_are_an_unknown_and_not_read(flag: str) -> None:
    (reason,) = reasons(f"a==1\n{flag}\n")
    assert reason.startswith("requirements.txt:2 names another file, which is not read")


def test_options_of_the_index_say_nothing_of_packages() -> None:
    text = (
        "-i https://u:secret@e.org/simple\n--extra-index-url https://e.org\n--pre\n--require-hashes\na==1\n"
    )
    assert (pins(text), reasons(text)) == ({"a": "==1"}, [])


def test_an_option_that_is_not_known_is_told() -> None:
    assert reasons("--frobnicate\n") == [
        "requirements.txt:1 holds an option that is not known (--frobnicate)"
    ]


def test_urls_and_paths_are_sources_without_credentials() -> None:
    commit = "0" * 39 + "1"
    lock = read(
        f"a @ git+https://user:secret@e.org/a.git@{commit}#subdirectory=x\n"
        f"https://e.org/b-1.5-py3-none-any.whl#sha256={A}\n"
        "-e git+ssh://git@e.org/c.git@main#egg=c\n"
        "./wheels/d-2.0.tar.gz\n"
        "-e ./somewhere\n"
    )
    found = {pin.name: (pin.specifier, pin.url, pin.commit) for pin in lock.pins}
    assert found == {
        "a": ("", "git+https://e.org/a.git", commit),
        "b": ("==1.5", "https://e.org/b-1.5-py3-none-any.whl", ""),
        "c": ("", "git+ssh://git@e.org/c.git", ""),
        "d": ("==2.0", "file:", ""),
    }
    assert lock.pins[1].hashes == (f"sha256:{A}",)
    assert [unknown.where for unknown in lock.unknowns] == ["requirements.txt:5"]
    assert "secret" not in repr(lock)


def test_a_secret_in_a_line_that_cannot_be_read_is_not_repeated() -> None:
    assert "hunter2" not in "".join(reasons("-r https://user:hunter2@e.org/r.txt\n"))


@pytest.mark.parametrize("line", ["a ==", "a==1 b==2", "==1", "a;;b", "a==1 ; python_version <", "é==1"])
def test_a_line_that_is_no_requirement_costs_that_line_only(line: str) -> None:
    lock = read(f"{line}\nb==1\n")
    assert [pin.name for pin in lock.pins] == ["b"]
    assert len(lock.unknowns) == 1


def test_a_line_beyond_the_limit_and_a_deep_marker_are_told_and_not_parsed() -> None:
    assert isinstance(read_line("a" * (LONGEST_LINE + 1)), str)
    deep = "(" * 3000 + "python_version > '3'" + ")" * 3000
    assert isinstance(read_line(f"a==1 ; {deep}"), str)


def test_windows_text_is_read() -> None:
    raw = "\ufeffa==1\r\nb==2 \\\r\n --hash=sha256:".encode() + A.encode() + b"\r\n"
    lock = read_lock(raw, name="requirements.txt", target=target())
    assert [pin.name for pin in lock.pins] == ["a", "b"]
    powershell = read_lock("a==1\r\n".encode("utf-16"), name="requirements.txt", target=target())
    assert [pin.name for pin in powershell.pins] == ["a"]
