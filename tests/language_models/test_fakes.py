from __future__ import annotations

import itertools
from typing import Any

import pytest

from prill.errors import EmptyResponseError
from prill.language_models import (
    FakeListChatModel,
    FakeListLLM,
    FakeMessagesListChatModel,
    FakeStreamingListLLM,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from prill.language_models.fake import FakeListLLMError
from prill.language_models.fake_chat_models import FakeChatModel, FakeListChatModelError
from prill.messages import AIMessage, HumanMessage
from prill.testing import check_runnable


def same(one: Any, other: Any) -> bool:
    return getattr(one, "text", one) == getattr(other, "text", other)


@pytest.mark.parametrize(
    "model",
    [
        FakeListChatModel(responses=["abc"]),
        FakeMessagesListChatModel(responses=[AIMessage("abc")]),
        FakeChatModel(),
        ParrotFakeChatModel(),
        FakeListLLM(responses=["abc"]),
        FakeStreamingListLLM(responses=["abc"]),
    ],
)
def test_the_fakes_keep_the_promises_of_a_runnable(model: Any) -> None:
    check_runnable(model, "hello", compare=same)


def test_the_generic_fake_keeps_the_promises_of_a_runnable() -> None:
    check_runnable(GenericFakeChatModel(messages=itertools.repeat("a b c")), "hello", compare=same)


def test_answers_come_in_turn_and_again_from_the_start() -> None:
    model = FakeListChatModel(responses=["a", "b"])
    assert [model.invoke("x").text for _ in range(3)] == ["a", "b", "a"]


def test_the_generic_fake_streams_words_then_tool_calls() -> None:
    call = {"name": "add", "args": {"a": 1}, "id": "c1"}
    model = GenericFakeChatModel(messages=iter([AIMessage("one two", tool_calls=[call])]))
    chunks = list(model.stream("x"))
    assert [chunk.content for chunk in chunks] == ["one", " ", "two", ""]
    assert chunks[-1].tool_calls == [{**call, "type": "tool_call"}]
    assert chunks[-1].chunk_position == "last"  # type: ignore[attr-defined]


def test_a_fake_whose_messages_are_used_up_says_so() -> None:
    with pytest.raises(EmptyResponseError, match="all its messages"):
        GenericFakeChatModel(messages=iter(())).invoke("x")


def test_fakes_fail_where_they_are_told_to() -> None:
    chunks = FakeListChatModel(responses=["abc"], error_on_chunk_number=1).stream("x")
    assert next(chunks).text == "a"
    with pytest.raises(FakeListChatModelError):
        next(chunks)
    with pytest.raises(FakeListLLMError):
        list(FakeStreamingListLLM(responses=["abc"], error_on_chunk_number=0).stream("x"))


def test_a_parrot_repeats_the_last_message() -> None:
    assert ParrotFakeChatModel().invoke([HumanMessage("a"), HumanMessage("b")]).text == "b"
