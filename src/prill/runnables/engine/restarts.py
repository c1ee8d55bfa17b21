"""A stream that starts over: the marker that says so, and how steps take it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from prill.io import Ended, closing
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import Growth, Snapshots, replaces


class _Restarted(Ended):
    """Ends a step's stream from its input's side; not an ``Exception``, so that no user code catches it."""

    def __init__(self, marker: StreamRestart) -> None:
        super().__init__()
        self.marker = marker


def may_restart(stream: Any) -> bool:
    """Whether there may be markers among a stream's chunks."""
    return isinstance(stream, Snapshots) and stream.growth.restarts


def holds_restarts(stream: Any) -> bool:
    """Whether there may be markers inside of a stream's chunks, as values of dicts."""
    return isinstance(stream, Snapshots) and stream.growth.holds_restarts


def restarting(stream: AsyncIterator[Any], growth: Growth, *, holds: bool = True) -> AsyncIterator[Any]:
    """``stream``, which may have markers among its chunks, or inside of them."""
    growth.restarts, growth.holds_restarts = True, holds
    return Snapshots(stream, growth)


def holding(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """``stream``, whose chunks are dicts that may have markers as values."""
    growth = Growth(False)
    growth.holds_restarts = True
    return Snapshots(stream, growth)


def flow_of(step: Any, inputs: AsyncIterator[Any], run: Any, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
    """The stream of a step's body, begun anew whenever its input is."""
    # What waits for its whole input is given the last attempt's alone, and has put nothing out before.
    if not may_restart(inputs) or step._buffers_input or step._kind in WAIT_FOR_INPUT:
        return step._flow(inputs, run, **kwargs)  # type: ignore[no-any-return]  # a step is anything with bodies
    return start_over(lambda attempt: step._flow(attempt, run, **kwargs), inputs)


WAIT_FOR_INPUT = frozenset({"chat_model", "llm", "prompt", "retriever", "tool"})
"""Steps of these kinds do not begin before their whole input is there."""


def start_over(
    flow: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], inputs: AsyncIterator[Any]
) -> AsyncIterator[Any]:
    """The stream of ``flow``, begun anew whenever its input is: so no step need know of markers.

    The state of a step is that of its generator; a new one has none.
    """
    growth = Growth(False)
    return restarting(_start_over(flow, inputs, growth), growth, holds=holds_restarts(inputs))


async def _start_over(
    flow: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], inputs: Any, growth: Growth
) -> AsyncGenerator[Any, None]:
    attempt = _Attempt(inputs)
    async with closing(inputs):
        while True:
            began = False
            stream = flow(attempt)
            try:
                async with closing(stream):
                    growing = isinstance(stream, Snapshots)
                    async for chunk in stream:
                        if growing:
                            growth.replaces = replaces(stream)
                        began = True
                        yield chunk
                return
            except _Restarted as restarted:
                marker = restarted.marker
            if began:
                yield marker


class _Attempt(Snapshots[Any]):
    """A stream up to the next marker, which ends whoever reads it."""

    __slots__ = ("_next",)

    def __init__(self, stream: Snapshots[Any]) -> None:
        super().__init__(stream, _Followed(stream.growth))
        self.aclose = self._leave  # the stream goes on to the next attempt; it is closed by what made this
        self._next = stream.__anext__

    async def __anext__(self) -> Any:
        chunk = await self._next()
        if type(chunk) is StreamRestart:
            raise _Restarted(chunk)
        return chunk

    async def _leave(self) -> None:
        pass


class _Followed(Growth):
    """The growth of one attempt; a stream may learn it with its first chunk only."""

    __slots__ = ("_of",)

    def __init__(self, of: Growth) -> None:
        self._of = of
        self.restarts = False
        self.holds_restarts = of.holds_restarts

    @property
    def replaces(self) -> bool:  # type: ignore[override]  # it is only read
        return self._of.replaces
