"""Adding chunks up to the value they are pieces of."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import reduce
from itertools import chain
from typing import Any, Protocol, TypeVar

from prill.messages.ai import AIMessageChunk, text_chunk

T = TypeVar("T")


class SupportsAdd(Protocol):
    """What can be added to its like."""

    def __add__(self, other: Any, /) -> Any: ...


Addable = SupportsAdd


class AddableDict(dict[str, Any]):
    """A dict whose values may arrive in pieces: adding two adds their values key by key.

    Values that cannot be added, and the values of ``replaced`` keys, are replaced by the later one.
    """

    __slots__ = ("replaced",)

    def __init__(self, *args: Any, replaced: frozenset[str] = frozenset(), **values: Any) -> None:
        super().__init__(*args, **values)
        self.replaced = replaced

    def __add__(self, other: Mapping[str, Any]) -> AddableDict:
        return AddableDict.merge_many([self, other])

    def __radd__(self, other: Mapping[str, Any]) -> AddableDict:
        return AddableDict.merge_many([other, self])

    def __reduce__(self) -> tuple[Any, ...]:
        return _addable_dict, (dict(self), self.replaced)

    @staticmethod
    def merge_many(chunks: Iterable[Mapping[str, Any]]) -> AddableDict:
        """Add up many at once, in time linear in their size."""
        parts: dict[str, list[Any]] = {}
        replaced: set[str] = set()
        for chunk in chunks:
            replaced |= getattr(chunk, "replaced", frozenset())
            for key, value in chunk.items():
                known = parts.get(key)
                if known is None or known[-1] is None or key in replaced:
                    parts[key] = [value]
                elif value is not None:
                    known.append(value)
        return AddableDict({key: join(values) for key, values in parts.items()}, replaced=frozenset(replaced))


def _addable_dict(values: dict[str, Any], replaced: frozenset[str]) -> AddableDict:
    return AddableDict(values, replaced=replaced)


class StreamRestart:
    """A chunk that takes back all before it: what follows is a new attempt's.

    ``attempt`` is the number of the attempt that begins, 2 or more; ``error`` is what ended the one before. Added to
    chunks it leaves nothing of them, so that a stream's sum is the last attempt's alone. It comes only out of
    ``with_retry`` and ``with_fallbacks`` with ``mid_stream="restart"``.
    """

    def __init__(self, attempt: int, error: Exception) -> None:
        self.attempt = attempt
        self.error = error

    def __add__(self, other: Any) -> Any:
        return other

    def __radd__(self, other: Any) -> StreamRestart:
        return self

    def __repr__(self) -> str:
        return f"StreamRestart(attempt={self.attempt}, error={self.error!r:.80})"


def join(chunks: list[Any]) -> Any:
    """Add up the chunks of one value, in time linear in their size; there is at least one.

    Text and lists are concatenated, messages and other chunks merged by their own rule. Of values that cannot be
    added, the last one counts; a ``StreamRestart`` takes back what is before it.
    """
    first = chunks[0]
    if len(chunks) == 1:
        return first
    kind = type(first)
    if kind is str or kind is list:
        if all(type(chunk) is kind for chunk in chunks):
            return "".join(chunks) if kind is str else list(chain.from_iterable(chunks))
    elif (merge_many := getattr(kind, "merge_many", None)) is not None and all(isinstance(c, kind) for c in chunks):
        return merge_many(chunks)
    if any(type(chunk) is StreamRestart for chunk in chunks):
        return join(_last_attempt(chunks))
    return reduce(_plus, chunks)


def _last_attempt(chunks: list[Any]) -> list[Any]:
    last = max(index for index, chunk in enumerate(chunks) if type(chunk) is StreamRestart)
    return chunks[last + 1 :] or [None]


def _holds_restart(chunk: Any) -> bool:
    if isinstance(chunk, dict):
        return any(_holds_restart(value) for value in chunk.values())
    return type(chunk) is StreamRestart


def _plus(total: Any, chunk: Any) -> Any:
    try:
        return total + chunk
    except TypeError:
        return chunk


def add(addables: Iterable[Any]) -> Any:
    """The sum of all; ``None`` where there are none."""
    chunks = list(addables)
    return reduce(lambda total, chunk: total + chunk, chunks) if chunks else None


async def aadd(addables: AsyncIterable[Any]) -> Any:
    """The sum of all; ``None`` where there are none."""
    return add([chunk async for chunk in addables])


class Accumulator:
    """The sum of a stream's chunks so far, kept small: every few of them are put together.

    A hundred thousand small messages would cost the garbage collector more than the stream costs; so of messages that
    bring nothing but text, as nearly all do, only the text is kept.
    """

    __slots__ = ("_blocks", "_earlier", "_id", "_new", "_room", "_texts")

    def __init__(self) -> None:
        self._room = _MANY
        self._blocks: list[Any] = []
        self._texts: list[str] = []  # of messages that bring nothing else, after the blocks
        self._id: str | None = None  # theirs
        self._new: list[Any] = []
        self._earlier = 0

    def add(self, chunk: Any) -> None:
        new = self._new
        new.append(chunk)
        if len(new) == _FEW:
            self._fold()

    @property
    def count(self) -> int:
        """How many chunks there were."""
        return self._earlier + len(self._new)

    def clear(self) -> None:
        """Forget the chunks, but not how many there were."""
        self._earlier += len(self._new)
        self._new.clear()
        self._blocks.clear()
        self._texts.clear()

    def value(self) -> Any:
        """The sum; ``None`` of nothing."""
        if len(self._new) == 1 and not self._blocks and not self._texts:
            return self._new[0]
        if self._new:
            self._fold()
        self._end_text()
        if len(self._blocks) > 1:
            self._blocks = [join(self._blocks)]
        return self._blocks[0] if self._blocks else None

    def _fold(self) -> None:
        """Put the new chunks together."""
        chunks, self._new = self._new, []
        self._earlier += len(chunks)
        kinds = set(map(type, chunks))
        if kinds == _MESSAGES and len(chunks) > 1 and (text := _text_alone(chunks)) is not None:
            id = chunks[0].id
            if self._texts and self._id != id:
                self._end_text()
            self._id = id
            self._texts.append(text)
            return
        self._end_text()
        if kinds != _TEXTS and any(map(_holds_restart, chunks)):
            # A marker takes back what is in the blocks before it too.
            self._blocks = [join([*self._blocks, *chunks])]
        else:
            self._keep(*_joined(chunks, kinds))

    def _end_text(self) -> None:
        if self._texts:
            texts, self._texts = self._texts, []
            self._keep(text_chunk("".join(texts), self._id))

    def _keep(self, *blocks: Any) -> None:
        self._blocks += blocks
        if len(self._blocks) > self._room:
            self._blocks = _joined(self._blocks)
            self._room = len(self._blocks) + _MANY


_FEW = 32
"""How many chunks are kept as they came: fewer than bring the garbage collector to look at them."""

_MANY = 512

_MESSAGES = {AIMessageChunk}
_TEXTS = {str}


def _joined(chunks: list[Any], kinds: set[type] | None = None) -> list[Any]:
    """The sum of chunks; the chunks, if they cannot be added: only who asks for the sum is to be told."""
    if kinds == _TEXTS:
        return ["".join(chunks)]
    try:
        return [join(chunks)]
    except Exception:
        return chunks


def _text_alone(chunks: list[AIMessageChunk]) -> str | None:
    """The text of messages that have one id and bring nothing else; ``None`` if they are not such."""
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
            or values["tool_calls"]  # is only looked at where there are no pieces, for then it is there
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
