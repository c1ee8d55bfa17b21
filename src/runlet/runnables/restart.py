"""A stream that starts over: the marker that says so, and how steps take it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from runlet.io import closing
from runlet.runnables.streams import Growth, Snapshots, replaces


class StreamRestart:
    """A chunk that takes back all before it: what follows is a new attempt's.

    ``attempt`` is the number of the attempt that begins, 2 or more; ``error`` is what ended the one before. Added to
    chunks it leaves nothing of them, so that a stream's sum is the last attempt's alone. It comes only out of
    ``with_retry`` and ``with_fallbacks`` with ``mid_stream="restart"``.
    """

    def __init__(self, attempt: int, error: Exception) -> None:
        self.attempt = attempt
        self.error = error

    def __add__(self, other: Any) -> Any:
        return other

    def __radd__(self, other: Any) -> StreamRestart:
        return self

    def __repr__(self) -> str:
        return f"StreamRestart(attempt={self.attempt}, error={self.error!r:.80})"


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
