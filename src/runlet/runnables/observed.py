"""A step while it is watched: told from outside, the body itself knows nothing of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar, Protocol

from runlet.callbacks.run import Run
from runlet.io import close
from runlet.runnables.add import join
from runlet.runnables.streams import Single, Snapshots, like

_END: Any = object()


class Step(Protocol):
    """What is told of a Runnable."""

    _kind: ClassVar[str]

    def get_name(self) -> str: ...
    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any: ...
    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]: ...
    def _labels(self, kwargs: dict[str, Any]) -> tuple[list[str] | None, dict[str, Any] | None]: ...


async def observe_call(step: Step, input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
    """Run ``step._work`` and tell the run's observers."""
    await _start(step, run, input, input, kwargs)
    try:
        output = await step._work(input, run, **kwargs)
    except BaseException as error:
        await _fail(run, error, None)
        raise
    await _tell(run, "on_end", output)
    return output


def observe_flow(step: Step, inputs: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
    """Run ``step._flow`` and tell the run's observers."""
    if isinstance(inputs, Single):
        body = step._flow(inputs, run, **kwargs)
        return like(body, _observe_flow(step, inputs, body, run, kwargs))
    recorded = _Recorded(inputs)
    body = step._flow(Snapshots(recorded) if isinstance(inputs, Snapshots) else recorded, run, **kwargs)
    return like(body, _observe_flow(step, recorded, body, run, kwargs))


async def _observe_flow(
    step: Step, inputs: Single[Any] | _Recorded, body: AsyncIterator[Any], run: Run, kwargs: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    if isinstance(inputs, Single):
        await _start(step, run, inputs.value, inputs.value, kwargs)
    else:
        await inputs.prefetch()
        await _start(step, run, None, None, kwargs)
    observers = run.observers or ()
    replaces = isinstance(body, Snapshots)
    chunks: list[Any] = []
    try:
        async for chunk in body:
            for observer in observers:
                notice = observer.on_chunk(run, chunk)
                if notice is not None:
                    await notice
            if replaces:
                chunks.clear()
            chunks.append(chunk)
            yield chunk
    except BaseException as error:
        await close(body)
        await _fail(run, error, join(chunks) if chunks else None)
        raise
    if not isinstance(inputs, Single):
        run.input = inputs.whole()
    await _tell(run, "on_end", join(chunks) if chunks else None)


async def _start(step: Step, run: Run, known: Any, input: Any, kwargs: dict[str, Any]) -> None:
    run.start(step.get_name(), step._kind, *step._labels(kwargs))
    run.input = input
    await _tell(run, "on_start", known)


async def _fail(run: Run, error: BaseException, partial: Any) -> None:
    # A run that is left, cancelled or interrupted did not fail.
    if isinstance(error, Exception):
        await _tell(run, "on_error", error)
    else:
        await _tell(run, "on_cancel", partial)


async def _tell(run: Run, what: str, *facts: Any) -> None:
    for observer in run.observers or ():
        notice = getattr(observer, what)(run, *facts)
        if notice is not None:
            await notice


class _Recorded:
    """A stream that remembers its chunks, for the end of a run to tell its input."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self._stream = stream
        self._chunks: list[Any] = []
        self._first: Any = None

    def __aiter__(self) -> _Recorded:
        return self

    async def prefetch(self) -> None:
        """Wait for the first chunk: a step begins when its input does, and after the step before it."""
        self._first = [await anext(self._stream, _END)]

    async def __anext__(self) -> Any:
        if self._first is not None:
            (chunk,), self._first = self._first, None
            if chunk is _END:
                raise StopAsyncIteration
        else:
            chunk = await anext(self._stream)
        if isinstance(self._stream, Snapshots):
            self._chunks.clear()
        self._chunks.append(chunk)
        return chunk

    async def aclose(self) -> None:
        await close(self._stream)

    def whole(self) -> Any:
        return join(self._chunks) if self._chunks else None
