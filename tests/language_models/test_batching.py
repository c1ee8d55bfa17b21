"""A text model answers a batch by one call of its hook."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from prill.callbacks import BaseCallbackHandler
from prill.errors import EmptyResponseError
from prill.language_models import LLM, BaseLLM
from prill.outputs import Generation, LLMResult


class Local(BaseLLM):
    calls: list[list[str]] = []

    @property
    def _llm_type(self) -> str:
        return "local"

    def _generate(self, prompts: list[str], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
        self.calls.append(list(prompts))
        return LLMResult(generations=[[Generation(text=prompt.upper())] for prompt in prompts if prompt != "none"])


class Starts(BaseCallbackHandler):
    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.ids: set[Any] = set()
        self.ends: list[str] = []
        self.errors = 0

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> None:
        self.sizes.append(kwargs["batch_size"])
        self.ids.add(kwargs["run_id"])

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.ends.append(response.generations[0][0].text)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors += 1


@pytest.mark.parametrize("verb", ["batch", "abatch", "generate", "agenerate"])
def test_a_batch_is_one_call_of_generate(verb: str) -> None:
    model, seen = Local(), Starts()
    more: Any = {"callbacks": [seen]} if "generate" in verb else {"config": {"callbacks": [seen]}}
    answer: Any = getattr(model, verb)(["a", "b", "c"], **more)
    answer = asyncio.run(answer) if verb.startswith("a") else answer
    texts = answer if isinstance(answer, list) else [each[0].text for each in answer.generations]
    assert texts == ["A", "B", "C"]
    assert model.calls == [["a", "b", "c"]]
    assert seen.sizes == [3, 3, 3]
    assert len(seen.ids) == 3
    assert seen.ends == ["A", "B", "C"]


def test_max_concurrency_bounds_the_prompts_of_one_call() -> None:
    model = Local()
    assert model.batch(["a", "b", "c"], {"max_concurrency": 2}) == ["A", "B", "C"]
    assert model.calls == [["a", "b"], ["c"]]


def test_a_prompt_without_a_text_is_an_error_of_every_run() -> None:
    model, seen = Local(), Starts()
    with pytest.raises(EmptyResponseError, match="prompt 2 of 2"):
        model.batch(["a", "none"], {"callbacks": [seen]})
    assert seen.errors == 2


def test_with_return_exceptions_each_prompt_is_a_call_of_its_own() -> None:
    model = Local()
    answers = model.batch(["a", "none"], return_exceptions=True)
    assert answers[0] == "A"
    assert isinstance(answers[1], EmptyResponseError)


def test_a_model_that_is_one_function_answers_prompts_side_by_side() -> None:
    both = threading.Barrier(2, timeout=20)

    class Upper(LLM):
        @property
        def _llm_type(self) -> str:
            return "upper"

        def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
            both.wait()
            return prompt.upper()

    assert Upper().batch(["a", "b"]) == ["A", "B"]
