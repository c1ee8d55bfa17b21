"""Text models that answer from a list, for tests and examples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from prill.callbacks.run import Run
from prill.language_models.built_in_hooks import TextStreamHooks
from prill.language_models.llms import LLM
from prill.outputs import Generation, GenerationChunk, LLMResult, generation_chunk


class FakeListLLMError(Exception):
    """Raised by a fake whose ``error_on_chunk_number`` was reached."""


class FakeListLLM(LLM):
    """Answers with the texts of ``responses`` one after the other, and again from the start.

    ``sleep`` is how many seconds an answer, or in a stream each chunk, takes.
    """

    _cache_ignores = LLM._cache_ignores | {"i", "sleep"}

    responses: list[str]
    sleep: float | None = None
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-list"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"responses": self.responses}

    def _next(self) -> str:
        text = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return text

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        return self._next()

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        texts = []
        for _ in prompts:
            if self.sleep:
                await run.io.sleep(self.sleep)
            texts.append(self._next())
        return LLMResult(generations=[[Generation(text=text)] for text in texts])


class FakeStreamingListLLM(TextStreamHooks, FakeListLLM):
    """Streams the texts of ``responses`` character by character.

    ``error_on_chunk_number`` makes it fail instead of giving that chunk; the first is number 0.
    """

    _cache_ignores = FakeListLLM._cache_ignores | {"error_on_chunk_number"}

    error_on_chunk_number: int | None = None

    async def _chunks(self, prompt: str, run: Run, **kwargs: Any) -> AsyncIterator[GenerationChunk]:
        for number, character in enumerate(self._next()):
            if self.sleep:
                await run.io.sleep(self.sleep)
            if number == self.error_on_chunk_number:
                raise FakeListLLMError
            yield generation_chunk(character)
