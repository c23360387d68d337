"""A podman service of this test's own: private socket and storage, so that no user's podman is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SMALL = "reprocheck-fixture/small-a"

_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
"""
"""Ulimits that no capability is needed for; a runtime is named when runc is there."""


@dataclass(frozen=True, kw_only=True)
class Podman:
    """One podman with its own storage."""

    place: Path
    driver: str

    @property
    def url(self) -> str:
        """Address of its Docker-compatible socket."""
        return f"unix://{self.place}/podman.sock"

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line that reaches this storage."""
        places = ("--root", f"{self.place}/root", "--runroot", f"{self.place}/run")
        return ("podman", *places, "--storage-driver", self.driver, "--log-level", "error")

    @property
    def environ(self) -> dict[str, str]:
        """Its settings instead of the user's."""
        chosen = {"CONTAINERS_CONF": f"{self.place}/containers.conf", "HOME": str(self.place)}
        return {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.place), **chosen}

    def call(self, *argv: str) -> str:
        """Run the podman command; its stdout without the last newline."""
        done = subprocess.run(
            [*self.argv, *argv],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout.rstrip("\n")

    def load(self, image: str) -> None:
        """Copy an image of the Docker engine, layer by layer."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            done = subprocess.run(
                [*self.argv, "load"],
                env=self.environ,
                stdin=saved.stdout,
                capture_output=True,
                check=False,
                timeout=300,
            )
        assert done.returncode == 0, done.stderr


@contextmanager
def podman_service(driver: str = "overlay") -> Iterator[Podman]:
    """Start a service; it is ended, and its storage removed, on every way out."""
    place = Path(tempfile.mkdtemp(prefix="rc-podman-"))  # a socket's path is at most 107 bytes long
    runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
    (place / "containers.conf").write_text(_SETTINGS + runtime)
    podman = Podman(place=place, driver=driver)
    service = subprocess.Popen(
        [*podman.argv, "system", "service", "--time=0", podman.url],
        env=podman.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        patience = time.monotonic() + 30
        while not (place / "podman.sock").is_socket():
            assert service.poll() is None, "podman's service ended"
            assert time.monotonic() < patience, "podman's service made no socket"
            time.sleep(0.05)
        yield podman
        assert podman.call("ps", "--all", "--quiet", "--filter", "label=io.reprocheck.run") == ""
    finally:
        service.terminate()
        service.wait(timeout=30)
        subprocess.run(
            [*podman.argv, "rm", "--all", "--force"], env=podman.environ, capture_output=True, check=False
        )
        subprocess.run(
            [*podman.argv, "rmi", "--all", "--force"], env=podman.environ, capture_output=True, check=False
        )
        mounted = place / "root" / driver
        subprocess.run(["umount", str(mounted)], capture_output=True, check=False)
        shutil.rmtree(place)
