"""Parsers that work while the text arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from prill.callbacks.run import Run, inside
from prill.io import closing
from prill.output_parsers.base import BaseOutputParser
from prill.output_parsers.inputs import as_generation, as_generation_chunk
from prill.outputs import Generation, merge_generation_chunks
from prill.runnables.engine.streams import ADD, REPLACE, Combine, Stream

T = TypeVar("T")


class BaseTransformOutputParser(BaseOutputParser[T]):
    """A parser that parses each chunk on its own: define ``parse``.

    While streaming, ``parse`` is called once for each chunk, in the thread of the stream.
    """

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        async with closing(inputs):
            async for chunk in inputs:
                yield await self._parse_now([as_generation(chunk)], run)

    async def _parse_now(self, result: list[Generation], run: Run, *, partial: bool = False) -> Any:
        with inside(run):
            if not run.io.blocking and self._awaits_hooks:
                return await self.aparse_result(result, partial=partial)
            return self.parse_result(result, partial=partial)


class BaseCumulativeTransformOutputParser(BaseTransformOutputParser[T]):
    """A parser that parses, at each chunk, all of the text so far: define ``parse`` or ``parse_result``.

    While streaming, ``parse_result`` is called with ``partial=True`` at each chunk, and a value that is not ``None``
    and not the one before is put out; each replaces the one before. At the end it is called with ``partial=False``,
    so that it can refuse a text that is not whole. With ``diff`` the changes are put out instead of the values, as
    ``_diff`` makes them.
    """

    diff: bool = False

    def _diff(self, prev: T | None, next: T) -> Any:
        """Return what to put out for the step from ``prev`` (at first ``None``) to ``next``."""
        raise NotImplementedError(f"{type(self).__name__} does not support diff=True: define _diff")

    @property
    def _combine(self) -> Combine:  # type: ignore[override]  # it depends on a field
        return ADD if self.diff else REPLACE

    async def _flow(self, inputs: Stream[Any], run: Run, **kwargs: Any) -> AsyncIterator[Any]:
        total: Any = None
        last: Any = None
        async with closing(inputs):
            async for chunk in inputs:
                new = as_generation_chunk(chunk)
                total = new if total is None else merge_generation_chunks([total, new])
                value = await self._parse_now([total], run, partial=True)
                if value is not None and value != last:
                    yield self._diff(last, value) if self.diff else value
                    last = value
        if total is not None:
            value = await self._parse_now([total], run)
            if value is not None and value != last:
                yield self._diff(last, value) if self.diff else value
