"""What a run would take, found without a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prill.bulk.cost import get_cost
from prill.bulk.feed import Feed
from prill.bulk.report import Report
from prill.bulk.settings import Settings
from prill.callbacks.model_calls import GOVERNOR, CallGovernor
from prill.callbacks.model_calls import Estimate as EstimateTokens
from prill.io import ExecutionMode
from prill.messages.usage import UsageMetadata
from prill.rate_limiters import Permit
from prill.runnables.base import Runnable
from prill.runnables.engine.runs import start_asyncio_run

_MEASURED = 100
"""How many rows' prompts are made, to count their tokens."""
_ANSWER = 256
"""Tokens that an answer is taken to have, where the model sets no ``max_tokens`` and nothing was asked before."""


@dataclass(frozen=True)
class Estimate:
    """What the rows that are left would take: a guess from the prompts of the first 100.

    ``cost`` is ``None`` where a price is not known, ``seconds`` where no limit is: then it depends on the provider.
    Of a chain with several models the first call alone is counted.
    """

    rows: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    seconds: float | None
    models: tuple[str, ...]

    def __str__(self) -> str:
        cost = "cost unknown" if self.cost is None else f"cost about {self.cost:.2f}"
        time = "" if self.seconds is None else f", at least {self.seconds / 60:.1f} min at the given limits"
        tokens = f"about {self.input_tokens} tokens to read and {self.output_tokens} to write"
        return f"{self.rows} rows to ask, {tokens}, {cost}{time}"


async def estimate(chain: Runnable[Any, Any], feed: Feed, settings: Settings, report: Report) -> Estimate:
    """Read all rows, and make the prompts of the first ones. Functions before the first model are called."""
    await feed.open()
    rows, measured = 0, list[_Measure]()
    while not feed.ended:
        for row in await feed.take(500):
            rows += 1
            if len(measured) < _MEASURED:
                measured.append(await _measure(chain, row.input, settings))
        feed.in_flight.clear()
        for row, record in feed.settled:
            if record is None:
                report.add_failure("RowError", str(row.problem), row.place)
        feed.settled.clear()
    return _scale(rows, measured, settings, _mean_answer(report))


def _scale(rows: int, measured: Sequence[_Measure], settings: Settings, answer: float | None) -> Estimate:
    share = rows / max(1, len(measured))
    read = round(sum(each.input_tokens for each in measured) * share)
    written = round(sum(answer or each.output_tokens or _ANSWER for each in measured if each.model) * share)
    models = tuple(sorted({each.model for each in measured if each.model}))
    usage: dict[str, UsageMetadata] = {}
    for model in models:
        part = sum(each.model == model for each in measured) / max(1, len(measured))
        tokens = round(read * part), round(written * part)
        usage[model] = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
    seconds = [60.0 * rows / settings.requests_per_minute] if settings.requests_per_minute else []
    seconds += [60.0 * (read + written) / settings.tokens_per_minute] if settings.tokens_per_minute else []
    return Estimate(rows, read, written, get_cost(usage, settings.prices), max(seconds, default=None), models)


def _mean_answer(report: Report) -> float | None:
    """The tokens of an answer in earlier runs of the checkpoint."""
    return report.tokens[1] / report.resumed if report.resumed and report.tokens[1] else None


async def _measure(chain: Runnable[Any, Any], input: Any, settings: Settings) -> _Measure:
    measure = _Measure()
    token = GOVERNOR.set(measure)
    try:
        await chain._step(input, start_asyncio_run(settings.config))
    except (_Stopped, Exception):  # a row that fails before its model takes no tokens
        pass
    finally:
        GOVERNOR.reset(token)
    return measure


class _Stopped(BaseException):
    """The chain came to a model; no fallback catches it."""


class _Measure(CallGovernor):
    """Stops a chain at its first model, and keeps what it would have sent."""

    def __init__(self) -> None:
        self.input_tokens = self.output_tokens = 0
        self.model = ""

    async def admit(self, io: ExecutionMode, estimate: EstimateTokens) -> Permit:
        self.input_tokens, self.output_tokens = estimate()
        raise _Stopped

    def note_answer(self, model: str, generations: Sequence[Any], usage: Mapping[str, Any] | None) -> None:
        self.model = model
