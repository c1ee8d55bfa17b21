"""The outcome of a row, between the worker that asked and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_json

from prill.errors import (
    ConfigError,
    ModelAuthenticationError,
    ModelError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
)
from prill.messages import BaseMessage
from prill.messages.usage import UsageMetadata


class Outcome(NamedTuple):
    """What became of a row that was asked; ``record`` is the JSON of its output, or of its error."""

    number: int
    failed: bool
    record: bytes
    attempts: int
    seconds: float
    usage: Mapping[str, UsageMetadata]
    error: str | None = None
    """The name of the error's type."""
    text: str = ""
    """The error's text."""
    stop: bool = False
    """Whether the error would meet every row: a wrong key, an empty account."""


def encode_output(output: Any) -> Any:
    """The part of a record that is the output. A message is its text, or itself where it calls tools."""
    if isinstance(output, BaseMessage):
        calls = getattr(output, "tool_calls", None)
        return output.model_dump(mode="json") if calls else str(output.text)
    return output


def make_record(value: Mapping[str, Any]) -> bytes:
    """The JSON of a record.

    Raises:
        ConfigError: an output is in it that JSON cannot hold.
    """
    try:
        return to_json(value, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        kind = type(value.get("output")).__name__
        raise ConfigError(f"an output of type {kind} cannot be written as JSON: {error}") from error


_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "credit_balance_too_low"}


def stops_all(error: BaseException) -> bool:
    """Whether an error would meet every row, so that going on is hopeless."""
    if isinstance(error, ModelAuthenticationError | ModelPermissionDeniedError | ModelNotFoundError):
        return True
    if not isinstance(error, ModelError):
        return False
    # Anthropic says in words alone that an account is empty.
    return error.status == 402 or error.code in _NO_MONEY or "credit balance is too low" in error.message
