"""What went wrong at a provider, or on the way to it, as one of Prill's errors."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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
from prill.providers.http.error_bodies import ErrorWords, read_error_body
from prill.providers.http.message import (
    AnswerTooLate,
    BadBody,
    ConnectFailed,
    NotHTTP,
    TransportError,
    UntrustedCertificate,
)

_BY_STATUS: dict[int, type[ModelAPIError]] = {
    400: ModelInvalidRequestError,
    401: ModelAuthenticationError,
    403: ModelPermissionDeniedError,
    404: ModelNotFoundError,
    408: ModelServerError,
    409: ModelServerError,
    413: ModelInvalidRequestError,
    422: ModelInvalidRequestError,
    429: ModelRateLimitError,
    503: ModelOverloadedError,
    529: ModelOverloadedError,
}

_BY_CODE: dict[str, type[ModelError]] = {
    "authentication_error": ModelAuthenticationError,
    "invalid_api_key": ModelAuthenticationError,
    "API_KEY_INVALID": ModelAuthenticationError,
    "permission_error": ModelPermissionDeniedError,
    "not_found_error": ModelNotFoundError,
    "model_not_found": ModelNotFoundError,
    "invalid_request_error": ModelInvalidRequestError,
    "invalid_prompt": ModelInvalidRequestError,
    "context_length_exceeded": ContextOverflowError,
    "string_above_max_length": ContextOverflowError,
    "request_too_large": ContextOverflowError,
    "content_filter": ContentFilterError,
    "content_policy_violation": ContentFilterError,
    "rate_limit_error": ModelRateLimitError,
    "rate_limit_exceeded": ModelRateLimitError,
    "insufficient_quota": ModelRateLimitError,
    "overloaded_error": ModelOverloadedError,
    "server_overloaded": ModelOverloadedError,
    "api_error": ModelServerError,
    "server_error": ModelServerError,
    "timeout_error": ModelServerError,
}

_TOO_LONG = (
    *("context length", "context window", "prompt is too long", "maximum context", "too many tokens"),
    "exceeds the maximum number of tokens",
)

_LARGER_THAN_A_MINUTE = "request too large"
"""What OpenAI says, with 429, of a request that takes more tokens than a minute has: it can never be sent."""

_ADVICE: dict[type[ModelError], str] = {
    ModelAuthenticationError: "Check the key: the api_key argument, or the environment variable.",
    ModelPermissionDeniedError: "The key is known but may not do this: check the project's or organisation's rights.",
    ModelNotFoundError: "Check the model's name and the base_url.",
    ContextOverflowError: "Shorten the input: trim_messages keeps a conversation within a limit.",
    ModelRateLimitError: "Send less at once, or wait; max_retries says how often it is asked again.",
    ModelOverloadedError: "Try later, or fall back to another model.",
}


def map_status(status: int, body: Any, headers: Mapping[str, str], *, provider: str, model: str | None) -> ModelError:
    """The error for an answer with an HTTP error status."""
    words = read_error_body(body)
    named, wait = _named(words), _retry_after(headers)
    kind: type[ModelError] = _BY_STATUS.get(status, ModelServerError if status >= 500 else ModelAPIError)
    # 408 and 409 are about this one try, whatever the error calls itself.
    general = kind in (ModelInvalidRequestError, ModelServerError) and status not in (408, 409)
    if named is not None and (general or issubclass(named, kind) or named is ContentFilterError):
        kind = named
    if kind is ModelInvalidRequestError and _is_too_long(words):
        kind = ContextOverflowError
    return kind(
        _sentence(f"{provider} answered {status}", words.text, kind),
        provider=provider,
        model=model,
        status=status,
        code=words.codes[0] if words.codes else None,
        request_id=find_request_id(headers),
        retry_after=words.retry_after if wait is None else wait,
        retryable=_advice(headers, words),
    )


def find_request_id(headers: Mapping[str, str]) -> str | None:
    """How the provider names a request, in the header that each of them has for it."""
    return next((headers[name] for name in ("x-request-id", "request-id", "x-amzn-requestid") if name in headers), None)


def _advice(headers: Mapping[str, str], words: ErrorWords) -> bool | None:
    """Whether the provider says that asking again may help; ``None`` where it does not say."""
    advice = {"true": True, "false": False}.get(headers.get("x-should-retry", "").lower())
    hopeless = "insufficient_quota" in words.codes or _LARGER_THAN_A_MINUTE in words.text.lower()
    return False if hopeless and advice is None else advice


def map_error_event(
    payload: Any, *, provider: str, model: str | None, request_id: str | None, place: str = "inside the stream"
) -> ModelError:
    """The error for an ``error`` that a provider sent inside a stream, or in place of an answer."""
    words = read_error_body(payload)
    status = _status_in(payload)
    kind = _named(words) or (_BY_STATUS.get(status) if status else None)
    if _is_too_long(words):
        kind = ContextOverflowError
    retryable = kind.retryable if kind is not None else bool(status and status >= 500)
    return _stream_kind(kind)(
        _sentence(f"{provider} sent an error {place}", words.text, kind or StreamErrorEvent),
        provider=provider,
        model=model,
        status=status,
        code=words.codes[0] if words.codes else None,
        request_id=request_id,
        retryable=retryable,
    )


def map_transport_error(
    error: TransportError, *, provider: str, model: str | None, url: str, in_stream: bool = False
) -> ModelError:
    """The error for an answer that did not come, or broke off; ``in_stream`` says that a part had been passed on."""
    if isinstance(error, AnswerTooLate):
        text = f"{provider} did not answer in time: {error}. Raise timeout (seconds), or check the connection to {url}."
        return ModelTimeoutError(text, provider=provider, model=model)
    if isinstance(error, BadBody) or (isinstance(error, NotHTTP) and not in_stream):
        text = f"what came from {url} cannot be read: {error}. Check base_url and any proxy in between."
        return MalformedResponseError(text, provider=provider, model=model)
    if in_stream:
        text = (
            f"the connection to {provider} broke in the middle of the stream ({error}); the answer so far is in "
            "partial and must not be taken for a whole one"
        )
        return StreamInterrupted(text, provider=provider, model=model)
    if isinstance(error, UntrustedCertificate):
        text = f"{provider} could not be reached at {url}: {error}."
        return ModelConnectionError(text, provider=provider, model=model, retryable=False)
    if isinstance(error, ConnectFailed):
        text = f"{provider} could not be reached at {url}: {error}. Check base_url, and that the server is running."
        return ModelConnectionError(text, provider=provider, model=model)
    text = f"the connection to {provider} at {url} broke before it had answered: {error}."
    return ModelConnectionError(text, provider=provider, model=model)


_STREAM_KINDS: dict[type[ModelError], type[ModelError]] = {}


def _stream_kind(kind: type[ModelError] | None) -> type[ModelError]:
    """``StreamErrorEvent`` that is also of ``kind``, so that both ``except`` clauses catch it."""
    if kind is None or not issubclass(kind, ModelAPIError):
        return kind or StreamErrorEvent
    if kind not in _STREAM_KINDS:

        def reduce(error: ModelError) -> tuple[Any, ...]:
            # A class that is made here cannot be found by its name when it is unpickled.
            return _rebuild_in_stream, (kind, error.args, error.__dict__.copy())

        body = {"__doc__": kind.__doc__, "__module__": kind.__module__, "__reduce__": reduce}
        _STREAM_KINDS[kind] = type(kind.__name__, (StreamErrorEvent, kind), body)
    return _STREAM_KINDS[kind]


def _rebuild_in_stream(kind: type[ModelError], args: tuple[Any, ...], state: dict[str, Any]) -> ModelError:
    error = _stream_kind(kind)(*args)
    error.__dict__.update(state)
    return error


def _named(words: ErrorWords) -> type[ModelError] | None:
    return next((_BY_CODE[code] for code in words.codes if code in _BY_CODE), None)


def _is_too_long(words: ErrorWords) -> bool:
    text = words.text.lower()
    return any(phrase in text for phrase in _TOO_LONG)


def _status_in(payload: Any) -> int | None:
    payload = payload[0] if isinstance(payload, list) and payload else payload
    inner = payload.get("error", payload) if isinstance(payload, Mapping) else None
    for key in ("status_code", "status", "code"):
        value = inner.get(key) if isinstance(inner, Mapping) else None
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _sentence(start: str, text: str, kind: type[ModelError]) -> str:
    text = text.strip()
    end = _ADVICE.get(kind, "")
    said = f"{start}: {text}" if text else start
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'}{' ' + end if end else ''}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after; the form in milliseconds is Azure's."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(KeyError, ValueError):  # the header may also be a date
            seconds = float(headers[name]) * scale
            if math.isfinite(seconds):
                return max(0.0, seconds)
    with contextlib.suppress(KeyError, ValueError, TypeError):  # a date without a zone cannot be compared
        seconds = (parsedate_to_datetime(headers["retry-after"]) - datetime.now(UTC)).total_seconds()
        return seconds if seconds > 0 else None
    return None
