"""Answers in one piece, as results."""

from __future__ import annotations

from typing import Any

from prill.messages import merge_chunks, message_chunk_to_message
from prill.openai.decode import ChatDecoder
from prill.openai.responses_decode import ResponsesDecoder
from prill.outputs import ChatGeneration, ChatResult
from prill.providers.reading import check_error


def chat_result(payload: Any, provider: str) -> ChatResult:
    """The result of a chat completion: one generation for each choice.

    Each choice is read as a stream of one event, so that streaming or not makes no difference to the message.
    """
    check_error(payload, expected="choices")
    if not isinstance(payload, dict):
        raise ValueError("the answer is not a JSON object")
    if not payload.get("choices"):
        raise ValueError("the answer has no choices")
    choices = [{**payload, "choices": [{**choice, "index": 0}]} for choice in payload["choices"]]
    generations = [_generation(choice, provider) for choice in choices]
    return _result(generations, provider)


def responses_result(payload: Any, provider: str) -> ChatResult:
    """The result of a response, read as a stream of its end alone."""
    check_error(payload, expected="output")
    if not isinstance(payload, dict):
        raise ValueError("the answer is not a JSON object")
    message = message_chunk_to_message(merge_chunks(ResponsesDecoder(provider).whole(payload)))
    info = {name: message.response_metadata[name] for name in ("status",) if name in message.response_metadata}
    return _result([ChatGeneration(message=message, generation_info=info)], provider)


def _result(generations: list[ChatGeneration], provider: str) -> ChatResult:
    facts = generations[0].message.response_metadata
    output = {name: facts[name] for name in ("token_usage", "model_name", "system_fingerprint", "id") if name in facts}
    return ChatResult(generations=generations, llm_output={**output, "model_provider": provider})


def _generation(payload: dict[str, Any], provider: str) -> ChatGeneration:
    message = message_chunk_to_message(merge_chunks(ChatDecoder(provider).whole(payload)))
    facts = message.response_metadata
    info = {name: facts[name] for name in ("finish_reason", "logprobs") if name in facts}
    return ChatGeneration(message=message, generation_info=info)
