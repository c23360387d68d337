"""DAT rules."""

from __future__ import annotations

import pytest

from reprocheck.model.verdict import Relaxation
from tests.checks.recorded import clean, found, outcome, receipt
from tests.strategies import make_input


def test_dat_707_unhashed_writable_and_absent_inputs_are_found() -> None:
    """Each with its own weight."""
    assert found("DAT-707", clean(run={"inputs": (make_input(sha256=None),)})) == (
        ("high", "run.inputs[/data]"),
    )
    writable = clean(run={"inputs": (make_input(writable=True),)})
    assert found("DAT-707", writable) == (("medium", "run.inputs[/data]"),)
    assert found("DAT-707", clean(run={"inputs": ()})) == (("low", "run.inputs"),)


def test_dat_707_a_hashed_read_only_input_passes() -> None:
    """The ordinary case."""
    assert outcome("DAT-707", clean()) == "passed"


def test_dat_705_a_network_is_found_unless_a_verify_did_without() -> None:
    """A clean verify in the sandbox proves that nothing was fetched."""
    online = clean(run={"network": "bridge"})
    relaxed = receipt(relaxations=(Relaxation(what="network", value="bridge"),))
    assert found("DAT-705", online, receipt("drift")) == (("medium", "run.network"),)
    assert found("DAT-705", online, relaxed) == (("medium", "run.network"),)
    assert found("DAT-705", online, receipt(image="")) == (("medium", "run.network"),)
    assert outcome("DAT-705", online, receipt()) == "passed"


@pytest.mark.parametrize("network", ["unknown", "none", "bridge"])
def test_dat_705_a_local_run_had_the_machines_network(network: str) -> None:
    """Nothing kept it off, and nothing shows whether it was used, whatever the record says."""
    local = clean(run={"network": network, "engine": "local"})
    assert outcome("DAT-705", local, receipt()) == "not checked"


def test_dat_705_an_unknown_network_is_not_judged() -> None:
    """Not known is not `none`."""
    assert outcome("DAT-705", clean(run={"network": "unknown"}), receipt("drift")) == "not checked"


def test_dat_705_no_network_passes() -> None:
    """Without any receipt."""
    assert outcome("DAT-705", clean(), receipt("drift")) == "passed"
