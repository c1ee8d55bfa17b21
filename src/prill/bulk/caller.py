"""Asks one row after the other: tries again what may pass, ends what takes too long, counts what was used."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from prill.bulk.outcomes import Outcome, encode_output, make_record, stops_all
from prill.bulk.rates import Limiter
from prill.callbacks.config import RunnableConfig
from prill.callbacks.model_calls import GOVERNOR, CallGovernor, Estimate
from prill.errors import OutputParserException, StreamTimeout
from prill.io import ExecutionMode, get_asyncio_mode
from prill.messages.usage import UsageMetadata, add_usage
from prill.rate_limiters import Permit
from prill.runnables.base import Runnable
from prill.runnables.engine.runs import start_asyncio_run

_LONGEST_PAUSE = 60.0


class RowCaller:
    """Runs a chain on rows.

    Args:
        chain: the chain.
        attempts: how often a row is asked at most. This is the only place that tries again.
        row_timeout: how many seconds an attempt may take; ``None`` is for ever.
        limiter: lets calls of models pass.
        config: the config of each row's run.
    """

    def __init__(
        self,
        chain: Runnable[Any, Any],
        attempts: int,
        row_timeout: float | None,
        limiter: Limiter,
        config: RunnableConfig | None,
    ) -> None:
        self._chain = chain
        self._attempts = attempts
        self._timeout = row_timeout
        self._limiter = limiter
        self._io = get_asyncio_mode()
        # A row's own branches take turns, so that as many calls are in flight as there are rows.
        self._run = start_asyncio_run({**(config or {}), "max_concurrency": 1})

    async def call(self, number: int, input: Any) -> Outcome:
        """The outcome of a row; only being cancelled is an error."""
        calls = _Calls(self._limiter)
        token = GOVERNOR.set(calls)
        started = time.monotonic()
        try:
            for attempt in count(1):
                try:
                    output = await self._ask(input)
                    seconds = time.monotonic() - started
                    record = _record(attempt, seconds, calls.usage, output=encode_output(output))
                except Exception as error:
                    if attempt >= self._attempts or not _may_pass(error) or stops_all(error):
                        return _failed(number, error, attempt, started, calls.usage)
                    await self._io.sleep(_pause(attempt, error))
                    continue
                return Outcome(number, False, record, attempt, seconds, calls.usage)
        finally:
            GOVERNOR.reset(token)
        raise AssertionError("count has no end")

    async def _ask(self, input: Any) -> Any:
        run = self._run.again()
        if self._timeout is None:
            return await self._chain._step(input, run)
        deadline = time.monotonic() + self._timeout
        try:
            return await self._io.run_before(deadline, lambda: self._chain._step(input, run), _nothing)
        except TimeoutError as error:
            if time.monotonic() < deadline:
                raise
            raise StreamTimeout(f"the row took longer than {self._timeout:g} s (row_timeout)") from error


def _nothing() -> None:
    """Nothing blocks here that would have to be ended."""


def _failed(
    number: int, error: Exception, attempts: int, started: float, usage: Mapping[str, UsageMetadata]
) -> Outcome:
    text, kind = str(error) or type(error).__name__, type(error).__name__
    seconds = time.monotonic() - started
    record = _record(attempts, seconds, usage, error=text, error_type=kind)
    return Outcome(number, True, record, attempts, seconds, usage, kind, text, stops_all(error))


def _record(attempts: int, seconds: float, usage: Mapping[str, UsageMetadata], **result: Any) -> bytes:
    return make_record({**result, "attempts": attempts, "seconds": round(seconds, 3), "usage": usage})


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed: the provider failed, or it was late, or its answer was not in form."""
    return getattr(error, "retryable", False) is True or isinstance(error, OutputParserException | TimeoutError)


def _pause(attempt: int, error: Exception) -> float:
    """Seconds before the next attempt: as the provider asks for, else about 0.5, 1, 2, 4 …"""
    advised = getattr(error, "retry_after", None)
    if advised is not None:
        return min(max(float(advised), 0.0), _LONGEST_PAUSE)
    if isinstance(error, OutputParserException):
        return 0.0
    return min(0.5 * 2.0 ** min(attempt - 1, 10), _LONGEST_PAUSE) * random.uniform(0.75, 1.0)


class _Calls(CallGovernor):
    """The calls of models of one row."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self.usage: dict[str, UsageMetadata] = {}

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        return await self._limiter.admit(io, estimate)

    def note_answer(self, model: str, generations: Sequence[Any], usage: Mapping[str, Any] | None) -> None:
        found = [_find_usage(each) for each in generations]
        reported = [each for each in found if each]
        if not reported and usage and "prompt_tokens" in usage:
            reported = [_text_usage(usage)]
        for each in reported:
            self.usage[model] = add_usage(self.usage.get(model), each)

    def note_headers(self, status: int, headers: Mapping[str, str]) -> None:
        self._limiter.note_headers(status, headers)


def _find_usage(generation: Any) -> Any:
    return getattr(getattr(generation, "message", generation), "usage_metadata", None)


def _text_usage(usage: Mapping[str, Any]) -> UsageMetadata:
    read, written = usage["prompt_tokens"], usage.get("completion_tokens", 0)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
