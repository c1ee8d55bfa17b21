"""Numbers of tokens, as the Gemini API writes them.

Fields: https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from typing import Any, cast

from prill.messages import UsageMetadata

Counts = dict[str, Any]


def read_usage(raw: Any) -> UsageMetadata | None:
    """The usage that an answer reports; ``None`` where no number can be read.

    Thoughts count as output, and what the provider's own tools have read as input.
    """
    if not isinstance(raw, dict):
        return None
    prompt, of_tools = _count(raw, "promptTokenCount"), _count(raw, "toolUsePromptTokenCount")
    written, thoughts = _count(raw, "candidatesTokenCount"), _count(raw, "thoughtsTokenCount")
    total = _count(raw, "totalTokenCount")
    if prompt is written is thoughts is total is None:
        return None
    input, output = (prompt or 0) + (of_tools or 0), (written or 0) + (thoughts or 0)
    usage: Counts = {"input_tokens": input, "output_tokens": output}
    usage["total_tokens"] = input + output if total is None else total
    of_input = {"audio": _spoken(raw, "promptTokensDetails"), "cache_read": _count(raw, "cachedContentTokenCount")}
    of_output = {"audio": _spoken(raw, "candidatesTokensDetails"), "reasoning": thoughts}
    for name, details in (("input_token_details", of_input), ("output_token_details", of_output)):
        if known := {key: count for key, count in details.items() if count is not None}:
            usage[name] = known
    return cast("UsageMetadata", usage)


def _count(raw: Counts, key: str) -> int | None:
    value = raw.get(key)
    return value if type(value) is int else None


def _spoken(raw: Counts, key: str) -> int | None:
    """The tokens of sound among those that are counted by kind."""
    kinds = raw.get(key)
    found = [kind for kind in kinds if kind.get("modality") == "AUDIO"] if isinstance(kinds, list) else []
    return _count(found[0], "tokenCount") if found else None
