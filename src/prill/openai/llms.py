"""``OpenAI``: text completions of OpenAI, and of the servers that speak its protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic import AliasChoices, Field

from prill.callbacks.run import Run
from prill.errors import ConfigError, EmptyResponseError
from prill.language_models import BaseLLM
from prill.language_models.built_in_hooks import TextHooks
from prill.language_models.chat_models import combine_llm_outputs
from prill.language_models.stream_notifications import notify_chunks
from prill.openai.completions_decode import CompletionDecoder, completion_result, streamed_result
from prill.openai.settings import OpenAISettings
from prill.outputs import GenerationChunk, LLMResult
from prill.providers.calls import Call, make_call
from prill.providers.http.message import Answer
from prill.providers.reading import StreamDecoder
from prill.providers.streams import ProviderStreams

_SENT = (
    "model",
    "temperature",
    "max_tokens",
    "top_p",
    "n",
    "best_of",
    "stop",
    "seed",
    "logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "suffix",
    "echo",
    "user",
)


class OpenAI(TextHooks, OpenAISettings, ProviderStreams, BaseLLM):
    """A text model of OpenAI, or of any server that speaks its protocol: a prompt in, text out.

        >>> llm = OpenAI(model="gpt-3.5-turbo-instruct", temperature=0)
        >>> llm.invoke("Once upon a time")  # doctest: +SKIP
        ' there was a princess …'

    ``streaming=True`` makes ``invoke`` and ``generate`` stream too, for handlers that want tokens.
    """

    model: str = Field(default="gpt-3.5-turbo-instruct", validation_alias=AliasChoices("model", "model_name"))
    temperature: float | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    stop: list[str] | str | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    streaming: bool = Field(default=False, repr=False)
    n: int | None = Field(default=None, ge=1)
    best_of: int | None = Field(default=None, ge=1)
    top_p: float | None = None
    seed: int | None = None
    logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    suffix: str | None = None
    echo: bool | None = None
    user: str | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None

    _cache_ignores = BaseLLM._cache_ignores | ProviderStreams.not_in_cache_key | {"streaming", "tiktoken_model_name"}

    @property
    def _llm_type(self) -> str:
        return "openai"

    @property
    def model_name(self) -> str:
        """The same as ``model``."""
        return self.model

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._settings()

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        stop = stop or ([self.stop] if isinstance(self.stop, str) else self.stop)
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": self.provider}

    def _settings(self) -> dict[str, Any]:
        said = {name: value for name in _SENT if (value := getattr(self, name)) is not None}
        return {**said, **self.model_kwargs, **(self.extra_body or {})}

    def _request(self, prompts: list[str], streaming: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
        self._check_call(kwargs)
        request = {**self._settings(), **{name: value for name, value in kwargs.items() if value is not None}}
        if streaming and max(request.get("n") or 1, request.get("best_of") or 1) > 1:
            raise ConfigError("a stream is one answer: with n or best_of > 1 use generate")
        request["stream"] = streaming  # said either way: some servers stream unless the request says otherwise
        request["prompt"] = prompts[0] if len(prompts) == 1 else prompts
        return request

    def _to_call(self, prompts: list[str], streaming: bool, kwargs: dict[str, Any]) -> Call:
        return make_call("/completions", self._request(prompts, streaming, kwargs))

    async def _answer(self, prompts: list[str], run: Run, **kwargs: Any) -> LLMResult:
        if self.streaming:
            results = [await self._streamed(prompt, run, kwargs) for prompt in prompts]
            generations = [result.generations[0] for result in results]
            return LLMResult(
                generations=generations, llm_output=combine_llm_outputs([result.llm_output for result in results])
            )
        answer = await self._send(run, self._to_call(prompts, False, kwargs))
        return self._whole(answer, lambda payload: completion_result(payload, self.provider, len(prompts)))

    async def _streamed(self, prompt: str, run: Run, kwargs: dict[str, Any]) -> LLMResult:
        stream = notify_chunks(run, self._stream_chunks(prompt, run, kwargs), lambda chunk: chunk.text)
        chunks = [chunk async for chunk in stream]
        if not chunks:
            raise EmptyResponseError(f"{self.provider} ended the stream without a chunk", provider=self.provider)
        return streamed_result(chunks)

    def _chunks(self, prompt: str, run: Run, **kwargs: Any) -> AsyncIterator[GenerationChunk]:
        async def opening() -> Answer:
            return await self._open_call(run, self._to_call([prompt], True, kwargs))

        def decoder(answer: Answer) -> StreamDecoder[GenerationChunk]:
            return CompletionDecoder(self.provider)

        return self._read_stream(run, opening, decoder)
