"""Limits in time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.errors import ConfigError, StreamTimeout
from prill.io import Colour, Watchdog, closing
from prill.messages.ai import as_interrupted
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.binding import RunnableProxy
from prill.runnables.engine.chunks import Accumulator
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import Snapshots, bare, like, replaces

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

_NEVER = float("inf")


class RunnableTimeout(RunnableProxy, Runnable[Input, Output], metaclass=PatchAware):
    """``bound``, ended with ``StreamTimeout`` after so many seconds; made by ``with_timeout``."""

    _equality_fields = ("bound", "first_chunk", "between_chunks", "total", "name")

    def __init__(
        self,
        bound: Any,
        first_chunk: float | None = None,
        between_chunks: float | None = None,
        total: float | None = None,
    ) -> None:
        inner = coerce_to_runnable(bound)
        self.first_chunk, self.between_chunks, self.total = first_chunk, between_chunks, total
        self.name = None
        limits = {"first_chunk": first_chunk, "between_chunks": between_chunks, "total": total}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        name = inner.get_name()
        if not given:
            raise ConfigError(f"with_timeout of {name} sets no limit: give first_chunk, between_chunks or total")
        for what, limit in given.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
                raise ConfigError(f"with_timeout of {name}: {what} is a number of seconds over 0, not {limit!r}")
            if total is not None and limit > total:
                raise ConfigError(
                    f"with_timeout of {name}: {what}={limit:g} can never be reached within total={total:g}"
                )
        self.bound = inner

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.bound.get_name(suffix, name=name or self.name)

    def _rewrap(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        return RunnableTimeout(bound, self.first_chunk, self.between_chunks, self.total)

    # It is no step of its own: observers see the bound Runnable alone.

    async def _enter(self, input: Any, run: Run, **kwargs: Any) -> Any:
        begun = time.monotonic()
        limit = min(self.first_chunk or _NEVER, self.total or _NEVER)
        stopper = run.io.stopper()
        watchdog = Watchdog(stopper)
        entered = stopper.enter()
        try:
            if limit < _NEVER:
                watchdog.until(begun + limit)
            output = await self.bound._step(input, run, **kwargs)
        except BaseException as error:
            if stopper.caused(error):
                raise self._too_late(limit, Accumulator(), begun) from error
            raise
        finally:
            stopper.leave(entered)
            watchdog.close()
            stopper.close()
        if stopper.stopped:
            raise self._too_late(limit, Accumulator(), begun)
        return output

    def _enter_flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        stream = self.bound._step_flow(inputs, run, **kwargs)
        return like(stream, self._watch(stream, run.io))

    async def _watch(self, stream: AsyncIterator[Any], io: Colour) -> AsyncIterator[Any]:
        stopper = io.stopper()
        watchdog = Watchdog(stopper)
        so_far = Accumulator()
        growing = isinstance(stream, Snapshots)
        begun = time.monotonic()
        end = begun + (self.total or _NEVER)
        limit = self.first_chunk or _NEVER
        later = self.between_chunks or _NEVER
        # In asyncio the timer runs between the steps of this task: that there is no deadline is enough for it.
        blocking = io.blocking
        # Called for every chunk.
        following, clock = bare(stream).__anext__, time.monotonic
        add, enter, leave = so_far.add, stopper.enter, stopper.leave
        try:
            async with closing(stream):
                while True:
                    deadline = clock() + limit
                    if deadline > end:
                        deadline = end
                    watchdog.deadline = deadline
                    if deadline < watchdog.due:
                        watchdog.until(deadline)
                    entered = enter()
                    try:
                        chunk = await following()
                    except StopAsyncIteration:
                        return
                    except BaseException as error:
                        if stopper.caused(error):
                            raise self._too_late(limit, so_far, begun) from error
                        raise
                    finally:
                        watchdog.deadline = None
                        if blocking:
                            leave(entered)
                    if stopper.stopped or clock() >= deadline:
                        raise self._too_late(limit, so_far, begun)
                    if growing and replaces(stream):
                        so_far.clear()
                    add(chunk)
                    limit = later
                    yield chunk
        finally:
            watchdog.close()
            stopper.close()

    def _too_late(self, limit: float, so_far: Accumulator, begun: float) -> StreamTimeout:
        if self.total is not None and time.monotonic() - begun >= self.total:
            what = f"did not end within {self.total:g} s"
        elif so_far.count:
            what = f"gave no chunk for {limit:g} s"
        else:
            what = f"gave nothing within {limit:g} s"
        return StreamTimeout(
            f"{self.bound.get_name()} {what}; {so_far.count} chunks had come",
            chunks_received=so_far.count,
            partial=as_interrupted(so_far.value()),
        )

    def __repr__(self) -> str:
        limits = {"first_chunk": self.first_chunk, "between_chunks": self.between_chunks, "total": self.total}
        said = ", ".join(f"{name}={limit:g}" for name, limit in limits.items() if limit is not None)
        return f"{self.bound!r}.with_timeout({said})"
