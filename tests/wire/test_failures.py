"""What providers and SDKs say of failures, as Prill's errors."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

import openai
from prill.errors import (
    ContentFilterError,
    ContextOverflowError,
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
)
from prill.wire.failures import failure_of_event, failure_of_sdk, failure_of_status

STATUSES = [
    (400, None, ModelInvalidRequestError),
    (400, "model_not_found", ModelNotFoundError),
    (400, "content_filter", ContentFilterError),
    (400, "context_length_exceeded", ContextOverflowError),
    (401, None, ModelAuthenticationError),
    (402, None, ModelAPIError),
    (403, "permission_error", ModelPermissionDeniedError),
    (403, "invalid_request_error", ModelPermissionDeniedError),
    (404, None, ModelNotFoundError),
    (408, None, ModelServerError),
    (409, "invalid_request_error", ModelServerError),
    (413, "request_too_large", ContextOverflowError),
    (422, None, ModelInvalidRequestError),
    (429, "rate_limit_error", ModelRateLimitError),
    (500, None, ModelServerError),
    (500, "overloaded_error", ModelOverloadedError),
    (502, None, ModelServerError),
    (503, None, ModelOverloadedError),
    (529, "overloaded_error", ModelOverloadedError),
]


@pytest.mark.parametrize(("status", "code", "kind"), STATUSES)
def test_each_status_and_code_has_its_kind(status: int, code: str | None, kind: type[ModelError]) -> None:
    body = {"error": {"message": "said", "code": code}}
    error = failure_of_status(status, body, {"x-request-id": "r1"}, provider="p", model="m")
    assert type(error) is kind
    assert (error.status, error.code, error.request_id, error.provider, error.model) == (status, code, "r1", "p", "m")
    assert "said" in str(error)


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
    assert "said" in str(failure_of_status(400, body, {}, provider="p", model=None))


@pytest.mark.parametrize("text", ["This model's maximum context length is 5", "prompt is too long: 9 tokens > 5"])
def test_a_text_that_is_too_long_is_told_by_its_words(text: str) -> None:
    assert type(failure_of_status(400, {"message": text}, {}, provider="p", model=None)) is ContextOverflowError


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
    assert failure_of_status(429, None, headers, provider="p", model=None).retry_after == seconds


def test_the_advice_when_to_ask_again_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    seconds = failure_of_status(429, None, {"retry-after": later}, provider="p", model=None).retry_after
    assert seconds is not None
    assert 200 < seconds <= 300


def test_a_quota_that_is_used_up_is_not_retried() -> None:
    body = {"error": {"code": "insufficient_quota", "message": "pay"}}
    assert not failure_of_status(429, body, {}, provider="p", model=None).retryable


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
    error = failure_of_event(payload, provider="p", model="m", request_id="r")
    assert isinstance(error, kind)
    assert isinstance(error, StreamErrorEvent)
    assert error.retryable == retryable


@pytest.mark.parametrize(("payload", "kind", "retryable"), EVENTS)
def test_an_error_inside_a_stream_can_be_pickled(payload: Any, kind: type[ModelError], retryable: bool) -> None:
    error = failure_of_event(payload, provider="p", model="m", request_id="r")
    error.partial = "so far"
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.__dict__ == error.__dict__


def test_an_sdks_exceptions() -> None:
    request = httpx2.Request("POST", "http://test/v1")
    timeout = failure_of_sdk(openai.APITimeoutError(request), provider="p", model=None)
    assert isinstance(timeout, ModelTimeoutError)
    lost = failure_of_sdk(openai.APIConnectionError(request=request), provider="p", model=None, base_url="http://test")
    assert isinstance(lost, ModelConnectionError)
    assert "http://test" in str(lost)
    response = httpx2.Response(401, request=request)
    refused = failure_of_sdk(openai.AuthenticationError("m", response=response, body=None), provider="p", model=None)
    assert isinstance(refused, ModelAuthenticationError)


def test_an_exception_of_the_program_is_not_a_failure_of_the_provider() -> None:
    assert failure_of_sdk(KeyError("x"), provider="p", model=None) is None
