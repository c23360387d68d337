"""What a snapshot can be taken of, as typed."""

from __future__ import annotations

import pytest

from reprocheck.api.targets import Target, parse_target
from reprocheck.errors import UsageFault


@pytest.mark.parametrize(
    ("text", "scheme", "reference"),
    [
        (None, "local", ""),
        ("local", "local", ""),
        ("local:", "local", ""),
        ("python:3.11", "docker", "python:3.11"),
        ("registry.example:5000/a/b@sha256:00", "docker", "registry.example:5000/a/b@sha256:00"),
        ("docker:python:3.11", "docker", "python:3.11"),
        ("image:latest", "docker", "image:latest"),
        ("rootfs:/srv/a:b", "rootfs", "/srv/a:b"),
        ("env:.venv", "env", ".venv"),
        ("docker-archive:saved.tar:python:3.11", "docker-archive", "saved.tar:python:3.11"),
        ("oci-archive:image.tar", "oci-archive", "image.tar"),
        ("oci:layout@sha256:00", "oci", "layout@sha256:00"),
        ("ocicrypt:latest", "docker", "ocicrypt:latest"),
        ("sha256:0011", "docker", "sha256:0011"),
        ("environment", "docker", "environment"),
    ],
)
def test_schemes_are_recognised_and_the_rest_is_docker(text: str | None, scheme: str, reference: str) -> None:
    target = parse_target(text)

    assert target == Target(scheme=target.scheme, reference=reference)
    assert target.scheme == scheme


def test_an_explicit_target_may_say_whether_it_is_an_image_or_a_container() -> None:
    container = Target(scheme="docker", reference="env", kind="container")
    assert parse_target("docker:container:env") == container
    image = Target(scheme="docker", reference="python:3.11", kind="image")
    assert parse_target("docker:image:python:3.11") == image


@pytest.mark.parametrize(
    "text",
    ["", " ", "docker:", "docker:image:", "rootfs:", "env:", "oci:", "oci-archive:", "docker-archive:"],
)
def test_a_target_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageFault) as caught:
        parse_target(text)

    assert caught.value.code == "E_TARGET"
