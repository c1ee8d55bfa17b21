"""List prices of well-known models, for limits in money where a program gives no prices of its own.

They are those that https://openai.com/api/pricing and https://www.anthropic.com/pricing showed at the end of 2025, in
US dollars for a million tokens of input and of output; tokens that a provider's cache holds cost less in truth.
"""

from __future__ import annotations

from typing import Any

from prill.callbacks.run import get_model_name, get_usage
from prill.errors import ConfigError

_MILLION = 1_000_000

PRICES: dict[str, tuple[float, float]] = {
    "claude-haiku-4-5": (1, 5),
    "claude-sonnet-4-5": (3, 15),
    "claude-sonnet-4": (3, 15),
    "claude-opus-4-5": (5, 25),
    "claude-opus-4": (15, 75),
    "claude-3-7-sonnet": (3, 15),
    "claude-3-5-sonnet": (3, 15),
    "claude-3-5-haiku": (0.8, 4),
    "gpt-5-nano": (0.05, 0.4),
    "gpt-5-mini": (0.25, 2),
    "gpt-5": (1.25, 10),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1": (2, 8),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4o": (2.5, 10),
    "o4-mini": (1.1, 4.4),
    "o3-mini": (1.1, 4.4),
    "o3": (2, 8),
}
"""The prices by the start of a model's name."""


def _find(name: str) -> tuple[float, float] | None:
    starts = [start for start in PRICES if name.startswith(start)]
    return PRICES[max(starts, key=len)] if starts else None


def has_price(name: str) -> bool:
    """Whether the price of the model ``name`` is known."""
    return _find(name) is not None


def find_price(message: Any) -> float:
    """What a model's answer has cost, in US dollars.

    Raises:
        ConfigError: the message does not say how many tokens it took, or the price of its model is not known.
    """
    name, usage = get_model_name(message), get_usage(message)
    prices = _find(name) if name else None
    if usage is None or prices is None:
        what = f"the price of {name or 'its model'}" if prices is None else "the number of tokens"
        raise ConfigError(f"a limit in money was set, but {what} of an answer is not known: give Limits(price=...)")
    return (usage["input_tokens"] * prices[0] + usage["output_tokens"] * prices[1]) / _MILLION
