"""What flows between steps: streams of one value, of growing values, and how a stream becomes one value."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from types import FrameType
from typing import Any, Generic, Self, TypeVar

from prill.io import close, closing
from prill.runnables.engine.chunks import Accumulator, join
from prill.runnables.engine.error_origin import frame_of

T = TypeVar("T")

NOTHING: Any = object()
"""What ``collect`` returns for a stream that had no chunk."""


class Single(Generic[T]):
    """The stream of one value; a step that needs the whole input takes ``value`` without iterating."""

    __slots__ = ("_given", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self._given = False

    def __aiter__(self) -> Single[T]:
        return self

    async def __anext__(self) -> T:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self.value

    async def aclose(self) -> None:
        self._given = True


class Growth:
    """How the chunks of a stream make a value.

    ``replaces``: each replaces the one before; some streams know it with their first chunk only. ``restarts``: there
    may be markers among them after which the value begins anew. ``holds_restarts``: there may be such markers inside
    of the chunks, as values of dicts.
    """

    __slots__ = ("holds_restarts", "replaces", "restarts")

    def __init__(self, replaces: bool) -> None:
        self.replaces = replaces
        self.restarts = self.holds_restarts = False


_ALWAYS = Growth(True)


class Marked(Generic[T]):
    """A stream, with what is known of it. ``so_far``, where it is known, is the sum of what has come out of it."""

    __slots__ = ("_stream", "aclose", "so_far")

    def __init__(self, stream: Any, so_far: Accumulator | None = None) -> None:
        self._stream = stream
        self.aclose = stream.aclose
        self.so_far = so_far

    @property
    def ag_frame(self) -> FrameType | None:
        return frame_of(self._stream)

    @property
    def ag_running(self) -> bool | None:
        return getattr(self._stream, "ag_running", None)

    @property
    def error(self) -> Exception | None:
        return getattr(self._stream, "error", None)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Any:
        return self._stream.__anext__()


class Snapshots(Marked[T]):
    """A stream in which each chunk replaces the one before, as the growing value of a JSON parser does."""

    __slots__ = ("growth",)

    def __init__(self, stream: Any, growth: Growth = _ALWAYS, so_far: Accumulator | None = None) -> None:
        # As in ``Marked``, without a call: every stream of a function is one.
        self._stream = stream
        self.aclose = stream.aclose
        self.so_far = so_far
        self.growth = growth


class Elements(Marked[T]):
    """A stream of the elements of a list: its value is the list of all."""

    __slots__ = ()


def like(stream: AsyncIterator[Any], made: AsyncIterator[T], so_far: Accumulator | None = None) -> AsyncIterator[T]:
    """``made``, marked as snapshots, or as elements, if ``stream``, which it passes on, is; and with its sum."""
    if isinstance(stream, Elements):
        return Elements(made, so_far)
    if isinstance(stream, Snapshots):
        return Snapshots(made, stream.growth, so_far)
    return made if so_far is None else Marked(made, so_far)


def bare(stream: AsyncIterator[T]) -> AsyncIterator[T]:
    """The stream that was marked, for whoever reads all of it and need not ask it for each chunk through the mark."""
    return stream._stream if type(stream) in _MARKS else stream  # type: ignore[attr-defined]  # it is one of them


_MARKS = frozenset({Marked, Snapshots, Elements})


def sum_of(stream: Any) -> Accumulator | None:
    """The sum of what has come out of a stream, where it is known."""
    return stream.so_far if isinstance(stream, Marked) else None


def replaces(stream: Any) -> bool:
    """Whether each chunk of ``stream`` replaces the one before; certain once a chunk has arrived."""
    return isinstance(stream, Snapshots) and stream.growth.replaces


async def collect(stream: AsyncIterator[Any]) -> Any:
    """The whole of a stream as one value; ``NOTHING`` where it had no chunk."""
    if isinstance(stream, Single):
        return stream.value
    if isinstance(stream, Snapshots):
        chunks: list[Any] = []
        async with closing(stream):
            async for chunk in stream:
                if stream.growth.replaces:
                    chunks.clear()
                chunks.append(chunk)
    else:
        async with closing(stream):
            chunks = [chunk async for chunk in stream]
        if isinstance(stream, Elements):
            return chunks
    return join(chunks) if chunks else NOTHING


async def from_iterable(source: Iterable[T]) -> AsyncGenerator[T, None]:
    """The stream of a plain iterable that does not block for long."""
    iterator = iter(source)
    try:
        for item in iterator:
            yield item
    finally:
        if isinstance(iterator, Iterator) and hasattr(iterator, "close"):
            iterator.close()


async def from_async_iterable(source: Any) -> AsyncGenerator[Any, None]:
    """The stream of any async iterable, closed when it is left."""
    iterator = aiter(source)
    try:
        async for item in iterator:
            yield item
    finally:
        await close(iterator)
