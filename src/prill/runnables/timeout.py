"""Time limits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.errors import ConfigError, StreamTimeout
from prill.io import ExecutionMode, Watchdog, closing
from prill.messages.ai import as_interrupted
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.binding import RunnableProxy
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import Stream

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

_NO_LIMIT = float("inf")


class RunnableTimeout(RunnableProxy, Runnable[Input, Output], metaclass=PatchAware):
    """Stops ``bound`` with ``StreamTimeout`` when it exceeds a limit in seconds; made by ``with_timeout``."""

    _equality_fields = ("bound", "first_chunk", "between_chunks", "total", "name")

    first_chunk: float | None
    between_chunks: float | None
    total: float | None

    def __init__(
        self,
        bound: Any,
        first_chunk: float | None = None,
        between_chunks: float | None = None,
        total: float | None = None,
    ) -> None:
        inner = coerce_to_runnable(bound)
        limits = {"first_chunk": first_chunk, "between_chunks": between_chunks, "total": total}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        if not given:
            raise ConfigError(
                f"with_timeout of {inner.get_name()} sets no limit: give first_chunk, between_chunks or total"
            )
        for what, limit in given.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
                raise ConfigError(
                    f"with_timeout of {inner.get_name()}: {what} is a number of seconds over 0, not {limit!r}"
                )
            if total is not None and limit > total:
                raise ConfigError(
                    f"with_timeout of {inner.get_name()}: {what}={limit:g} can never be reached within total={total:g}"
                )
        own = self.__dict__
        own.update(limits)
        own["bound"] = inner

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.bound.get_name(suffix, name=name or self.name)

    def _replace_bound(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return RunnableTimeout(bound, self.first_chunk, self.between_chunks, self.total)

    # It is not a step of its own: observers see the bound Runnable only.

    async def _invoke_body(self, input: Any, run: Run, **kwargs: Any) -> Any:
        started = time.monotonic()
        limit = min(self.first_chunk or _NO_LIMIT, self.total or _NO_LIMIT)
        stopper = run.io.make_interrupter()
        watchdog = Watchdog(stopper)
        entered = stopper.enter()
        try:
            if limit < _NO_LIMIT:
                watchdog.until(started + limit)
            output = await self.bound._step(input, run, **kwargs)
        except BaseException as error:
            if stopper.caused(error):
                raise self._make_timeout_error(limit, Accumulator(), started) from error
            raise
        finally:
            stopper.leave(entered)
            watchdog.close()
            stopper.close()
        if stopper.stopped:
            raise self._make_timeout_error(limit, Accumulator(), started)
        return output

    def _stream_body(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        stream = self.bound._step_flow(inputs, run, **kwargs)
        return stream.through(self._enforce_timeout(stream, run.io))

    async def _enforce_timeout(self, stream: Stream[Any], io: ExecutionMode) -> AsyncIterator[Any]:
        stopper = io.make_interrupter()
        watchdog = Watchdog(stopper)
        accumulated = stream.new_accumulator()
        started = time.monotonic()
        end = started + (self.total or _NO_LIMIT)
        limit = self.first_chunk or _NO_LIMIT
        later = self.between_chunks or _NO_LIMIT
        # In asyncio the timer runs between the steps of this task, so clearing the deadline is enough.
        blocking = io.blocking
        # Called for every chunk.
        get_next, clock = stream.source.__anext__, time.monotonic
        add, enter, leave = accumulated.add, stopper.enter, stopper.leave
        try:
            async with closing(stream.source):
                while True:
                    deadline = clock() + limit
                    if deadline > end:
                        deadline = end
                    watchdog.deadline = deadline
                    if deadline < watchdog.due:
                        watchdog.until(deadline)
                    entered = enter()
                    try:
                        chunk = await get_next()
                    except StopAsyncIteration:
                        return
                    except BaseException as error:
                        if stopper.caused(error):
                            raise self._make_timeout_error(limit, accumulated, started) from error
                        raise
                    finally:
                        watchdog.deadline = None
                        if blocking:
                            leave(entered)
                    if stopper.stopped or clock() >= deadline:
                        raise self._make_timeout_error(limit, accumulated, started)
                    add(chunk)
                    limit = later
                    yield chunk
        finally:
            watchdog.close()
            stopper.close()

    def _make_timeout_error(self, limit: float, accumulated: Accumulator, started: float) -> StreamTimeout:
        if self.total is not None and time.monotonic() - started >= self.total:
            what = f"did not end within {self.total:g} s"
        elif accumulated.count:
            what = f"gave no chunk for {limit:g} s"
        else:
            what = f"gave nothing within {limit:g} s"
        return StreamTimeout(
            f"{self.bound.get_name()} {what}; {accumulated.count} chunks were received",
            chunks_received=accumulated.count,
            partial=as_interrupted(accumulated.value()),
        )

    def __repr__(self) -> str:
        limits = {"first_chunk": self.first_chunk, "between_chunks": self.between_chunks, "total": self.total}
        said = ", ".join(f"{name}={limit:g}" for name, limit in limits.items() if limit is not None)
        return f"{self.bound!r}.with_timeout({said})"
