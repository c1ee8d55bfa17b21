"""Steps side by side on the same input."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from typing import Any, TypeVar

from prill.callbacks.run import Run
from prill.errors import CompositionError, add_step, carry_path
from prill.io import Tee, closing
from prill.runnables.base import Runnable
from prill.runnables.coerce import coerce_to_runnable
from prill.runnables.engine.chunks import AddableDict
from prill.runnables.engine.error_origin import came_from, frame_of
from prill.runnables.engine.restarts import holding, holds_restarts
from prill.runnables.engine.streams import Single, Snapshots, like
from prill.runnables.parts import part

Input = TypeVar("Input", contravariant=True)


@part("parallel")
class RunnableParallel(Runnable[Input, dict[str, Any]]):
    """Several steps that are given the same input at once; the output is a dict with a key for each.

    In a chain a dict stands for it: ``{"context": retriever, "question": RunnablePassthrough()} | prompt``. It streams
    ``{key: chunk}`` in the order in which chunks arrive, from whichever branch; these dicts add up to the whole.
    """

    def __init__(self, steps__: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = {**(steps__ or {}), **kwargs}
        if not given:
            raise CompositionError("a RunnableParallel has at least one branch: RunnableParallel(joke=chain)")
        self.steps__ = {key: coerce_to_runnable(step) for key, step in given.items()}
        self.name = None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        own = name or self.name or f"RunnableParallel<{','.join(self.steps__)}>"
        return super().get_name(suffix, name=own)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> Any:
        thunks = [partial(self._branch, key, input, run) for key in self.steps__]
        try:
            values = await run.io.gather(thunks, run.limit)
        except Exception as error:
            carry_path(error, self.get_name())
            raise
        return dict(zip(self.steps__, values, strict=True))

    async def _branch(self, key: str, input: Any, run: Run) -> Any:
        try:
            return await self.steps__[key]._step(input, run.child(f"map:key:{key}"))
        except Exception as error:
            self._locate(error, key)
            raise

    def _restarts(self) -> bool:
        return any(step._restarts() for step in self.steps__.values())

    def _flow(self, inputs: AsyncIterator[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        stream = self._merge(inputs, run)
        return holding(stream) if self._restarts() or holds_restarts(inputs) else stream

    async def _merge(self, inputs: AsyncIterator[Any], run: Run) -> AsyncGenerator[Any, None]:
        keys = list(self.steps__)
        sources = share(inputs, len(keys), run)
        pairs = list(zip(keys, sources, strict=True))
        flows = [self.steps__[key]._step_flow(source, run.child(f"map:key:{key}")) for key, source in pairs]
        growing = [(key, flow) for key, flow in zip(keys, flows, strict=True) if isinstance(flow, Snapshots)]
        replaced: frozenset[str] = frozenset()
        guards = [self._guard(*pair, flow) for pair, flow in zip(pairs, flows, strict=True)]
        merged = run.io.merge(guards, run.limit)
        async with closing(inputs), closing(merged):
            async for index, chunk in merged:
                if growing:
                    replaced = frozenset(key for key, flow in growing if flow.growth.replaces)
                yield AddableDict({keys[index]: chunk}, replaced=replaced)

    async def _guard(self, key: str, source: AsyncIterator[Any], flow: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        given = frame_of(source)
        async with closing(flow):
            try:
                async for chunk in flow:
                    yield chunk
            except Exception as error:
                if not came_from(source, given, error):
                    self._locate(error, key)
                raise

    def _locate(self, error: Exception, key: str) -> None:
        name = self.steps__[key].get_name()
        add_step(error, self.get_name(), f"{key!r} ({name})", inner=name)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: {step!r}" for key, step in self.steps__.items()) + "}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunnableParallel):
            return NotImplemented
        return self.steps__ == other.steps__ and self.name == other.name

    __hash__ = object.__hash__


RunnableMap = RunnableParallel


def share(inputs: AsyncIterator[Any], readers: int, run: Run) -> list[AsyncIterator[Any]]:
    """One stream for several readers."""
    if isinstance(inputs, Single):
        return [Single(inputs.value) for _ in range(readers)]
    if readers == 1:
        return [inputs]
    shared = Tee(inputs, readers, run.io).readers()
    return [like(inputs, reader) for reader in shared]
