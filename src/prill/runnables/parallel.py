"""Steps that run concurrently on the same input."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar, overload

from prill.callbacks.run import Run
from prill.errors import CompositionError, add_step, carry_path
from prill.io import Tee, closing
from prill.runnables.base import Runnable, coerce_to_runnable
from prill.runnables.engine.chunks import AddableDict, StreamRestart
from prill.runnables.engine.overrides import PatchAware
from prill.runnables.engine.streams import (
    ADD,
    COLLECT,
    IN_VALUES,
    NOWHERE,
    REPLACE,
    SingleValueStream,
    Stream,
    get_frame,
    passed_through,
)
from prill.runnables.structure import Part, Structure

Input = TypeVar("Input", contravariant=True)
In = TypeVar("In")


class RunnableParallel(Runnable[Input, dict[str, Any]], metaclass=PatchAware):
    """Runs several steps on the same input concurrently; the output is a dict with a key for each step.

    In a chain a dict stands for it: ``{"context": retriever, "question": RunnablePassthrough()} | prompt``. It streams
    ``{key: chunk}`` in the order in which chunks arrive, from whichever branch; these dicts add up to the whole.
    """

    _equality_fields = ("steps__", "name")

    steps__: dict[str, Runnable[Any, Any]]

    @overload
    def __init__(
        self: RunnableParallel[In], steps__: None = None, **kwargs: Runnable[In, Any] | Callable[[In], Any]
    ) -> None: ...
    @overload
    def __init__(
        self: RunnableParallel[In], steps__: Mapping[str, Runnable[In, Any] | Callable[[In], Any]]
    ) -> None: ...
    @overload
    def __init__(self: RunnableParallel[Any], steps__: Mapping[str, Any] | None = None, **kwargs: Any) -> None: ...
    def __init__(self, steps__: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = {**(steps__ or {}), **kwargs}
        if not given:
            raise CompositionError("a RunnableParallel needs at least one branch: RunnableParallel(joke=chain)")
        self.__dict__["steps__"] = {key: coerce_to_runnable(step) for key, step in given.items()}

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        own = name or self.name or f"RunnableParallel<{','.join(self.steps__)}>"
        return super().get_name(suffix, name=own)

    def _structure(self) -> Structure:
        return Structure("parallel", [Part(step, repr(key)) for key, step in self.steps__.items()])

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        thunks = [partial(self._run_branch, key, input, run) for key in self.steps__]
        try:
            values = await run.io.gather(thunks, run.limit)
        except Exception as error:
            carry_path(error, self.get_name())
            raise
        return dict(zip(self.steps__, values, strict=True))

    async def _run_branch(self, key: str, input: Any, run: Run) -> Any:
        try:
            return await self.steps__[key]._step(input, run.child(f"map:key:{key}"))
        except Exception as error:
            self._add_step_to_path(error, key)
            raise

    def _may_restart_stream(self) -> bool:
        return any(step._may_restart_stream() for step in self.steps__.values())

    def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> Stream[Any]:
        restarts = self._may_restart_stream() or inputs.restarts is not NOWHERE
        return Stream(self._merge_branches(inputs, run), ADD, IN_VALUES if restarts else NOWHERE)

    async def _merge_branches(self, inputs: Stream[Any], run: Run) -> AsyncGenerator[Any, None]:
        keys = list(self.steps__)
        sources = share(inputs, len(keys), run)
        pairs = list(zip(keys, sources, strict=True))
        flows = [self.steps__[key]._step_flow(source, run.child(f"map:key:{key}")) for key, source in pairs]
        special = [(key, flow) for key, flow in zip(keys, flows, strict=True) if flow.rule is not ADD]
        replaced: frozenset[str] = frozenset()
        guards = [self._check_single_read(*pair, flow) for pair, flow in zip(pairs, flows, strict=True)]
        merged = run.io.merge(guards, run.limit)
        async with closing(inputs), closing(merged):
            try:
                async for index, chunk in merged:
                    if special:
                        replaced = frozenset(key for key, flow in special if flow.combine is REPLACE)
                        if flows[index].combine is COLLECT and type(chunk) is not StreamRestart:
                            chunk = [chunk]  # the value of the key is a list, and these add up to it
                    yield AddableDict({keys[index]: chunk}, replaced=replaced)
            except Exception as error:
                carry_path(error, self.get_name())
                raise

    async def _check_single_read(self, key: str, inputs: Stream[Any], flow: Stream[Any]) -> AsyncGenerator[Any, None]:
        frame = get_frame(inputs)
        async with closing(flow.source) as source:
            try:
                async for chunk in source:
                    yield chunk
            except Exception as error:
                if not passed_through(inputs, frame, error):
                    self._add_step_to_path(error, key)
                raise

    def _add_step_to_path(self, error: Exception, key: str) -> None:
        name = self.steps__[key].get_name()
        add_step(error, self.get_name(), f"{key!r} ({name})", inner=name)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: {step!r}" for key, step in self.steps__.items()) + "}"


RunnableMap = RunnableParallel


def share(inputs: Stream[Any], readers: int, run: Run) -> list[Stream[Any]]:
    """One stream for several readers."""
    if isinstance(inputs, SingleValueStream):
        return [SingleValueStream(inputs.value) for _ in range(readers)]
    if readers == 1:
        return [inputs]
    shared = Tee(inputs.source, readers, run.io).readers()
    return [Stream(reader, inputs.rule, inputs.restarts) for reader in shared]
