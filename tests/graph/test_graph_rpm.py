"""Dependencies of rpm packages: ranges, files, boolean expressions; and all of it against the real rpm."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.api.sight import interest
from reprocheck.collect import observe
from reprocheck.engine.directory import open_directory
from reprocheck.graph.rpm import build_rpm, find_rpm
from reprocheck.graph.rpm_boolean import BadExpression, read_expression
from reprocheck.limits import DEFAULT
from reprocheck.model.package import Package
from tests.strategies import make_manifest


def make_rpm(name: str, version: str = "1.0-1", **more: Any) -> Package:
    purl = f"pkg:rpm/{name}@{version}"
    return Package(type="rpm", name=name, version=version, purl=purl, architecture="x86_64", **more)


def broken(*packages: Package) -> list[tuple[str, str]]:
    """What is unmet, by package."""
    conflicts, unknowns = find_rpm(make_manifest(packages=packages))
    assert unknowns == ()
    assert all(one.broken and one.code == "DEP-430" and one.type == "rpm" for one in conflicts)
    return sorted((one.package, one.requirement) for one in conflicts)


THERE = (
    make_rpm("lib", "2:1.5-3.el9", provides=("lib = 2:1.5-3.el9", "liblib.so.1()(64bit)")),
    make_rpm("tool", "1.0-1", provides=("tool = 1.0-1", "virtual = 3", "open >= 2", "bare", "/usr/bin/tool")),
    make_rpm("grown", "1.0~rc1-1", provides=("grown = 1.0~rc1-1",)),
)

CASES = [
    ("lib", True),
    ("lib >= 2:1.5", True),
    ("lib >= 1.5", True),
    ("lib < 2", False),
    ("lib = 2:1.5", True),
    ("lib = 2:1.5-3.el9", True),
    ("lib = 2:1.5-4.el9", False),
    ("lib > 2:1.5-3.el9", False),
    ("lib <= 2:1.5-3.el9", True),
    ("liblib.so.1()(64bit)", True),
    ("liblib.so.2()(64bit)", False),
    ("virtual >= 2", True),
    ("virtual > 3", False),
    ("open > 5", True),
    ("open < 2", False),
    ("open <= 2", True),
    ("bare >= 99", True),
    ("grown >= 1.0", False),
    ("/usr/bin/tool", True),
    ("/usr/bin/other", False),
    ("(lib or absent)", True),
    ("(lib and absent)", False),
    ("(absent if lib)", False),
    ("(absent if gone)", True),
    ("(absent if gone else tool)", True),
    ("(absent if gone else away)", False),
    ("(absent unless lib)", True),
    ("(absent unless gone)", False),
    ("(virtual >= 2 with bare)", True),
    ("(virtual with lib)", False),
    ("(virtual without lib)", True),
    ("(virtual without bare)", False),
    ("((absent or lib) and (virtual >= 2 with bare))", True),
    ("(lib >= 2:1.0 and lib < 2:1.2)", False),
]


@pytest.mark.parametrize(("requirement", "met"), CASES)
def test_a_requirement(requirement: str, met: bool) -> None:
    """Ranges that overlap meet; an epoch that is not written is 0; a release counts where both have one."""
    found = broken(*THERE, make_rpm("app", depends=(requirement,)))
    assert found == ([] if met else [("app", requirement)])


def test_a_package_forbids_another_but_never_itself() -> None:
    """Who conflicts with what it provides itself is the only one of its kind."""
    mail = make_rpm("mail", provides=("mta",), conflicts=("mta", "lib < 3:0", "lib > 9:0"))
    assert broken(*THERE, mail) == [("mail", "Conflicts: lib < 3:0")]
    other = make_rpm("post", provides=("mta",))
    assert broken(mail, other) == [("mail", "Conflicts: mta")]


def test_a_file_is_unknown_where_the_manifest_tells_of_no_files() -> None:
    conflicts, unknowns = find_rpm(make_manifest(packages=(make_rpm("app", depends=("/bin/sh",)),)))
    assert conflicts == ()
    assert [(u.section, u.where) for u in unknowns] == [("graph", "app 1.0-1")]
    assert "names a file" in unknowns[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "()",
        "(a",
        "(a or)",
        "(or a)",
        "(a or b and c)",
        "(a if b if c)",
        "(a b)",
        "(a >= )",
        "(a) b",
    ],
)
def test_a_malformed_expression_is_an_unknown(text: str) -> None:
    conflicts, unknowns = find_rpm(make_manifest(packages=(make_rpm("app", depends=(text, "gone")),)))
    assert [one.requirement for one in conflicts] == ["gone"], "the rest goes on"
    assert len(unknowns) == 1


def test_a_deep_expression_needs_no_recursion() -> None:
    deep = "(" * 5_000 + "a" + ")" * 5_000
    assert [item.text for item in read_expression(deep).postfix] == ["a"]


@given(st.text(alphabet="ab() ><=ofrithwunles", max_size=60))
@settings(max_examples=50)
def test_any_text_is_an_expression_or_a_reason(text: str) -> None:
    with suppress(BadExpression):
        assert read_expression(f"({text})").postfix


def test_chains_lead_from_a_package_that_nobody_needs() -> None:
    packages = (
        make_rpm("top", depends=("mid",)),
        make_rpm("mid", depends=("low",)),
        make_rpm("low", depends=("gone >= 2",)),
    )
    ((conflict,), _) = find_rpm(make_manifest(packages=packages))
    assert conflict.causes[0].chain == ("top 1.0-1", "mid 1.0-1", "low 1.0-1")
    assert conflict.fix == "dnf install gone"


# --- the real thing


def run(*argv: str, fails: bool = False) -> str:
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    assert fails or done.returncode == 0, (argv, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one package for each case, installed without a look at dependencies."""
    place = tmp_path_factory.mktemp("rpm")
    specs = {
        "lib": "Epoch: 2\nVersion: 1.5\nRelease: 3.el9\nProvides: liblib.so.1()(64bit)\n",
        "tool": "Version: 1.0\nRelease: 1\nProvides: virtual = 3, open >= 2, bare\n",
        "grown": "Version: 1.0~rc1\nRelease: 1\n",
        "foe": "Version: 1\nRelease: 1\nProvides: mta\nConflicts: mta, tool < 2\n",
    }
    for index, (requirement, _) in enumerate(CASES):
        if " unless " in requirement:  # rpmbuild takes it in a Conflicts only
            continue
        specs[f"case{index:02}"] = f"Version: 1\nRelease: 1\nRequires: {requirement}\n"
    made: list[str] = []
    for name, head in specs.items():
        text = f"Name: {name}\n{head}BuildArch: noarch\nSummary: s\nLicense: MIT\n%description\nd\n"
        if name == "tool":
            text += "%install\nmkdir -p %{buildroot}/usr/bin\necho > %{buildroot}/usr/bin/tool\n"
        text += "%files\n" + ("/usr/bin/tool\n" if name == "tool" else "")
        spec = place / f"{name}.spec"
        spec.write_text(text)
        run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {place}/build", str(spec))
    made = sorted(str(path) for path in place.glob("build/RPMS/noarch/*.rpm"))
    installed = place / "root"
    installed.mkdir()
    base = ("rpm", "--root", str(installed), "--dbpath", "/var/lib/rpm")
    run(*base, "-i", "--nodeps", "--nosignature", *made)
    return installed


@pytest.mark.rpm
def test_what_is_unmet_is_what_rpm_says(root: Path) -> None:
    """`rpm -Va` checks every installed package's relations, conflicts among them."""
    view = open_directory(str(root), interest=interest(digests=False, limits=DEFAULT), limits=DEFAULT)
    observed = observe(view, DEFAULT)
    graph = build_rpm(make_manifest(packages=observed.packages))
    assert graph.unknowns == ()
    ours = sorted((link.parent.name, link.requirement) for link in graph.links if link.target is None)
    ours += sorted((c.parent.name, c.requirement.removeprefix("Conflicts: ")) for c in graph.clashes)
    base = ("rpm", "--root", str(root), "--dbpath", "/var/lib/rpm")
    said = run(*base, "-Va", "--nofiles", "--nodigest", "--nosignature", fails=True)
    place = r"(\S+?)-[^-]+-[^-]+$"
    theirs = set()  # rpm says it from both sides
    for words in ("is needed by", "conflicts with"):
        found = re.findall(rf"^\t(.+) {words} \(installed\) {place}", said, re.MULTILINE)
        theirs |= {(name, requirement) for requirement, name in found}
    assert sorted(ours) == sorted(theirs)
    assert len(ours) > 10
