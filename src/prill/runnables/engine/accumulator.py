"""The sum of a stream's chunks so far."""

from __future__ import annotations

from typing import Any

from prill.messages.ai import AIMessageChunk, text_chunk
from prill.runnables.engine.chunks import holds_restart, join


class Accumulator:
    """The sum of the chunks so far, kept small: every few chunks are joined.

    A hundred thousand small messages would cost the garbage collector more time than the stream takes. So only the
    text is kept of messages that carry nothing else, which are nearly all.
    """

    __slots__ = ("_blocks", "_compact_limit", "_folded_count", "_id", "_texts", "_unfolded")

    def __init__(self) -> None:
        self._compact_limit = _COMPACT_SIZE
        self._blocks: list[Any] = []
        self._texts: list[str] = []  # of messages that carry nothing else; they follow the blocks
        self._id: str | None = None  # the id of these messages
        self._unfolded: list[Any] = []
        self._folded_count = 0

    def add(self, chunk: Any) -> None:
        new = self._unfolded
        new.append(chunk)
        if len(new) == _FOLD_SIZE:
            self._fold_chunks()

    @property
    def count(self) -> int:
        """The number of chunks that were added."""
        return self._folded_count + len(self._unfolded)

    def clear(self) -> None:
        """Forget the chunks, but not their number."""
        self._folded_count += len(self._unfolded)
        self._unfolded.clear()
        self._blocks.clear()
        self._texts.clear()

    def value(self) -> Any:
        """The sum of the chunks; ``None`` without any."""
        if len(self._unfolded) == 1 and not self._blocks and not self._texts:
            return self._unfolded[0]
        if self._unfolded:
            self._fold_chunks()
        self._flush_text()
        if len(self._blocks) > 1:
            self._blocks = [join(self._blocks)]
        return self._blocks[0] if self._blocks else None

    def _fold_chunks(self) -> None:
        """Join the new chunks."""
        chunks, self._unfolded = self._unfolded, []
        self._folded_count += len(chunks)
        kinds = set(map(type, chunks))
        if kinds == _MESSAGE_TYPES and len(chunks) > 1 and (text := _get_plain_text(chunks)) is not None:
            id = chunks[0].id
            if self._texts and self._id != id:
                self._flush_text()
            self._id = id
            self._texts.append(text)
            return
        self._flush_text()
        if kinds != _TEXT_TYPES and any(map(holds_restart, chunks)):
            # A marker takes back what is in the blocks before it too.
            self._blocks = [join([*self._blocks, *chunks])]
        else:
            self._append_blocks(*_try_sum(chunks, kinds))

    def _flush_text(self) -> None:
        if self._texts:
            texts, self._texts = self._texts, []
            self._append_blocks(text_chunk("".join(texts), self._id))

    def _append_blocks(self, *blocks: Any) -> None:
        self._blocks += blocks
        if len(self._blocks) > self._compact_limit:
            self._blocks = _try_sum(self._blocks)
            self._compact_limit = len(self._blocks) + _COMPACT_SIZE


_FOLD_SIZE = 32
"""The number of chunks that are kept as they came: too few to start the garbage collector."""

_COMPACT_SIZE = 512

_MESSAGE_TYPES = {AIMessageChunk}
_TEXT_TYPES = {str}


def _try_sum(chunks: list[Any], kinds: set[type] | None = None) -> list[Any]:
    """The sum of the chunks; the chunks themselves if adding them fails, so that only ``value`` raises the error."""
    if kinds == _TEXT_TYPES:
        return ["".join(chunks)]
    try:
        return [join(chunks)]
    except Exception:
        return chunks


def _get_plain_text(chunks: list[AIMessageChunk]) -> str | None:
    """The text of messages with one id that carry nothing else; ``None`` for any other messages."""
    id = chunks[0].id
    texts: list[Any] = []
    for chunk in chunks:
        values = chunk.__dict__
        if (
            values["tool_call_chunks"]
            or values["usage_metadata"]
            or values["response_metadata"]
            or values["additional_kwargs"]
            or values["chunk_position"]
            or values["name"]
            or values["tool_calls"]  # only looked at without pieces, because then it is already computed
            or values["invalid_tool_calls"]
            or chunk.__pydantic_extra__
            or values["id"] is not id
        ):
            return None
        texts.append(values["content"])
    try:
        return "".join(texts)
    except TypeError:  # a list of blocks
        return None
