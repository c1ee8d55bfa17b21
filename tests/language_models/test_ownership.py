"""Messages that belong to the user's code stay as they are: ids are set on copies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from prill.language_models import BaseChatModel, ParrotFakeChatModel
from prill.messages import AIMessage, AIMessageChunk, HumanMessage
from prill.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

CANNED = AIMessage("yes")
CHUNKS = [AIMessageChunk(content="y"), AIMessageChunk(content="es")]


class Canned(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "canned"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=CANNED)])


class Streaming(Canned):
    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in CHUNKS:
            yield ChatGenerationChunk(message=chunk)


@pytest.mark.parametrize("colour", ["blocking", "asyncio"])
def test_an_answer_that_a_model_gives_twice_has_two_ids(colour: str) -> None:
    def ask() -> Any:
        return Canned().invoke("q") if colour == "blocking" else asyncio.run(Canned().ainvoke("q"))

    first, second = ask(), ask()
    assert first.id != second.id
    assert CANNED.id is None
    assert first.model_dump(exclude_unset=True)["id"] == first.id


def test_chunks_that_a_model_yields_twice_have_two_ids() -> None:
    first, second = ({chunk.id for chunk in Streaming().stream("q")} for _ in range(2))
    assert len(first) == len(second) == 1
    assert first != second
    assert [chunk.id for chunk in CHUNKS] == [None, None]


def test_a_message_of_the_input_gets_no_id() -> None:
    question = HumanMessage("hi")
    assert ParrotFakeChatModel().invoke([question]).id is not None
    assert question.id is None
