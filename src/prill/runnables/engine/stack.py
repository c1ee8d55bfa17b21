"""Joints of long chains, at which a stream goes on in another stack when the one it is in has been used up a good part.

Each step of a streamed chain is asked for its next chunk by the one after it, inside that one's own call. Python allows
a thousand calls inside one another; a chain of some hundred steps would need more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar

from prill.io import Colour, close, is_deep
from prill.runnables.engine.streams import bare, like, sum_of

T = TypeVar("T")

STEPS = 16
"""How many steps of a chain there are between two joints."""

_LOOKS = 64
"""For how many chunks a joint looks how deep it is."""


def relieved(stream: AsyncIterator[T], io: Colour) -> AsyncIterator[T]:
    """``stream``, which is about to be asked for its first chunk; on a stack of its own, if this one is deep."""
    return io.apart(stream) if is_deep() else stream


def jointed(stream: AsyncIterator[T], io: Colour) -> AsyncIterator[T]:
    """``stream``, with a joint."""
    return like(stream, _joint(bare(stream), io), sum_of(stream))


async def _joint(stream: AsyncIterator[Any], io: Colour) -> AsyncGenerator[Any, None]:
    source = stream
    try:
        # Not at the first chunk alone: steps that wait for one are asked for it in fewer calls than for the others.
        for _ in range(_LOOKS):
            if source is stream:
                source = relieved(stream, io)
            try:
                chunk = await source.__anext__()
            except StopAsyncIteration:
                return
            yield chunk
        async for chunk in source:
            yield chunk
    finally:
        await close(source)
