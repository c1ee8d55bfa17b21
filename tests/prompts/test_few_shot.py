from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core import prompts as peer

from prill.errors import MissingVariableError, PromptError
from prill.prompts import (
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    FewShotPromptWithTemplates,
    PromptTemplate,
)

EXAMPLES = [{"q": 1, "a": 2, "more": 0}, {"q": 3, "a": 4}]
ONE = PromptTemplate.from_template("{q}={a}")


class Selector:
    """Chooses by the variable ``i``; remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def select_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append("blocking")
        return EXAMPLES[: int(input_variables["i"])]


class AsyncioSelector(Selector):
    async def aselect_examples(self, input_variables: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append("asyncio")
        return EXAMPLES[: int(input_variables["i"])]


@pytest.mark.parametrize("prefix", ["", "start {p}"])
def test_text_is_made_as_the_peer_makes_it(prefix: str) -> None:
    arguments: dict[str, Any] = {"examples": EXAMPLES, "suffix": "{i}?", "prefix": prefix}
    ours = FewShotPromptTemplate(**arguments, example_prompt=ONE)
    theirs = peer.FewShotPromptTemplate(
        **arguments, example_prompt=peer.PromptTemplate.from_template("{q}={a}"), input_variables=["i"]
    )
    assert ours.input_variables == theirs.input_variables
    assert ours.format(i=1, p=2) == theirs.format(i=1, p=2)
    assert asyncio.run(ours.ainvoke({"i": 1, "p": 2})).to_string() == ours.format(i=1, p=2)


def test_braces_in_examples_are_text() -> None:
    prompt = FewShotPromptTemplate(examples=[{"q": "{i}", "a": "{"}], example_prompt=ONE, suffix="{i}")
    assert prompt.format(i=1) == "{i}={\n\n1"


def test_prefix_and_suffix_may_be_prompts() -> None:
    prompt = FewShotPromptWithTemplates(
        examples=EXAMPLES,
        example_prompt=ONE,
        suffix=PromptTemplate.from_template("{i}?"),
        prefix=ONE,
        example_separator="/",
    )
    assert prompt.input_variables == ["a", "i", "q"]
    assert prompt.format(i=1, a=8, q=9) == "9=8/1=2/3=4/1?"
    assert asyncio.run(prompt.aformat(i=1, a=8, q=9)) == "9=8/1=2/3=4/1?"
    assert prompt.partial(i=5).format(a=8, q=9).endswith("/5?")


@pytest.mark.parametrize("cls", [FewShotPromptTemplate, FewShotPromptWithTemplates])
def test_given_variables_are_checked_if_asked_for(cls: Any) -> None:
    suffix: Any = "{i}" if cls is FewShotPromptTemplate else PromptTemplate.from_template("{i}")
    arguments = {"examples": EXAMPLES, "example_prompt": ONE, "suffix": suffix, "validate_template": True}
    assert cls(**arguments, input_variables=["i"]).input_variables == ["i"]
    with pytest.raises(PromptError, match="input_variables"):
        cls(**arguments, input_variables=["z"])


def test_messages_are_made_as_the_peer_makes_them() -> None:
    pair: Any = [("human", "{q}"), ("ai", "{a}")]
    ours = FewShotChatMessagePromptTemplate(examples=EXAMPLES, example_prompt=ChatPromptTemplate(pair))
    theirs = peer.FewShotChatMessagePromptTemplate(examples=EXAMPLES, example_prompt=peer.ChatPromptTemplate(pair))
    assert ours.format() == theirs.format()
    assert ours.invoke({}).to_string() == theirs.invoke({}).to_string()
    around = ChatPromptTemplate([("system", "s"), ours, ("human", "{i}")])
    assert [message.content for message in around.format_messages(i=5)] == ["s", "1", "2", "3", "4", "5"]
    assert "{q}" in ours.pretty_repr()


@pytest.mark.parametrize("arguments", [{}, {"examples": EXAMPLES, "example_selector": Selector()}])
def test_there_is_one_source_of_examples(arguments: Any) -> None:
    with pytest.raises(PromptError, match="example_selector"):
        FewShotPromptTemplate(**arguments, example_prompt=ONE, suffix="x")
    with pytest.raises(PromptError, match="example_selector"):
        FewShotPromptWithTemplates(**arguments, example_prompt=ONE, suffix=ONE)
    with pytest.raises(PromptError, match="example_selector"):
        FewShotChatMessagePromptTemplate(**arguments, example_prompt=ChatPromptTemplate(["{q}"]))


def test_an_example_without_a_variable_of_its_prompt_is_refused() -> None:
    with pytest.raises(MissingVariableError, match="'a'"):
        FewShotPromptTemplate(examples=[{"q": 1}], example_prompt=ONE, suffix="x").format()


def test_a_selector_is_asked_in_the_colour_of_the_verb() -> None:
    selector = AsyncioSelector()
    prompt = FewShotPromptTemplate(example_selector=selector, example_prompt=ONE, suffix="{i}")
    assert prompt.invoke({"i": 1}).to_string() == "1=2\n\n1"
    assert asyncio.run(prompt.ainvoke({"i": 2})).to_string() == "1=2\n\n3=4\n\n2"
    assert selector.asked == ["blocking", "asyncio"]


def test_within_a_chat_prompt_a_selector_is_asked_in_the_colour_of_the_verb() -> None:
    selector = AsyncioSelector()
    few = FewShotChatMessagePromptTemplate(
        example_selector=selector, example_prompt=ChatPromptTemplate(["{q}"]), input_variables=["i"]
    )
    prompt = ChatPromptTemplate([few, "{i}"])
    assert [message.content for message in prompt.invoke({"i": "1"}).to_messages()] == ["1", "1"]
    made = asyncio.run(prompt.ainvoke({"i": "2"})).to_messages()
    assert [message.content for message in made] == ["1", "3", "2"]
    assert selector.asked == ["blocking", "asyncio"]


def test_a_selector_without_an_asyncio_form_still_works_in_asyncio() -> None:
    prompt = FewShotPromptTemplate(example_selector=Selector(), example_prompt=ONE, suffix="{i}")
    assert asyncio.run(prompt.aformat(i=1)) == "1=2\n\n1"
