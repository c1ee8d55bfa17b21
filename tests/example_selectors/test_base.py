from __future__ import annotations

import asyncio
from typing import Any

import pytest

from prill.example_selectors import BaseExampleSelector, LengthBasedExampleSelector, sorted_values
from prill.prompts import FewShotPromptTemplate, PromptTemplate

PROMPT = PromptTemplate.from_template("{q}={a}")


def selector(**more: Any) -> LengthBasedExampleSelector:
    examples = [{"q": "a b", "a": "c"}, {"q": "d", "a": "e f g"}]
    return LengthBasedExampleSelector(examples=examples, example_prompt=PROMPT, max_length=6, **more)


@pytest.mark.parametrize(("input", "count"), [("x", 2), ("x y", 1), ("x y z w", 1), ("x y z w v", 0), ("a " * 20, 0)])
def test_as_many_examples_are_chosen_as_fit_beside_the_input(input: str, count: int) -> None:
    assert len(selector().select_examples({"i": input})) == count
    assert len(asyncio.run(selector().aselect_examples({"i": input}))) == count


def test_added_examples_are_measured() -> None:
    chooser = selector(get_text_length=len)
    chooser.add_example({"q": "1", "a": "2"})
    asyncio.run(chooser.aadd_example({"q": "", "a": ""}))
    assert chooser.example_text_lengths == [5, 7, 3, 1]


def test_values_that_are_no_texts_are_measured_as_text() -> None:
    assert len(selector().select_examples({"i": "x", "j": 3})) == 1


def test_a_few_shot_prompt_takes_it() -> None:
    prompt = FewShotPromptTemplate(example_selector=selector(), example_prompt=PROMPT, suffix="{i}")
    assert prompt.format(i="x y") == "a b=c\n\nx y"


class Last(BaseExampleSelector):
    def __init__(self) -> None:
        self.examples: list[dict[str, str]] = []

    def add_example(self, example: dict[str, str]) -> int:
        self.examples.append(example)
        return len(self.examples)

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        return self.examples[-1:]


def test_a_users_selector_defines_the_blocking_forms_alone() -> None:
    async def use() -> list[dict[str, Any]]:
        last = Last()
        assert await last.aadd_example({"q": "1"}) == 1
        return await last.aselect_examples({})

    assert asyncio.run(use()) == [{"q": "1"}]


def test_sorted_values_are_in_the_order_of_their_keys() -> None:
    assert sorted_values({"b": "x", "a": "z"}) == ["z", "x"]
