"""A stream that starts over: the marker that says so, and how steps take it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from runlet.io import closing
from runlet.runnables.add import StreamRestart
from runlet.runnables.streams import Growth, Snapshots, replaces


class _Restarted(BaseException):
    """Ends a step's stream from its input's side; not an ``Exception``, so that no user code catches it."""

    def __init__(self, marker: StreamRestart) -> None:
        super().__init__()
        self.marker = marker


def may_restart(stream: Any) -> bool:
    """Whether there may be markers among a stream's chunks."""
    return isinstance(stream, Snapshots) and stream.growth.restarts


def restarting(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """``stream``, known to have markers among its chunks."""
    growth = stream.growth if isinstance(stream, Snapshots) else Growth(False)
    growth.restarts = True
    return Snapshots(stream, growth)


def flow_of(step: Any, inputs: AsyncIterator[Any], run: Any, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
    """The stream of a step's body, begun anew whenever its input is."""
    if not may_restart(inputs):
        return step._flow(inputs, run, **kwargs)  # type: ignore[no-any-return]  # a step is anything with bodies
    return start_over(lambda attempt: step._flow(attempt, run, **kwargs), inputs)  # type: ignore[no-any-return]


def start_over(flow: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], inputs: AsyncIterator[Any]) -> Any:
    """The stream of ``flow``, begun anew whenever its input is: so no step need know of markers.

    The state of a step is that of its generator; a new one has none.
    """
    growth = Growth(False)
    growth.restarts = True
    return Snapshots(_start_over(flow, inputs, growth), growth)


async def _start_over(
    flow: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], inputs: AsyncIterator[Any], growth: Growth
) -> AsyncGenerator[Any, None]:
    attempt = _Attempt(inputs)
    async with closing(inputs):
        while True:
            stream = flow(Snapshots(attempt, Growth(replaces(inputs))) if replaces(inputs) else attempt)
            try:
                async with closing(stream):
                    async for chunk in stream:
                        growth.replaces = replaces(stream)
                        yield chunk
                return
            except _Restarted as restarted:
                yield restarted.marker


class _Attempt:
    """A stream up to the next marker, which ends whoever reads it."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self._stream = stream

    def __aiter__(self) -> _Attempt:
        return self

    async def __anext__(self) -> Any:
        chunk = await anext(self._stream)
        if type(chunk) is StreamRestart:
            raise _Restarted(chunk)
        return chunk

    async def aclose(self) -> None:
        """The stream goes on to the next attempt; it is closed by what made this."""
