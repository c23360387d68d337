"""Wheels that lie about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, wheel_files
from reprocheck.limits import DEFAULT, Limits
from tests.collect.fakeview import Content, FakeView, Link

WHEEL = "/root/.cache/pip/wheels/ab/De.Mo-1.0-2-py2.py3-none-any.whl"


def test_the_name_of_a_wheel_says_what_it_is() -> None:
    (wheel,) = observe(FakeView({WHEEL: b""}), DEFAULT).wheels
    assert (wheel.path, wheel.name, wheel.version) == (WHEEL, "de-mo", "1.0")
    assert wheel.tags == ("py2-none-any", "py3-none-any")


def test_a_wheel_is_not_installed() -> None:
    site = "/usr/lib/python3.11/site-packages"
    files: dict[str, Content] = {
        "/usr/bin/python3.11": b"",
        f"{site}/demo-1.0-py3-none-any.whl": b"",
        "/usr/lib/python3.11/ensurepip/_bundled/pip-24.0-py3-none-any.whl": b"",
    }
    observed = observe(FakeView(files), DEFAULT)
    assert observed.packages == ()
    assert [item.name for item in observed.wheels] == ["pip", "demo"]


def test_directories_and_links_are_no_wheels() -> None:
    view = FakeView({"/a/b-1-py3-none-any.whl": Link(target=WHEEL)}, directories=("/c-1-py3-none-any.whl",))
    assert observe(view, DEFAULT).wheels == ()


@pytest.mark.parametrize(
    "label",
    [
        "x.whl",
        "demo-1.0.whl",
        "demo-not.a.version!-py3-none-any.whl",
        ".whl",
        f"x-1-{'.'.join(['a'] * 30)}-{'.'.join(['b'] * 30)}-{'.'.join(['c'] * 30)}.whl",
    ],
)
def test_what_is_only_named_so_is_left_over(label: str) -> None:
    observed = wheel_files.collect(FakeView({f"/w/{label}": b""}), DEFAULT)
    assert observed.wheels == ()
    assert [item.path for item in observed.remnants] == [f"/w/{label}"]


def test_more_wheels_than_the_limit_are_an_unknown() -> None:
    view = FakeView({f"/w/demo-{number}.0-py3-none-any.whl": b"" for number in range(5)})
    observed = wheel_files.collect(view, Limits(packages=3))
    assert (len(observed.wheels), len(observed.unknowns)) == (3, 1)


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="ab1.-_!+\udcff", max_size=40))
def test_any_name_is_survived(label: str) -> None:
    observed = wheel_files.collect(FakeView({f"/w/{label}.whl": b""}), DEFAULT)
    assert len(observed.wheels) + len(observed.remnants) == 1
