"""How many tokens a model read and wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import add
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict


class InputTokenDetails(TypedDict, total=False):
    """Parts of the tokens read; they need not add up to all of them."""

    audio: int
    cache_creation: int
    cache_read: int


class OutputTokenDetails(TypedDict, total=False):
    """Parts of the tokens written; they need not add up to all of them."""

    audio: int
    reasoning: int


class UsageMetadata(TypedDict):
    """The tokens that one answer took."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: NotRequired[InputTokenDetails]
    output_token_details: NotRequired[OutputTokenDetails]


def add_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Add up two usages, details included; ``None`` counts as nothing used."""
    return _usage(_combine(left or {}, right or {}, add))


def subtract_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """The tokens of ``left`` beyond those of ``right``, at least 0 each; ``None`` counts as 0."""
    return _usage(_combine(left or {}, right or {}, lambda one, other: max(one - other, 0)))


def sum_usage(usages: Iterable[UsageMetadata | None]) -> UsageMetadata | None:
    """Add up many usages; ``None`` if there is none among them."""
    total: UsageMetadata | None = None
    for usage in usages:
        if usage:
            total = add_usage(total, usage)
    return total


def _usage(counts: dict[str, Any]) -> UsageMetadata:
    return cast("UsageMetadata", {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0} | counts)


def _combine(left: Any, right: Any, count: Callable[[int, int], int]) -> dict[str, Any]:
    combined: dict[str, Any] = {}
    for key in [*left, *(key for key in right if key not in left)]:
        one, other = left.get(key), right.get(key)
        if isinstance(one, dict) or isinstance(other, dict):
            combined[key] = _combine(one or {}, other or {}, count)
        elif isinstance(one or other or 0, int | float):
            combined[key] = count(one or 0, other or 0)
        else:
            combined[key] = other if other is not None else one
    return combined
