"""Secrets planted wherever authors leave them appear in no output, of no verb, at no verbosity.

Every secret has a random core; the search is for that core as it is, percent-encoded and in base64. Copies of
outputs in the store and what the user's own program prints during `run` are the program's, and exempt.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, Done, World, docker, document, image, on_terminal

ASKED_FOR = frozenset({("host variable, plain name", "cwd/private.json")})
"""`--env-values all` records every value in which the scan finds nothing, in a manifest marked private."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """What was planted, by place, and everything that was printed or written since."""

    secrets: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def plant(self, place: str) -> str:
        """Make a secret of its own for a place."""
        return self.secrets.setdefault(place, f"k{uuid.uuid4().hex}9")

    def note(self, done: Done, *, own_output: bool = False) -> Done:
        """Remember what a command printed; `own_output`: its standard output is the user's program's."""
        words = " ".join(done.argv)
        self.seen.append((f"stderr of {words}", done.err.encode()))
        if not own_output:
            self.seen.append((f"stdout of {words}", done.out.encode()))
        return done

    def leaks(self) -> list[str]:
        """Say which secret is in what."""
        return [
            f"{place} in {where}"
            for place, secret in self.secrets.items()
            for where, content in self.seen
            if (place, where) not in ASKED_FOR and any(form in content for form in forms(secret))
        ]


def forms(secret: str) -> Iterator[bytes]:
    """Everything that a secret may hide as; its core needs no escape in JSON, URLs or shells."""
    core = secret.encode()
    yield core
    yield "".join(f"%{byte:02X}" for byte in core).encode()
    yield "".join(f"%{byte:02x}" for byte in core).encode()
    for shift in range(3):
        # Inside a longer base64 text: only whole groups of three bytes keep their letters.
        whole = core[shift : shift + (len(core) - shift) // 3 * 3]
        yield base64.b64encode(whole)
    yield core.hex().encode()


def test_the_search_finds_every_form() -> None:
    """A test that cannot fail proves nothing."""
    secret = "k0123456789abcdef9"
    for before in (b"", b"a", b"ab"):
        for content in (secret.encode(), base64.b64encode(before + secret.encode() + b"tail")):
            planted = Planted(secrets={"x": secret}, seen=[("y", b"..." + content + b"...")])
            assert planted.leaks() == ["x in y"]


def leaky_image(context: Path, planted: Planted) -> str:
    """Variables, build argument, label, history and a package's origin, each with its secret."""
    info = context / "leaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n"
        f"Download-URL: https://bot:{planted.plant('metadata url')}@pypi.example/leaky.whl\n",
        encoding="utf-8",
    )
    (info / "RECORD").write_text("", encoding="utf-8")
    (info / "INSTALLER").write_text("pip\n", encoding="utf-8")
    url = f"https://deploy:{planted.plant('direct_url userinfo')}@git.example/team/leaky.git"
    commit = {"vcs": "git", "commit_id": "0" * 40, "requested_revision": "main"}
    (info / "direct_url.json").write_text(json.dumps({"url": url, "vcs_info": commit}), encoding="utf-8")
    token = info.with_name("tokened-1.0.dist-info")
    token.mkdir()
    (token / "METADATA").write_text("Metadata-Version: 2.1\nName: tokened\nVersion: 1.0\n", encoding="utf-8")
    archive = f"https://files.example/tokened.whl?X-Amz-Signature={planted.plant('direct_url query')}"
    (token / "direct_url.json").write_text(json.dumps({"url": archive, "archive_info": {}}), encoding="utf-8")
    site = "/usr/local/lib/python3.11/dist-packages"
    return "\n".join(
        (
            f"FROM {SMALL_A}",
            f"ENV HF_TOKEN={planted.plant('image ENV')}",
            f"ENV TORCH_EXTRA=--api-key={planted.plant('image ENV, allowed name')}",
            f"ENV PIP_INDEX_URL=https://reader:{planted.plant('image ENV url')}@pypi.example/simple",
            f"LABEL maintainer.api_token={planted.plant('label')}",
            f"ARG DEPLOY_PASSWORD={planted.plant('build argument')}",
            f"RUN DB_PASSWORD={planted.plant('history')} true",
            f"COPY leaky-1.0.dist-info {site}/leaky-1.0.dist-info",
            f"COPY tokened-1.0.dist-info {site}/tokened-1.0.dist-info",
            "",
        )
    )


