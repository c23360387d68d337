"""rpm databases are named, not read."""

from __future__ import annotations

from reprocheck.collect import rpm
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import FakeView, Link


def test_a_database_is_an_unknown_once_under_its_real_path() -> None:
    view = FakeView(
        {
            "/var/lib/rpm": Link(target="../../usr/lib/sysimage/rpm"),
            "/usr/lib/sysimage/rpm/rpmdb.sqlite": b"SQLite format 3\0",
        }
    )
    (item,) = rpm.collect(view, DEFAULT).unknowns
    assert (item.section, item.where) == ("packages", "/usr/lib/sysimage/rpm/rpmdb.sqlite")


def test_no_database_is_no_unknown() -> None:
    assert rpm.collect(FakeView({"/var/lib/rpm/readme": b""}), DEFAULT).unknowns == ()
