"""Anthropic's count of tokens, in the words that all vendors share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from prill.messages import UsageMetadata

_CACHE_LIFETIMES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


def usage_metadata(usage: Mapping[str, Any]) -> UsageMetadata:
    """The tokens of an answer; those read from the cache or written to it count as input."""
    created, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
    input = (usage.get("input_tokens") or 0) + (created or 0) + (read or 0)
    output = usage.get("output_tokens") or 0
    counted: dict[str, Any] = {"input_tokens": input, "output_tokens": output, "total_tokens": input + output}
    details = {"cache_creation": created, "cache_read": read}
    lifetimes = usage.get("cache_creation") or {}
    details |= {name: lifetimes.get(name) or None for name in _CACHE_LIFETIMES}
    counted["input_token_details"] = {name: count for name, count in details.items() if count is not None}
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    if thinking is not None:
        counted["output_token_details"] = {"reasoning": thinking}
    return cast("UsageMetadata", counted)


def updated(usage: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The count at the end of a stream: what its end reports, which is the sum so far, over what its start reported."""
    return {**usage, **{name: value for name, value in later.items() if value is not None}}


def subtract_usage(whole: UsageMetadata, reported: UsageMetadata | None) -> UsageMetadata:
    """What must be added to ``reported`` to give ``whole``, so that the chunks of a stream add up."""
    return cast("UsageMetadata", _minus(whole, reported or {}))


def _minus(whole: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _minus(value, reported.get(name) or {})
        if isinstance(value, Mapping)
        else value - (reported.get(name) or 0)
        for name, value in whole.items()
    }
