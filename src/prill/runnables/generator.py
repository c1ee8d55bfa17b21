"""A generator function as a step: a stream in, a stream out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Concatenate, Literal, TypeVar, overload

from prill.callbacks.run import Run, inside
from prill.errors import AsyncRequiredError, CompositionError, ConfigError
from prill.io import ASYNC_REQUIRED, closing
from prill.runnables.base import Runnable
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.signature import extras_for, get_function_name, is_async, is_generator, wanted_extras
from prill.runnables.engine.streams import ADD, AS_INPUT, EMPTY, Combine, SingleValueStream, Stream, collect
from prill.runnables.structure import Streaming

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class RunnableGenerator(Runnable[Input, Output], metaclass=PatchAware):
    """A generator function that takes the input as an iterator and yields the output in chunks.

    In a chain the function itself stands for it. ``transform`` is a plain or an async generator function; with
    ``atransform`` as well, each colour uses its own. An async one also works in blocking code as long as it awaits
    nothing but its input; a plain one in an asyncio run is iterated in a worker thread.

    ``combine`` says how the chunks that it yields make the whole output. ``"as input"``, the default: as those of the
    input do, so over the growing value of a JSON parser each chunk replaces the one before. ``"add"``: the output is
    their sum; ``"replace"``: the last one; ``"collect"``: the list of them.

    >>> def words(chunks):
    ...     for chunk in chunks:
    ...         yield from chunk.split()
    >>> RunnableGenerator(words, combine="collect").invoke("a b")
    ['a', 'b']
    """

    _equality_fields = ("_plain", "_async", "combine")

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
        combine: Literal["as input", "add", "replace", "collect"] = "as input",
    ) -> None:
        for given in (transform, atransform):
            if given is not None and not is_generator(given):
                raise CompositionError(
                    f"a RunnableGenerator is made of a generator function (one that yields), not {given!r:.80}"
                )
        if combine not in {each.value for each in Combine}:
            raise ConfigError(f"combine is 'as input', 'add', 'replace' or 'collect', not {combine!r}")
        self.combine = Combine(combine)
        given_async = transform if is_async(transform) else atransform
        self._plain: Callable[..., Any] | None = None if is_async(transform) else transform
        self._async: Callable[..., Any] | None = given_async
        self.name = name or get_function_name(transform)
        self._injected_names = {each is given_async: wanted_extras(each) for each in (self._plain, given_async) if each}

    def _may_restart_stream(self) -> bool:
        return False

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return self._annotation(self._plain or self._async, side, yields=True)

    def _describe_streaming(self) -> Streaming:
        return Streaming("streams", True, "a generator is given the chunks, and yields its own")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        chunks = self._iterate_user_generator(SingleValueStream(input), run, kwargs)
        output = await collect(Stream(chunks, ADD if self.combine is AS_INPUT else self.combine))
        return None if output is EMPTY else output

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        chunks = self._iterate_user_generator(inputs, run, kwargs)
        return chunks if self.combine is AS_INPUT else Stream(chunks, self.combine)

    async def _iterate_user_generator(
        self, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        source = inputs.source
        blocking = run.io.blocking
        function = (self._plain or self._async) if blocking else (self._async or self._plain)
        assert function is not None  # one of the two was given
        if wants := self._injected_names[function is self._async]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self._async)
        chunks: AsyncIterator[Any]
        within = inside(run)
        async with closing(source):
            with within:  # a worker thread's context is a copy of this one
                if function is self._async:
                    chunks = function(source, **kwargs)
                else:
                    iterator = run.io.iterate(source)
                    chunks = run.io.pull(lambda: iter(function(iterator, **kwargs)))
            async with closing(chunks):
                get_next = chunks.__anext__
                while True:
                    try:
                        with within:
                            chunk = await get_next()
                    except StopAsyncIteration:
                        break
                    except RuntimeError as error:
                        if blocking and "no running event loop" in str(error):
                            raise AsyncRequiredError(f"in {self.get_name()}, {ASYNC_REQUIRED}") from error
                        raise
                    yield chunk

    def __repr__(self) -> str:
        return f"RunnableGenerator({self.name or 'lambda'})"
