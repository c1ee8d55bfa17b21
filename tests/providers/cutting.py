"""Recorded streams, ended at each of their bytes: what a model has then made of them, and whether it takes it for all.

A stream is read once. What reads it is copied where an event begins, and the copy reads on to the cut and finishes: so
a cut costs one event, not the whole stream before it. A copy that was left as it was serves for the next cut too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from prill.anthropic import ChatAnthropic
from prill.messages import AIMessage, AIMessageChunk, merge_chunks, message_chunk_to_message
from prill.openai import ChatOpenAI
from prill.openai.completions_decode import CompletionDecoder
from prill.outputs import GenerationChunk
from prill.providers.reading import ProviderError, Reading
from prill.testing import Recording
from providers.answered import Answered


class Cut(NamedTuple):
    """A stream of which ``at`` bytes came: the chunks, and whether they are taken for the whole answer."""

    at: int
    chunks: list[Any]
    whole: bool


def decoder_for(id: str) -> Any:
    """The decoder that a model reads the recording with."""
    model: Any
    if id.startswith("anthropic"):
        model, path = ChatAnthropic(model="claude", api_key="test"), "/v1/messages"
    elif "-completions-" in id:
        return CompletionDecoder("openai")
    else:
        model, path = ChatOpenAI(api_key="test"), "/responses" if "responses" in id else "/chat/completions"
    return model._decoder(Answered(path=path))


def message_of(chunks: Iterable[AIMessageChunk]) -> AIMessage:
    return message_chunk_to_message(merge_chunks(list(chunks)))  # type: ignore[return-value]  # chunks of an answer


class Untouched:
    """A decoder, and whether it is still as it was when it was given."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self.changed = False

    @property
    def ended(self) -> bool:
        return self._decoder.ended  # type: ignore[no-any-return]  # decoders of all kinds

    def feed(self, event: Any) -> list[Any]:
        try:
            chunks = list(self._decoder.feed(event))
        except ValueError as error:
            # It was no JSON to its end, so it was not looked at.
            self.changed = not str(error).startswith("EOF while parsing")
            raise
        self.changed = True
        return chunks

    def finish(self) -> list[Any]:
        ended = self.ended
        chunks = list(self._decoder.finish())
        self.changed = self.changed or bool(chunks) or self.ended != ended
        return chunks


def cuts(recording: Recording, longest: int | None = None) -> Iterator[Cut]:
    """The stream, ended at each of its bytes, up to an error that is sent in it.

    With ``longest``, in the middle of lines that are longer than that, at every sixteenth byte only.
    """
    reading: Reading[Any] = Reading(decoder_for(recording.id))
    arrived: list[Any] = []
    at = 0
    for event in recording.events:
        fork = Untouched(deepcopy(reading.decoder))
        for place in _places(event, longest):
            if fork.changed:
                fork = Untouched(deepcopy(reading.decoder))
            cut: Reading[Any] = Reading(fork)
            cut.seen = reading.seen
            try:
                last = [*_chunks(cut.feed(event[:place])), *_chunks(cut.finish())]
            except ProviderError:
                continue
            yield Cut(at + place, [*arrived, *last] if last else arrived, fork.ended)
        at += len(event)
        try:
            arrived = [*arrived, *_chunks(reading.feed(event))]
        except ProviderError:
            return
    arrived = [*arrived, *_chunks(reading.finish())]
    yield Cut(at, arrived, reading.decoder.ended)


def _chunks(batches: Iterator[Any]) -> Iterator[Any]:
    return (chunk for chunks, _ in batches for chunk in chunks)


def _places(event: bytes, longest: int | None) -> Iterable[int]:
    size = len(event)
    if longest is None or size <= longest:
        return range(size)
    side = longest // 2
    return (*range(side), *range(side, size - side, 16), *range(size - side, size))


def check_cuts(recording: Recording, longest: int | None = None) -> None:
    """What was not complete is never a tool call, and what is not all is never taken for it."""
    reading: Reading[Any] = Reading(decoder_for(recording.id))
    said: list[Any] = []
    with contextlib.suppress(ProviderError):
        said.extend(_chunks(reading.feed(recording.body)))
        said.extend(_chunks(reading.finish()))
    content, calls = _told(said)
    known, whole = None, False
    for cut in cuts(recording, longest):
        assert cut.whole >= whole, f"the answer was whole before byte {cut.at}"
        if cut.chunks is known and cut.whole == whole:
            continue
        known, whole = cut.chunks, cut.whole
        found, found_calls = _told(cut.chunks)
        if whole:
            assert (found, found_calls) == (content, calls), f"{cut.at} bytes are taken for the whole"
        assert all(call in calls for call in found_calls), f"a tool call is not that of the answer at byte {cut.at}"
    assert whole or not reading.decoder.ended


def _told(chunks: list[Any]) -> tuple[Any, list[Any]]:
    """The content of an answer, and its tool calls."""
    if not chunks:
        return "", []
    if isinstance(chunks[0], GenerationChunk):
        return "".join(chunk.text for chunk in chunks), []
    message = message_of(chunks)
    broken = {call["id"] for call in message.invalid_tool_calls}
    assert broken.isdisjoint(call["id"] for call in message.tool_calls)
    return message.content, message.tool_calls
