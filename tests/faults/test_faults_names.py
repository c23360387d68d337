"""Foreign text: names, versions, variables and paths reach a terminal without control or bidi characters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, World, acting, docker, document, image, on_terminal

EVIL = "a\x1b]0;owned\x07b\x9b31mc\u202ed\u2066e\u200bf\x7fg"
"""ESC and BEL, a C1 control, bidi controls, a zero-width space, DEL."""
SITE = "/usr/local/lib/python3.11/dist-packages"


def hostile_image(context: Path) -> str:
    """Distributions whose metadata lies, a file name that nobody would choose, labels and variables."""
    distributions = {
        "evilname": f"Metadata-Version: 2.1\nName: {EVIL}\nVersion: 1.0\n",
        "evilversion": f"Metadata-Version: 2.1\nName: evilversion\nVersion: 1.0{EVIL}\n",
        "evilneed": f"Metadata-Version: 2.1\nName: evilneed\nVersion: 2.10\nRequires-Dist: numpy (={EVIL})\n",
        "folded": "Metadata-Version: 2.1\nName: folded\n\x1b[31mred\nVersion: 1\r\n\x1b[2J\n",
        "conflict": "Metadata-Version: 2.1\nName: conflict\nVersion: 2.10\nRequires-Dist: numpy<1\n",
    }
    lines = [f"FROM {SMALL_A}", f'ENV EVIL_VALUE="{EVIL}" OMP_EVIL="{EVIL}"']
    for name, metadata in distributions.items():
        folder = context / f"{name}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(metadata, encoding="utf-8")
        lines.append(f"COPY {folder.name} {SITE}/{folder.name}")
    url = {"url": f"https://x.example/{EVIL}", "dir_info": {}}
    (context / "conflict-1.dist-info/direct_url.json").write_text(json.dumps(url), encoding="utf-8")
    odd = "$(printf 'odd\\033[31m\\342\\200\\256-3.dist-info')"
    lines.append(f'RUN mkdir "{SITE}/{odd}" && echo \'Name: odd\' > "{SITE}/{odd}/METADATA"')
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A world with manifests of a hostile image and of a run in it; the run's variables hold a line break."""
    world = World.at(tmp_path_factory.mktemp("names") / "world")
    context = tmp_path_factory.mktemp("context")
    with image(hostile_image(context), context) as base:
        created = docker("create", "--env", f"NEWLINE=one\ntwo{EVIL}", "--env", f"OMP_{EVIL}=x", base, "true")
        name = f"{base}-more"
        docker("commit", created, name)
        docker("rm", created)
        try:
            for words in (
                ("snapshot", f"docker:{name}", "-o", "image.json"),
                ("snapshot", "--no-syft", f"docker:{SMALL_A}", "-o", "plain.json"),
                (
                    *("run", "--image", name, "--no-syft", "--output", "/out", "-o", "run.json"),
                    *(
                        "--env",
                        f"OMP_MINE={EVIL}",
                        "--",
                        "sh",
                        "-c",
                        'mkdir /out; echo "$1" > "/out/$1"',
                        EVIL,
                        EVIL,
                    ),
                ),
            ):
                done = world.run(*words)
                assert done.code in (0, 4), done
                done.quiet()
            yield world, name
        finally:
            docker("image", "rm", "--force", name)


READERS = (
    ("show", "--all", "image.json"),
    ("show", "run.json"),
    ("diff", "--all", "plain.json", "image.json"),
    ("diff", "--format", "json", "plain.json", "run.json"),
    ("graph", "--full", "image.json"),
    ("graph", "--full", "--format", "json", "image.json"),
    ("graph", "--full", "--format", "dot", "image.json"),
    ("graph", "--full", "--format", "mermaid", "image.json"),
    ("check", "run.json"),
    ("check", "--format", "json", "run.json"),
    ("verify", "run.json", "--logs"),
    ("verify", "run.json", "--dry-run"),
    ("verify", "run.json", "--format", "json"),
)


@pytest.mark.docker
@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_pipe_gets_clean_text(hostile: tuple[World, str], words: tuple[str, ...]) -> None:
    world, _ = hostile
    done = world.run(*words)
    assert done.code in (0, 1, 4), done
    done.quiet()
    assert done.out or done.err


@pytest.mark.docker
@pytest.mark.parametrize("columns", [20, 200])
@pytest.mark.parametrize("words", [*READERS[:3], READERS[4]], ids=" ".join)
def test_a_terminal_gets_clean_text(hostile: tuple[World, str], words: tuple[str, ...], columns: int) -> None:
    """Also where a table has hardly any room."""
    world, _ = hostile
    screen = on_terminal(world, *words, columns=columns)
    assert screen
    assert acting(screen) == []


@pytest.mark.docker
def test_progress_and_plans_on_a_terminal_are_clean(hostile: tuple[World, str]) -> None:
    world, name = hostile
    for words in (
        ("snapshot", "--no-syft", f"docker:{name}", "-o", "again.json"),
        ("verify", "run.json", "--dry-run"),
        ("verify", "run.json", "--logs"),
        ("snapshot", f"rootfs:{EVIL}", "-o", f"{EVIL}.json"),
        ("show", f"{EVIL}.json"),
        ("run", "--image", EVIL, "--output", "/out", "-o", f"{EVIL}.json", "--", EVIL),
    ):
        screen = on_terminal(world, *words)
        assert screen
        assert acting(screen) == [], words
    (world.cwd / "again.json").unlink()


@pytest.mark.docker
def test_the_hostile_packages_are_in_the_manifest_all_the_same(hostile: tuple[World, str]) -> None:
    """What is hidden from the terminal is not hidden from the comparison; `2.10` stays `2.10`."""
    world, _ = hostile
    manifest = document(world.cwd / "image.json")
    versions = {package["name"]: package["version"] for package in manifest["packages"]}
    assert versions["conflict"] == versions["evilneed"] == "2.10"
    text = json.dumps([manifest["packages"], manifest["unknowns"]])
    assert "owned" in text
    assert {"EVIL_VALUE", "NEWLINE"} <= {variable["name"] for variable in manifest["environment"]}
    assert "2.10" in world.run("show", "--all", "image.json").out
