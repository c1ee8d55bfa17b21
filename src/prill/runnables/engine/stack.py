"""Keeps long chains within Python's limit of nested calls.

Each step of a streamed chain is asked for its next chunk by the step after it, inside that step's own call. Python
allows a thousand nested calls, and a chain of some hundred steps would need more. So every few steps there is a guard:
where too much of the stack is in use, the stream continues on a stack of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar

from prill.io import ExecutionMode, close, is_deep
from prill.runnables.engine.streams import Stream

T = TypeVar("T")

STEPS_BETWEEN_GUARDS = 16

_CHUNKS_WITH_STACK_CHECK = 64
"""The number of leading chunks for which a guard checks the depth of the stack."""


def on_shallow_stack(source: AsyncIterator[T], io: ExecutionMode) -> AsyncIterator[T]:
    """``source``, about to be asked for its first chunk; moved to a stack of its own if this one is deep."""
    return io.run_on_new_stack(source) if is_deep() else source


def with_stack_guard(stream: Stream[T], io: ExecutionMode) -> Stream[T]:
    """``stream`` with a guard."""
    return stream.through(_check_stack_depth(stream.source, io))


async def _check_stack_depth(guarded: AsyncIterator[Any], io: ExecutionMode) -> AsyncGenerator[Any, None]:
    source = guarded
    try:
        # More than the first chunk: steps that buffer their input ask for that one in fewer nested calls.
        for _ in range(_CHUNKS_WITH_STACK_CHECK):
            if source is guarded:
                source = on_shallow_stack(guarded, io)
            try:
                chunk = await source.__anext__()
            except StopAsyncIteration:
                return
            yield chunk
        async for chunk in source:
            yield chunk
    finally:
        await close(source)
