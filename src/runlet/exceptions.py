"""The errors of ``runlet.errors`` under the names of the documented API."""

from __future__ import annotations

from runlet.errors import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
    OutputParserException,
    RunletError,
)

__all__ = [
    "ContextOverflowError",
    "LangChainException",
    "ModelAPIError",
    "ModelAuthenticationError",
    "ModelConnectionError",
    "ModelError",
    "ModelInvalidRequestError",
    "ModelNotFoundError",
    "ModelPermissionDeniedError",
    "ModelRateLimitError",
    "ModelTimeoutError",
    "OutputParserException",
    "TracerException",
]

LangChainException = RunletError


class TracerException(RunletError):
    """What a tracer of your own raises when it cannot make sense of the runs it is told of."""
