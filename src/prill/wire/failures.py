"""What went wrong at a provider, or on the way to it, as one of Prill's errors.

The official SDKs are made by one generator and their exceptions have one shape: ``status_code``, ``response``,
``body``, ``request_id``. Servers that speak a vendor's protocol put the same facts into slightly different places.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

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

_TOO_LONG = ("context length", "context window", "prompt is too long", "maximum context", "too many tokens")

_ADVICE: dict[type[ModelError], str] = {
    ModelAuthenticationError: "Check the key: the api_key argument, or the environment variable.",
    ModelPermissionDeniedError: "The key is known but may not do this: check the project's or organisation's rights.",
    ModelNotFoundError: "Check the model's name and the base_url.",
    ContextOverflowError: "Shorten the input: trim_messages keeps a conversation within a limit.",
    ModelRateLimitError: "Send less at once, or wait; max_retries says how often it is asked again.",
    ModelOverloadedError: "Try later, or fall back to another model.",
}


def failure_of_status(
    status: int, body: Any, headers: Mapping[str, str], *, provider: str, model: str | None
) -> ModelError:
    """The error for an answer with an HTTP error status."""
    code, named, text = _code_and_text(body)
    kind: type[ModelError] = _BY_STATUS.get(status, ModelServerError if status >= 500 else ModelAPIError)
    # 408 and 409 are about this one try, whatever the error calls itself.
    general = kind in (ModelInvalidRequestError, ModelServerError) and status not in (408, 409)
    if named is not None and (general or issubclass(named, kind) or named is ContentFilterError):
        kind = named
    if kind is ModelInvalidRequestError and any(phrase in text.lower() for phrase in _TOO_LONG):
        kind = ContextOverflowError
    retryable = False if code == "insufficient_quota" else None
    return kind(
        _sentence(f"{provider} answered {status}", text, kind),
        provider=provider,
        model=model,
        status=status,
        code=code,
        request_id=headers.get("x-request-id") or headers.get("request-id"),
        retry_after=_retry_after(headers),
        retryable=retryable,
    )


def failure_of_event(payload: Any, *, provider: str, model: str | None, request_id: str | None) -> ModelError:
    """The error for an ``error`` that a provider sent inside a stream which had begun well."""
    code, named, text = _code_and_text(payload)
    status = _status_in(payload)
    kind = named or (_BY_STATUS.get(status) if status else None)
    if any(phrase in text.lower() for phrase in _TOO_LONG):
        kind = ContextOverflowError
    retryable = kind.retryable if kind is not None else bool(status and status >= 500)
    made = _stream_kind(kind)(
        _sentence(f"{provider} sent an error inside the stream", text, kind or StreamErrorEvent),
        provider=provider,
        model=model,
        status=status,
        code=code,
        request_id=request_id,
        retryable=retryable,
    )
    return made


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


def failure_of_sdk(error: Exception, *, provider: str, model: str | None, base_url: Any = None) -> ModelError | None:
    """The error for an exception of an SDK or of httpx; ``None`` for one that is neither."""
    status = getattr(error, "status_code", None)
    response = getattr(error, "response", None)
    if isinstance(status, int) and response is not None:
        body = getattr(error, "body", None)
        return failure_of_status(status, body, response.headers, provider=provider, model=model)
    name = type(error).__name__
    if isinstance(error, httpx2.TimeoutException) or name == "APITimeoutError":
        text = f"{provider} did not answer in time. Raise timeout (seconds), or check the connection to {base_url}."
        return ModelTimeoutError(text, provider=provider, model=model)
    if isinstance(error, httpx2.TransportError) or name == "APIConnectionError":
        cause = error.__cause__ or error
        text = (
            f"{provider} could not be reached at {base_url}: {type(cause).__name__}: {cause}. "
            "Check base_url, and that the server is running."
        )
        return ModelConnectionError(text, provider=provider, model=model)
    return None


def _code_and_text(body: Any) -> tuple[str | None, type[ModelError] | None, str]:
    """The provider's name for the error, the kind that it stands for, and the provider's words."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        return None, None, str(inner)[:500] if inner else ""
    kind = None if inner.get("type") == "error" else inner.get("type")  # the type of an event, not of an error
    names = [str(name) for name in (inner.get("code"), kind) if name is not None]
    named = next((_BY_CODE[name] for name in names if name in _BY_CODE), None)
    text = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
    return names[0] if names else None, named, str(text)


def _status_in(payload: Any) -> int | None:
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
            return float(headers[name]) * scale
    with contextlib.suppress(KeyError, ValueError, TypeError):  # a date without a zone cannot be compared
        seconds = (parsedate_to_datetime(headers["retry-after"]) - datetime.now(UTC)).total_seconds()
        return seconds if seconds > 0 else None
    return None
