"""The catalogue against the package: every code documented, every entry used, every exit code as raised."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest

from reprocheck import errors
from reprocheck.api.explain import all_rules
from reprocheck.catalogue import ERRORS, VERDICTS
from reprocheck.model.verdict import Verdict, exit_code
from tests.architecture import modules

CODE = re.compile(r"E_[A-Z0-9]+(?:_[A-Z0-9]+)*")
EXITS = {
    name: kind.exit_code
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ReprocheckError)
}


def literals(tree: ast.Module) -> set[str]:
    """Every string of a module that is an error code and nothing else."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def raised(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Code, exit code and line of every error built by its class or by a function that makes one."""
    makers = dict(EXITS)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.returns:
            answer = ast.unparse(node.returns)
            if answer == "NoReturn":
                thrown = [n.exc for n in ast.walk(node) if isinstance(n, ast.Raise)]
                answer = next((ast.unparse(e.func) for e in thrown if isinstance(e, ast.Call)), "")
            if answer in EXITS:
                makers[node.name] = EXITS[answer]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            maker = ast.unparse(node.func).rpartition(".")[2]
            code = node.args[0].value
            if maker in makers and isinstance(code, str):
                yield code, makers[maker], node.lineno


PACKAGE = tuple((name, ast.parse(source)) for name, _, source in modules())
USED = set().union(*(literals(tree) for _, tree in PACKAGE))


def test_every_code_of_the_package_is_documented() -> None:
    """`reprocheck explain CODE` answers for each code that an error line can show."""
    assert sorted(USED - {entry.code for entry in ERRORS}) == []


def test_no_two_rules_share_a_code() -> None:
    """Three rooms have rules, and `reprocheck explain CODE` has one page for each code."""
    codes = [rule.code for rule in all_rules()]
    assert sorted(code for code, count in Counter(codes).items() if count > 1) == []


def test_every_entry_is_used() -> None:
    """A code that nothing raises any more is taken out."""
    assert sorted({entry.code for entry in ERRORS} - USED) == []


@pytest.mark.parametrize(("module", "tree"), PACKAGE, ids=[name for name, _ in PACKAGE])
def test_every_error_ends_in_the_documented_exit_code(module: str, tree: ast.Module) -> None:
    """One code, one exit code, wherever it is raised."""
    documented = {entry.code: entry.exit for entry in ERRORS}
    wrong = [
        f"{module}:{line}: {code} ends in {exit_}, documented is {documented[code]}"
        for code, exit_, line in raised(tree)
        if code in documented and exit_ != documented[code]
    ]
    assert wrong == []


def test_the_walk_sees_codes_and_exits() -> None:
    """On a small source with a class, a function that returns one, and texts that are no codes."""
    tree = ast.parse(
        "def _refuse(code: str) -> Refused: ...\n"
        "raise errors.CouldNotRun('E_A', 'E_B is text', hint='')\n"
        "raise _refuse('E_C_2')\n"
        "def stop(code) -> NoReturn:\n raise InputFault(code)\n"
        "stop('E_D')\n"
        "'E_'; 'xE_D'\n"
    )
    assert literals(tree) == {"E_A", "E_C_2", "E_D"}
    assert sorted(raised(tree)) == [("E_A", 3, 2), ("E_C_2", 5, 3), ("E_D", 2, 6)]


def test_entries_are_unique_sorted_sentences() -> None:
    """Code order, known exit codes, and text that ends like a sentence."""
    codes = [entry.code for entry in ERRORS]
    assert codes == sorted(set(codes))
    assert {entry.exit for entry in ERRORS} <= {2, 3, 4, 5, 70, 130}
    for entry in ERRORS:
        assert CODE.fullmatch(entry.code)
        assert entry.meaning.endswith(".")
        assert entry.next_step.endswith(".")


def test_the_seven_verdicts_have_their_exit_codes() -> None:
    """As the model computes them."""
    assert tuple(entry.code for entry in VERDICTS) == get_args(Verdict)
    assert [entry.exit for entry in VERDICTS] == [exit_code(entry.code) for entry in VERDICTS]
    assert all(entry.meaning and entry.next_step for entry in VERDICTS)
