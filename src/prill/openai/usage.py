"""Token counts, as OpenAI and the servers that speak its protocols write them."""

from __future__ import annotations

from typing import Any, cast

from prill.messages import UsageMetadata

Counts = dict[str, Any]


def usage_of(raw: Counts) -> UsageMetadata:
    """The usage that chat completions, completions or responses tell; details only as far as they are told."""
    read = _first(raw, "prompt_tokens", "input_tokens") or 0
    written = _first(raw, "completion_tokens", "output_tokens") or 0
    usage: Counts = {"input_tokens": read, "output_tokens": written, "total_tokens": raw.get("total_tokens")}
    if usage["total_tokens"] is None:
        usage["total_tokens"] = read + written
    of_input = raw.get("prompt_tokens_details") or raw.get("input_tokens_details") or {}
    of_output = raw.get("completion_tokens_details") or raw.get("output_tokens_details") or {}
    cached = (of_input.get("cached_tokens"), raw.get("prompt_cache_hit_tokens"), raw.get("cached_tokens"))
    read_parts = _told(
        audio=of_input.get("audio_tokens"),
        cache_creation=of_input.get("cache_write_tokens"),
        cache_read=next((count for count in cached if count is not None), None),
    )
    written_parts = _told(audio=of_output.get("audio_tokens"), reasoning=of_output.get("reasoning_tokens"))
    if read_parts:
        usage["input_token_details"] = read_parts
    if written_parts:
        usage["output_token_details"] = written_parts
    return cast("UsageMetadata", usage)


def _first(raw: Counts, *keys: str) -> Any:
    return next((raw[key] for key in keys if raw.get(key) is not None), None)


def _told(**counts: int | None) -> Counts:
    return {name: count for name, count in counts.items() if count is not None}
