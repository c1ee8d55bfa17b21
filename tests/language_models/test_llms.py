from __future__ import annotations

import asyncio
from typing import Any

import pytest

from language_models.models import Echo, Pieces
from prill.errors import ConfigError
from prill.language_models import LLM
from prill.messages import HumanMessage, SystemMessage
from prill.outputs import Generation, LLMResult
from prill.testing import check_runnable


def test_a_users_text_model_keeps_the_promises_of_a_runnable() -> None:
    check_runnable(Echo(), "hello", expected="hello|None")
    check_runnable(Pieces(), "hello", expected="hello")


def test_tokens_of_a_text_model_are_strings() -> None:
    assert list(Pieces().stream("abc")) == ["a", "b", "c"]

    async def stream() -> list[str]:
        return [token async for token in Pieces().astream("abc")]

    assert asyncio.run(stream()) == ["a", "b", "c"]


def test_messages_are_given_to_a_text_model_as_lines() -> None:
    assert Echo().invoke([SystemMessage("be brief"), HumanMessage("hi")]) == "System: be brief\nHuman: hi|None"


def test_a_text_model_can_be_called_with_stop() -> None:
    assert Echo()("hi", stop=["x"]) == "hi|['x']"


def test_generate_gives_a_result_for_each_text() -> None:
    expected = LLMResult(generations=[[Generation(text="a|None")], [Generation(text="b|None")]])
    assert Echo().generate(["a", "b"]) == expected
    assert asyncio.run(Echo().agenerate(["a", "b"])) == expected


def test_generate_refuses_a_single_text() -> None:
    with pytest.raises(ConfigError, match="a list of texts, not str"):
        Echo().generate("a")


def test_acall_is_used_in_asyncio() -> None:
    class Both(Echo):
        async def _acall(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:  # type: ignore[override]
            return "async"

    assert issubclass(Both, LLM)
    assert asyncio.run(Both().ainvoke("x")) == "async"
    assert Both().invoke("x") == "x|None"
