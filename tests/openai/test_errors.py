"""Every way in which an answer can fail to come, in both colours, against a real server."""

from __future__ import annotations

import copy
import pickle
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from prill.errors import (
    ConfigError,
    ContextOverflowError,
    EmptyResponseError,
    MalformedResponseError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    PrillError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.openai import ChatOpenAI
from prill.testing import Faults, ReplayServer

KEY = "sk-very-secret-key"
TRIED_WAYS = ("own", "sdk")
TOO_LONG = {"error_code": "context_length_exceeded", "error_message": "maximum context length is 8192 tokens"}


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("status", "more", "kind", "retryable"),
    [
        (400, {}, ModelInvalidRequestError, False),
        (400, TOO_LONG, ContextOverflowError, False),
        (401, {}, ModelAuthenticationError, False),
        (403, {}, ModelPermissionDeniedError, False),
        (404, {}, ModelNotFoundError, False),
        (422, {}, ModelInvalidRequestError, False),
        (429, {"retry_after": 7}, ModelRateLimitError, True),
        (429, {"error_code": "insufficient_quota"}, ModelRateLimitError, False),
        (500, {}, ModelServerError, True),
        (503, {}, ModelOverloadedError, True),
        (529, {}, ModelOverloadedError, True),
    ],
)
def test_a_status_is_an_error_of_its_kind(
    status: int,
    more: Any,
    kind: type[ModelError],
    retryable: bool,
    streaming: bool,
    colour: Any,
    model: Any,
    server: ReplayServer,
) -> None:
    server.fail(status, **more)
    with pytest.raises(kind) as caught:
        (colour.stream if streaming else colour.invoke)(model)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.retryable, error.provider, error.model) == (status, retryable, "openai", "gpt-4o")
    assert error.retry_after == more.get("retry_after")
    assert error.request_id
    assert error.__cause__ is None  # nothing of a library, which would hold the headers
    assert server.request_count == 1


def test_a_failure_that_may_pass_is_asked_again_max_retries_times(colour: Any, make: Any, server: ReplayServer) -> None:
    server.fail(500, times=3, retry_after=0.01)
    with pytest.raises(ModelServerError):
        colour.invoke(make(max_retries=2))
    assert server.request_count == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_failure_that_stays_is_asked_once(status: int, colour: Any, make: Any, server: ReplayServer) -> None:
    server.fail(status)
    with pytest.raises(ModelError):
        colour.invoke(make(max_retries=2))
    assert server.request_count == 1


def test_an_answer_after_retries_is_an_answer(colour: Any, make: Any, server: ReplayServer) -> None:
    server.fail(429, times=2, retry_after=0.01)
    server.reply("at last")
    assert colour.invoke(make(max_retries=2)).content == "at last"


@pytest.mark.usefixtures("own_way")
def test_a_host_that_is_down_is_told_with_its_address(colour: Any, make: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ModelConnectionError, match=url) as caught:
        colour.invoke(make(base_url=url))
    assert caught.value.retryable


def test_an_answer_that_does_not_come_in_time_is_a_timeout(colour: Any, make: Any, server: ReplayServer) -> None:
    server.reply("late", faults=Faults(first_delay=1))
    with pytest.raises(ModelTimeoutError, match="timeout"):
        colour.invoke(make(timeout=0.05))


def test_a_missing_key_is_told_before_anything_is_sent(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelAuthenticationError, match="OPENAI_API_KEY"):
        colour.invoke(ChatOpenAI())


CUTS = [Faults(cut_after_events=2), Faults(cut_after_events=2, reset=True), Faults(cut_after=450)]


