"""`diff --fix` tried for real: its script runs in a container of B, and what it promised differs no more."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reprocheck.codec import decode_manifest
from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.mending import mend, subject_of
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Mending
from reprocheck.render import mending_text
from tests.e2e.harness import SMALL_A, Desk, container, docker
from tests.e2e.planting import Side, write_wheel

pytestmark = pytest.mark.docker

PYTHON = "/usr/bin/python3.11"
VENV = "/opt/venv/bin/python3.11"
SYSTEM = "/usr/lib/python3/dist-packages"
SITE = "/usr/local/lib/python3.11/dist-packages"
PIP = "pip install --quiet --no-deps --break-system-packages --root-user-action=ignore"
SLEEP = ("sleep", "600")

INDEX = """
cd /srv/debs
for folder in */; do dpkg-deb --build -Znone "${folder%/}" >/dev/null; rm -r "$folder"; done
for deb in *.deb; do
    dpkg-deb --field "$deb"
    echo "Filename: ./$deb"
    echo "Size: $(stat -c %s "$deb")"
    echo "SHA256: $(sha256sum "$deb" | cut -d ' ' -f 1)"
    echo
done > Packages
rm -f /etc/apt/sources.list.d/* /etc/apt/sources.list
echo 'deb [trusted=yes] file:/srv/debs ./' > /etc/apt/sources.list
apt-get update -q >/dev/null
"""
"""What an archive and an index would serve lies in both images: there is no network."""

PROMISED = {
    f"pypi:raised in {PYTHON}",
    f"pypi:lowered in {PYTHON}",
    f"pypi:gone in {PYTHON}",
    f"pypi:extra in {PYTHON}",
    f"pypi:silent in {PYTHON}",
    f"pypi:torch in {PYTHON}",
    f"pypi:owned in {PYTHON}",
    f"pypi:twice in {SITE}",
    f"pypi:inside in {VENV}",
    f"pypi:outside in {VENV}",
    "deb:planted-raised",
    "deb:planted-lowered",
    "deb:planted-gone",
    "deb:planted-extra",
    "deb:planted-epoch",
    "deb:python3-owned",
    "frameworks:torch",
    f"integrity:{SITE}/edited.py",
    "environment:OMP_NUM_THREADS",
    "environment:ONLY_A",
    "environment:QUOTED",
}
"""What is planted and that a command puts right."""

LEFT = {
    f"packages:pypi:rebuilt in {PYTHON}": "no build of a wheel by its name",
    f"packages:pypi:twice in {SYSTEM}": "python3-twice installed it",
    "environment:ONLY_B": "build it without ENV ONLY_B",
    "image:layers": "built, not changed",
}
"""What is planted and that none does."""

QUOTED = 'it\'s $HOME "and" `id` \\ more'


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both images, as they were seen, and what mends the second."""

    image: str
    a: Manifest
    b: Manifest
    mending: Mending


@pytest.fixture(scope="module")
def pair(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("fix")
    names = {side: f"reprocheck-e2e-fix:{side}-{uuid.uuid4().hex}" for side in ("a", "b")}
    try:
        for side in ("a", "b"):
            build(folder / side, names[side], side)
        a, b = (seen(desk, names[side], "--integrity") for side in ("a", "b"))
        yield Pair(image=names["b"], a=a, b=b, mending=mend(a, b, compare(a, b)))
    finally:
        docker("image", "rm", "--force", *names.values())


def build(folder: Path, name: str, side: Side) -> None:
    """Build one side. Both hold the same index and the same archive; another part of them is installed."""
    folder.mkdir()
    wheels(folder / "index", folder / "own", side)
    debs(folder / "debs")
    first = side == "a"
    pins = [
        f"raised=={'1.0' if first else '2.0'}",
        f"lowered=={'2.0' if first else '1.0'}",
        "gone" if first else "extra",
        f"torch==2.1.0+cu{'118' if first else '126'}",
        "edited",
        *(("--force-reinstall", "twice") if first else ()),
    ]
    install = [
        f"planted-raised={'1.0-1' if first else '1.0-2'}",
        f"planted-lowered={'1.0-2' if first else '1.0-1'}",
        f"planted-epoch={'1.0-1' if first else '1:1.0-1'}",
        f"python3-owned={'1.0-1' if first else '2.0-1'}",
        "planted-gone" if first else "planted-extra",
        "planted-same=1.0-1",
        "python3-twice=1.0-1",
    ]
    inside = "inside==1.0" if first else "inside outside"
    environment = {"OMP_NUM_THREADS": "1", "ONLY_A": "x", "QUOTED": QUOTED}
    if not first:
        environment = {"OMP_NUM_THREADS": "4", "ONLY_B": "y", "QUOTED": "plain"}
    lines = [
        f"FROM {SMALL_A}",
        "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/index",
        "COPY debs /srv/debs",
        "COPY index.sh /tmp/index.sh",
        "RUN sh -eu /tmp/index.sh && rm /tmp/index.sh",
        "COPY index /srv/index",
        "COPY own /tmp/own",
        f"RUN apt-get install -q -y {' '.join(install)} >/dev/null",
        f"RUN {PIP} {' '.join(pins)} && PIP_FIND_LINKS=/tmp/own {PIP} silent rebuilt \\",
        " && python3 -m venv --without-pip /opt/venv \\",
        f" && python3 -m pip --python {VENV} install --quiet {inside} \\",
        f" && rm -r /tmp/own && {'true' if first else f'echo edited >> {SITE}/edited.py'}",
        # `$` means a variable of the Dockerfile itself.
        *(
            "ENV {}={}".format(
                name, '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'
            )
            for name, value in environment.items()
        ),
    ]
    (folder / "index.sh").write_text(INDEX, encoding="utf-8")
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    docker("build", "--quiet", "--network", "none", "--force-rm", "--tag", name, str(folder))


def wheels(index: Path, own: Path, side: Side) -> None:
    """The index serves the first side's builds; `own` are those that one side was made from."""
    for name in ("raised", "lowered", "inside"):
        for version in ("1.0", "2.0"):
            write_wheel(index, name, version, {f"{name}.py": f"v = {version!r}\n".encode()})
    for name in ("gone", "extra", "outside", "edited", "twice"):
        write_wheel(index, name, "1.0", {f"{name}.py": b"x = 1\n"})
    for cuda in ("11.8", "12.6"):
        version = f"2.1.0+cu{cuda.replace('.', '')}"
        told = f"__version__ = {version!r}\ndebug = False\ncuda = {cuda!r}\ngit_version = '01'\nhip = None\n"
        write_wheel(index, "torch", version, {"torch/__init__.py": b"", "torch/version.py": told.encode()})
    write_wheel(index, "silent", "1.0", {"silent.py": b"side = 'a'\n"})
    write_wheel(own, "silent", "1.0", {"silent.py": f"side = {side!r}\n".encode()})
    write_wheel(index, "rebuilt", "1.0", {"rebuilt.py": b""}, build="1")
    write_wheel(own, "rebuilt", "1.0", {"rebuilt.py": b""}, build="1" if side == "a" else "2")


def debs(folder: Path) -> None:
    """An archive that still has every version."""
    rows = [(name, f"1.0-{release}") for name in ("planted-raised", "planted-lowered") for release in (1, 2)]
    rows += [("planted-epoch", "1.0-1"), ("planted-epoch", "1:1.0-1")]
    rows += [(name, "1.0-1") for name in ("planted-gone", "planted-extra", "planted-same")]
    rows += [("python3-owned", "1.0-1"), ("python3-owned", "2.0-1"), ("python3-twice", "1.0-1")]
    for name, version in rows:
        root = folder / f"{name}_{version.replace(':', '.')}"
        (root / "DEBIAN").mkdir(parents=True, mode=0o755)
        (root / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\n"
            "Description: planted\n",
            encoding="utf-8",
        )
        if name.startswith("python3-"):
            project, upstream = name.removeprefix("python3-"), version.partition("-")[0]
            info = root / f"usr/lib/python3/dist-packages/{project}-{upstream}.egg-info"
            info.mkdir(parents=True)
            (info / "PKG-INFO").write_text(
                f"Metadata-Version: 2.1\nName: {project}\nVersion: {upstream}\n", encoding="utf-8"
            )


def seen(desk: Desk, target: str, *options: str) -> Manifest:
    """What `reprocheck snapshot` says of an image or container."""
    done = desk.call("snapshot", target, "--no-syft", *options)
    return decode_manifest(done.stdout.encode(), where=target)


def flags(mending: Mending) -> list[str]:
    """The options of `docker run`."""
    return [word for step in mending.steps if step.tool == "docker" for word in shlex.split(step.command)]


def run_script(name: str, script: str) -> None:
    """Run a script in a container as a user who saved it would."""
    docker("exec", "-i", name, "sh", "-c", "cat > /tmp/fix.sh", given=script.encode())
    docker("exec", name, "sh", "/tmp/fix.sh")


def subjects(a: Manifest, b: Manifest) -> set[str]:
    return {subject_of(d) for d in compare(a, b).differences}


def promised(mending: Mending) -> set[str]:
    return {name for step in mending.steps for name in step.undoes}


def test_everything_planted_is_promised_or_said_to_be_beyond_a_command(pair: Pair) -> None:
    left = {f"{x.section}:{x.name}": x.reason for x in pair.mending.unmended}
    assert promised(pair.mending) == PROMISED
    assert set(left) == set(LEFT)
    for subject, words in LEFT.items():
        assert words in left[subject]


def test_after_the_script_nothing_differs_that_was_promised(desk: Desk, pair: Pair) -> None:
    before = subjects(pair.a, pair.b)
    with container(*flags(pair.mending), "--network", "none", pair.image, program=SLEEP, wait=False) as name:
        run_script(name, mending_text.render(pair.mending))
        after = seen(desk, name, "--integrity")
        # Its value is on no list of those that are recorded, so our own snapshot could not tell.
        assert docker("exec", name, "printenv", "QUOTED") == QUOTED
    left = subjects(pair.a, after)
    assert before >= PROMISED
    assert PROMISED.isdisjoint(left)
    packages = {
        subject for subject in left if subject.startswith(("pypi:", "deb:", "libraries:", "integrity:"))
    }
    assert packages == {f"pypi:rebuilt in {PYTHON}"}


def test_what_is_mended_needs_no_second_mending(desk: Desk, pair: Pair) -> None:
    """The second script has nothing to install."""
    with container(*flags(pair.mending), "--network", "none", pair.image, program=SLEEP, wait=False) as name:
        run_script(name, mending_text.render(pair.mending))
        after = seen(desk, name, "--integrity")
    again = mend(pair.a, after, compare(pair.a, after))
    assert promised(again) == set()


def test_the_one_command_of_each_finding_puts_it_right_too(desk: Desk, pair: Pair) -> None:
    """Every package that a command can put right, by the command that its own finding names."""
    findings = [f for f in rank(compare(pair.a, pair.b), pair.a, pair.b).findings if f.section == "packages"]
    commands = [f.fix for f in findings if f.name != "rebuilt"]
    told = {name for f in findings for name in (f.name, *f.folded)} - {"rebuilt"}
    planted = {x.partition(":")[2].partition(" ")[0] for x in PROMISED if x.startswith(("pypi:", "deb:"))}
    assert told >= planted
    with container("--network", "none", pair.image, program=SLEEP, wait=False) as name:
        agree = "echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/yes"
        run_script(name, "\n".join(["set -eux", agree, *commands]))
        after = seen(desk, name)
    left = {d.name for d in compare(pair.a, after).differences if d.section == "packages"}
    assert left == {"rebuilt"}


def test_limits_of_a_container_are_put_right_by_options(desk: Desk) -> None:
    options = (
        "--cpus",
        "0.5",
        "--memory",
        "256m",
        "--shm-size",
        "32m",
        "-u",
        "1000",
        "-w",
        "/tmp",
        "--network",
        "none",
    )
    with container(*options, "-e", "OMP_NUM_THREADS=2", SMALL_A, program=SLEEP, wait=False) as name:
        a = seen(desk, name)
    with container("--cpus", "1", SMALL_A, program=SLEEP, wait=False) as name:
        b = seen(desk, name)
    mending = mend(a, b, compare(a, b))
    wanted: set[Any] = {
        "run:resources.nano_cpus",
        "run:resources.memory_bytes",
        "run:resources.shm_bytes",
        "run:user",
        "run:working_dir",
        "run:network",
        "environment:OMP_NUM_THREADS",
    }
    assert wanted <= promised(mending)
    with container(*flags(mending), SMALL_A, program=SLEEP, wait=False) as name:
        after = seen(desk, name)
    assert promised(mending).isdisjoint(subjects(a, after))
