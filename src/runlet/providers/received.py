"""What of an answer has arrived, in case the rest does not."""

from __future__ import annotations

from runlet.messages import AIMessageChunk, merge_chunks

_BLOCK = 512


class Received:
    """The chunks so far, kept small: every 512 become one, so that a long answer costs about its text."""

    __slots__ = ("_blocks", "_chunks", "count")

    def __init__(self) -> None:
        self._blocks: list[AIMessageChunk] = []
        self._chunks: list[AIMessageChunk] = []
        self.count = 0

    def add(self, chunk: AIMessageChunk) -> None:
        self.count += 1
        self._chunks.append(chunk)
        if len(self._chunks) == _BLOCK:
            self._blocks.append(merge_chunks(self._chunks))
            self._chunks = []

    def message(self) -> AIMessageChunk | None:
        """The message so far; ``None`` where nothing has come."""
        chunks = [*self._blocks, *self._chunks]
        return merge_chunks(chunks) if chunks else None
