"""Errors as clients may see them: a status, a code, a kind, and no text that a user's exception holds."""

from __future__ import annotations

from typing import Any

from prill.errors import (
    Cancelled,
    ContentFilterError,
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
    ModelRefusalError,
    ModelServerError,
    ModelTimeoutError,
    PrillError,
    RemoteError,
    RequestError,
    SerializationError,
    StreamTimeout,
    ThreadConflictError,
    ThreadNotFoundError,
)
from prill.serve.facts import Failure

_KINDS: tuple[tuple[type[PrillError], int, str, str], ...] = (
    (ModelRateLimitError, 429, "rate_limit_exceeded", "the model's provider limits the rate of requests; try later"),
    (ModelOverloadedError, 503, "overloaded", "the model's provider has no capacity now; try later"),
    (ModelTimeoutError, 504, "timeout", "the model's provider did not answer in time"),
    (StreamTimeout, 504, "timeout", "the chain did not go on in time"),
    (ContextOverflowError, 400, "context_length_exceeded", "the input is longer than the model's context"),
    (ContentFilterError, 400, "content_filter", "the model's provider withheld the answer"),
    (ModelRefusalError, 400, "refusal", "the model declined to answer"),
    (ModelInvalidRequestError, 400, "invalid_request", "the model's provider refused the request"),
    (ModelAuthenticationError, 502, "provider_authentication", "the server's access to the model's provider failed"),
    (ModelPermissionDeniedError, 502, "provider_permission", "the server's access to the model's provider failed"),
    (ModelNotFoundError, 502, "provider_not_found", "the model's provider does not have this model"),
    (ModelServerError, 502, "provider_error", "the model's provider failed"),
    (MalformedResponseError, 502, "provider_error", "the model's provider sent an answer that cannot be read"),
    (EmptyResponseError, 502, "provider_error", "the model's provider sent an empty answer"),
    (ModelConnectionError, 502, "provider_unreachable", "the connection to the model's provider failed"),
    (ModelError, 502, "provider_error", "the model's provider failed"),
    (Cancelled, 409, "stopped", "the run was stopped"),
    (ThreadNotFoundError, 404, "thread_not_found", "there is no conversation of this name"),
    (ThreadConflictError, 409, "thread_conflict", "the conversation was continued by another request; read it again"),
    (SerializationError, 500, "not_serializable", ""),
)

INTERNAL = "Internal Server Error"


def describe_failure(error: BaseException, *, run_id: str = "", show_errors: bool = False) -> Failure:
    """What a client is told of ``error``.

    Texts of exceptions are replaced by a sentence of ours, because they may hold prompts, keys and paths of files;
    ``show_errors`` keeps them. What a hook or the server refuses (``RequestError``, starlette's ``HTTPException``)
    is meant for the client and is kept.
    """
    if isinstance(error, RequestError):
        return Failure(
            error.status,
            error.code,
            "RequestError",
            error.message,
            error.retryable,
            error.retry_after,
            run_id=run_id,
            detail=error.detail,
        )
    if isinstance(status := getattr(error, "status_code", None), int) and hasattr(error, "detail"):
        return _describe_http(status, error, run_id)
    failure = _describe_own(error) or Failure(500, "internal_error", "InternalError", INTERNAL)
    failure.run_id = run_id
    if show_errors:
        failure.message = getattr(error, "message", None) or str(error)
        failure.kind = type(error).__name__
    return failure


def _describe_http(status: int, error: Any, run_id: str) -> Failure:
    text = error.detail if isinstance(error.detail, str) else "the request was refused"
    waits = (error.headers or {}).get("Retry-After") if hasattr(error, "headers") else None
    return Failure(
        status,
        f"http_{status}",
        "RequestError",
        text,
        status in (429, 503),
        float(waits) if waits is not None and str(waits).isdigit() else None,
        run_id=run_id,
        detail=error.detail,
    )


def _describe_own(error: BaseException) -> Failure | None:
    if not isinstance(error, PrillError):
        return None
    path = tuple(error.path)
    for kind, status, code, text in _KINDS:
        if isinstance(error, kind):
            waits = getattr(error, "retry_after", None)
            retryable = bool(getattr(error, "retryable", False))
            return Failure(status, code, _public_name(error), text or error.message, retryable, waits, path)
    if isinstance(error, RemoteError):
        return Failure(502, error.code or "remote_error", "RemoteError", "a server behind this one failed", path=path)
    return Failure(500, "internal_error", _public_name(error), INTERNAL, path=path)


def _public_name(error: BaseException) -> str:
    """The name of the nearest class that ``prill.errors`` defines: the client looks it up there."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "prill.errors")


def as_json(failure: Failure) -> dict[str, Any]:
    """The fields of a failure that are set."""
    made: dict[str, Any] = {
        "code": failure.code,
        "kind": failure.kind,
        "message": failure.message,
        "status": failure.status,
        "retryable": failure.retryable,
    }
    if failure.retry_after is not None:
        made["retry_after"] = failure.retry_after
    if failure.path:
        made["path"] = list(failure.path)
    if failure.run_id:
        made["run_id"] = failure.run_id
    return made
