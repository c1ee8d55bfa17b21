"""A generator function as a step: a stream in, a stream out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Concatenate, Literal, TypeVar, overload

from prill.callbacks.run import Run, inside
from prill.errors import AsyncRequiredError, CompositionError
from prill.io import SUSPENDED, closing
from prill.runnables.base import Runnable
from prill.runnables.engine.chunks import join
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.signature import extras_for, is_async, is_generator, name_of, wanted_extras
from prill.runnables.engine.streams import Single
from prill.runnables.structure import Streaming

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class RunnableGenerator(Runnable[Input, Output], metaclass=PatchAware):
    """A generator function that is given the input as an iterator and yields the output piece by piece.

    In a chain the function itself stands for it. ``transform`` is a plain or an async generator function; with
    ``atransform`` beside it, each colour uses its own. An async one also works in blocking code as long as all that
    it awaits is its input; a plain one in an asyncio run is pulled from a worker thread.
    """

    _equality_fields = ("_plain", "_async")

    @overload
    def __init__(
        self: RunnableGenerator[In, Out],
        transform: Callable[Concatenate[Iterator[In], ...], Iterator[Out]],
        atransform: Callable[..., AsyncIterator[Out]] | None = None,
        *,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableGenerator[In, Out],
        transform: Callable[Concatenate[AsyncIterator[In], ...], AsyncIterator[Out]],
        atransform: None = None,
        *,
        name: str | None = None,
    ) -> None: ...
    def __init__(
        self,
        transform: Callable[..., Any],
        atransform: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        for given in (transform, atransform):
            if given is not None and not is_generator(given):
                raise CompositionError(
                    f"a RunnableGenerator is made of a generator function (one that yields), not {given!r:.80}"
                )
        given_async = transform if is_async(transform) else atransform
        self._plain: Callable[..., Any] | None = None if is_async(transform) else transform
        self._async: Callable[..., Any] | None = given_async
        self.name = name or name_of(transform)
        self._wants = {each is given_async: wanted_extras(each) for each in (self._plain, given_async) if each}

    def _may_restart(self) -> bool:
        return False

    def _io_type(self, side: Literal["input", "output"]) -> Any:
        return self._annotation(self._plain or self._async, side, yields=True)

    def _streaming(self) -> Streaming:
        return Streaming("streams", True, "a generator is given the chunks, and yields its own")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        chunks = [chunk async for chunk in self._flow(Single(input), run, **kwargs)]
        return join(chunks) if chunks else None

    async def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        blocking = run.io.blocking
        function = (self._plain or self._async) if blocking else (self._async or self._plain)
        assert function is not None  # one of the two was given
        if wants := self._wants[function is self._async]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self._async)
        source: AsyncIterator[Any]
        async with closing(inputs):
            with inside(run):  # a worker thread's context is a copy of this one
                if function is self._async:
                    source = function(inputs, **kwargs)
                else:
                    given = run.io.iterate(inputs)
                    source = run.io.pull(lambda: iter(function(given, **kwargs)))
            async with closing(source):
                while True:
                    try:
                        with inside(run):
                            chunk = await source.__anext__()
                    except StopAsyncIteration:
                        break
                    except RuntimeError as error:
                        if blocking and "no running event loop" in str(error):
                            raise AsyncRequiredError(f"in {self.get_name()}, {SUSPENDED}") from error
                        raise
                    yield chunk

    def __repr__(self) -> str:
        return f"RunnableGenerator({self.name or 'lambda'})"
