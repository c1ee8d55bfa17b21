"""What is not in the protocol is told as such, a mistake in reading it as the mistake that it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from prill.errors import MalformedResponseError
from prill.messages import AIMessageChunk
from prill.openai import ChatOpenAI
from prill.providers.reading import Reading, WrongShape
from prill.testing import Faults, Recording, ReplayServer
from prill.transducers.aws_event_stream import EventStreamDecoder
from prill.transducers.json_stream import JSONArrayDecoder
from prill.transducers.sse import ServerSentEvent
from providers.conftest import KEY

HEADERS = {"content-type": "text/event-stream"}


class Decoder:
    """What a subclass of a model may read its provider's stream with."""

    ended = True

    def feed(self, event: ServerSentEvent) -> Iterator[Any]:
        yield AIMessageChunk(json.loads(event.data)["text"])

    def finish(self) -> Iterator[Any]:
        return iter(())


class OfAnObjectOfOurs(Decoder):
    def feed(self, event: ServerSentEvent) -> Iterator[Any]:
        yield self.nothing  # type: ignore[attr-defined]  # the mistake


class OfWhatItGives(Decoder):
    def feed(self, event: ServerSentEvent) -> Iterator[Any]:
        yield event


class AtTheEnd(Decoder):
    def finish(self) -> Iterator[Any]:
        return iter(self.nothing)  # type: ignore[attr-defined]  # the mistake


def model_with(decoder: type[Decoder], server: ReplayServer) -> Any:
    class Model(ChatOpenAI):
        def _decoder(self, response: Any) -> Any:
            return decoder()

    server.queue(Recording("", 200, HEADERS, b'data: {"text": "a"}\n\n'))
    return Model(base_url=server.openai_url, api_key=KEY, max_retries=0)


def test_a_decoder_of_ones_own_needs_nothing_but_feed_and_finish(server: ReplayServer, colour: Any) -> None:
    assert [chunk.content for chunk in colour.stream(model_with(Decoder, server))] == ["a"]


@pytest.mark.parametrize("mistaken", [OfAnObjectOfOurs, OfWhatItGives, AtTheEnd])
def test_a_mistake_in_reading_is_not_taken_for_the_providers(
    mistaken: type[Decoder], server: ReplayServer, colour: Any
) -> None:
    with pytest.raises(AttributeError):
        colour.stream(model_with(mistaken, server))
    assert server.wait_closed(10)


@pytest.mark.parametrize(
    "data", [b"no JSON", b"{}", b'"text"', b"null", b"7", b'{"text": {"of": "another shape"}'], ids=repr
)
def test_json_of_another_shape_is_not_in_the_protocol(data: bytes, server: ReplayServer, colour: Any) -> None:
    model = model_with(Decoder, server)
    server.clear()
    server.queue(Recording("", 200, HEADERS, b"data: " + data + b"\n\n"))
    with pytest.raises(MalformedResponseError, match="is not a valid openai response"):
        colour.stream(model)


@pytest.mark.parametrize("data", ["{}", "null", "[]", "7", '{"text": 1'])
def test_an_event_without_its_end_is_read_if_it_is_whole_and_refused_if_it_has_another_shape(data: str) -> None:
    class Unended(Decoder):
        ended = False

    reading: Reading[Any] = Reading(Unended())
    list(reading.feed(f"data: {data}".encode()))
    if data.endswith("1"):
        assert list(reading.finish()) == []
    else:
        with pytest.raises(WrongShape):
            list(reading.finish())


ARRAY = {"content-type": "application/json"}


class OfAnArray(Decoder):
    """A provider that streams a JSON array instead of server-sent events."""

    framing = JSONArrayDecoder


def test_a_decoder_says_how_its_stream_is_cut_into_events(server: ReplayServer, colour: Any) -> None:
    model = model_with(OfAnArray, server)
    server.clear()
    server.queue(Recording("", 200, ARRAY, b'[{"text": "a"},\n{"text": "b"}]', faults=Faults(split=3)))
    assert [chunk.content for chunk in colour.stream(model)] == ["a", "b"]


def test_bytes_that_a_framing_refuses_are_not_in_the_protocol(server: ReplayServer, colour: Any) -> None:
    class Binary(Decoder):
        framing = EventStreamDecoder

    model = model_with(Binary, server)
    with pytest.raises(MalformedResponseError, match="not an AWS event stream"):
        colour.stream(model)
