"""The documents' own blocks of Python, run unchanged: each prints what its document shows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from seeds.cases import DOCUMENTS
from seeds.outcomes import Outcome

BLOCKS = [
    pytest.param(number, at, id=f"{number:03}-{at + 1}")
    for number, document in enumerate(DOCUMENTS)
    for at in range(len(document.cases))
]

DIFFERENT = [block for block in BLOCKS if DOCUMENTS[block.values[0]].cases[block.values[1]].differs]


@pytest.mark.parametrize(("number", "at"), BLOCKS)
def test_a_block_prints_what_its_document_shows(ran: list[list[Outcome]], number: int, at: int) -> None:
    outcome = ran[number][at]
    assert not outcome.error, outcome.error
    if outcome.is_shown:
        ours, theirs = outcome.compared()
        assert ours == theirs


@pytest.mark.parametrize(("number", "at"), DIFFERENT)
def test_no_difference_of_a_block_could_be_left_out(ran: list[list[Outcome]], number: int, at: int) -> None:
    outcome = ran[number][at]
    known = outcome.case.differs
    for one in known:
        ours, theirs = outcome.compared(tuple(other for other in known if other is not one))
        assert ours != theirs, f"there is no difference {one.name!r} any more"


def test_each_block_has_a_test_of_ours_that_needs_no_document() -> None:
    tests = Path(__file__).parents[1]
    named = {case.own for document in DOCUMENTS for case in document.cases}
    for file in {own.partition("::")[0] for own in named}:
        tree = ast.parse((tests / file).read_text(encoding="utf-8"))
        there = {f"{file}::{one.name}" for one in tree.body if isinstance(one, ast.FunctionDef)}
        assert {own for own in named if own.startswith(f"{file}::")} <= there
