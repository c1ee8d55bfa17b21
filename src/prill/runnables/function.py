"""A function as a step."""

from __future__ import annotations

import inspect
import operator
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, Concatenate, Literal, TypeVar, overload

from prill.callbacks.config import DEFAULT_RECURSION_LIMIT, Config
from prill.callbacks.run import Run, inside
from prill.errors import AsyncRequiredError, CompositionError, RecursionLimitError
from prill.io import closing
from prill.runnables.base import Runnable
from prill.runnables.engine.chunks import join
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.restarts import restarting
from prill.runnables.engine.signature import extras_for, is_async, is_generator, name_of, wanted_extras
from prill.runnables.engine.streams import NOTHING, Growth, Single, collect, replaces
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class RunnableLambda(Runnable[Input, Output], metaclass=PatchAware):
    """A function as a step: it is given the whole input and returns the output.

    ``func`` is a plain or an async function; with ``afunc`` beside it, each colour uses its own. A plain function in
    an asyncio run goes to a worker thread. A function that returns a Runnable has it run on the same input, up to
    ``recursion_limit`` deep; one that yields puts out each item as a chunk. Parameters called ``config`` or
    ``callbacks`` are filled with those of the run; what the function starts joins the run without them too.
    """

    _equality_fields = ("func", "afunc")

    _buffers_input = True

    # Overlapping: every callable is one that returns something.
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], Coroutine[Any, Any, Out]],
        afunc: None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], Generator[Out, Any, Any]],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], Iterator[Out]],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], AsyncIterator[Out]],
        afunc: None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], Runnable[In, Out]],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableLambda[In, Out],
        func: Callable[Concatenate[In, ...], Out],
        afunc: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None: ...
    def __init__(
        self, func: Callable[..., Any], afunc: Callable[..., Any] | None = None, name: str | None = None
    ) -> None:
        for given in (func, afunc):
            if given is not None and not callable(given):
                raise CompositionError(f"a RunnableLambda needs a function, not {given!r:.80}")
        if afunc is not None and not is_async(afunc):
            raise CompositionError(f"afunc is an async function; {name_of(afunc)} is a plain one: give it as func")
        self.func: Callable[..., Any] | None = None if is_async(func) else func
        self.afunc: Callable[..., Any] | None = func if is_async(func) else afunc
        self.name = name or name_of(func)
        # Keyed by sync/async because callable objects may be unhashable.
        forms = {key: form for key, form in ((False, self.func), (True, self.afunc)) if form is not None}
        self._wants = {key: wanted_extras(form) for key, form in forms.items()}
        self._yields = {key for key, form in forms.items() if is_generator(form)}

    def _function(self, run: Run) -> Callable[..., Any]:
        function = self.func if run.io.blocking else self.afunc or self.func
        if function is None:
            raise AsyncRequiredError(
                f"{self.get_name()} is an async function and was run by a blocking verb. Use ainvoke, astream or "
                f"abatch, or give it a plain form beside it: RunnableLambda(plain, afunc={self.get_name()})"
            )
        return function

    def _children(self) -> list[tuple[str, Runnable[Any, Any]]]:
        return [child for function in (self.func, self.afunc) if function for child in _runnables_used_by(function)]

    def _graph_structure(self, config: Config | None) -> Structure:
        parts = [Part(child, condition="may run") for _, child in self._children()]
        return Structure("choice", parts) if parts else Structure()

    def _io_type(self, side: Literal["input", "output"]) -> Any:
        return self._annotation(self.afunc or self.func, side, yields=bool(self._yields))

    def _streaming(self) -> Streaming:
        if self._yields:
            return Streaming("buffers", True, "the function is given the whole input; it yields its output in chunks")
        if isinstance(self.func, operator.itemgetter):
            why = "itemgetter is a plain function, which is given the whole input"
            return Streaming("buffers", False, why, "use RunnablePick or .pick(…), which pass chunks on")
        if self._children():
            why = "a function is given the whole input; a Runnable that it returns is streamed"
            return Streaming("buffers", True, why)
        why = "a plain function is given the whole input, and returns the whole output"
        return Streaming("buffers", False, why, "make it a generator: def f(chunks): for chunk in chunks: yield …")

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        function = self._function(run)
        if (function is self.afunc) in self._yields:
            chunks = [chunk async for chunk in self._items(function, input, run, kwargs)]
            return join(chunks) if chunks else None
        output = await self._apply(function, input, run, kwargs)
        if isinstance(output, Runnable):
            return await output._step(input, self._deeper(run))
        return output

    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        growth = Growth(False)
        # What it returns may be a Runnable that starts over.
        return restarting(self._put_out(inputs, run, growth, kwargs), growth)

    async def _put_out(
        self, inputs: AsyncIterator[Any], run: Run, growth: Growth, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is NOTHING:
            return
        function = self._function(run)
        if (function is self.afunc) in self._yields:
            stream: AsyncIterator[Any] = self._items(function, input, run, kwargs)
        else:
            output = await self._apply(function, input, run, kwargs)
            if not isinstance(output, Runnable):
                yield output
                return
            stream = output._step_flow(Single(input), self._deeper(run))
        async with closing(stream):
            async for chunk in stream:
                growth.replaces = replaces(stream)
                yield chunk

    async def _apply(self, function: Callable[..., Any], input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
        if wants := self._wants[function is self.afunc]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self.afunc)
        with inside(run):
            if function is self.afunc:
                return await function(input, **kwargs)
            if run.io.blocking:
                output = function(input, **kwargs)
            else:
                output = await run.io.call(function, input, **kwargs)
            # Few outputs have the method; asking ``inspect`` each time would be a sixth of a step's cost.
            if hasattr(output, "__await__") or (inspect.isgenerator(output) and inspect.isawaitable(output)):
                return await self._settle(output, run)
            return output

    async def _settle(self, output: Awaitable[Any], run: Run) -> Any:
        """A plain callable that returned an awaitable, as ``lambda x: client.fetch(x)`` does."""
        if not run.io.blocking:
            return await output
        if isinstance(output, Coroutine):
            output.close()
        raise AsyncRequiredError(
            f"{self.get_name()} returned an awaitable in a blocking run: use ainvoke, astream or abatch"
        )

    async def _items(
        self, function: Callable[..., Any], input: Any, run: Run, kwargs: dict[str, Any]
    ) -> AsyncIterator[Any]:
        if wants := self._wants[function is self.afunc]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self.afunc)
        source: AsyncIterator[Any]
        if function is self.afunc:
            source = function(input, **kwargs)
        else:
            with inside(run):  # a worker thread's context is a copy of this one
                source = run.io.pull(lambda: iter(function(input, **kwargs)))
        async with closing(source):
            while True:
                try:
                    with inside(run):
                        chunk = await source.__anext__()
                except StopAsyncIteration:
                    return
                yield chunk

    def _deeper(self, run: Run) -> Run:
        limit = run.said("recursion_limit") or DEFAULT_RECURSION_LIMIT
        if limit <= 1:
            raise RecursionLimitError(
                f"{self.get_name()} returned a Runnable, and so did what it returned, until recursion_limit was "
                "reached. If that is meant, raise it: chain.invoke(x, {'recursion_limit': 100})"
            )
        return run.child().configured({"recursion_limit": limit - 1}, over=True)

    def __repr__(self) -> str:
        return f"RunnableLambda({self.name or 'lambda'})"

    def _equality_key(self) -> tuple[Any, ...]:
        return (_identity(self.func), self.afunc)


