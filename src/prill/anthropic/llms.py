"""``Anthropic``: Anthropic's models as text models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic import AliasChoices, Field

from prill.anthropic.chat_models import ChatAnthropic
from prill.anthropic.settings import AnthropicSettings, stops
from prill.anthropic.usage import usage_metadata
from prill.callbacks.run import Run
from prill.io import closing
from prill.language_models import BaseLLM
from prill.language_models.built_in_hooks import TextHooks
from prill.language_models.chat_models import combine_llm_outputs
from prill.language_models.stream_notifications import notify_chunks
from prill.messages import BaseMessage, HumanMessage
from prill.outputs import Generation, GenerationChunk, LLMResult, generation_chunk, merge_generation_chunks


class Anthropic(TextHooks, AnthropicSettings, BaseLLM):
    """Anthropic's models: text in, text out.

        >>> llm = Anthropic(model="claude-sonnet-5", temperature=0)  # the key is in ANTHROPIC_API_KEY
        >>> llm.invoke("Say hello")  # doctest: +SKIP
        'Hello!'

    The prompt is what the user says, the text of the answer is what comes back. Arguments are those of
    ``ChatAnthropic``; ``streaming=True`` makes ``invoke`` and ``generate`` stream too, for handlers that want tokens.
    """

    model: str = Field(default="claude-sonnet-5", validation_alias=AliasChoices("model", "model_name"))

    _cache_ignores = BaseLLM._cache_ignores | AnthropicSettings.not_in_cache_key | {"streaming"}

    @property
    def _llm_type(self) -> str:
        return "anthropic-llm"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return {**super()._get_ls_params(stop=stop or stops(self.stop), **kwargs), "ls_provider": self.provider}

    def _chat(self) -> ChatAnthropic:
        """The chat model that does the work, with this model's clients."""
        settings = {name: getattr(self, name) for name in AnthropicSettings.model_fields}
        chat = ChatAnthropic.model_construct(**settings)
        chat._clients = self._clients
        return chat

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        if self.streaming:
            generations = [await self._by_streaming(prompt, run, kwargs) for prompt in prompts]
            outputs: list[dict[str, Any] | None] = [_llm_output(one.generation_info or {}) for one in generations]
        else:
            results = [await self._chat()._answer(_asked(prompt), run, **kwargs) for prompt in prompts]
            generations = [_generation(result.generations[0].message) for result in results]
            outputs = [result.llm_output for result in results]
        return LLMResult(generations=[[one] for one in generations], llm_output=combine_llm_outputs(outputs))

    async def _by_streaming(self, prompt: str, run: Run, kwargs: dict[str, Any]) -> Generation:
        stream = notify_chunks(run, self._stream_chunks(prompt, run, kwargs), lambda chunk: chunk.text)
        whole = merge_generation_chunks([chunk async for chunk in stream])
        return Generation(text=whole.text, generation_info=whole.generation_info)

    async def _chunks(self, prompt: str, run: Run, **kwargs: Any) -> AsyncIterator[GenerationChunk]:
        facts: dict[str, Any] = {}
        async with closing(self._chat()._chunks(_asked(prompt), run, **kwargs)) as chunks:
            async for chunk in chunks:
                facts |= _facts(chunk)
                content = chunk.content
                text = content if isinstance(content, str) else str(chunk.text)
                if text or chunk.chunk_position == "last":
                    yield generation_chunk(text, facts or None)
                    facts = {}


AnthropicLLM = Anthropic


def _asked(prompt: str) -> list[BaseMessage]:
    return [HumanMessage(content=prompt)]


def _generation(message: BaseMessage) -> Generation:
    return Generation(text=str(message.text), generation_info=_facts(message))


def _facts(message: BaseMessage) -> dict[str, Any]:
    return dict(message.response_metadata)


def _llm_output(facts: dict[str, Any]) -> dict[str, Any]:
    """What a streamed answer says of itself, in the words of one that came in one piece."""
    usage = facts.get("usage")
    return {"token_usage": usage_metadata(usage) if usage else {}, "model_name": facts.get("model_name")}
