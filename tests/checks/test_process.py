"""ENV rules."""

from __future__ import annotations

import pytest

from reprocheck.model.environment import Variable
from tests.checks.recorded import clean, found, outcome, report
from tests.strategies import make_python, make_variable


@pytest.mark.parametrize(
    ("origin", "severity"), [("image", "high"), ("run", "medium"), ("container", "medium"), ("host", "low")]
)
def test_env_608_a_withheld_secret_weighs_by_who_hands_it_on(origin: str, severity: str) -> None:
    """An image gives its variables to everybody."""
    variable = make_variable("HF_TOKEN", None, origin=origin, state="secret")
    assert found("ENV-608", clean(environment=(variable,))) == ((severity, "environment[HF_TOKEN]"),)


def test_env_608_a_recorded_value_under_a_secrets_name_is_found_and_not_shown() -> None:
    """Somebody else's tool, or hand, wrote this manifest."""
    manifest = clean(environment=(make_variable("DB_PASSWORD", "hunter2"),))
    assert found("ENV-608", manifest) == (("high", "environment[DB_PASSWORD]"),)
    assert "hunter2" not in repr(report(manifest))


def test_env_608_a_withheld_argument_is_found() -> None:
    """The place is told, the text is not there."""
    manifest = clean(run={"argv": ("train", "***", "--seed=1"), "withheld_arguments": (1,)})
    assert found("ENV-608", manifest) == (("medium", "run.argv[1]"),)


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "SSH_AUTH_SOCK", "KEYBOARD"])
def test_env_608_names_that_only_sound_alike_pass(name: str) -> None:
    """No false alarm for everyday names."""
    assert outcome("ENV-608", clean(environment=(make_variable(name, "1"),))) == "passed"


@pytest.mark.parametrize(
    "environment",
    [
        (),
        (make_variable("LANG", ""),),
        (make_variable("LANG", "C"),),
        (make_variable("LANG", "C.UTF-8"), make_variable("LC_ALL", "POSIX")),
    ],
)
def test_env_611_an_ascii_locale_is_found(environment: tuple[Variable, ...]) -> None:
    """LC_ALL overrides LANG; empty is unset. Python 3.7 and later suffer less."""
    assert found("ENV-612", clean(environment=environment)) == (("low", "environment[LANG]"),)
    old = clean(environment=environment, pythons=(make_python(version="3.6.9"),))
    assert found("ENV-612", old) == (("medium", "environment[LANG]"),)


@pytest.mark.parametrize(
    "environment",
    [
        (make_variable("LANG", "C.UTF-8"),),
        (make_variable("LANG", "C"), make_variable("LC_CTYPE", "en_US.UTF-8")),
        (make_variable("PYTHONUTF8", "1"),),
    ],
)
def test_env_611_utf8_passes(environment: tuple[Variable, ...]) -> None:
    """By locale or by Python's own switch."""
    assert outcome("ENV-612", clean(environment=environment)) == "passed"


def test_env_611_a_hidden_value_is_not_judged() -> None:
    """A withheld LC_ALL might be anything."""
    assert outcome("ENV-612", clean(environment=(make_variable("LC_ALL", None),))) == "not checked"