def _runnables_used_by(function: Callable[..., Any]) -> list[tuple[str, Runnable[Any, Any]]]:
    """The Runnables that a function reads from the code around it, by their names there."""
    try:
        variables = inspect.getclosurevars(inspect.unwrap(function))
    except TypeError:  # a builtin, or a callable object
        return []
    around = {**variables.globals, **variables.nonlocals}
    return [(name, value) for name, value in around.items() if isinstance(value, Runnable)]


def _identity(function: Any) -> Any:
    """What a function is compared by: a copy of an ``itemgetter`` is equal to it, though Python says otherwise."""
    return function.__reduce__() if isinstance(function, operator.itemgetter) else function


@overload
def chain(func: Callable[[In], Coroutine[Any, Any, Out]]) -> Runnable[In, Out]: ...
@overload
def chain(func: Callable[[In], AsyncIterator[Out]]) -> Runnable[In, Out]: ...
@overload
def chain(func: Callable[[In], Iterator[Out]]) -> Runnable[In, Out]: ...
@overload
def chain(func: Callable[[In], Out]) -> Runnable[In, Out]: ...
def chain(func: Callable[..., Any]) -> Runnable[Any, Any]:
    """Decorate a function to make it a Runnable; the runs that it starts are its children.

    >>> @chain
    ... def shout(text: str) -> str:
    ...     return text.upper()
    >>> shout.invoke("hi")
    'HI'
    """
    return RunnableLambda(func)
