"""A function as a step."""

from __future__ import annotations

import inspect
import operator
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, Concatenate, Literal, NoReturn, TypeVar, overload

from prill.callbacks.config import DEFAULT_RECURSION_LIMIT, Config
from prill.callbacks.run import CURRENT_RUN, Run, inside
from prill.errors import AsyncRequiredError, CompositionError, RecursionLimitError, carry_path
from prill.io import closing
from prill.runnables.base import Runnable
from prill.runnables.engine.chunks import join
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.signature import extras_for, get_function_name, is_async, is_generator, wanted_extras
from prill.runnables.engine.streams import (
    EMPTY,
    IN_CHUNKS,
    LateRule,
    SingleValueStream,
    Stream,
    StreamInContext,
    collect,
)
from prill.runnables.structure import Part, Streaming, Structure

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class RunnableLambda(Runnable[Input, Output], metaclass=PatchAware):
    """A function as a step: it takes the whole input and returns the output.

    ``func`` is a plain or an async function; with ``afunc`` as well, each colour uses its own. A plain function in an
    asyncio run is called in a worker thread. A Runnable that the function returns is run on the same input, up to
    ``recursion_limit`` levels deep; a function that yields streams its items. Parameters named ``config`` or
    ``callbacks`` get those of the run; runs that the function starts join the run without them too.
    """

    _buffers_input = True
    _equality_fields = ("func", "afunc")

    func: Callable[..., Any] | None
    afunc: Callable[..., Any] | None
    _injected_names: dict[bool, tuple[str, ...]]
    _yields: set[bool]

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
            raise CompositionError(
                f"afunc is an async function; {get_function_name(afunc)} is a plain one: give it as func"
            )
        plain: Callable[..., Any] | None = func
        if is_async(func):
            plain, afunc = None, func
        # Keyed by sync/async because callable objects may be unhashable.
        forms = {key: form for key, form in ((False, plain), (True, afunc)) if form is not None}
        own = self.__dict__
        own["func"], own["afunc"], own["name"] = plain, afunc, name or get_function_name(func)
        own["_injected_names"] = {key: wanted_extras(form) for key, form in forms.items()}
        own["_yields"] = {key for key, form in forms.items() if is_generator(form)}

    def _refuse_blocking(self) -> NoReturn:
        raise AsyncRequiredError(
            f"{self.get_name()} is an async function and was run by a blocking verb. Use ainvoke, astream or "
            f"abatch, or give it a plain form as well: RunnableLambda(plain, afunc={self.get_name()})"
        )

    def _children(self) -> list[tuple[str, Runnable[Any, Any]]]:
        return [child for function in (self.func, self.afunc) if function for child in _runnables_used_by(function)]

    def _structure_for_graph(self, config: Config | None) -> Structure:
        parts = [Part(child, condition="may run") for _, child in self._children()]
        return Structure("choice", parts) if parts else Structure()

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return self._annotation(self.afunc or self.func, side, yields=bool(self._yields))

    def _describe_streaming(self) -> Streaming:
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
        function = self.func if run.io.blocking else self.afunc or self.func
        if function is None:
            self._refuse_blocking()
        if (function is self.afunc) in self._yields:
            chunks = [chunk async for chunk in self._iterate_generator(function, input, run, kwargs)]
            return join(chunks) if chunks else None
        output = await self._call_function(function, input, run, kwargs)
        if not isinstance(output, Runnable):
            return output
        try:
            return await output._step(input, self._increase_nesting(run))
        except Exception as error:
            carry_path(error, output.get_name(), self.get_name())
            raise

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        rule = LateRule()
        # The function may return a Runnable that restarts its stream.
        return Stream(self._stream_output(inputs, run, rule, kwargs), rule, IN_CHUNKS)

    async def _stream_output(
        self, inputs: Stream[Any], run: Run, rule: LateRule, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        input = await collect(inputs)
        if input is EMPTY:
            return
        function = self.func if run.io.blocking else self.afunc or self.func
        if function is None:
            self._refuse_blocking()
        if (function is self.afunc) in self._yields:
            async with closing(self._iterate_generator(function, input, run, kwargs)) as items:
                async for item in items:
                    yield item
            return
        output = await self._call_function(function, input, run, kwargs)
        if not isinstance(output, Runnable):
            yield output
            return
        stream = output._step_flow(SingleValueStream(input), self._increase_nesting(run))
        rule.follow(stream)
        async with closing(stream.source) as source:
            try:
                async for chunk in source:
                    yield chunk
            except Exception as error:
                carry_path(error, output.get_name(), self.get_name())
                raise

    async def _call_function(self, function: Callable[..., Any], input: Any, run: Run, kwargs: dict[str, Any]) -> Any:
        if wants := self._injected_names[function is self.afunc]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self.afunc)
        # Where nobody observes any run there is none to enter; that would cost as much as a short function.
        entered = None if run.plain and CURRENT_RUN.get() is None else inside(run)
        if entered is not None:
            entered.__enter__()
        try:
            if function is self.afunc:
                return await function(input, **kwargs)
            if run.io.blocking:
                output = function(input, **kwargs)
            else:
                output = await run.io.call(function, input, **kwargs)
            # Few outputs have the method; asking ``inspect`` each time would be a sixth of a step's cost.
            if hasattr(output, "__await__") or (inspect.isgenerator(output) and inspect.isawaitable(output)):
                return await self._await_output(output, run)
            return output
        finally:
            if entered is not None:
                entered.__exit__()

    async def _await_output(self, output: Awaitable[Any], run: Run) -> Any:
        """Await the output of a plain callable that returned an awaitable, as ``lambda x: client.fetch(x)`` does."""
        if not run.io.blocking:
            return await output
        if isinstance(output, Coroutine):
            output.close()
        raise AsyncRequiredError(
            f"{self.get_name()} returned an awaitable in a blocking run: use ainvoke, astream or abatch"
        )

    def _iterate_generator(
        self, function: Callable[..., Any], input: Any, run: Run, kwargs: dict[str, Any]
    ) -> AsyncIterator[Any]:
        if wants := self._injected_names[function is self.afunc]:
            kwargs = extras_for(wants, run, kwargs, plain=function is not self.afunc)
        source: AsyncIterator[Any]
        if function is self.afunc:
            source = function(input, **kwargs)
        else:
            with inside(run):  # a worker thread's context is a copy of this one
                source = run.io.pull(lambda: iter(function(input, **kwargs)))
        return StreamInContext(run, source)

    def _increase_nesting(self, run: Run) -> Run:
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
        return (_get_comparison_key(self.func), self.afunc)


def _runnables_used_by(function: Callable[..., Any]) -> list[tuple[str, Runnable[Any, Any]]]:
    """The Runnables that a function reads from the code around it, by their names there."""
    try:
        variables = inspect.getclosurevars(inspect.unwrap(function))
    except TypeError:  # a builtin, or a callable object
        return []
    around = {**variables.globals, **variables.nonlocals}
    return [(name, value) for name, value in around.items() if isinstance(value, Runnable)]


def _get_comparison_key(function: Any) -> Any:
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
