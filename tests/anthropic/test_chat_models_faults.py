"""What goes wrong on the way to Anthropic, and how ``ChatAnthropic`` tells it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from prill.anthropic import ChatAnthropic
from prill.errors import (
    ContextOverflowError,
    MalformedResponseError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelOverloadedError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    StreamErrorEvent,
    StreamInterrupted,
    StreamTimeout,
)
from prill.testing import Faults, Recording, ReplayServer, Reply

Make = Callable[..., ChatAnthropic]
TRIED_WAYS = ("own", "sdk")
PIECES = [f"word{number} " for number in range(8)]
BEFORE = 3  # message_start, content_block_start and a ping come before the first piece


def reply(**faults: Any) -> Reply:
    return Reply(PIECES, usage=(12, 8), faults=Faults(**faults))


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ModelInvalidRequestError, False),
        (401, ModelAuthenticationError, False),
        (413, ContextOverflowError, False),
        (429, ModelRateLimitError, True),
        (500, ModelServerError, True),
        (529, ModelOverloadedError, True),
    ],
)
def test_an_error_status_is_typed(
    status: int, kind: type[ModelError], retryable: bool, server: ReplayServer, model: ChatAnthropic, verbs: Any
) -> None:
    for verb in (verbs.invoke, verbs.stream):
        server.fail(status, retry_after=2)
        with pytest.raises(kind) as caught:
            verb(model, "Hi")
        assert (caught.value.status, caught.value.retryable, caught.value.retry_after) == (status, retryable, 2)
        assert caught.value.provider == "anthropic"
        assert caught.value.request_id is not None


@pytest.mark.parametrize("after", [0, 1, BEFORE, BEFORE + 5])
def test_an_error_inside_a_stream_is_raised_with_what_had_arrived(
    after: int, server: ReplayServer, model: ChatAnthropic, verbs: Any
) -> None:
    server.queue(reply(error_event=after))
    with pytest.raises(ModelOverloadedError) as caught:
        verbs.stream(model, "Hi")
    error = caught.value
    assert isinstance(error, StreamErrorEvent)
    assert error.retryable
    assert "Overloaded" in str(error)
    assert (error.partial is None) == (after == 0)
    if after:
        assert error.partial.content == "".join(PIECES[: max(0, after - BEFORE)])
        assert error.usage["input_tokens"] == 12


def test_an_error_of_the_request_inside_a_stream_is_not_retryable(server: ReplayServer, model: ChatAnthropic) -> None:
    server.queue(reply(error_event=4, error_type="invalid_request_error", error_message="prompt is too long: 9 > 8"))
    with pytest.raises(ContextOverflowError) as caught:
        list(model.stream("Hi"))
    assert not caught.value.retryable


@pytest.mark.parametrize("faults", [{"cut_after_events": BEFORE + 2}, {"cut_after_events": BEFORE + 2, "reset": True}])
def test_a_broken_connection_is_an_interrupted_stream(
    faults: Any, server: ReplayServer, model: ChatAnthropic, verbs: Any
) -> None:
    server.queue(reply(pace=0.01, **faults))
    with pytest.raises(StreamInterrupted) as caught:
        verbs.stream(model, "Hi")
    assert caught.value.retryable
    assert caught.value.partial.content == "".join(PIECES[:2])
    assert caught.value.partial.chunk_position is None


def test_invoke_that_streams_raises_the_same(server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(reply(pace=0.01, cut_after_events=BEFORE + 2))
    with pytest.raises(StreamInterrupted) as caught:
        verbs.invoke(make(streaming=True), "Hi")
    assert caught.value.partial.content == "".join(PIECES[:2])


def test_a_line_that_is_no_json_is_an_error(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    server.queue(reply(garbage_line=BEFORE + 1))
    with pytest.raises(MalformedResponseError) as caught:
        verbs.stream(model, "Hi")
    assert caught.value.partial.content == PIECES[0]


def test_a_page_instead_of_an_answer_is_an_error_that_names_it(
    server: ReplayServer, model: ChatAnthropic, verbs: Any
) -> None:
    for verb in (verbs.invoke, verbs.stream):
        server.queue(reply(html_200=True))
        with pytest.raises(MalformedResponseError, match=r"text/html.*Sign in"):
            verb(model, "Hi")


def test_json_of_another_shape_is_an_error(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    for verb in (verbs.invoke, verbs.stream):
        for body in (b'{"hello": "world"}', b"[1]", b"null"):
            server.queue(Recording("other", 200, {"content-type": "application/json"}, body))
            with pytest.raises(MalformedResponseError, match="Check base_url"):
                verb(model, "Hi")


@pytest.mark.usefixtures("own_way")
def test_a_server_that_is_not_there_is_a_connection_error(make: Make, verbs: Any) -> None:
    for verb in (verbs.invoke, verbs.stream):
        with pytest.raises(ModelConnectionError, match=r"http://127\.0\.0\.1:9"):
            verb(make(base_url="http://127.0.0.1:9"), "Hi")


def test_a_server_that_does_not_answer_in_time_is_a_timeout(server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(reply(first_delay=5))
    with pytest.raises(ModelTimeoutError):
        verbs.invoke(make(timeout=0.15), "Hi")


def test_the_sdk_tries_again_before_an_error_is_raised(server: ReplayServer, make: Make) -> None:
    server.fail(529, retry_after=0.01)
    assert make(max_retries=1).invoke("Hi").content == "Hi"
    assert server.request_count == 2


def test_pings_do_not_keep_a_stalled_stream_alive(server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(reply(stall_at=BEFORE + 2, keepalive=0.02))
    with pytest.raises(StreamTimeout, match="stream_idle_timeout") as caught:
        verbs.stream(make(stream_idle_timeout=0.2), "Hi")
    assert caught.value.partial.content == "".join(PIECES[:2])
    assert caught.value.chunks_received == 3
    assert server.wait_closed(10)
    assert server.closed_early == 1


def test_a_stream_that_never_begins_is_stopped(server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(reply(stall_at=0, keepalive=0.02))
    with pytest.raises(StreamTimeout, match="no first chunk"):
        verbs.stream(make(first_chunk_timeout=0.2), "Hi")
    assert server.wait_closed(10)


def test_a_slow_stream_is_not_stalled(server: ReplayServer, make: Make, verbs: Any) -> None:
    server.queue(reply(pace=0.03))
    chunks = verbs.stream(make(stream_idle_timeout=0.5), "Hi")
    assert "".join(chunk.content for chunk in chunks) == "".join(PIECES)


def delays(server: ReplayServer, leave: Callable[[], float]) -> list[float]:
    """Seconds from leaving a stream to its closed connection, three times: the machine may be busy with others."""
    found = []
    for _ in range(3):
        server.queue(Reply(PIECES * 50, faults=Faults(pace=0.01)))
        left = leave()
        assert server.wait_closed(10)
        closed = server.requests[-1].closed_at
        assert closed is not None
        found.append(closed - left)
    return found


def test_leaving_a_stream_closes_its_connection_at_once(server: ReplayServer, model: ChatAnthropic, verbs: Any) -> None:
    def leave() -> float:
        verbs.leave_after(3, model, "Hi")
        return time.monotonic()

    assert min(delays(server, leave)) < 0.1


def test_a_cancelled_task_closes_its_connection_at_once(server: ReplayServer, model: ChatAnthropic) -> None:
    async def cancel() -> float:
        came = asyncio.Event()

        async def read() -> None:
            async for _ in model.astream("Hi"):
                came.set()

        task = asyncio.create_task(read())
        await came.wait()
        left = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return left

    assert min(delays(server, lambda: asyncio.run(cancel()))) < 0.1


def test_a_stream_that_was_read_to_its_end_leaves_the_connection_for_the_next(
    server: ReplayServer, model: ChatAnthropic
) -> None:
    for _ in range(3):
        list(model.stream("Hi"))
    assert server.wait_closed(10)
    assert server.closed_early == 0
