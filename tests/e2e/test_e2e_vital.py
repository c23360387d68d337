"""What is never removed, held against apt's and dpkg's own judgement in a real container."""

from __future__ import annotations

import pytest

from reprocheck.codec import decode_manifest
from reprocheck.compare import compare
from reprocheck.explain.mending import mend
from reprocheck.explain.mending_vital import vital_of
from reprocheck.model.base import replace
from reprocheck.model.change import Delta
from reprocheck.model.manifest import Manifest
from reprocheck.render import mending_text
from tests.e2e.harness import SMALL_A, Desk, container, docker

pytestmark = pytest.mark.docker

SLEEP = ("sleep", "600")
MARKED = "dpkg-query -W -f '${Package} ${Essential} ${Protected} ${Important}\\n' | awk '/ yes/ { print $1 }'"
AWK = "mawk"
"""base-files needs a virtual package, which this one provides; every system has one of them."""


@pytest.fixture(scope="module")
def whole(desk: Desk) -> Manifest:
    return decode_manifest(desk.call("snapshot", SMALL_A, "--no-syft").stdout.encode(), where=SMALL_A)


def test_what_dpkg_marks_is_vital(whole: Manifest) -> None:
    with container("--network", "none", SMALL_A, program=SLEEP, wait=False) as name:
        marked = docker("exec", name, "sh", "-c", MARKED).split()
    assert {"dpkg", "bash", "e2fsprogs"} <= set(marked)
    assert {("deb", name) for name in marked} <= vital_of(whole.packages)


def test_all_that_is_not_vital_can_go_in_one_transaction_and_the_system_stays_sound(whole: Manifest) -> None:
    """The first side is this system with what is vital alone: `apt-get` refuses what breaks it."""
    vital = vital_of(whole.packages)
    system = [p for p in whole.packages if p.type == "deb"]
    kept = [p for p in system if ("deb", p.name) in vital or p.name == AWK]
    a = replace(whole, packages=(*kept, *(p for p in whole.packages if p.type != "deb")))
    delta = compare(a, whole)
    mending = mend(a, whole, Delta(differences=delta.differences, unknowns=()))
    gone = {name for step in mending.steps for name in step.undoes if name.startswith("deb:")}
    assert len(gone) == len(system) - len(kept) > 20
    script = mending_text.render(mending)
    offline = "rm -rf /etc/apt/sources.list.d /etc/apt/sources.list\n"
    with container("--network", "none", SMALL_A, program=SLEEP, wait=False) as name:
        docker("exec", "-i", name, "sh", "-eu", given=(offline + script).encode())
        docker("exec", name, "apt-get", "check")
        assert docker("exec", name, "dpkg", "--audit") == ""
        left = docker("exec", name, "dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n").split("\n")
    names = {line.partition(" ")[0] for line in left if line.endswith(" installed")}
    assert names == {p.name for p in kept}
