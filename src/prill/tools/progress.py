"""A generator function that is a tool: what it yields is progress, what it returns or yields last is the result."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from prill.callbacks.run import Run, inside
from prill.io import closing

_END: Any = object()


def is_generator(function: Any) -> bool:
    """Whether calling ``function`` gives a generator, of either colour."""
    return _is_generator(_innermost(function))


@lru_cache(maxsize=1024)
def _is_generator(function: Any) -> bool:
    call = _get_code(function)
    return inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)


class Progress:
    """One run of a generator function: ``chunks`` first, then ``result``."""

    def __init__(self, function: Callable[[], Any], run: Run) -> None:
        self._function = function
        self._run = run
        self.result: Any = None

    async def chunks(self) -> AsyncGenerator[Any, None]:
        """What the generator yields, one at a time."""
        async with closing(self._source()) as source:
            while True:
                try:
                    with inside(self._run):
                        chunk = await source.__anext__()
                except StopAsyncIteration:
                    return
                yield chunk

    def _source(self) -> AsyncIterator[Any]:
        io = self._run.io
        if inspect.isasyncgenfunction(_get_code(_innermost(self._function))):
            return self._settled()
        return io.pull(self._returning)

    async def _settled(self) -> AsyncGenerator[Any, None]:
        source = self._function()
        try:
            while (chunk := await self._run.io.await_on_loop(_get_next(source))) is not _END:
                self.result = chunk
                yield chunk
        finally:
            await self._run.io.await_on_loop(source.aclose())

    def _returning(self) -> Iterator[Any]:
        last = returned = None
        generator = self._function()
        try:
            while True:
                try:
                    last = next(generator)
                except StopIteration as end:
                    returned = end.value
                    break
                yield last
        finally:
            generator.close()
        self.result = last if returned is None else returned


async def _get_next(source: AsyncIterator[Any]) -> Any:
    # An event loop of a blocking run takes coroutines, and what ``__anext__`` gives may be none.
    try:
        return await source.__anext__()
    except StopAsyncIteration:
        return _END


def _innermost(function: Any) -> Any:
    while True:
        if isinstance(function, partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            return getattr(function, "__func__", function)


def _get_code(function: Any) -> Any:
    return function if inspect.isroutine(function) else type(function).__call__
