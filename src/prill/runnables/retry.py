"""Running a step again when it fails."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypedDict, TypeVar

from prill.callbacks.model_calls import GOVERNOR
from prill.callbacks.run import Run
from prill.errors import ConfigError
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.binding import RunnableProxy
from prill.runnables.recovery import Attempt, MidStream, RetryingRunnable, check_types

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)


class ExponentialJitterParams(TypedDict, total=False):
    """How long to wait after attempt ``n``: ``initial * exp_base ** (n - 1)`` seconds and up to ``jitter`` more.

    Never more than ``max``. The defaults are 1, 2, 1 and 60.
    """

    initial: float
    max: float
    exp_base: float
    jitter: float


class RetryState(NamedTuple):
    """The argument of the ``on_retry`` hook: the failed attempt, its error, and the pause in seconds."""

    attempt_number: int
    error: Exception
    sleep: float


_MAX_WAIT = 60.0
"""The longest pause in seconds, unless ``max`` is given."""


class RunnableRetry(RunnableProxy, RetryingRunnable[Input, Output]):
    """Runs ``bound`` again when it fails; made by ``with_retry``.

    By default any error leads to another attempt, except an error that declares itself permanent (its ``retryable``
    is false, as for a wrong key). The pause is at least ``retry_after``, which a provider may send.
    """

    _equality_fields = (
        *("bound", "max_attempt_number", "wait_exponential_jitter", "exponential_jitter_params"),
        *("retry_exception_types", "mid_stream", "name"),
    )

    max_attempt_number: int
    wait_exponential_jitter: bool
    exponential_jitter_params: ExponentialJitterParams | None
    retry_exception_types: tuple[type[BaseException], ...] | Callable[[BaseException], bool]

    def __init__(
        self,
        bound: Any,
        retry_if_exception_type: tuple[type[BaseException], ...] | Callable[[BaseException], bool] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: ExponentialJitterParams | None = None,
        stop_after_attempt: int = 3,
        mid_stream: MidStream = "raise",
    ) -> None:
        super().__init__(mid_stream)
        if not isinstance(stop_after_attempt, int) or stop_after_attempt < 1:
            raise ConfigError(f"stop_after_attempt must be a number of tries, 1 or more, not {stop_after_attempt!r}")
        if exponential_jitter_params and (
            unknown := set(exponential_jitter_params) - ExponentialJitterParams.__optional_keys__
        ):
            known = ", ".join(sorted(ExponentialJitterParams.__optional_keys__))
            raise ConfigError(f"exponential_jitter_params has the keys {known}, not {', '.join(sorted(unknown))}")
        own = self.__dict__
        own["max_attempt_number"] = stop_after_attempt
        own["wait_exponential_jitter"] = wait_exponential_jitter
        own["exponential_jitter_params"] = exponential_jitter_params
        own["retry_exception_types"] = (
            retry_if_exception_type
            if callable(retry_if_exception_type) and not isinstance(retry_if_exception_type, type)
            else check_types(retry_if_exception_type, "retry_if_exception_type")
        )
        own["bound"] = coerce_to_runnable(bound)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.bound.get_name(suffix, name=name or self.name)

    def _replace_bound(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return RunnableRetry(
            bound,
            self.retry_exception_types,
            self.wait_exponential_jitter,
            self.exponential_jitter_params,
            self.max_attempt_number,
            self.mid_stream,
        )

    def _may_restart_stream(self) -> bool:
        return self.mid_stream == "restart" or self.bound._may_restart_stream()

    def _generate_attempts(self, input: Any) -> Iterator[Attempt]:
        yield Attempt(self.bound, input)
        if GOVERNOR.get() is not None:
            return  # what governs the models of this work tries again
        for number in range(2, self.max_attempt_number + 1):
            yield Attempt(self.bound, input, f"retry:attempt:{number}")

    def _is_worth_another_attempt(self, error: Exception) -> bool:
        types = self.retry_exception_types
        if not isinstance(types, tuple):
            return types(error)
        if types == (Exception,):
            return getattr(error, "retryable", True) is not False
        return isinstance(error, types)

    async def _wait_before_next_attempt(self, run: Run, number: int, error: Exception) -> None:
        seconds = max(self._get_wait_seconds(number), getattr(error, "retry_after", None) or 0.0)
        for observer in run.observers or ():
            callback = getattr(observer, "on_other", None)
            notice = callback(run, "on_retry", RetryState(number, error, seconds)) if callback is not None else None
            if notice is not None:
                await notice
        if seconds:
            await run.io.sleep(seconds)

    def _get_wait_seconds(self, number: int) -> float:
        """The pause in seconds after attempt ``number``; random, so that many clients do not return at once."""
        if not self.wait_exponential_jitter:
            return 0.0
        params = self.exponential_jitter_params or {}
        longest = params.get("max", _MAX_WAIT)
        try:
            seconds = params.get("initial", 1) * params.get("exp_base", 2) ** (number - 1)
        except OverflowError:
            return longest
        return min(seconds + random.uniform(0, params.get("jitter", 1)), longest)

    def __repr__(self) -> str:
        return f"{self.bound!r}.with_retry(stop_after_attempt={self.max_attempt_number})"
