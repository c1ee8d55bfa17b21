"""Where the streams of steps are made: a step is given chunks that it can read, and knows nothing of restarts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from types import FrameType
from typing import Any

from prill.io import StreamEnded, closing
from prill.runnables.engine.chunks import StreamRestart
from prill.runnables.engine.streams import ADD, AS_INPUT, IN_CHUNKS, IN_VALUES, NOWHERE, Combine, LateRule, Stream

Flow = Callable[[Stream[Any]], AsyncIterator[Any]]
"""Makes the chunks of a step's output from its input."""


def open_stream(step: Any, inputs: Stream[Any], run: Any, kwargs: dict[str, Any]) -> Stream[Any]:
    """The stream of a step's body."""
    if step._buffers_input or (inputs.rule is ADD and inputs.restarts is not IN_CHUNKS):
        made = step._flow(inputs, run, **kwargs)
        if isinstance(made, Stream):
            return made
        combine = step._combine
        if combine is not AS_INPUT:
            return Stream(made, combine)
        return Stream(made, ADD, NOWHERE if step._buffers_input else inputs.restarts)
    return adapt_input(partial(step._flow, run=run, **kwargs), step._combine, inputs)


def adapt_input(flow: Flow, combine: Combine, inputs: Stream[Any]) -> Stream[Any]:
    """The stream of ``flow``, which is started again whenever its input restarts.

    A flow with a rule of its own reads pieces that add up: of chunks that do not it is given the whole value alone.
    """
    if inputs.restarts is IN_CHUNKS:
        rule = LateRule()
        return Stream(_restart_step_stream(partial(adapt_input, flow, combine), inputs, rule), rule, IN_CHUNKS)
    if combine is not AS_INPUT and inputs.rule is not ADD:
        inputs = Stream(_iterate_addable_chunks(inputs))
    made = flow(inputs)
    if isinstance(made, Stream):
        return made
    return Stream(made, inputs.rule, inputs.restarts) if combine is AS_INPUT else Stream(made, combine)


async def _iterate_addable_chunks(inputs: Stream[Any]) -> AsyncGenerator[Any, None]:
    """The chunks of ``inputs`` as they come if they add up; else their value, at the end."""
    accumulated = None
    async with closing(inputs.source) as source:
        async for chunk in source:
            if inputs.combine is ADD:
                yield chunk
            else:
                accumulated = accumulated or inputs.new_accumulator()
                accumulated.add(chunk)
    if accumulated is not None:
        yield accumulated.value()


class _StreamRestarted(StreamEnded):
    """Ends the stream of a step from its input's side; not an ``Exception``, so that no user code catches it."""

    def __init__(self, marker: StreamRestart) -> None:
        super().__init__()
        self.marker = marker


async def _restart_step_stream(
    open_attempt: Callable[[Stream[Any]], Stream[Any]], inputs: Stream[Any], rule: LateRule
) -> AsyncGenerator[Any, None]:
    """The chunks of the step's stream, and a marker wherever that stream is opened again.

    The state of a step is that of its generator, so a new one starts without any.
    """
    attempt = Stream(_StreamAttempt(inputs.source), inputs.rule, IN_VALUES)
    async with closing(inputs.source):
        while True:
            has_started = False
            stream = open_attempt(attempt)
            rule.follow(stream)
            try:
                async with closing(stream.source) as source:
                    async for chunk in source:
                        has_started = True
                        yield chunk
                return
            except _StreamRestarted as restarted:
                marker = restarted.marker
            if has_started:
                yield marker


class _StreamAttempt:
    """The chunks up to the next marker, which ends the stream of the step that reads them."""

    __slots__ = ("_next", "_source")

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source
        self._next = source.__anext__

    @property
    def ag_frame(self) -> FrameType | None:
        return getattr(self._source, "ag_frame", None)

    @property
    def error(self) -> BaseException | None:
        return getattr(self._source, "error", None)

    def __aiter__(self) -> _StreamAttempt:
        return self

    async def __anext__(self) -> Any:
        chunk = await self._next()
        if type(chunk) is StreamRestart:
            raise _StreamRestarted(chunk)
        return chunk

    async def aclose(self) -> None:
        """The source goes on to the next attempt, so ``_restart_step_stream`` closes it."""
