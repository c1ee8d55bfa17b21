"""Trying again, with the same step or with another: what retries and fallbacks have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from prill.callbacks.run import Run
from prill.errors import Cancelled, CompositionError, ConfigError, carry_path, replace_note
from prill.io import closing
from prill.io.scope import current_scope
from prill.runnables.base import Runnable
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import EMPTY, IN_CHUNKS, NOWHERE, LateRule, SingleValueStream, Stream, collect

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

MidStream = Literal["raise", "restart"]


class Attempt(NamedTuple):
    """One try: what is run, on what, and the tag of its run."""

    step: Runnable[Any, Any]
    input: Any
    tag: str | None = None


class Recovering(Runnable[Input, Output]):
    """A Runnable that tries again when a try fails.

    In streams a failure before the first chunk is not seen. After it, with ``mid_stream="raise"`` the error goes on,
    with what had come as its ``partial``; with ``"restart"`` the stream yields one ``StreamRestart`` and starts over.
    """

    _buffers_input = True

    def __init__(self, mid_stream: MidStream) -> None:
        if mid_stream not in ("raise", "restart"):
            raise ConfigError(f"mid_stream is 'raise' or 'restart', not {mid_stream!r}")
        self.mid_stream = mid_stream
        self.name = None

    def _attempts(self, input: Any) -> Iterator[Attempt]:
        """The tries; after each that failed, the generator is sent its error."""
        raise NotImplementedError

    def _handles(self, error: Exception) -> bool:
        """Whether another try may help."""
        raise NotImplementedError

    async def _pause(self, run: Run, number: int, error: Exception) -> None:
        """Wait before the next try; ``number`` is that of the one that failed."""

    def _answered(self, run: Run, number: int, attempt: Attempt) -> None:
        """Tell of the try that gave the answer."""

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        tries = _Tries(self, input)
        for number, attempt in tries:
            try:
                output = await attempt.step._step(attempt.input, run.child(attempt.tag), **kwargs)
            except Exception as error:
                carry_path(error, attempt.step.get_name(), self.get_name())
                if _stopped(error):
                    raise
                if not tries.goes_on(error):
                    raise tries.verdict(error) from error.__cause__
                await self._pause(run, number, error)
            else:
                self._answered(run, number, attempt)
                return output
        raise AssertionError("a last try either answers or raises")

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        rule = LateRule()
        restarts = IN_CHUNKS if self._may_restart() else NOWHERE
        return Stream(self._try_each(inputs, run, rule, kwargs), rule, restarts)

    async def _try_each(
        self, inputs: Stream[Any], run: Run, rule: LateRule, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        tries = _Tries(self, input)
        for number, attempt in tries:
            stream = attempt.step._step_flow(SingleValueStream(attempt.input), run.child(attempt.tag), **kwargs)
            rule.follow(stream)
            so_far = stream.new_accumulator()
            add = so_far.add
            try:
                async with closing(stream.source) as source:
                    async for chunk in source:
                        add(chunk)
                        yield chunk
            except Exception as error:
                carry_path(error, attempt.step.get_name(), self.get_name())
                if _stopped(error):
                    raise
                if so_far.count and self.mid_stream == "raise":
                    _carry(error, so_far)
                    raise
                if not tries.goes_on(error):
                    if so_far.count:
                        _carry(error, so_far)
                    raise tries.verdict(error) from error.__cause__
                await self._pause(run, number, error)
                if so_far.count:
                    yield StreamRestart(number + 1, error)
            else:
                self._answered(run, number, attempt)
                return


class _Tries:
    """The tries of one run, the next one found out before the last one's error is forgotten."""

    def __init__(self, recovering: Recovering[Any, Any], input: Any) -> None:
        self._recovering = recovering
        self._attempts: Any = recovering._attempts(input)
        self._next: Attempt | None = next(self._attempts, None)
        self._number = 0
        self._first: Exception | None = None
        self._errors = 0

    def __iter__(self) -> Iterator[tuple[int, Attempt]]:
        while self._next is not None:
            attempt, self._next = self._next, None
            self._number += 1
            yield self._number, attempt

    def goes_on(self, error: Exception) -> bool:
        """Whether there is another try after ``error``."""
        self._errors += 1
        self._first = self._first or error
        # A chain that is too deep, or a machine that is full, is so the next time; nested, the tries would multiply.
        if isinstance(error, RecursionError | MemoryError) or not self._recovering._handles(error):
            self._first = error
            return False
        try:
            self._next = self._attempts.send(error)
        except StopIteration:
            return False
        return True

    def verdict(self, last: Exception) -> Exception:
        """The error to raise when no try answered: the last one, which knows how many there were."""
        if self._errors > 1:
            first = f"{type(self._first).__name__}: {self._first}"
            replace_note(last, f"{self._errors}{_FAILED}{first}", lambda old: _FAILED in old)
        return last


_FAILED = " attempts failed; the first with "


def _stopped(error: Exception) -> bool:
    """Whether the run was stopped from outside: then nobody waits for another try."""
    scope = current_scope()
    return isinstance(error, Cancelled) or (scope is not None and scope.cancelled)


def _carry(error: Exception, so_far: Accumulator) -> None:
    """Let an error carry what had come, if it does not know it better."""
    if getattr(error, "partial", None) is None:
        error.partial = so_far.value()  # type: ignore[attr-defined]  # any exception can carry attributes


def check_types(types: Any, argument: str) -> tuple[type[BaseException], ...]:
    """Refuse what is no exception class."""
    given = types if isinstance(types, tuple | list) else (types,)
    for each in given:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise CompositionError(f"{argument} holds exception classes, such as (TimeoutError,); not {each!r:.80}")
    return tuple(given)
