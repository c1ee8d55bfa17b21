"""Trying again with the same step or with another one: the common part of retries and fallbacks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from prill.callbacks.run import Run
from prill.errors import Cancelled, CompositionError, ConfigError, carry_path, replace_note
from prill.io import closing
from prill.io.scope import current_scope
from prill.messages.ai import as_interrupted
from prill.runnables.base import Runnable
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import EMPTY, IN_CHUNKS, NOWHERE, LateRule, SingleValueStream, Stream, collect

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

MidStream = Literal["raise", "restart"]


class Attempt(NamedTuple):
    """One attempt: the step, its input, and the tag of its run."""

    step: Runnable[Any, Any]
    input: Any
    tag: str | None = None


class RetryingRunnable(Runnable[Input, Output], metaclass=PatchAware):
    """A Runnable that tries again when an attempt fails.

    The consumer of a stream does not notice a failure before the first chunk. After it, with ``mid_stream="raise"``
    the error is raised and carries the chunks so far as ``partial``; with ``"restart"`` the stream yields one
    ``StreamRestart`` and starts again.
    """

    _buffers_input = True

    mid_stream: MidStream

    def __init__(self, mid_stream: MidStream) -> None:
        if mid_stream not in ("raise", "restart"):
            raise ConfigError(f"mid_stream must be 'raise' or 'restart', not {mid_stream!r}")
        self.__dict__["mid_stream"] = mid_stream

    def _generate_attempts(self, input: Any) -> Iterator[Attempt]:
        """Generate the attempts; after each failure the generator is sent the error."""
        raise NotImplementedError

    def _is_worth_another_attempt(self, error: Exception) -> bool:
        """Whether another attempt may help."""
        raise NotImplementedError

    async def _wait_before_next_attempt(self, run: Run, number: int, error: Exception) -> None:
        """Wait before the next attempt; ``number`` is that of the attempt that failed."""

    def _report_success(self, run: Run, number: int, attempt: Attempt) -> None:
        """Report the attempt that succeeded."""

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        attempts = _AttemptIterator(self, input)
        for number, attempt in attempts:
            try:
                output = await attempt.step._step(attempt.input, run.child(attempt.tag), **kwargs)
            except Exception as error:
                carry_path(error, attempt.step.get_name(), self.get_name())
                if _was_cancelled(error):
                    raise
                if not attempts.has_next(error):
                    raise attempts.final_error(error) from error.__cause__
                await self._wait_before_next_attempt(run, number, error)
            else:
                self._report_success(run, number, attempt)
                return output
        raise AssertionError("the last attempt either returns or raises")

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        rule = LateRule()
        restarts = IN_CHUNKS if self._may_restart_stream() else NOWHERE
        return Stream(self._try_each(inputs, run, rule, kwargs), rule, restarts)

    async def _try_each(
        self, inputs: Stream[Any], run: Run, rule: LateRule, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        attempts = _AttemptIterator(self, input)
        for number, attempt in attempts:
            stream = attempt.step._step_flow(SingleValueStream(attempt.input), run.child(attempt.tag), **kwargs)
            rule.follow(stream)
            accumulated = stream.new_accumulator()
            add = accumulated.add
            try:
                async with closing(stream.source) as source:
                    async for chunk in source:
                        add(chunk)
                        yield chunk
            except Exception as error:
                carry_path(error, attempt.step.get_name(), self.get_name())
                if _was_cancelled(error):
                    raise
                if accumulated.count and self.mid_stream == "raise":
                    _add_partial(error, accumulated)
                    raise
                if not attempts.has_next(error):
                    if accumulated.count:
                        _add_partial(error, accumulated)
                    raise attempts.final_error(error) from error.__cause__
                await self._wait_before_next_attempt(run, number, error)
                if accumulated.count:
                    yield StreamRestart(number + 1, error)
            else:
                self._report_success(run, number, attempt)
                return


class _AttemptIterator:
    """The attempts of one run; the next one is determined while the error of the last is known."""

    def __init__(self, runnable: RetryingRunnable[Any, Any], input: Any) -> None:
        self._runnable = runnable
        self._generate_attempts: Any = runnable._generate_attempts(input)
        self._next: Attempt | None = next(self._generate_attempts, None)
        self._attempt_number = 0
        self._first_error: Exception | None = None
        self._errors = 0

    def __iter__(self) -> Iterator[tuple[int, Attempt]]:
        while self._next is not None:
            attempt, self._next = self._next, None
            self._attempt_number += 1
            yield self._attempt_number, attempt

    def has_next(self, error: Exception) -> bool:
        """Whether there is another attempt after ``error``."""
        self._errors += 1
        self._first_error = self._first_error or error
        # A chain that is too deep, or full memory, will be so again; nested retries would multiply the attempts.
        if isinstance(error, RecursionError | MemoryError) or not self._runnable._is_worth_another_attempt(error):
            self._first_error = error
            return False
        try:
            self._next = self._generate_attempts.send(error)
        except StopIteration:
            return False
        return True

    def final_error(self, last: Exception) -> Exception:
        """The error to raise when no attempt succeeded: the last one, with a note of their number."""
        if self._errors > 1:
            first = f"{type(self._first_error).__name__}: {self._first_error}"
            replace_note(
                last, f"{self._errors}{_ATTEMPTS_FAILED_TEXT}{first}", lambda old: _ATTEMPTS_FAILED_TEXT in old
            )
        return last


_ATTEMPTS_FAILED_TEXT = " attempts failed; the first with "


def _was_cancelled(error: Exception) -> bool:
    """Whether the run was stopped from outside, so that nobody waits for another attempt."""
    scope = current_scope()
    return isinstance(error, Cancelled) or (scope is not None and scope.cancelled)


def _add_partial(error: Exception, accumulated: Accumulator) -> None:
    """Put the chunks so far on an error that has no ``partial`` of its own."""
    if getattr(error, "partial", None) is None:
        error.partial = as_interrupted(accumulated.value())  # type: ignore[attr-defined]  # any exception can carry attributes


def check_types(types: Any, argument: str) -> tuple[type[BaseException], ...]:
    """Check that ``types`` are exception classes."""
    given = types if isinstance(types, tuple | list) else (types,)
    for each in given:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise CompositionError(f"{argument} must hold exception classes, such as (TimeoutError,), not {each!r:.80}")
    return tuple(given)
