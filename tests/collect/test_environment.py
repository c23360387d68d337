"""Which values of the environment are recorded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.environment import (
    ALLOWED_NAMES,
    ALLOWED_PREFIXES,
    describe_environment,
    is_allowed,
)
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.environment import Variable

SECRET = "hf" + "_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA3b"


def one(variables: tuple[Variable, ...], name: str) -> Variable:
    """The only variable of that name."""
    (found,) = [v for v in variables if v.name == name]
    return found


def test_the_allowlist_is_sorted_and_without_repeats() -> None:
    """A reader can check it, a diff stays small."""
    assert list(ALLOWED_NAMES) == sorted(set(ALLOWED_NAMES))
    assert list(ALLOWED_PREFIXES) == sorted(set(ALLOWED_PREFIXES))


@pytest.mark.parametrize(
    "name",
    [
        "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "NCCL_ALGO", "OMP_NUM_THREADS", "MKL_CBWR",
        "OPENBLAS_NUM_THREADS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "TORCH_HOME",
        "PYTORCH_CUDA_ALLOC_CONF", "TF_DETERMINISTIC_OPS", "XLA_FLAGS", "JAX_ENABLE_X64", "PYTHONHASHSEED",
        "PYTHONPATH", "LANG", "LC_ALL", "TZ", "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "SOURCE_DATE_EPOCH",
        "RANK", "WORLD_SIZE", "SLURM_PROCID",
    ],
)  # fmt: skip
def test_names_that_bear_on_results_are_allowed(name: str) -> None:
    """The issue's list."""
    assert is_allowed(name)
    variables = describe_environment(host=((name, "1"),), limits=DEFAULT)
    assert variables == (Variable(name=name, value="1", origin="host"),)


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "HOSTNAME",
        "PWD",
        "SHLVL",
        "_",
        "USER",
        "TF_VAR_db",
        "TF_TOKEN_x",
        "LD_SDK",
        "HF_TOKEN",
        "cuda_x",
        "RANKS",
    ],
)
@pytest.mark.parametrize("origin", ["container", "host"])
def test_other_names_are_listed_without_value(name: str, origin: str) -> None:
    """Neither value nor hash."""
    pairs = ((name, "some value"),)
    variables = (
        describe_environment(container=pairs, limits=DEFAULT)
        if origin == "container"
        else describe_environment(host=pairs, limits=DEFAULT)
    )
    assert variables[0].name == name
    assert variables[0].value is None
    assert variables[0].state in {"withheld", "secret"}
    assert "some value" not in repr(variables)


def test_what_the_image_declares_and_what_run_was_given_is_recorded() -> None:
    """Public with the image, or given on purpose."""
    variables = describe_environment(
        image=(("MY_SETTING", "a"), ("HOME", "/root")), run=(("MY_SEED", "7"),), limits=DEFAULT
    )
    assert [(v.name, v.value, v.origin) for v in variables] == [
        ("HOME", "/root", "image"),
        ("MY_SEED", "7", "run"),
        ("MY_SETTING", "a", "image"),
    ]


def test_a_scan_hit_is_never_recorded_at_any_setting() -> None:
    """From no origin, by no flag, under no allowed name."""
    pairs = (("CUDA_X", SECRET), ("MY_PASSWORD", "hunter2"), ("PYTHONPATH", f"https://x:{SECRET}@h/"))
    names = frozenset(name for name, _ in pairs)
    for variables in (
        describe_environment(image=pairs, add_values=names, all_values=True, limits=DEFAULT),
        describe_environment(container=pairs, add_values=names, all_values=True, limits=DEFAULT),
        describe_environment(run=pairs, add_values=names, all_values=True, limits=DEFAULT),
        describe_environment(host=pairs, add_values=names, all_values=True, limits=DEFAULT),
    ):
        assert [(v.name, v.value, v.state) for v in variables] == [
            (name, None, "secret") for name in sorted(names)
        ]
        assert SECRET not in repr(variables)


