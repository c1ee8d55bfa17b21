"""The input of parsers: its text, whether the model was cut off, and whether it declined to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from prill.errors import CompositionError, ModelRefusalError, OutputParserException
from prill.messages.ai import AIMessage, find_refusal
from prill.messages.base import BaseMessage, BaseMessageChunk, merge_chunks
from prill.outputs import ChatGeneration, Generation, chat_generation_chunk, generation_chunk

LanguageModelOutput: TypeAlias = BaseMessage | str

_CUT = frozenset({"length", "max_tokens", "max_output_tokens"})
_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def as_text(input: Any) -> str:
    """Return the text of a message, a chunk, a generation (or the first of several), or the text itself.

    Raises:
        CompositionError: it is none of these.
    """
    if isinstance(input, str):
        return input
    if isinstance(input, BaseMessage):
        content = input.content
        return content if isinstance(content, str) else str(input.text)
    return _first(input).text


def as_generation(input: Any) -> Generation:
    """Return the generation that holds a message or a text.

    Raises:
        CompositionError: it is neither, and no generation.
    """
    if isinstance(input, str):
        return Generation(text=input)
    return ChatGeneration(message=input) if isinstance(input, BaseMessage) else _first(input)


def as_generation_chunk(chunk: Any) -> Any:
    """Return the same for a chunk, as a generation that can be added to the next one."""
    if isinstance(chunk, BaseMessageChunk):
        return chat_generation_chunk(chunk)
    return generation_chunk(as_text(chunk))


def _first(input: Any) -> Generation:
    first = input[0] if isinstance(input, list) and input else input
    if isinstance(first, Generation):
        return first
    raise CompositionError(f"an output parser needs a message or a text; it got {type(input).__name__} ({input!r:.80})")


def cut_reason(input: Any) -> str | None:
    """Return the provider's word for it, where a message says that its answer was cut at the token limit."""
    if isinstance(input, str):
        return None
    facts = input.response_metadata if isinstance(input, BaseMessage) else _facts(input)
    if not facts:
        return None
    reasons = [facts.get(key) for key in _REASONS]
    if isinstance(details := facts.get("incomplete_details"), Mapping):
        reasons.append(details.get("reason"))
    return next((reason for reason in reasons if isinstance(reason, str) and reason.lower() in _CUT), None)


def _facts(generation: Any) -> dict[Any, Any]:
    facts = dict(getattr(generation, "generation_info", None) or {})
    if isinstance(generation, ChatGeneration):
        facts.update(generation.message.response_metadata)
    return facts


def cut_short(error: OutputParserException, reason: str) -> OutputParserException:
    """Return ``error`` with the token limit as its reason; an error that names it already is returned as it is."""
    prefix = f"the model's answer was cut by the token limit ({reason!r}): raise the model's max_tokens or ask for a "
    if error.message.startswith(prefix):
        return error
    return OutputParserException(
        f"{prefix}shorter answer\n  {error.message}",
        observation=error.observation,
        llm_output=error.llm_output,
        send_to_llm=error.send_to_llm,
    )


class RefusalReader:
    """Collects what the chunks of one answer say about the model declining to answer."""

    def __init__(self) -> None:
        self._found: list[tuple[Mapping[str, Any], AIMessage]] = []

    def feed(self, chunk: Any) -> None:
        """Take the next chunk: a message, a text or a generation."""
        if isinstance(chunk, ChatGeneration):
            chunk = chunk.message
        if isinstance(chunk, AIMessage) and (refusal := find_refusal(chunk)) is not None:
            self._found.append((refusal, chunk))

    def error(self, text: str) -> ModelRefusalError | None:
        """Return the error of an answer that is a refusal, or ``None``; ``text`` is the text of the answer."""
        if not self._found:
            return None
        refusals, chunks = zip(*self._found, strict=True)
        words = "".join(refusal["refusal"] for refusal in refusals) or text
        message = chunks[0] if len(chunks) == 1 else merge_chunks(chunks)
        return ModelRefusalError.from_refusal({**refusals[-1], "refusal": words}, raw_message=message)


def check_refusal(result: list[Generation]) -> None:
    """Raise ``ModelRefusalError`` where the first candidate is a refusal."""
    refusals = RefusalReader()
    refusals.feed(result[0] if result else None)
    if (refused := refusals.error(result[0].text if result else "")) is not None:
        raise refused
