"""One connection to a container engine. The vendor's client stays inside; values and protocols come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Literal

from reprocheck.engine.docker_changes import container_changes
from reprocheck.engine.docker_inspect import (
    ContainerFacts,
    ImageFacts,
    RecordedName,
    classify,
    find_image,
    inspect_container,
    inspect_image,
)
from reprocheck.engine.docker_outputs import container_outputs
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.docker_view import Reader, open_container, open_image
from reprocheck.engine.endpoint import Endpoint, connect, find_endpoint
from reprocheck.engine.observation import Observation, probe_container
from reprocheck.engine.podman import START, find_podman
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.image import Image
from reprocheck.model.run import Change
from reprocheck.model.sighting import Sighting
from reprocheck.ports import ContainerView, Interest, OutputFile, ReadLibrary, RefusedOutput

if TYPE_CHECKING:
    from docker import APIClient


class DockerEngine(Frozen, frozen=True, kw_only=True):
    """A reachable engine."""

    client: APIClient
    endpoint: Endpoint
    limits: Limits

    @property
    def shares_our_disk(self) -> bool:
        """Whether the engine's host paths can be read here."""
        return not self.endpoint.remote

    def classify(self, reference: str) -> Literal["image", "container"]:
        """Tell what a reference names. Raises UsageFault, CouldNotRun."""
        return classify(self.client, reference)

    def image(self, reference: str) -> ImageFacts:
        """Read an image's facts. Raises CouldNotRun (E_IMAGE_NOT_FOUND)."""
        return inspect_image(self.client, reference)

    def container(self, reference: str) -> ContainerFacts:
        """Read a container's facts. Raises CouldNotRun."""
        return inspect_container(self.client, reference)

    def find(
        self,
        image: Image,
        *,
        config_digest: str | None,
        environment: Iterable[tuple[str, str | None]],
        recorded_name: RecordedName,
    ) -> ImageFacts | None:
        """Find a recorded image by its identity, never by a tag."""
        return find_image(
            self.client,
            image=image,
            config_digest=config_digest,
            environment=environment,
            recorded_name=recorded_name,
        )

    def open_image(
        self, facts: ImageFacts, interest: Interest
    ) -> AbstractContextManager[tuple[ContainerView, Reader]]:
        """Give an image's files and how they were read."""
        return open_image(self.client, facts, interest=interest, limits=self.limits)

    def open_container(
        self, facts: ContainerFacts, interest: Interest
    ) -> AbstractContextManager[tuple[ContainerView, Reader]]:
        """Give a container's files as they are now."""
        return open_container(self.client, facts, interest=interest, limits=self.limits)

    def outputs(
        self, facts: ContainerFacts, patterns: tuple[str, ...], *, scratch: str
    ) -> tuple[OutputFile | RefusedOutput, ...]:
        """Find the outputs of a container that has stopped; they are readable while `scratch` lives."""
        return container_outputs(
            self.client,
            facts.id,
            layers=facts.layers,
            mounts=facts.mounts,
            patterns=patterns,
            limits=self.limits,
            scratch=scratch,
        )

    def changes(self, facts: ContainerFacts, *, outputs: tuple[str, ...]) -> tuple[Change, ...]:
        """List what changed in a container's writable layer beside its outputs."""
        mounts = tuple(mount.target for mount in facts.mounts)
        return container_changes(self.client, facts.id, outputs=outputs, mounts=mounts)

    def runner(self, observation: Observation | None = None) -> DockerRunner:
        """Give a runner on this engine; one that observes is for a single run."""
        return DockerRunner(self.client, limits=self.limits, observation=observation)

    def probe(self, facts: ContainerFacts, read: ReadLibrary) -> Sighting:
        """Look once at the processes of a running container, from outside."""
        return probe_container(
            self.client,
            facts.id,
            layers=facts.layers,
            mounts=tuple(mount.target for mount in facts.mounts),
            read=read,
            limits=self.limits,
        )

    def versions(self) -> tuple[tuple[str, str], ...]:
        """Return (name, version) of the engine and its components, for `doctor`."""
        document = self.client.version()
        rows = [("docker engine", str(document.get("Version", "")))]
        for component in document.get("Components") or []:
            name = str(component.get("Name", "")).lower()
            if name in ("runc", "containerd", "crun"):
                rows.append((name, str(component.get("Version", ""))))
        return tuple(rows)


@contextmanager
def docker_engine(
    *,
    override: str | None,
    environ: Mapping[str, str],
    home: str,
    limits: Limits,
    podman: bool = False,
) -> Iterator[DockerEngine]:
    """Connect to the engine that the user's docker context names, and close the connection afterwards.

    `podman` looks for podman's socket instead. Raises CouldNotRun (E_NO_DAEMON, E_DAEMON_PERMISSION,
    E_NO_PODMAN, ...).
    """
    if podman:
        endpoint = find_podman(override=override, environ=environ)
    else:
        endpoint = find_endpoint(override=override, environ=environ, home=home)
    try:
        client = connect(endpoint, limits=limits)
    except CouldNotRun as error:
        if podman and error.code == "E_NO_DAEMON":
            error.hint = START
        raise
    try:
        yield DockerEngine(client=client, endpoint=endpoint, limits=limits)
    finally:
        client.close()
