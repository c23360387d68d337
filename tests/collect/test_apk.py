"""Alpine's package database."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import apk
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import FakeView, Link

INSTALLED = (
    "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:libc.so\n\n"
    "P:py3-six\nV:1.16.0-r6\nA:noarch\no:py3-six\nD:python3~3.11 !foo\nF:usr/lib/python3.11/site-packages\n"
    "F:usr/lib/python3.11/site-packages/six-1.16.0.dist-info\nR:METADATA\n\n"
)
OS = "ID=alpine\nVERSION_ID=3.19.1\n"


def test_packages_are_read_with_their_relations() -> None:
    view = FakeView({"/lib/apk/db/installed": INSTALLED, "/etc/os-release": OS})
    musl, six = apk.collect(view, DEFAULT).packages
    assert musl.purl == "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1"
    assert (musl.architecture, musl.source_name, musl.source_version) == ("x86_64", "musl", "1.2.4-r2")
    assert musl.provides == ("so:libc.musl-x86_64.so.1=1",)
    assert (six.name, six.version, six.depends) == ("py3-six", "1.16.0-r6", ("python3~3.11", "!foo"))


def test_a_merged_usr_does_not_list_everything_twice() -> None:
    view = FakeView({"/usr/lib/apk/db/installed": INSTALLED, "/lib": Link(target="usr/lib")})
    assert len(apk.collect(view, DEFAULT).packages) == 2


def test_a_link_that_leads_nowhere_is_an_unknown() -> None:
    view = FakeView({"/lib/apk/db/installed": Link(target="/gone")})
    assert [item.where for item in apk.collect(view, DEFAULT).unknowns] == ["/lib/apk/db/installed"]


def test_metadata_directories_are_claimed() -> None:
    claims = apk.collect(FakeView({"/lib/apk/db/installed": INSTALLED}), DEFAULT).claims
    assert {claim.path for claim in claims} == {"/usr/lib/python3.11/site-packages/six-1.16.0.dist-info"}


def test_a_bad_entry_costs_nothing_but_itself() -> None:
    raw = INSTALLED + "P:bad name\nV:1\n\n" + "P:zlib\nV:1.3-r2\nA:x86_64\n\n"
    observed = apk.collect(FakeView({"/lib/apk/db/installed": raw}), DEFAULT)
    assert [item.name for item in observed.packages] == ["musl", "py3-six", "zlib"]
    assert len(observed.unknowns) == 1
    assert f"bytes {len(INSTALLED)}-" in observed.unknowns[0].where


def record(number: int) -> bytes:
    fields = f"C:Q1{number}=\nP:p{number}\nV:1.{number}-r0\nA:x86_64\no:p\nD:so:libc.so.1\n"
    return f"{fields}F:lib\nR:f\nZ:Q1=\n".encode()


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_damage_to_one_record_of_many_is_told_by_its_place(data: st.DataObject) -> None:
    """Whatever becomes of it, its neighbours stay, and what is unknown lies within its bytes."""
    records = [record(number) for number in range(40)]
    at = data.draw(st.integers(1, 38))
    bad = bytearray(records[at])
    for _ in range(data.draw(st.integers(1, 4))):
        bad[data.draw(st.integers(0, len(bad) - 2))] = data.draw(st.sampled_from(b"PV:\0\xff /\r"))
    start = sum(len(one) + 1 for one in records[:at])
    records[at] = bytes(bad)
    observed = apk.collect(FakeView({"/lib/apk/db/installed": b"\n".join(records)}), DEFAULT)
    names = Counter(item.name for item in observed.packages)
    # A name cut short can be that of another package, so more may be seen than is good.
    assert names >= Counter(f"p{number}" for number in range(40) if number != at)
    assert names.total() + len(observed.unknowns) >= 40
    for item in observed.unknowns:
        first, last = item.where.rpartition(" ")[2].split("-")
        assert start <= int(first) <= int(last) <= start + len(bad)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(raw: bytes) -> None:
    observed = apk.collect(FakeView({"/lib/apk/db/installed": b"P:" + raw}), DEFAULT)
    assert observed.packages or observed.unknowns
