"""Numbers of tokens, as OpenAI and the servers that speak its protocols write them."""

from __future__ import annotations

from typing import Any, cast

from prill.messages import UsageMetadata

Counts = dict[str, Any]


def read_usage(raw: Any) -> UsageMetadata | None:
    """The usage that chat completions, completions or responses report; ``None`` where no number can be read.

    Details are given only as far as they are reported.
    """
    if not isinstance(raw, dict):
        return None
    read = _count(raw, "prompt_tokens", "input_tokens")
    written = _count(raw, "completion_tokens", "output_tokens")
    total = _count(raw, "total_tokens")
    if read is None and written is None and total is None:
        return None
    read, written = read or 0, written or 0
    usage: Counts = {"input_tokens": read, "output_tokens": written, "total_tokens": total}
    if total is None:
        usage["total_tokens"] = read + written
    of_input = _details(raw, "prompt_tokens_details", "input_tokens_details")
    of_output = _details(raw, "completion_tokens_details", "output_tokens_details")
    cached = (_count(of_input, "cached_tokens"), _count(raw, "prompt_cache_hit_tokens", "cached_tokens"))
    read_parts = _known(
        audio=_count(of_input, "audio_tokens"),
        cache_creation=_count(of_input, "cache_write_tokens"),
        cache_read=next((count for count in cached if count is not None), None),
    )
    written_parts = _known(audio=_count(of_output, "audio_tokens"), reasoning=_count(of_output, "reasoning_tokens"))
    if read_parts:
        usage["input_token_details"] = read_parts
    if written_parts:
        usage["output_token_details"] = written_parts
    return cast("UsageMetadata", usage)


def _count(raw: Counts, *keys: str) -> int | None:
    """The first number under one of the keys; servers write some as ``4.0`` or ``"4"``."""
    for key in keys:
        value = raw.get(key)
        if type(value) is int:
            return value
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
    return None


def _details(raw: Counts, *keys: str) -> Counts:
    return next((raw[key] for key in keys if isinstance(raw.get(key), dict)), {})


def _known(**counts: int | None) -> Counts:
    return {name: count for name, count in counts.items() if count is not None}
