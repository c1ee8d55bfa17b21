"""What tokens cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from prill.errors import ConfigError
from prill.messages.usage import UsageMetadata

Prices: TypeAlias = Mapping[str, tuple[float, ...]]
"""By a model's name, the price of a million tokens: read, written, and read out of the provider's cache (default: as
read). Thinking counts as written."""


def check_prices(prices: Prices | None, budget: float | None) -> None:
    """Refuse prices that are no numbers, and a budget without prices."""
    for name, price in (prices or {}).items():
        good = isinstance(price, tuple | list) and len(price) in (2, 3) and all(map(_is_price, price))
        if not good:
            raise ConfigError(
                f"prices[{name!r}] is (read, written) or (read, written, cached) for a million tokens, not {price!r}"
            )
    if budget is not None and (not _is_price(budget) or not budget):
        raise ConfigError(f"budget is an amount of money over 0, not {budget!r}")
    if budget is not None and not prices:
        raise ConfigError("a budget needs prices: prices={'gpt-4o-mini': (0.15, 0.60)} for a million tokens")


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def get_cost(usage: Mapping[str, UsageMetadata], prices: Prices | None) -> float | None:
    """What tokens cost; ``None`` where the price of a model is not known."""
    if not prices:
        return None
    total = 0.0
    for model, used in usage.items():
        price = prices.get(model)
        if price is None:
            return None
        cached = (used.get("input_token_details") or {}).get("cache_read", 0)
        read, written = used["input_tokens"] - cached, used["output_tokens"]
        total += read * price[0] + written * price[1] + cached * price[-1 if len(price) == 3 else 0]
    return total / 1_000_000
