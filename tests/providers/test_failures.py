"""What fails fails the same at every vendor: its kind, what it carries, how often was asked, when it was given up."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import threading
import time
import traceback
from typing import Any

import httpx2
import pytest
from rich.console import Console

from prill.errors import (
    ContextOverflowError,
    MalformedResponseError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelServerError,
    PrillError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.io import CancelToken
from prill.testing import Faults, Recording, ReplayServer, Reply
from prill.tracers import ConsoleCallbackHandler

KEY = "sk-very-secret-key-0123456789"  # that of the models which the fixtures make


STATUSES = [
    (400, ModelInvalidRequestError, False),
    (401, ModelAuthenticationError, False),
    (403, ModelPermissionDeniedError, False),
    (404, ModelNotFoundError, False),
    (429, ModelRateLimitError, True),
    (500, ModelServerError, True),
    (503, ModelOverloadedError, True),
    (529, ModelOverloadedError, True),
]


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_status_is_the_same_error_at_every_vendor(verb: str, server: ReplayServer, make: Any, colour: Any) -> None:
    model = make()
    for status, kind, retryable in STATUSES:
        server.fail(status, retry_after=2)
        with pytest.raises(kind) as caught:
            getattr(colour, verb)(model)
        error = caught.value
        assert type(error) is kind
        assert (error.status, error.retryable, error.retry_after) == (status, retryable, 2)
        assert error.request_id or model.provider == "google_genai"  # which names no requests
        assert (error.partial, error.usage) == (None, None)


def test_an_input_that_is_too_long_is_told_apart(server: ReplayServer, make: Any, colour: Any) -> None:
    server.fail(400, error_message="prompt is too long: 9 tokens > 8 maximum context length")
    with pytest.raises(ContextOverflowError, match="trim_messages"):
        colour.stream(make())


PIECES = ["one", " two", " three", " four"]


def text_of(message: Any) -> str:
    return "" if message is None else str(message.text)


def events_before(word: str, model: Any, server: ReplayServer) -> int:
    """How many events the server sends before the one that brings ``word``."""
    list(model.stream("Hi"))
    seen = server.requests[-1]
    server.queue(Reply(PIECES, usage=(12, 4)))
    body = httpx2.post(f"{server.url}{seen.path}?{seen.query}", json=seen.json).content.replace(b"\r\n", b"\n")
    return body[: body.index(word.encode())].count(b"\n\n")


BROKEN: dict[str, tuple[str, type[ModelError]]] = {
    "cut": ("cut_after_events", StreamInterrupted),
    "error event": ("error_event", StreamErrorEvent),
    "garbage line": ("garbage_line", MalformedResponseError),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("after", [0, 2])
def test_a_stream_that_goes_wrong_carries_what_had_arrived(
    after: int, name: str, server: ReplayServer, make: Any, colour: Any
) -> None:
    model = make()
    fault, kind = BROKEN[name]
    place = events_before(PIECES[after], model, server)
    server.queue(Reply(PIECES, usage=(12, 4), faults=Faults(**{fault: place})))
    with pytest.raises(kind) as caught:
        colour.stream(model)
    error = caught.value
    assert isinstance(error, ModelError)
    assert text_of(error.partial) == "".join(PIECES[:after])
    assert error.retryable == (name != "garbage line")
    if model.provider == "anthropic":
        assert error.usage["input_tokens"] == 12


def test_a_page_is_no_answer(server: ReplayServer, make: Any, colour: Any) -> None:
    for verb in (colour.invoke, colour.stream):
        server.queue(Reply(["x"], faults=Faults(html_200=True)))
        with pytest.raises(MalformedResponseError, match="Check base_url"):
            verb(make())


def test_an_error_inside_a_stream_does_not_speak_of_other_tries(server: ReplayServer, make: Any, colour: Any) -> None:
    server.queue(Reply(PIECES, faults=Faults(error_event=3, error_type="rate_limit_error", error_code="server_error")))
    with pytest.raises(ModelAPIError) as caught:
        colour.stream(make(max_retries=2))
    assert "times" not in str(caught.value)
    assert server.request_count == 1


# How often is asked


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_what_may_pass_is_asked_again_and_no_more_than_needed(
    verb: str, server: ReplayServer, make: Any, colour: Any
) -> None:
    model = make(max_retries=2)
    for failures in (0, 1, 2):
        server.clear()
        server.fail(529, times=failures, retry_after=0.01)
        getattr(colour, verb)(model)
        assert server.request_count == failures + 1


def test_after_max_retries_the_error_says_how_often_was_asked(server: ReplayServer, make: Any, colour: Any) -> None:
    model = make(max_retries=2)
    for status in (408, 409, 429, 500, 503):
        server.clear()
        server.fail(status, times=5, retry_after=0.01)
        with pytest.raises(ModelError, match="asked 3 times") as caught:
            colour.stream(model)
        assert caught.value.status == status
        assert server.request_count == 3


def test_a_provider_that_wants_more_patience_than_a_minute_is_not_waited_for(
    server: ReplayServer, make: Any, colour: Any
) -> None:
    server.fail(429, retry_after=3600)
    with pytest.raises(ModelRateLimitError) as caught:
        colour.invoke(make(max_retries=2))
    assert caught.value.retry_after == 3600
    assert server.request_count == 1


def test_a_stream_that_broke_is_not_asked_for_again(server: ReplayServer, make: Any, colour: Any) -> None:
    server.queue(Reply(PIECES, faults=Faults(cut_after_events=4)))
    with pytest.raises(StreamInterrupted):
        colour.stream(make(max_retries=5))
    assert server.request_count == 1


def test_a_connection_that_is_refused_is_tried_again(make: Any, colour: Any, server: ReplayServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ModelConnectionError, match=f"{url}.*asked 2 times") as caught:
        colour.invoke(make(base_url=url, max_retries=1))
    assert caught.value.retryable
    assert server.request_count == 0


def test_waiting_for_the_next_try_ends_when_the_run_is_stopped(server: ReplayServer, make: Any) -> None:
    server.fail(429, times=3, retry_after=30)
    model, stop = make(max_retries=3), CancelToken()
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            model.invoke("Hi", {"cancel": stop})
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert server.wait_requests(1, 10)
    time.sleep(0.05)
    stop.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert [type(error).__name__ for error in ended] == ["Cancelled"]
    assert server.request_count == 1


# How long is waited


def test_a_greeting_is_no_first_chunk(server: ReplayServer, make: Any, colour: Any) -> None:
    """What comes before the first word (Anthropic's ``message_start``, a role, pings) does not end the wait for it."""
    model = make(first_chunk_timeout=0.2)
    at = 2 if model.provider == "anthropic" or getattr(model, "use_responses_api", None) else 1
    if model.provider == "google_genai":
        at = 0  # it greets nobody
    server.queue(Reply(PIECES, faults=Faults(stall_at=at, keepalive=0.02)))
    with pytest.raises(StreamTimeout, match="no first chunk") as caught:
        colour.stream(model)
    assert text_of(caught.value.partial) == ""


def test_pings_are_no_content(server: ReplayServer, make: Any, colour: Any) -> None:
    model = make(stream_idle_timeout=0.2)
    stall = 8 if model.provider == "anthropic" or getattr(model, "use_responses_api", None) else 4
    server.queue(Reply(["word "] * 40, faults=Faults(stall_at=stall, keepalive=0.02)))
    with pytest.raises(StreamTimeout, match="no chunk after the first") as caught:
        colour.stream(model)
    assert "word" in text_of(caught.value.partial)
    assert caught.value.retryable


# Where is asked


def test_an_address_that_is_changed_is_used_from_then_on(server: ReplayServer, make: Any, colour: Any) -> None:
    model = make()
    assert colour.invoke(model).text == "Hi"
    with ReplayServer() as other:
        model.base_url = other.openai_url if model.provider == "openai" else other.url
        assert colour.invoke(model).text == "Hi"
        assert (server.request_count, other.request_count) == (1, 1)
        model.close()


def test_a_stream_goes_on_when_the_address_is_changed_meanwhile(server: ReplayServer, make: Any) -> None:
    model = make()
    server.queue(Reply(PIECES, faults=Faults(pace=0.01)))
    stream = model.stream("Hi")
    text = str(next(stream).text)
    model.base_url = "http://127.0.0.1:9"
    assert text + "".join(str(chunk.text) for chunk in stream) == "".join(PIECES)


# What is kept secret


def test_the_key_is_in_no_text_event_or_log(
    server: ReplayServer, make: Any, colour: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    from prill.tracers.trace import trace

    caplog.set_level(logging.DEBUG, logger="prill")
    model, shown = make(default_headers={"x-other": KEY}), io.StringIO()
    told = f"Incorrect API key provided: {KEY}"
    faults = [Faults(status=401, error_message=told), Faults(error_event=0, error_message=told), Faults(html_200=True)]
    texts = [
        repr(model),
        str(model),
        repr(model.model_dump()),
        model.model_dump_json(),
        repr(model._identifying_params),
    ]

    async def events() -> list[Any]:
        seen = []
        try:
            async for event in model.astream_events("Hi", version="v2"):
                seen.append(event)
        except PrillError as error:
            seen.append(error)
        return seen

    for fault in [*faults, None]:
        answer = Reply(["fine"]) if fault is None else Reply(["x"], faults=fault)
        server.replies(lambda seen, answer=answer: answer)  # type: ignore[misc]  # mypy cannot infer such a lambda
        for verb in (colour.invoke, colour.stream):
            with trace() as traced:
                try:
                    verb(model, config={"callbacks": [ConsoleCallbackHandler(Console(file=shown))]})
                except PrillError as error:
                    texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
                    texts += [str(pickle.dumps(error)), repr(vars(error))]
            texts.append(traced.to_json())
        texts.append(repr(asyncio.run(events())))
    texts += [caplog.text, shown.getvalue()]
    assert [text for text in texts if KEY in text] == []
    assert KEY in str(server.requests[0].headers)
    assert any("fine" in text for text in texts)
    assert "✗" in shown.getvalue()


def test_a_body_of_nothing_leaves_the_connection_usable(server: ReplayServer, make: Any, colour: Any) -> None:
    model = make()
    for _ in range(2):
        server.queue(Recording("nothing", 200, {"content-type": "application/json"}, b""))
        with pytest.raises(MalformedResponseError):
            colour.invoke(model)
        assert colour.invoke(model).text == "Hi"
