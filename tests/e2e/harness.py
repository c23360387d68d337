"""The installed `reprocheck` as a user calls it, and Docker as a user calls that."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sysconfig.get_path("scripts")) / "reprocheck")
DATA = ROOT / "fixtures/data"
TRAINING = ROOT / "fixtures/training"
SMALL_A, SMALL_B, TRAIN = (f"reprocheck-fixture/{name}" for name in ("small-a", "small-b", "train"))
COMMAND = ("python3", "/app/train.py")

_HANDED_ON = ("DOCKER_HOST", "DOCKER_CONTEXT", "REPROCHECK_SYFT", "SSL_CERT_FILE")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one call ended."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Its stdout as a document."""
        return json.loads(self.stdout)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A user with a home, a state directory and a working directory of their own."""

    directory: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    cache: bool = False
    """Whether what was seen in an image may be taken from the cache: most tests want it to be seen."""

    @classmethod
    def at(cls, directory: Path, *, cache: bool = False, **variables: str) -> Desk:
        """Make one; the working directory holds the fixture data as `data`."""
        for name in ("home", "work"):
            (directory / name).mkdir(parents=True)
        desk = cls(directory=directory, variables=variables, cache=cache)
        (desk.work / "data").mkdir()
        (desk.work / "data/data.csv").write_bytes((DATA / "data.csv").read_bytes())
        return desk

    @property
    def work(self) -> Path:
        """Where relative paths start."""
        return self.directory / "work"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the developer's own environment but how to reach the engine."""
        config = os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.directory / "home"),
            "REPROCHECK_STATE": str(self.directory / "state"),
            "DOCKER_CONFIG": config,
            **{name: os.environ[name] for name in _HANDED_ON if name in os.environ},
            **self.variables,
        }

    def call(self, *argv: str, expect: int | None = 0, under: tuple[str, ...] = ()) -> Answer:
        """Run `reprocheck` (under another program such as setpriv); the exit code must be `expect`."""
        looks = argv[0] in ("run", "snapshot") and not self.cache
        words = (argv[0], "--no-cache", *argv[1:]) if looks else argv
        done = subprocess.run(
            [*under, PROGRAM, *words],
            cwd=self.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        answer = Answer(argv=argv, code=done.returncode, stdout=done.stdout, stderr=done.stderr)
        assert "Traceback" not in answer.stderr, answer
        assert expect is None or answer.code == expect, answer
        return answer

    def read(self, name: str) -> Any:
        """Read a document that a call wrote to its working directory."""
        return json.loads((self.work / name).read_text(encoding="utf-8"))

    def record(self, name: str, *options: str, expect: int = 0, command: tuple[str, ...] = COMMAND) -> Any:
        """`reprocheck run` without syft into `name`; gives the manifest."""
        self.call("run", "--no-syft", *options, "-o", name, "--", *command, expect=expect)
        return self.read(name)

    def snapshot(self, target: str, *options: str, expect: int = 0, under: tuple[str, ...] = ()) -> Any:
        """`reprocheck snapshot` without syft to stdout; gives the manifest."""
        return self.call("snapshot", target, "--no-syft", *options, expect=expect, under=under).json()

    def verify(self, name: str, *options: str, expect: int | None = 0) -> Any:
        """`reprocheck verify` as JSON; gives the receipt."""
        return self.call("verify", name, *options, "--format", "json", expect=expect).json()


def shell(script: str) -> tuple[str, ...]:
    """A command line for /bin/sh."""
    return ("sh", "-ec", script)


def docker(*argv: str, given: bytes | None = None) -> str:
    """Run the docker command; its stdout without the last newline."""
    done = subprocess.run(["docker", *argv], input=given, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, (argv, done.stderr.decode())
    return done.stdout.decode().rstrip("\n")


@contextmanager
def container(*argv: str, program: tuple[str, ...] = (), wait: bool = True) -> Iterator[str]:
    """A container that somebody starts by plain `docker run`; gives its name, removed at the end."""
    name = f"reprocheck-e2e-{uuid.uuid4().hex}"
    try:
        docker("run", "--detach", "--name", name, *argv, *program)
        if wait:
            docker("wait", name)
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


@contextmanager
def derived_image(*lines: str, base: str = SMALL_A) -> Iterator[str]:
    """An image of the Dockerfile lines on top of `base`; gives its id, removed at the end."""
    name = f"reprocheck-e2e:{uuid.uuid4().hex}"
    text = "\n".join((f"FROM {base}", f'LABEL e2e="{name}"', *lines)) + "\n"
    try:
        docker("build", "--quiet", "--network", "none", "--force-rm", "--tag", name, "-", given=text.encode())
        yield docker("image", "inspect", "--format", "{{.Id}}", name)
    finally:
        docker("image", "rm", "--force", name)


def events_since(moment: float) -> list[Any]:
    """What the engine has done since then, oldest first."""
    window = ("--since", f"{moment:.6f}", "--until", f"{time.time():.6f}")
    return [json.loads(line) for line in docker("events", *window, "--format", "{{json .}}").splitlines()]


def image_id(reference: str) -> str:
    """The engine's id of an image."""
    return docker("image", "inspect", "--format", "{{.Id}}", reference)


DISTRIBUTIONS = """
import json
from importlib.metadata import distributions
print(json.dumps([f"{found.metadata['Name']} {found.version}" for found in distributions()]))
"""


def assert_packages_match(image: str, manifest: Any) -> None:
    """Hold the manifest's packages against the image's own tools, name for name and version for version.

    pip lists what an import finds; what an earlier directory shadows stands in a list of its own.
    """
    inside = ("run", "--rm", "--network", "none", image)
    dpkg = docker(*inside, "dpkg-query", "-W", "-f", "${Package} ${Version}\n").splitlines()
    pip = json.loads(docker(*inside, "pip", "list", "--format", "json", "--disable-pip-version-check"))
    every = json.loads(docker(*inside, "python3", "-c", DISTRIBUTIONS))
    seen: dict[str, list[str]] = {"deb": [], "pypi": []}
    for package in manifest["packages"]:
        seen[package["type"]].append(f"{package['name']} {package['version']}")
    shadowed = [f"{package['name']} {package['version']}" for package in manifest.get("shadowed", [])]
    assert sorted(seen["deb"]) == sorted(dpkg)
    assert sorted(seen["pypi"]) == sorted(f"{item['name']} {item['version']}" for item in pip)
    assert sorted([*seen["pypi"], *shadowed]) == sorted(every)
    purls = [package["purl"] for package in manifest["packages"]]
    assert all(purl.startswith(("pkg:deb/debian/", "pkg:pypi/")) for purl in purls)
    assert len(set(purls)) == len(purls)
