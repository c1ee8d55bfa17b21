"""Many inputs at once, each outcome as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from runlet.callbacks.run import Run
from runlet.io import closing

Enter = Callable[..., Awaitable[Any]]

DEFAULT_WIDTH = 32
"""How many threads ``batch_as_completed`` uses where no ``max_concurrency`` is set; tasks are not bounded."""


async def each_outcome(enter: Enter, input: Any, run: Run, **kwargs: Any) -> Any:
    """The output, or the error in its place. Cancelling and interrupting are no outcomes."""
    try:
        return await enter(input, run, **kwargs)
    except Exception as error:
        return error


async def as_completed(
    enter: Enter, inputs: Sequence[Any], runs: Sequence[Run], return_exceptions: bool, kwargs: dict[str, Any]
) -> AsyncIterator[tuple[int, Any]]:
    """``(index, outcome)`` in the order in which the inputs are done."""
    if not runs:
        return
    io = runs[0].io
    left = iter(enumerate(zip(inputs, runs, strict=True)))
    lock = io.condition()

    async def work() -> AsyncGenerator[tuple[int, Any], None]:
        while True:
            async with lock:
                index, item = next(left, (-1, None))
            if item is None:
                return
            if return_exceptions:
                yield index, await each_outcome(enter, *item, **kwargs)
            else:
                yield index, await enter(*item, **kwargs)

    width = runs[0].said("max_concurrency") or (DEFAULT_WIDTH if io.blocking else len(inputs))
    merged = io.merge([work() for _ in range(min(width, len(inputs)))])
    async with closing(merged):
        async for _, outcome in merged:
            yield outcome