def poison(world: World, planted: Planted) -> None:
    """Give this user secrets too: in the environment, and in files that tools read."""
    proxy = f"http://me:{planted.plant('docker config proxy')}@proxy.example:3128"
    home = world.root / "home"
    (home / ".docker").mkdir()
    auth = base64.b64encode(f"me:{planted.plant('docker config auth')}".encode()).decode()
    config = {
        "proxies": {"default": {"httpProxy": proxy, "httpsProxy": proxy}},
        "auths": {"reg.example": {"auth": auth}},
    }
    (home / ".docker/config.json").write_text(json.dumps(config), encoding="utf-8")
    (home / ".netrc").write_text(
        f"machine localhost login x password {planted.plant('netrc')}\n", encoding="utf-8"
    )
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(
        f"[global]\nindex-url = https://x:{planted.plant('pip.conf')}@pypi.example/simple\n", encoding="utf-8"
    )
    world.environ.update(
        REPROCHECK_DEBUG="1",
        AWS_SECRET_ACCESS_KEY=planted.plant("host variable"),
        SOME_NAME=planted.plant("host variable, plain name"),
        CUDA_EXTRA=f"password={planted.plant('host variable, allowed name')}",
        HTTPS_PROXY=f"http://me:{planted.plant('host proxy')}@127.0.0.1:9",
        PYTHONPATH="",
    )


PROGRAM = 'mkdir -p /out; echo \'{"loss": 1}\' > /out/m.json; env; echo "$0" "$@"'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Planted]]:
    """Every verb has run once on everything that holds a secret."""
    world, planted = World.at(tmp_path_factory.mktemp("secrets") / "world"), Planted()
    context = tmp_path_factory.mktemp("context")
    with image(leaky_image(context, planted), context) as leaky:
        poison(world, planted)
        container = docker(
            *("run", "--detach", "-e", f"WANDB_API_KEY={planted.plant('docker run -e')}"),
            *("-e", f"PLAIN_NAME={planted.plant('docker run -e, plain name')}"),
            *("-e", f"OMP_EXTRA=https://u:{planted.plant('docker run -e url')}@x.example/"),
            *(leaky, "sh", "-c", PROGRAM, "train", "--api-key", planted.plant("container argv")),
        )
        assert container
        try:
            docker("wait", container)
            record(world, planted, leaky, container)
            report(world, planted)
            fail(world, planted, leaky)
        finally:
            docker("rm", "--force", "--volumes", container)
        for path in (*world.cwd.iterdir(), *(world.root / "state/manifests").iterdir()):
            planted.seen.append((str(path.relative_to(world.root)), path.read_bytes()))
        yield world, planted


def record(world: World, planted: Planted, leaky: str, container: str) -> None:
    """Make every kind of manifest."""
    argv = ("train", "--token", planted.plant("run argv"), f"--url=https://x:{planted.plant('argv url')}@h/")
    run = ("run", "--image", leaky, "--output", "/out", "--env", f"MY_API_KEY={planted.plant('run --env')}")
    done = world.run(*run, "-o", "run.json", "--", "sh", "-c", PROGRAM, *argv)
    assert done.code == 0, done
    planted.note(done, own_output=True)
    for place in ("docker config proxy", "host variable", "netrc", "host proxy"):
        assert planted.secrets[place] not in done.out, "the container must not get this machine's secrets"
    clean = ("run", "--image", leaky, "--no-syft", "--output", "/out", "-o", "clean.json")
    assert planted.note(world.run(*clean, "--", "sh", "-c", PROGRAM), own_output=True).code == 0
    for name, target in (("image", f"docker:{leaky}"), ("container", f"docker:{container}")):
        more = ("--output", "/out") if name == "container" else ()
        planted.note(world.run("snapshot", target, *more, "--timings", "-o", f"{name}.json"))
        assert (world.cwd / f"{name}.json").exists()
    planted.note(world.run("snapshot", "--no-syft", "-o", "here.json"))
    planted.note(world.run("snapshot", "--no-syft", "--env-values", "all", "-o", "private.json"))
    local = ("run", "--engine", "local", "--no-syft", "--output", "x", "-o", "local.json")
    secret = f"MY_API_KEY={planted.plant('local run --env')}"
    assert planted.note(world.run(*local, "--env", secret, "--", "sh", "-c", "echo 1 > x")).code == 0
    password = planted.plant("local argv")
    done = world.run(*local[:-1], "argv.json", "--", "sh", "-c", "echo 1 > x", "--password", password)
    assert planted.note(done, own_output=True).code == 0


