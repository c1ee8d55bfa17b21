"""The errors of ``prill.errors`` under the names of the documented API."""

from __future__ import annotations

from prill.errors import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelRefusalError,
    ModelTimeoutError,
    OutputParserException,
    PrillError,
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
    "ModelRefusalError",
    "ModelTimeoutError",
    "OutputParserException",
    "TracerException",
]

LangChainException = PrillError


class TracerException(PrillError):
    """What a tracer of your own raises when it cannot make sense of the runs it receives."""
