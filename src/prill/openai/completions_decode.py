"""Text completions, read. Protocol: https://platform.openai.com/docs/api-reference/completions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prill.messages import UsageMetadata
from prill.openai.decode import make_filter_error
from prill.openai.usage import read_usage
from prill.outputs import Generation, GenerationChunk, LLMResult, generation_chunk, merge_generation_chunks
from prill.providers.reading import ProviderError, check_end, check_error, check_failure, read_event
from prill.transducers.event_json import EventJSON
from prill.transducers.sse import ServerSentEvent

Json = dict[str, Any]


class CompletionDecoder:
    """The stream of one text completion; of several choices only the first is read."""

    def __init__(self, provider: str) -> None:
        self.ended = False
        self.usage: UsageMetadata | None = None
        self._provider = provider
        self._facts: Json = {}
        self._finish_reason: str | None = None
        self._begun = False
        self._has_content = False
        self._closed = False
        self._json = EventJSON()

    def feed(self, event: ServerSentEvent) -> Iterable[GenerationChunk]:
        if event.data.startswith(b"[DONE]"):
            self.ended = True
            return self._close()
        return self._read(read_event(self._json, event))

    def whole(self, payload: Json) -> list[GenerationChunk]:
        """The chunks of a completion in one piece."""
        chunks = self._read(payload)
        self.ended = True
        return [*chunks, *self._close()]

    def _read(self, payload: Json) -> list[GenerationChunk]:
        check_error(payload, expected="choices")
        if payload.get("usage"):
            self.usage = read_usage(payload["usage"]) or self.usage
            self._facts["token_usage"] = payload["usage"]
        if payload.get("model"):
            self._facts["model_name"] = payload["model"]
        chunks = [self._choice(choice) for choice in payload["choices"] if not choice.get("index")]
        return [chunk for chunk in chunks if chunk.text or chunk.generation_info]

    def finish(self) -> Iterable[GenerationChunk]:
        if self._finish_reason is None:
            return ()
        self.ended = True
        return self._close()

    def _choice(self, choice: Json) -> GenerationChunk:
        self._begun = True
        if choice.get("error"):
            raise ProviderError({"error": choice["error"]})
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._has_content = self._has_content or bool(choice.get("text"))
        check_failure(self._finish_reason)
        logprobs = choice.get("logprobs")
        return generation_chunk(choice.get("text") or "", {"logprobs": logprobs} if logprobs else None)

    def _close(self) -> Iterable[GenerationChunk]:
        if self._closed or not self._begun:
            return ()
        self._closed = True
        rest = self._json.take_rest()
        _check_end(self._finish_reason, self._has_content or bool(rest), self._provider)
        usage = {"usage_metadata": self.usage} if self.usage is not None else {}
        facts = {"finish_reason": self._finish_reason, "model_provider": self._provider, **self._facts, **usage}
        return (generation_chunk(rest, facts),)


def completion_result(payload: Any, provider: str, prompts: int) -> LLMResult:
    """What a text completion says: for each prompt its choices."""
    check_error(payload, expected="choices")
    choices = sorted(payload["choices"], key=lambda choice: choice.get("index") or 0)
    each = len(choices) // prompts
    if not choices or each * prompts != len(choices):
        raise ValueError(f"{len(choices)} choices for {prompts} prompts")
    texts = [_generation(choice, provider) for choice in choices]
    output = {"model_name": payload.get("model"), "model_provider": provider, "token_usage": payload.get("usage") or {}}
    return LLMResult(generations=[texts[at : at + each] for at in range(0, len(texts), each)], llm_output=output)


def streamed_result(chunks: Sequence[GenerationChunk]) -> LLMResult:
    """What the chunks of one text completion make, in the form of an answer in one piece."""
    whole: GenerationChunk = merge_generation_chunks(chunks)
    facts = whole.generation_info or {}
    info = {"finish_reason": facts.get("finish_reason"), "logprobs": facts.get("logprobs")}
    output = {name: facts[name] for name in ("model_name", "model_provider") if name in facts}
    return LLMResult(
        generations=[[Generation(text=whole.text, generation_info=info)]],
        llm_output={**output, "token_usage": facts.get("token_usage") or {}},
    )


def _generation(choice: Json, provider: str) -> Generation:
    check_failure(choice.get("finish_reason"))
    _check_end(choice.get("finish_reason"), bool(choice["text"]), provider)
    info = {"finish_reason": choice.get("finish_reason"), "logprobs": choice.get("logprobs")}
    return Generation(text=choice["text"], generation_info=info)


def _check_end(reason: Any, has_content: bool, provider: str) -> None:
    if reason == "content_filter" and not has_content:
        raise make_filter_error(provider)
    check_end(reason, has_content=has_content)