def report(world: World, planted: Planted) -> None:
    """Let every verb that reads tell what it knows, in every format, in pipes and on a terminal."""

    def tell(*words: str) -> Done:
        return planted.note(world.run(*words))

    for name in ("run.json", "image.json", "container.json", "here.json", "local.json"):
        tell("show", "--all", name)
        tell("check", "--format", "json", name)
        tell("graph", "--full", "--format", "json", name)
    tell("check", "run.json")
    for form in ("text", "dot", "mermaid"):
        tell("graph", "--full", "--format", form, "run.json")
    for pair in (("run.json", "container.json"), ("image.json", "here.json"), ("local.json", "run.json")):
        for form in ("text", "json"):
            tell("diff", "--all", "--format", form, *pair)
    tell("diff", "--format", "json", "-o", "diff.json", "run.json", "container.json")
    handed = ("--env", f"MY_API_KEY={planted.plant('verify --env')}", "--logs")
    tell("verify", "run.json", "--dry-run")
    tell("verify", "run.json", *handed)
    tell("verify", "clean.json", "--dry-run", *handed)
    verified = tell("verify", "clean.json", *handed, "--format", "json", "-o", "receipt.json")
    assert verified.code == 0, verified
    assert "PATH=" in verified.err, "the log must have been shown"
    tell("show", "receipt.json")
    tell("store", "list")
    tell("doctor", "--format", "json")
    for words in ("show --all run.json", "snapshot --no-syft", "verify clean.json"):
        planted.seen.append((f"terminal of {words}", on_terminal(world, *words.split()).encode()))


def fail(world: World, planted: Planted, leaky: str) -> None:
    """Let every verb fail while it holds a secret."""
    for url in (
        f"tcp://u:{planted.plant('docker host')}@127.0.0.1:1",
        f"ftp://u:{planted.plant('odd docker host')}@127.0.0.1:1",
        f"ssh://-u:{planted.plant('dashed docker host')}@127.0.0.1:1",
    ):
        planted.note(world.run("snapshot", "docker:x", "--docker-host", url))
        planted.note(world.run("snapshot", "docker:x", environ={"DOCKER_HOST": url}))
    secret = planted.plant("failing run")
    run = ("run", "--image", leaky, "--no-syft", "--output", "/out", "-o")
    planted.note(
        world.run(*run, "gone.json", "--env", f"A_TOKEN={secret}", "--", "no-such", "--token", secret)
    )
    planted.note(world.run(*run, "bad.json", "--env", f"={secret}", "--", "true"))
    planted.note(world.run(*run, "bad.json", "--env", secret, "--", "true"))
    planted.note(world.run(*run, "bad.json", f"--password={secret}", "true"))
    planted.note(world.run(*run, "bad.json", "--env", f"A TOKEN={secret}", "--", "true"))
    planted.note(world.run(*run, "bad.json", "--env", f"MY_TOKEN={secret}", "--memory", "1k", "--", "true"))
    planted.note(world.run("verify", "clean.json", "--env", f"={secret}"))
    planted.note(world.run("verify", "clean.json", "--env", secret))


@pytest.mark.docker
def test_no_secret_is_in_any_output(scene: tuple[World, Planted]) -> None:
    _, planted = scene
    assert len(planted.secrets) >= 25
    assert len(planted.seen) >= 80
    assert planted.leaks() == []


@pytest.mark.docker
def test_what_was_planted_was_really_there(scene: tuple[World, Planted]) -> None:
    """The packages, variables and arguments that held them are in the manifests, without them."""
    world, _ = scene
    manifest = document(world.cwd / "run.json")
    packages = {package["name"]: package for package in manifest["packages"]}
    assert "git.example" in json.dumps(packages["leaky"])
    assert "tokened" in packages
    states = {
        variable["name"]: variable["state"] for variable in manifest["environment"] if "state" in variable
    }
    assert states["HF_TOKEN"] == states["MY_API_KEY"] == states["TORCH_EXTRA"] == "secret"
    assert manifest["run"]["withheld_arguments"]
    here = document(world.cwd / "here.json")
    listed = {variable["name"]: variable.get("value") for variable in here["environment"]}
    assert listed["SOME_NAME"] is None
    assert listed["AWS_SECRET_ACCESS_KEY"] is None


@pytest.mark.docker
def test_a_verify_says_which_withheld_value_it_needs(scene: tuple[World, Planted]) -> None:
    """Exit 5 naming the variable; nothing is started."""
    world, _ = scene
    world.run("verify", "local.json").failed(5, "E_ENV_WITHHELD", "MY_API_KEY")
    world.run("verify", "argv.json").failed(5, "E_ARGUMENT_WITHHELD", "argument")
    world.run("verify", "run.json", "--env", "MY_API_KEY=x").failed(5, "E_ARGUMENT_WITHHELD", "argument")
    assert world.containers() == []
