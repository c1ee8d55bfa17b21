"""Steps that pass their input on: unchanged, with added keys, or a part of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Concatenate, Literal, TypeVar, overload

from prill.callbacks.run import Run, inside
from prill.errors import AsyncRequiredError, CompositionError, carry_path
from prill.io import closing
from prill.runnables.base import Runnable
from prill.runnables.engine.chunks import AddableDict
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.signature import is_async
from prill.runnables.engine.streams import ADD, EMPTY, IN_CHUNKS, IN_VALUES, NOWHERE, REPLACE, LateRule, Stream
from prill.runnables.parallel import RunnableParallel, share
from prill.runnables.structure import Streaming, Structure

Other = TypeVar("Other")

_PASSES_CHUNKS_ON = Streaming("streams", False, "it passes each chunk on as it arrives")


def identity(x: Other) -> Other:
    """Return ``x``."""
    return x


async def aidentity(x: Other) -> Other:
    """Return ``x``; for places that need an async function."""
    return x


class RunnablePassthrough(Runnable[Other, Other], metaclass=PatchAware):
    """Passes its input on, chunk by chunk.

    ``func``, if given, is called with the whole input at its end, and with the keyword arguments of the call.

    ``RunnablePassthrough.assign(key=step)`` passes a dict on with added keys.
    """

    _equality_fields = ("func", "afunc")

    func: Callable[..., Any] | None
    afunc: Callable[..., Any] | None

    @overload
    def __init__(self: RunnablePassthrough[Any], func: None = None, afunc: None = None) -> None: ...
    @overload
    def __init__(
        self: RunnablePassthrough[Other],
        func: Callable[Concatenate[Other, ...], Any] | None = None,
        afunc: Callable[Concatenate[Other, ...], Awaitable[Any]] | None = None,
    ) -> None: ...
    def __init__(self, func: Callable[..., Any] | None = None, afunc: Callable[..., Any] | None = None) -> None:
        if func is not None and is_async(func):
            func, afunc = None, func
        own = self.__dict__
        own["func"], own["afunc"] = func, afunc

    @classmethod
    def assign(cls, **kwargs: Any) -> RunnableAssign:
        """Pass a dict on with added keys: each value is a step that gets the dict."""
        return RunnableAssign(kwargs)

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return Any

    def _describe_streaming(self) -> Streaming:
        return _PASSES_CHUNKS_ON

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        await self._call_function_if_given(input, run, kwargs)
        return input

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        if self.func is None and self.afunc is None:
            return inputs
        return self._flow_and_call(inputs, run, kwargs)

    async def _flow_and_call(self, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]) -> AsyncGenerator[Any, None]:
        accumulated = inputs.new_accumulator()
        async with closing(inputs.source) as source:
            async for chunk in source:
                accumulated.add(chunk)
                yield chunk
            if accumulated.count:
                await self._call_function_if_given(accumulated.value(), run, kwargs)

    async def _call_function_if_given(self, input: Any, run: Run, kwargs: dict[str, Any]) -> None:
        if self.func is None and self.afunc is None:
            return
        with inside(run):
            if self.afunc is not None and not run.io.blocking:
                await self.afunc(input, **kwargs)
            elif self.func is not None:
                await run.io.call(self.func, input, **kwargs)
            else:
                raise AsyncRequiredError("this RunnablePassthrough has an async function only: use ainvoke or astream")

    def __repr__(self) -> str:
        return "RunnablePassthrough()"


class RunnableAssign(Runnable[dict[str, Any], dict[str, Any]], metaclass=PatchAware):
    """Passes a dict on with keys added by the branches of ``mapper``; its own keys are streamed at once."""

    _equality_fields = ("mapper",)

    mapper: RunnableParallel[Any]

    def __init__(self, mapper: RunnableParallel[Any] | Mapping[str, Any]) -> None:
        self.__dict__["mapper"] = mapper if isinstance(mapper, RunnableParallel) else RunnableParallel(mapper)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        own = name or self.name or f"RunnableAssign<{','.join(self.mapper.steps__)}>"
        return super().get_name(suffix, name=own)

    def _structure(self) -> Structure:
        return self.mapper._structure()._replace(keeps_input=True)

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return dict[str, Any]

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        _require_dict(self, input)
        return {**input, **await self.mapper._step(input, run.child(), **kwargs)}

    def _may_restart_stream(self) -> bool:
        return self.mapper._may_restart_stream()

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        restarts = self._may_restart_stream() or inputs.restarts is not NOWHERE
        return Stream(self._merge_with_mapped(inputs, run, kwargs), ADD, IN_VALUES if restarts else NOWHERE)

    async def _merge_with_mapped(
        self, inputs: Stream[Any], run: Run, kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        added = set(self.mapper.steps__)
        passed, given = share(inputs, 2, run)
        mapped = self.mapper._step_flow(given, run.child(), **kwargs)
        merged = run.io.merge([passed.source, mapped.source], run.limit)
        async with closing(inputs), closing(merged):
            try:
                async for index, chunk in merged:
                    if index == 0:
                        _require_dict(self, chunk)
                        own = {key: value for key, value in chunk.items() if key not in added}
                        is_whole = passed.combine is REPLACE
                        replaced = frozenset(own) if is_whole else getattr(chunk, "replaced", frozenset())
                        chunk = AddableDict(own, replaced=replaced)
                        if not own:
                            continue
                    yield chunk
            except Exception as error:
                carry_path(error, self.mapper.get_name())
                raise

    def __repr__(self) -> str:
        return f"RunnablePassthrough.assign({', '.join(f'{k}={v!r}' for k, v in self.mapper.steps__.items())})"


class RunnablePick(Runnable[dict[str, Any], Any], metaclass=PatchAware):
    """Picks one value out of a dict, or a dict of some of its keys, chunk by chunk.

    A missing key gives ``None`` (one key) or is left out (several keys).
    """

    _equality_fields = ("keys",)

    keys: str | list[str]

    def __init__(self, keys: str | list[str]) -> None:
        self.__dict__["keys"] = keys

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        keys = [self.keys] if isinstance(self.keys, str) else self.keys
        return super().get_name(suffix, name=name or self.name or f"RunnablePick<{','.join(keys)}>")

    def _input_or_output_type(self, side: Literal["input", "output"]) -> Any:
        return dict[str, Any] if side == "input" else Any

    def _describe_streaming(self) -> Streaming:
        return _PASSES_CHUNKS_ON

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        picked = self._pick_from_chunk(input)
        return None if picked is EMPTY else picked

    def _pick_from_chunk(self, chunk: Any) -> Any:
        _require_dict(self, chunk)
        if isinstance(self.keys, str):
            return chunk.get(self.keys, EMPTY)
        picked = {key: chunk[key] for key in self.keys if key in chunk}
        return AddableDict(picked, replaced=getattr(chunk, "replaced", frozenset())) if picked else EMPTY

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        if not isinstance(self.keys, str):
            return inputs.through(self._pick_from_each_chunk(inputs))
        rule = LateRule()
        restarts = NOWHERE if inputs.restarts is NOWHERE else IN_CHUNKS
        return Stream(self._pick_value(inputs, self.keys, rule), rule, restarts)

    async def _pick_from_each_chunk(self, inputs: Stream[Any]) -> AsyncGenerator[Any, None]:
        async with closing(inputs.source) as source:
            async for chunk in source:
                picked = self._pick_from_chunk(chunk)
                if picked is not EMPTY:
                    yield picked

    async def _pick_value(self, inputs: Stream[Any], key: str, rule: LateRule) -> AsyncGenerator[Any, None]:
        async with closing(inputs.source) as source:
            async for chunk in source:
                picked = self._pick_from_chunk(chunk)
                rule.rule = REPLACE if key in getattr(chunk, "replaced", ()) else inputs.combine
                if picked is not EMPTY:
                    yield picked

    def __repr__(self) -> str:
        return f"RunnablePick({self.keys!r})"


def _require_dict(step: Runnable[Any, Any], input: Any) -> None:
    if not isinstance(input, Mapping):
        raise CompositionError(
            f"{step.get_name()} needs a dict; the step before it gave {type(input).__name__} ({input!r:.80})"
        )