def test_a_secret_in_the_name_is_masked() -> None:
    """`docker run -e TOKENVALUE=1` by mistake."""
    (variable,) = describe_environment(run=((SECRET, "1"),), limits=DEFAULT)
    assert variable.state == "secret"
    assert SECRET not in variable.name


def test_added_names_and_all_values() -> None:
    """`--env-value NAME` adds one, `--env-values all` adds the rest."""
    pairs = (("A", "1"), ("B", "2"))
    some = describe_environment(container=pairs, add_values=frozenset({"B"}), limits=DEFAULT)
    assert [v.value for v in some] == [None, "2"]
    assert [v.value for v in describe_environment(container=pairs, all_values=True, limits=DEFAULT)] == [
        "1",
        "2",
    ]


def test_the_later_origin_wins() -> None:
    """Run over container over image over host; the last of two equal names within one origin."""
    variables = describe_environment(
        host=(("TZ", "host"),),
        image=(("TZ", "image"), ("LANG", "a"), ("LANG", "b")),
        container=(("TZ", "container"),),
        run=(("TZ", "run"),),
        limits=DEFAULT,
    )
    assert variables == (
        Variable(name="LANG", value="b", origin="image"),
        Variable(name="TZ", value="run", origin="run"),
        Variable(name="TZ", value="image", origin="image"),
    )


def test_what_the_image_declares_stays_after_what_overrides_it() -> None:
    """It did not apply, but it is part of the image's identity, without which no verify finds the image."""
    variables = describe_environment(image=(("MY_MODE", "a"),), container=(("MY_MODE", "b"),), limits=DEFAULT)
    assert variables == (
        Variable(name="MY_MODE", value=None, origin="container", state="withheld"),
        Variable(name="MY_MODE", value="a", origin="image"),
    )


@pytest.mark.parametrize("name", ["", "a b\x1b[31m", "x\u202ey", "n\udc80n", "L" * 5000, "a\nb"])
def test_odd_names_are_kept_safely_and_without_value(name: str) -> None:
    """Nothing vanishes, nothing reaches a terminal raw."""
    (variable,) = describe_environment(run=((name, "1"),), limits=DEFAULT)
    assert variable.name.isascii()
    assert variable.name.isprintable()
    assert 0 < len(variable.name) < 1200
    assert variable.value is None
    assert variable.state == "withheld"


def test_values_that_json_cannot_hold_are_withheld() -> None:
    """Too long, or not UTF-8."""
    limits = Limits(variable_bytes=10)
    variables = describe_environment(
        image=(("LANG", "x" * 11), ("TZ", "\udcff"), ("PATH", "x" * 10)), limits=limits
    )
    assert [(v.name, v.value, v.state) for v in variables] == [
        ("LANG", None, "withheld"),
        ("PATH", "x" * 10, "recorded"),
        ("TZ", None, "withheld"),
    ]


def test_too_many_variables_is_an_error_that_names_the_flag() -> None:
    """Never cut silently."""
    with pytest.raises(InputFault) as caught:
        describe_environment(image=(("A", "1"), ("B", "2")), limits=Limits(variables=1))
    assert caught.value.code == "E_LIMIT_VARIABLES"
    assert "--limit-scale" in caught.value.hint


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=8))
@settings(deadline=None, max_examples=50)
def test_any_order_gives_the_same_list(pairs: list[tuple[str, str]]) -> None:
    """Sorted by name, JSON-safe."""
    unique = list(dict(pairs).items())
    forward = describe_environment(container=tuple(unique), limits=DEFAULT)
    assert [v.name for v in forward] == sorted(v.name for v in forward)
    json.dumps([v.name for v in forward]).encode()
    backward = describe_environment(container=tuple(reversed(unique)), limits=DEFAULT)
    assert [v.name for v in forward] == [v.name for v in backward]
