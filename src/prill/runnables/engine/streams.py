"""Streams between steps: a source of plain chunks, and how the chunks make one value."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from enum import Enum
from types import AsyncGeneratorType, FrameType
from typing import Any, Generic, Self, TypeVar

from prill.callbacks.run import Run, inside
from prill.io import close
from prill.runnables.engine.accumulator import Accumulator
from prill.runnables.engine.chunks import StreamRestart, after_last_restart, join

T = TypeVar("T")

EMPTY: Any = object()
"""The value of a stream without chunks."""


class Combine(Enum):
    """How the chunks of a stream make its value."""

    ADD = "add"
    """The value is their sum."""
    REPLACE = "replace"
    """Each chunk is the whole value so far, such as the growing object of a JSON parser."""
    COLLECT = "collect"
    """The value is the list of the chunks."""
    AS_INPUT = "as input"
    """Only for steps: the output combines as the input does."""

    rule: Combine
    """Itself: so that a rule need not be asked whether it is a late one."""

    def __init__(self, value: str) -> None:
        self.rule = self


ADD, REPLACE, COLLECT, AS_INPUT = Combine.ADD, Combine.REPLACE, Combine.COLLECT, Combine.AS_INPUT


class Restarts(Enum):
    """Where a ``StreamRestart`` may be."""

    NOWHERE = "nowhere"
    IN_VALUES = "in values"
    """Among the values of chunks that are dicts."""
    IN_CHUNKS = "in chunks"
    """Among the chunks, or among their values."""


NOWHERE, IN_VALUES, IN_CHUNKS = Restarts.NOWHERE, Restarts.IN_VALUES, Restarts.IN_CHUNKS


class LateRule:
    """A rule that is known with the first chunk only: until then chunks add up.

    A step that chooses another step while it runs makes one, and lets it follow the stream of the chosen step.
    """

    rule: Rule = ADD

    def follow(self, stream: Stream[Any]) -> None:
        """From now on combine as ``stream`` does."""
        self.rule = stream.rule


Rule = Combine | LateRule


def resolve(rule: Rule) -> Combine:
    """How chunks combine by ``rule`` at this moment."""
    while (inner := rule.rule) is not rule:
        rule = inner
    return rule  # type: ignore[return-value]  # only a Combine is its own rule


class Stream(Generic[T]):
    """The chunks of ``source``, with the rule by which they make one value.

    ``restarts`` says where markers of a new attempt may be. ``accumulated`` is the sum of the chunks that have come out
    so far, where somebody keeps it. Iterating costs no more than iterating ``source``.
    """

    __slots__ = ("accumulated", "aclose", "restarts", "rule", "source")
    source: AsyncIterator[T]

    def __init__(
        self,
        source: AsyncIterator[T],
        rule: Rule = ADD,
        restarts: Restarts = NOWHERE,
        accumulated: Accumulator | None = None,
    ) -> None:
        self.source = source
        self.rule = rule
        self.restarts = restarts
        self.accumulated = accumulated
        self.aclose: Any = getattr(source, "aclose", None)

    @property
    def combine(self) -> Combine:
        """How the chunks combine; certain once the first has arrived."""
        return resolve(self.rule)

    @property
    def ag_running(self) -> bool | None:
        return getattr(self.source, "ag_running", None)

    def through(self, source: AsyncIterator[T]) -> Stream[T]:
        """The same stream, when ``source`` hands its chunks on."""
        return Stream(source, self.rule, self.restarts, self.accumulated)

    def new_accumulator(self) -> Accumulator:
        """An accumulator that combines chunks by the rule of this stream."""
        return new_accumulator(self.rule)

    def __aiter__(self) -> AsyncIterator[T]:
        return self.source.__aiter__()

    def __anext__(self) -> Any:
        return self.source.__anext__()


class SingleValueStream(Stream[T]):
    """The stream of one value; a step that needs the whole input takes ``value`` without iterating."""

    __slots__ = ("_is_consumed", "value")

    rule = ADD
    restarts = NOWHERE
    accumulated = None
    ag_running = None

    def __init__(self, value: T) -> None:
        self.value = value
        self._is_consumed = False

    @property
    def source(self) -> Self:  # type: ignore[override]  # it is its own source, without a cycle
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._is_consumed:
            raise StopAsyncIteration
        self._is_consumed = True
        return self.value

    async def aclose(self) -> None:
        self._is_consumed = True


class _RuleAccumulator(Accumulator):
    """Combines chunks by a rule other than ``ADD``, which may be known with the first chunk only."""

    __slots__ = ("_combine_rule",)

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self._combine_rule = rule

    def add(self, chunk: Any) -> None:
        combine = resolve(self._combine_rule)
        if combine is REPLACE:
            self.clear()
        elif combine is COLLECT and type(chunk) is not StreamRestart:
            chunk = [chunk]
        super().add(chunk)


def new_accumulator(rule: Rule) -> Accumulator:
    """An accumulator that combines chunks by ``rule``."""
    return Accumulator() if rule is ADD else _RuleAccumulator(rule)


async def collect(stream: Stream[Any]) -> Any:
    """The value of a stream, which is read to its end and closed; ``EMPTY`` where it has no chunk."""
    if type(stream) is SingleValueStream:
        return stream.value
    source, rule = stream.source, stream.rule
    chunks: list[Any] = []
    try:
        if rule is ADD:
            chunks = [chunk async for chunk in source]
        else:
            async for chunk in source:
                # Most rules are known here, without a call.
                if (rule.rule if type(rule.rule) is Combine else resolve(rule)) is REPLACE:
                    chunks.clear()
                chunks.append(chunk)
    except BaseException:
        await close(source)
        raise
    if type(source) is not AsyncGeneratorType:  # a generator that has ended is closed
        await close(source)
    if stream.restarts is IN_CHUNKS and StreamRestart in map(type, chunks):
        chunks = after_last_restart(chunks)
    if rule is not ADD and rule.rule is not ADD and resolve(rule) is COLLECT:
        return chunks
    if len(chunks) == 1:
        return chunks[0]
    return join(chunks) if chunks else EMPTY


async def from_iterable(source: Iterable[T]) -> AsyncGenerator[T, None]:
    """Iterate a plain iterable that does not block for long."""
    iterator = iter(source)
    try:
        for item in iterator:
            yield item
    finally:
        if isinstance(iterator, Iterator) and hasattr(iterator, "close"):
            iterator.close()


async def from_async_iterable(source: Any) -> AsyncGenerator[Any, None]:
    """Iterate any async iterable, and close it in the end."""
    iterator = aiter(source)
    try:
        async for item in iterator:
            yield item
    finally:
        await close(iterator)


def each_inside(run: Run, source: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """``source``, asked for each chunk with ``run`` as the current run, but never while the consumer has the chunk.

    It is for the streams of users: the verbs that such a stream calls join the run.
    """
    return source if run.plain else StreamInContext(run, source)


class StreamInContext:
    """A stream that is asked for each chunk with ``run`` as the current run.

    Not a generator, because an event loop keeps a list of those, which costs something for each call of a model.
    """

    __slots__ = ("_next", "_source", "_within", "aclose")

    def __init__(self, run: Run, source: AsyncIterator[Any]) -> None:
        self._within = inside(run)
        self._source = source
        self._next = source.__anext__
        self.aclose: Any = getattr(source, "aclose", None)

    @property
    def ag_running(self) -> bool | None:
        return getattr(self._source, "ag_running", None)

    def __aiter__(self) -> StreamInContext:
        return self

    async def __anext__(self) -> Any:
        with self._within:
            return await self._next()


def get_frame(stream: Stream[Any]) -> FrameType | None:
    """The frame in which the generator of a stream runs; ``None`` for any other source."""
    return getattr(stream.source, "ag_frame", None)


def passed_through(stream: Stream[Any], frame: FrameType | None, error: BaseException) -> bool:
    """Whether the error came out of ``stream``; ``frame`` is its ``get_frame`` before it started.

    All readers of a shared stream raise the same error, and its traceback is that of the last. They have it as
    ``error``.
    """
    if frame is not None and frame in _get_traceback_frames(error):
        return True
    return getattr(stream.source, "error", None) is error


def find_step(error: BaseException, frames: Sequence[FrameType | None]) -> int:
    """The index of the first of ``frames`` that the error passed through; the last index if it passed through none."""
    passed = _get_traceback_frames(error)
    return next((index for index, frame in enumerate(frames) if frame in passed), len(frames) - 1)


def _get_traceback_frames(error: BaseException) -> set[FrameType]:
    frames = set()
    traceback = error.__traceback__
    while traceback is not None:
        frames.add(traceback.tb_frame)
        traceback = traceback.tb_next
    return frames
