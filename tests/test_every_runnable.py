"""Every Runnable that ships keeps the promises of a Runnable."""

import inspect
import itertools

import pytest

from prill.anthropic import Anthropic, ChatAnthropic
from prill.language_models import FakeListChatModel, GenericFakeChatModel
from prill.messages import AIMessage
from prill.openai import ChatOpenAI, OpenAI
from prill.output_parsers import (
    CommaSeparatedListOutputParser,
    JsonOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
    StrOutputParser,
    XMLOutputParser,
)
from prill.prompts import ChatPromptTemplate, FewShotPromptTemplate, PromptTemplate
from prill.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from prill.testing import ReplayServer, check_runnable
from prill.tools import tool

JSON = '{"names": ["a", "b"], "count": 2}'


def same_text(one, other):
    return getattr(one, "text", one) == getattr(other, "text", other)


@tool
def double(number: int) -> int:
    """Twice a number."""
    return number * 2


example = PromptTemplate.from_template("{q} {a}")
PARTS = {
    "prompt": (PromptTemplate.from_template("tell {x}"), {"x": 1}),
    "chat prompt": (ChatPromptTemplate.from_messages([("system", "be {how}"), ("human", "{x}")]), {"how": 1, "x": 2}),
    "few shot": (
        FewShotPromptTemplate(examples=[{"q": "1", "a": "2"}], example_prompt=example, suffix="{x}"),
        {"x": "3"},
    ),
    "text parser": (StrOutputParser(), AIMessage("some text")),
    "JSON parser": (JsonOutputParser(), JSON),
    "JSON parser of patches": (RunnablePassthrough() | JsonOutputParser(), JSON),
    "comma list": (CommaSeparatedListOutputParser(), "a, b, c"),
    "numbered list": (NumberedListOutputParser(), "1. a\n2. b"),
    "markdown list": (MarkdownListOutputParser(), "- a\n- b"),
    "XML": (XMLOutputParser(), "<a><b>c</b></a>"),
    "tool": (double, {"number": 4}),
    "configurable": (
        FakeListChatModel(responses=["abc"]).configurable_fields(responses=ConfigurableField(id="responses"))
        | StrOutputParser(),
        "x",
    ),
    "chain": (
        ChatPromptTemplate.from_template("{x}")
        | GenericFakeChatModel(messages=itertools.repeat("a b c"))
        | {"text": StrOutputParser(), "length": RunnableLambda(lambda message: len(message.text))},
        {"x": 1},
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_keeps_them(part):
    runnable, given = PARTS[part]
    check_runnable(runnable, given, compare=same_text)


@pytest.mark.parametrize("kind", [ChatOpenAI, OpenAI, ChatAnthropic, Anthropic])
def test_a_providers_model_keeps_them(kind):
    with ReplayServer() as server:
        url = server.anthropic_url if "anthropic" in inspect.getmodule(kind).__name__ else server.openai_url
        check_runnable(kind(model="any", base_url=url, api_key="key"), "say this again", compare=same_text)