@pytest.mark.parametrize("faults", CUTS, ids=["early end", "reset", "inside an event"])
def test_a_cut_stream_is_interrupted(faults: Faults, colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", " two", " three", faults=faults)
    with pytest.raises(StreamInterrupted) as caught:
        colour.stream(model)
    assert caught.value.retryable
    if caught.value.partial is not None:  # a reset may take with it what had not been read
        assert "one two three".startswith(caught.value.partial.content)


def test_a_cut_answer_in_one_piece_is_a_lost_connection(colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one two three", faults=Faults(cut_after=40))
    with pytest.raises(ModelConnectionError):
        colour.invoke(model)


@pytest.mark.parametrize("place", [0, 3])
def test_an_error_event_carries_what_had_arrived(place: int, colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", " two", " three", faults=Faults(error_event=place, error_code="rate_limit_exceeded"))
    with pytest.raises(ModelRateLimitError) as caught:
        colour.stream(model)
    assert isinstance(caught.value, StreamErrorEvent)
    assert caught.value.retryable
    assert (caught.value.partial.content if caught.value.partial else "") == ("one two" if place else "")


def test_an_error_event_of_a_response_is_typed(colour: Any, make: Any, server: ReplayServer) -> None:
    server.reply("one", " two", faults=Faults(error_event=5))
    with pytest.raises(StreamErrorEvent):
        colour.stream(make(use_responses_api=True))


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_a_web_page_is_no_answer(streaming: bool, colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", faults=Faults(html_200=True))
    with pytest.raises(MalformedResponseError, match=r"text/html.*Check base_url"):
        (colour.stream if streaming else colour.invoke)(model)


def test_a_line_that_is_no_json_is_malformed(colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", " two", faults=Faults(garbage_line=2))
    with pytest.raises(MalformedResponseError) as caught:
        colour.stream(model)
    assert caught.value.partial.content == "one"


def test_a_stream_without_a_chunk_is_empty(colour: Any, model: Any, server: ReplayServer) -> None:
    server.reply("one", faults=Faults(cut_after_events=0))
    with pytest.raises((EmptyResponseError, StreamInterrupted)) as caught:
        colour.stream(model)
    assert caught.value.retryable


def test_a_stall_is_noticed_even_while_the_server_sends_pings(colour: Any, make: Any, server: ReplayServer) -> None:
    server.reply("one", " two", " three", faults=Faults(stall_at=3, keepalive=0.02))
    with pytest.raises(StreamTimeout, match="stalled") as caught:
        colour.stream(make(stream_idle_timeout=0.15))
    assert caught.value.chunks_received == 2
    assert caught.value.partial.content == "one two"
    assert server.wait_closed()


def test_a_first_chunk_that_does_not_come_is_noticed(colour: Any, make: Any, server: ReplayServer) -> None:
    server.reply("one", faults=Faults(stall_at=0, keepalive=0.02))
    with pytest.raises(StreamTimeout, match="no first chunk"):
        colour.stream(make(first_chunk_timeout=0.15))


def test_a_slow_stream_that_goes_on_is_no_stall(colour: Any, make: Any, server: ReplayServer) -> None:
    server.reply(*"abcdefgh", faults=Faults(pace=0.05))
    assert "".join(chunk.content for chunk in colour.stream(make(stream_idle_timeout=1))) == "abcdefgh"


def test_a_server_that_refuses_stream_options_is_asked_without_them(
    colour: Any, model: Any, server: ReplayServer
) -> None:
    server.fail(400, error_message="Unknown parameter: stream_options")
    for text in ("one", "two"):
        server.reply(text)
    assert "".join(chunk.content for chunk in colour.stream(model)) == "one"
    assert "".join(chunk.content for chunk in colour.stream(model)) == "two"
    assert ["stream_options" in seen.json for seen in server.requests] == [True, False, False]


def test_a_stream_of_several_choices_is_refused(colour: Any, make: Any, server: ReplayServer) -> None:
    with pytest.raises(ConfigError, match="use generate"):
        colour.stream(make(n=2))
    assert server.request_count == 0


@pytest.mark.usefixtures("own_way")
def test_the_key_is_in_no_text(make: Callable[..., ChatOpenAI], server: ReplayServer) -> None:
    model = make()
    server.fail(401, error_message=f"Incorrect API key provided: {KEY}")
    server.reply("one", faults=Faults(error_event=0, error_message=f"bad key {KEY}"))
    texts = [repr(model), str(model), repr(model.model_dump()), model.model_dump_json(), repr(copy.deepcopy(model))]
    for ask in (model.invoke, lambda text: list(model.stream(text))):
        with pytest.raises(PrillError) as caught:
            ask("Hi")
        error = caught.value
        texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
        texts += [str(pickle.dumps(error)), str(pickle.loads(pickle.dumps(error)))]
    assert [text for text in texts if KEY in text] == []
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.usefixtures("own_way")
def test_a_copied_or_pickled_model_still_answers(make: Callable[..., ChatOpenAI], server: ReplayServer) -> None:
    model = make()
    model.invoke("Hi")
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.model_copy()):
        assert other.invoke("Hi").content == "Hi"
        assert other == model
        other.close()


def test_nothing_waits_for_the_end_of_a_whole_answer(model: Any, server: ReplayServer) -> None:
    """A server that keeps the connection open after [DONE] does not hold the caller up for long."""
    begun = time.monotonic()
    server.reply("one", faults=Faults(stall_at=5, stall_for=None))
    text = "".join(chunk.content for chunk in model.stream("Hi"))
    assert text == "one"
    assert time.monotonic() - begun < 30
