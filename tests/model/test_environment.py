"""Which of several settings of one name counts."""

from __future__ import annotations

from reprocheck.collect.environment import describe_environment
from reprocheck.engine.docker_document import bare_names
from reprocheck.limits import DEFAULT
from reprocheck.model.environment import Variable, in_force

IMAGE = Variable(name="A", value="1", origin="image")


def test_what_overrides_stands_first() -> None:
    run, container = (Variable(name="A", value="2", origin=origin) for origin in ("run", "container"))
    assert in_force((IMAGE, container, run)) == {"A": [run, container, IMAGE]}


def test_what_a_container_took_away_is_no_variable() -> None:
    gone = Variable(name="A", value=None, origin="container", state="unset")
    assert in_force((IMAGE, gone)) == {}
    again = Variable(name="A", value="2", origin="run")
    assert in_force((IMAGE, gone, again))["A"][0] == again


def test_it_is_listed_beside_what_the_image_declares() -> None:
    """The image's own declaration is part of its identity."""
    listed = describe_environment(image=(("A", "1"), ("B", "2")), unset=("A",), limits=DEFAULT)
    assert [(v.name, v.origin, v.state) for v in listed] == [
        ("A", "container", "unset"),
        ("A", "image", "recorded"),
        ("B", "image", "recorded"),
    ]


def test_the_engine_lists_a_name_without_a_value() -> None:
    assert bare_names(("A", "B=", "C=c", "", "D", "D=d")) == ("A",)
