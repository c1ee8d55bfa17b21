"""What providers and SDKs say of failures, as Prill's errors."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from prill.errors import (
    ContentFilterError,
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
    ModelTimeoutError,
    StreamErrorEvent,
    StreamInterrupted,
)
from prill.providers.http.failures import map_error_event, map_status, map_transport_error
from prill.providers.http.message import (
    AnswerTooLate,
    BadBody,
    ConnectFailed,
    ConnectionBroken,
    NotHTTP,
    UntrustedCertificate,
)


def said(status: int, code: str | None = None) -> ModelError:
    body = {"error": {"message": "said", "code": code}}
    return map_status(status, body, {"x-request-id": "r1"}, provider="p", model="m")


@pytest.mark.parametrize("status", range(400, 600))
def test_a_status_alone_says_whose_mistake_it_is_and_whether_to_ask_again(status: int) -> None:
    error = said(status)
    assert (error.status, error.code, error.request_id, error.provider, error.model) == (status, None, "r1", "p", "m")
    assert "said" in str(error)
    of_the_server = status >= 500 or status in (408, 409)
    assert isinstance(error, ModelServerError | ModelOverloadedError) is of_the_server
    assert isinstance(error, ModelAPIError)
    assert error.retryable is (status >= 500 or status in (408, 409, 429))


def test_a_statuss_error_is_that_which_a_program_would_catch() -> None:
    caught = {
        ModelAuthenticationError: said(401),
        ModelPermissionDeniedError: said(403),
        ModelNotFoundError: said(404),
        ModelRateLimitError: said(429),
        ModelOverloadedError: said(503),
    }
    for kind, error in caught.items():
        assert [other for other in caught if isinstance(error, other)] == [kind]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("model_not_found", ModelNotFoundError),
        ("content_filter", ContentFilterError),
        ("context_length_exceeded", ContextOverflowError),
    ],
)
def test_a_code_says_more_than_a_general_status(code: str, kind: type[ModelError]) -> None:
    assert type(said(400, code)) is kind
    assert said(400, code).code == code


@pytest.mark.parametrize("status", [401, 403, 408, 409, 429])
def test_a_general_code_says_less_than_a_status_of_its_own(status: int) -> None:
    assert type(said(status, "invalid_request_error")) is type(said(status))


def test_an_overloaded_provider_is_told_by_any_of_its_statuses() -> None:
    assert type(said(500, "overloaded_error")) is type(said(529, "overloaded_error")) is type(said(503))


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "said"}},
        {"error": "said"},
        {"message": "said"},
        {"detail": "said"},
        "said",
        {"type": "error", "error": {"type": "x", "message": "said"}},
    ],
)
def test_the_providers_words_are_found_wherever_they_are(body: Any) -> None:
    assert "said" in str(map_status(400, body, {}, provider="p", model=None))


@pytest.mark.parametrize("text", ["This model's maximum context length is 5", "prompt is too long: 9 tokens > 5"])
def test_a_text_that_is_too_long_is_told_by_its_words(text: str) -> None:
    assert type(map_status(400, {"message": text}, {}, provider="p", model=None)) is ContextOverflowError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_advice_when_to_ask_again(headers: dict[str, str], seconds: float | None) -> None:
    assert map_status(429, None, headers, provider="p", model=None).retry_after == seconds


def test_the_advice_when_to_ask_again_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    seconds = map_status(429, None, {"retry-after": later}, provider="p", model=None).retry_after
    assert seconds is not None
    assert 200 < seconds <= 300


def test_a_quota_that_is_used_up_is_not_retried() -> None:
    body = {"error": {"code": "insufficient_quota", "message": "pay"}}
    assert not map_status(429, body, {}, provider="p", model=None).retryable


EVENTS = [
    ({"error": {"type": "overloaded_error", "message": "m"}}, ModelOverloadedError, True),
    ({"error": {"code": "rate_limit_exceeded", "message": "m"}}, ModelRateLimitError, True),
    ({"error": {"message": "m", "status_code": 400, "type": "invalid_request_error"}}, ModelInvalidRequestError, False),
    ({"error": {"message": "m", "code": 502}}, StreamErrorEvent, True),
    ({"error": "m"}, StreamErrorEvent, False),
    ({"type": "error", "code": "server_error", "message": "m"}, ModelServerError, True),
    ({"error": {"message": "maximum context length"}}, ContextOverflowError, False),
]


@pytest.mark.parametrize(("payload", "kind", "retryable"), EVENTS)
def test_an_error_inside_a_stream_is_both_of_its_kind_and_of_the_stream(
    payload: Any, kind: type[ModelError], retryable: bool
) -> None:
    error = map_error_event(payload, provider="p", model="m", request_id="r")
    assert isinstance(error, kind)
    assert isinstance(error, StreamErrorEvent)
    assert error.retryable == retryable


@pytest.mark.parametrize(("payload", "kind", "retryable"), EVENTS)
def test_an_error_inside_a_stream_can_be_pickled(payload: Any, kind: type[ModelError], retryable: bool) -> None:
    error = map_error_event(payload, provider="p", model="m", request_id="r")
    error.partial = "so far"
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.__dict__ == error.__dict__


URL = "http://test/v1"


@pytest.mark.parametrize(
    ("error", "in_stream", "kind", "retryable"),
    [
        (AnswerTooLate("late", waited_for="an answer"), False, ModelTimeoutError, True),
        (ConnectFailed("refused"), False, ModelConnectionError, True),
        (UntrustedCertificate("self-signed"), False, ModelConnectionError, False),
        (ConnectionBroken("gone"), False, ModelConnectionError, True),
        (ConnectionBroken("gone"), True, StreamInterrupted, True),
        (NotHTTP("nonsense"), False, MalformedResponseError, False),
        (NotHTTP("nonsense"), True, StreamInterrupted, True),
        (BadBody("damaged"), False, MalformedResponseError, False),
        (BadBody("damaged"), True, MalformedResponseError, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_breaks_on_the_way_is_an_error_of_its_kind(
    error: Any, in_stream: bool, kind: type[ModelError], retryable: bool
) -> None:
    failure = map_transport_error(error, provider="p", model="m", url=URL, in_stream=in_stream)
    assert type(failure) is kind
    assert failure.retryable is retryable
    assert str(error) in str(failure)
    assert (failure.provider, failure.model) == ("p", "m")
