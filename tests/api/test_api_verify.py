"""What verify refuses before it looks for an engine, and what it advises."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.verify import VerifyOptions, verify, where_to_get
from reprocheck.codec import seal
from reprocheck.errors import InputFault
from reprocheck.model.base import replace
from tests.strategies import make_manifest, make_run

DIGEST = "registry.example.org:5000/team/t@sha256:" + "1" * 64


def test_a_run_in_a_container_needs_an_image(tmp_path: Path) -> None:
    manifest = seal(replace(make_manifest(), image=None, run=make_run(engine="docker")))
    home = str(tmp_path)
    outside = Outside(environ={"XDG_STATE_HOME": home}, home=home, directory=home, docker_host="tcp://none")
    with pytest.raises(InputFault) as caught:
        verify(
            manifest, VerifyOptions(), outside, confirm=lambda _plan, _foreign: None, sink=lambda _chunk: None
        )
    assert caught.value.code == "E_DOCUMENT"


@pytest.mark.parametrize(
    "names",
    [(), ("t:latest",), ("x; rm -rf ~@sha256:" + "1" * 64,), ("-v@sha256:" + "1" * 64,), (f"{DIGEST}\n",)],
)
def test_only_a_digest_is_advised_to_be_pulled(names: tuple[str, ...]) -> None:
    assert where_to_get(names) == "Load it with `docker load` from the author's archive."
    assert where_to_get((*names, DIGEST)) == f"Get it with: docker pull {DIGEST}"
