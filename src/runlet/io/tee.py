"""One stream, several readers."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from runlet.io.colour import Colour
from runlet.io.drive import close

TEE_LIMIT = 64
"""How many chunks the fastest reader of a ``Tee`` may be ahead of the slowest."""

_END: Any = object()


class Tee:
    """One stream given to several readers, none more than ``TEE_LIMIT`` chunks ahead of another that still reads."""

    def __init__(self, source: AsyncIterator[Any], readers: int, colour: Colour) -> None:
        self._source = source
        self._changed = colour.condition()
        self._buffers: list[deque[Any] | None] = [deque() for _ in range(readers)]
        self._pulling = False
        self._ended = False
        self._error: BaseException | None = None

    def readers(self) -> list[AsyncIterator[Any]]:
        return [self._read(index) for index in range(len(self._buffers))]

    async def _read(self, index: int) -> AsyncGenerator[Any, None]:
        buffer = self._buffers[index]
        assert buffer is not None
        try:
            while True:
                must_pull = False
                async with self._changed:
                    while not buffer and not self._ended:
                        if self._may_pull():
                            self._pulling = must_pull = True
                            break
                        await self._changed.wait()
                if must_pull:
                    await self._pull()
                if buffer:
                    chunk = buffer.popleft()
                    if len(buffer) == TEE_LIMIT - 1:
                        await self._notify()
                    yield chunk
                elif self._ended:
                    if self._error is not None:
                        raise self._error
                    return
        finally:
            self._buffers[index] = None
            if all(left is None for left in self._buffers):
                await close(self._source)
            elif not self._ended:
                await self._notify()

    def _may_pull(self) -> bool:
        return not self._pulling and all(len(b) < TEE_LIMIT for b in self._buffers if b is not None)

    async def _pull(self) -> None:
        try:
            chunk = await anext(self._source, _END)
        except BaseException as error:
            self._ended, self._error = True, error
            chunk = _END
        self._ended = self._ended or chunk is _END
        if chunk is not _END:
            for buffer in self._buffers:
                if buffer is not None:
                    buffer.append(chunk)
        self._pulling = False
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
