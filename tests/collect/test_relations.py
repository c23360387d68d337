"""What packages forbid, and what they say of architectures and files, as the databases record it."""

from __future__ import annotations

from reprocheck.collect import observe
from reprocheck.limits import DEFAULT
from reprocheck.model.package import Package
from tests.collect import rpm_files as rpm
from tests.collect.fakeview import Content, FakeView, Link

CONFLICTS = (1054, 1053, 1055)
LESS, OPTIONAL = 2, 1 << 19


def packages(files: dict[str, Content]) -> dict[str, Package]:
    observed = observe(FakeView(files), DEFAULT)
    assert observed.unknowns == ()
    return {package.name: package for package in observed.packages}


def stanza(name: str, architecture: str = "amd64", *more: str) -> str:
    lines = (
        f"Package: {name}",
        "Status: install ok installed",
        "Version: 1-1",
        f"Architecture: {architecture}",
    )
    return "\n".join((*lines, *more)) + "\n"


def test_of_conflicts_and_breaks_only_those_with_something_installed_are_kept() -> None:
    status = "\n".join(
        (
            stanza("app", "amd64", "Breaks: lib (<< 2), gone (<< 1)", "Conflicts: virtual, app, old | lib"),
            stanza("lib", "amd64", "Provides: virtual (= 1)"),
        )
    )
    found = packages({"/var/lib/dpkg/status": status})
    assert found["app"].conflicts == ("virtual", "old | lib", "lib (<< 2)")
    assert found["lib"].conflicts == ()


def test_multi_arch_is_told_only_where_there_are_several_architectures() -> None:
    one, other = stanza("lib", "amd64", "Multi-Arch: same"), stanza("tool", "i386", "Multi-Arch: foreign")
    assert packages({"/var/lib/dpkg/status": one})["lib"].multi_arch == ""
    both = packages({"/var/lib/dpkg/status": f"{one}\n{other}\n{stanza('odd', 'all', 'Multi-Arch: what')}"})
    assert [both[name].multi_arch for name in ("lib", "tool", "odd")] == ["same", "foreign", ""]


def test_files_that_others_depend_on_are_among_what_an_rpm_package_provides() -> None:
    """On a merged /usr bash has /usr/bin/sh where others ask for /bin/sh; other files are left out."""
    shell = rpm.package(
        "shell", "1", "1",
        (rpm.PLACES, ["/usr/bin/"]), (rpm.BASES, ["sh", "other"]), (rpm.INDEXES, [0, 0]),
    )  # fmt: skip
    script = rpm.package("script", "1", "1", (rpm.REQUIRES[0], ["/bin/sh", "(/bin/sh or gone)", "/bin/gone"]))
    found = packages(
        {
            "/var/lib/rpm/rpmdb.sqlite": lambda: rpm.database([shell, script]),
            "/bin": Link(target="usr/bin"),
            "/usr/bin/sh": "",
        }
    )
    assert found["shell"].provides == ("/bin/sh",)


def test_what_an_rpm_package_forbids_and_what_may_be_missing() -> None:
    tags = ((CONFLICTS[0], ["lib", "gone"]), (CONFLICTS[1], [LESS, 0]), (CONFLICTS[2], ["2", ""]))
    needs = (
        (rpm.REQUIRES[0], ["lib", "nice"]),
        (rpm.REQUIRES[1], [0, OPTIONAL]),
        (rpm.REQUIRES[2], ["", ""]),
    )
    blobs = [rpm.package("app", "1", "1", *tags, *needs), rpm.package("lib", "3")]
    found = packages({"/var/lib/rpm/rpmdb.sqlite": lambda: rpm.database(blobs)})
    assert (found["app"].conflicts, found["app"].depends) == (("lib < 2",), ("lib",))
