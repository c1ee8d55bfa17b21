"""Streams of runs that a package reports itself, shown as events.

LangGraph starts runs with a callback manager, and hands the output of each to those of its handlers that have
``tap_output_iter``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from prill.callbacks.run import MaybeAwaitable, Run
from prill.compat.inner.tracing import _StreamingCallbackHandler
from prill.io import closing
from prill.io.execution_mode import Emit
from prill.tracers.events import EventView, EventViewV1
from prill.tracers.select import Selection


class _Taps(_StreamingCallbackHandler[Any], EventView):
    _reported: dict[UUID, Run]

    def __init__(self, put: Emit, selection: Selection, given: Any) -> None:
        super().__init__(put, selection, given)
        self._reported = {}

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        if run.step is None and run.id is not None:  # user code started it
            self._reported[run.id] = run
        return super().on_start(run, input)

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        self._reported.pop(run.id, None)  # type: ignore[arg-type]  # None is not there
        return super().on_end(run, output)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        self._reported.pop(run.id, None)  # type: ignore[arg-type]  # as above
        return super().on_error(run, error)

    def on_output(self, chunk: Any) -> MaybeAwaitable:
        root = self._root
        return self.on_chunk(root, chunk) if root is not None and root.id in self._reported else None

    def tap_output_iter(self, run_id: UUID, output: Iterator[Any]) -> Iterator[Any]:
        """The same stream; each chunk is an event of the run."""
        run = self._reported.get(run_id)
        for chunk in output:
            if run is not None:
                self.on_chunk(run, chunk)
            yield chunk

    async def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The same for asyncio."""
        run = self._reported.get(run_id)
        async with closing(output):
            async for chunk in output:
                notice = self.on_chunk(run, chunk) if run is not None else None
                if notice is not None:
                    await notice
                yield chunk


class TappingView(_Taps):
    """The second version of events."""


class TappingViewV1(_Taps, EventViewV1):
    """The first version."""
