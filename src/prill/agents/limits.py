"""What a run of an agent may use, and how much of it is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from pydantic_core import to_json

from prill.agents.prices import find_price, has_price
from prill.errors import ConfigError
from prill.io import make_lock
from prill.messages import BaseMessage

DEFAULT_MODEL_CALLS = 25


@dataclass(frozen=True)
class Limits:
    """What one run of an agent may use; ``None`` means unlimited.

    - ``model_calls``: calls of the model (25), those of retries and of middleware not counted.
    - ``tool_calls``: calls of tools, and ``per_tool`` of single ones by name.
    - ``tokens``: tokens that the model reports, with those of agents inside of tools.
    - ``seconds``: of time. A call that runs is stopped, in blocking code where it next waits for something.
    - ``cost``: money, with that of agents inside of tools. ``price`` says what a message has cost; without it the list
      prices of the best-known models are used, in US dollars.
    - ``repeats``: how many times the same call (name and arguments) may be made. The next one is answered with the
      advice to do something else, the one after that reaches the limit.
    - ``on_limit``: ``"error"`` raises ``AgentLimitError``, whose ``partial`` is the state; ``"end"`` ends the run with
      a message that says which limit was reached.

    Raises:
        ConfigError: a value is not a valid limit.
    """

    model_calls: int | None = DEFAULT_MODEL_CALLS
    tool_calls: int | None = None
    per_tool: Mapping[str, int] = field(default_factory=dict)
    tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None
    price: Callable[[Any], float] | None = None
    repeats: int | None = None
    on_limit: Literal["error", "end"] = "error"

    def __post_init__(self) -> None:
        for name in ("model_calls", "tool_calls", "tokens", "repeats"):
            _check(name, getattr(self, name), int)
        for name in ("seconds", "cost"):
            _check(name, getattr(self, name), (int, float))
        for name, value in self.per_tool.items():
            _check(f"per_tool[{name!r}]", value, int, least=0)
        if self.on_limit not in ("error", "end"):
            raise ConfigError(f"on_limit is 'error' or 'end', not {self.on_limit!r}")

    def with_model_calls(self, count: int) -> Limits:
        """These limits with another number of calls of the model."""
        return replace(self, model_calls=count)

    def check_price(self, model: Any) -> None:
        """Raise ``ConfigError`` if ``cost`` is limited and nothing says what ``model`` costs."""
        name = getattr(model, "model", None)
        if self.cost is not None and self.price is None and isinstance(name, str) and not has_price(name):
            raise ConfigError(
                f"Limits(cost={self.cost:g}) needs the price of {name}, which is not in Prill's list: give "
                "price=, a function of a message that returns what it cost"
            )


def _check(name: str, value: Any, kinds: Any, least: float = 1) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kinds) or value < 0 or (value == 0 and least):
        raise ConfigError(f"the limit {name} is a number over 0, or None for no limit, not {value!r}")


class Reached(NamedTuple):
    """A limit that was reached: its name, what was used, what may be used."""

    limit: str
    used: float
    maximum: float

    def describe(self) -> str:
        """What is said of it."""
        return f"the agent reached its limit of {self.maximum:g} {self.limit.replace('_', ' ')} (used: {self.used:g})"


class Meter:
    """Counts what a run uses; what agents inside of its tools use is counted too, but for the numbers of calls."""

    def __init__(self, limits: Limits, outer: Meter | None = None) -> None:
        self.limits = limits
        self.model_calls = 0
        self.tool_calls = 0
        self.by_tool: dict[str, int] = {}
        self.tokens = 0
        self.cost = 0.0
        self.started = time.monotonic()
        self._repeated: dict[tuple[str, bytes], int] = {}
        self._outer = outer
        self._lock = make_lock()  # agents in tools of a blocking run count in threads of their own

    @property
    def seconds_left(self) -> float | None:
        """How long the run may go on; ``None`` if it is unlimited."""
        seconds = self.limits.seconds
        return None if seconds is None else max(0.0, self.started + seconds - time.monotonic())

    def count_message(self, message: BaseMessage) -> None:
        """Count a model's answer."""
        self.model_calls += 1
        usage: Any = getattr(message, "usage_metadata", None)
        tokens = usage["total_tokens"] if usage else 0
        self._add(tokens, message)

    def _add(self, tokens: int, message: BaseMessage) -> None:
        with self._lock:
            self.tokens += tokens
            if self.limits.cost is not None:
                price = self.limits.price
                self.cost += price(message) if price is not None else find_price(message)
        if self._outer is not None:
            self._outer._add(tokens, message)

    def find_reached(self) -> Reached | None:
        """The limit that forbids another call of the model, if one does."""
        limits = self.limits
        if limits.model_calls is not None and self.model_calls >= limits.model_calls:
            return Reached("model_calls", self.model_calls, limits.model_calls)
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return Reached("tokens", self.tokens, limits.tokens)
        if limits.cost is not None and self.cost >= limits.cost:
            return Reached("cost", self.cost, limits.cost)
        if limits.seconds is not None and self.seconds_left == 0:
            return Reached("seconds", time.monotonic() - self.started, limits.seconds)
        return None

    def take_call(self, call: Mapping[str, Any]) -> Reached | None:
        """Count a call of a tool; if it may not be made, the limit that forbids it."""
        limits, name = self.limits, call["name"]
        if limits.tool_calls is not None and self.tool_calls >= limits.tool_calls:
            return Reached("tool_calls", self.tool_calls, limits.tool_calls)
        allowed = limits.per_tool.get(name)
        if allowed is not None and self.by_tool.get(name, 0) >= allowed:
            return Reached(f"calls of {name}", self.by_tool.get(name, 0), allowed)
        self.tool_calls += 1
        self.by_tool[name] = self.by_tool.get(name, 0) + 1
        return None

    def count_repeats(self, call: Mapping[str, Any]) -> int:
        """How many times a call with this name and these arguments was made beyond what is allowed."""
        if self.limits.repeats is None:
            return 0
        key = call["name"], to_json(call["args"], fallback=repr)
        self._repeated[key] = self._repeated.get(key, 0) + 1
        return max(0, self._repeated[key] - self.limits.repeats)
