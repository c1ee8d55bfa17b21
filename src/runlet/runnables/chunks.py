"""Adding chunks up to the value they are pieces of."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import reduce
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from runlet.messages.ai import AIMessageChunk, text_chunk

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


class SoFar:
    """The sum of a stream's chunks so far, kept small: every 512 of them become one.

    A hundred thousand small messages would cost the garbage collector more than the stream costs; so of messages that
    bring nothing but text, as nearly all do, only the text is kept.
    """

    __slots__ = ("_blocks", "_chunks", "_head", "_texts", "count")

    def __init__(self) -> None:
        self._blocks: list[Any] = []
        self._chunks: list[Any] = []
        self._head: AIMessageChunk | None = None  # the first of the messages whose texts are kept
        self._texts: list[str] = []
        self.count = 0

    def add(self, chunk: Any) -> None:
        self.count += 1
        if type(chunk) is AIMessageChunk and _brings_text_alone(chunk):
            head = self._head
            if head is None or head.id != chunk.id or len(self._texts) == _BLOCK:
                self._join_texts()
                self._head = chunk
            self._texts.append(chunk.content)  # type: ignore[arg-type]  # it brings text alone
            return
        if self._head is not None:
            self._join_texts()
        chunks = self._chunks
        chunks.append(chunk)
        if len(chunks) == _BLOCK:
            self._fold()

    def clear(self) -> None:
        """Forget the chunks, but not how many there were."""
        self._blocks, self._chunks, self._texts, self._head = [], [], [], None

    def value(self) -> Any:
        """The sum; ``None`` of nothing."""
        self._join_texts()
        chunks = [*self._blocks, *self._chunks]
        return join(chunks) if chunks else None

    def _join_texts(self) -> None:
        head, texts = self._head, self._texts
        if head is None:
            return
        self._head, self._texts = None, []
        self._keep(head if len(texts) == 1 else text_chunk("".join(texts), head.id))

    def _keep(self, chunk: Any) -> None:
        self._chunks.append(chunk)
        if len(self._chunks) == _BLOCK:
            self._fold()

    def _fold(self) -> None:
        chunks, self._chunks = self._chunks, []
        if any(_holds_restart(each) for each in chunks):
            # A marker takes back what is in the blocks before it too.
            self._blocks = [join([*self._blocks, *chunks])]
        else:
            self._blocks.append(join(chunks))


_BLOCK = 512


_BESIDE_TEXT = itemgetter(
    "chunk_position",
    "usage_metadata",
    "response_metadata",
    "additional_kwargs",
    "name",
    "tool_calls",
    "invalid_tool_calls",
)


def _brings_text_alone(chunk: AIMessageChunk) -> bool:
    values = chunk.__dict__
    if type(values["content"]) is not str or values["tool_call_chunks"]:
        return False
    # One call in C; asking for each by itself would take a third of what a chunk costs here.
    return not any(_BESIDE_TEXT(values)) and not chunk.__pydantic_extra__
