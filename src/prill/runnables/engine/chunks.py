"""Adding chunks up to the value they are pieces of."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import reduce
from itertools import chain
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class SupportsAdd(Protocol):
    """A type with ``+``."""

    def __add__(self, other: Any, /) -> Any: ...


Addable = SupportsAdd


class AddableDict(dict[str, Any]):
    """A dict whose values may arrive in pieces: adding two adds their values key by key.

    Values that cannot be added, and the values of the keys in ``replaced``, are replaced by the later one.
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
        return _make_addable_dict, (dict(self), self.replaced)

    @staticmethod
    def merge_many(chunks: Iterable[Mapping[str, Any]]) -> AddableDict:
        """Add up many dicts at once, in time linear in their size."""
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


def _make_addable_dict(values: dict[str, Any], replaced: frozenset[str]) -> AddableDict:
    return AddableDict(values, replaced=replaced)


class StreamRestart:
    """A chunk that takes back all chunks before it; those that follow are of a new attempt.

    ``attempt`` is the number of the attempt that starts, 2 or more; ``error`` is the one that ended the attempt
    before. Added to chunks it removes them, so that the sum of a stream is that of its last attempt. Only
    ``with_retry`` and ``with_fallbacks`` with ``mid_stream="restart"`` yield it.
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
    """Add up the chunks of one value, of which there is at least one.

    Text, bytes, lists and tuples are concatenated and messages merged in time linear in their size; chunks of any
    other type are added in pairs, the pairs in pairs and so on (n log n). Where two values cannot be added, the later
    one counts. A ``StreamRestart`` takes back all chunks before it.
    """
    first = chunks[0]
    if len(chunks) == 1:
        return first
    kind = type(first)
    if all(type(chunk) is kind for chunk in chunks):
        return _join_alike(chunks, kind)
    if hasattr(kind, "merge_many") and all(isinstance(chunk, kind) for chunk in chunks):
        return kind.merge_many(chunks)
    if any(type(chunk) is StreamRestart for chunk in chunks):
        return join(after_last_restart(chunks) or [None])
    return reduce(_add_chunk, chunks)


def _join_alike(chunks: list[Any], kind: type) -> Any:
    """Add up chunks of one type."""
    if kind is str or kind is bytes:
        return kind().join(chunks)
    if kind is list or kind is tuple:
        return kind(chain.from_iterable(chunks))
    if (merge_many := getattr(kind, "merge_many", None)) is not None:
        return merge_many(chunks)
    if kind in _NUMBER_TYPES:
        return reduce(_add_chunk, chunks)
    if not hasattr(kind, "__add__") and not hasattr(kind, "__radd__"):
        return chunks[-1]
    while len(chunks) > 1:
        pairs = zip(chunks[::2], chunks[1::2], strict=False)
        chunks = [*(_add_chunk(*pair) for pair in pairs), *chunks[len(chunks) & ~1 :]]
    return chunks[0]


_NUMBER_TYPES = frozenset({int, float, complex, bool})
"""Types whose sums do not grow: they are added from the left, so that rounding is that of ``sum``."""


def after_last_restart(chunks: list[Any]) -> list[Any]:
    """The chunks of the last attempt; all of them where there is no ``StreamRestart``."""
    last = max((index for index, chunk in enumerate(chunks) if type(chunk) is StreamRestart), default=-1)
    return chunks[last + 1 :]


def holds_restart(chunk: Any) -> bool:
    """Whether a chunk is a ``StreamRestart`` or has one among its values."""
    if isinstance(chunk, dict):
        return any(holds_restart(value) for value in chunk.values())
    return type(chunk) is StreamRestart


def _add_chunk(total: Any, chunk: Any) -> Any:
    try:
        return total + chunk
    except TypeError:
        return chunk


def add(addables: Iterable[Any]) -> Any:
    """The sum of all of ``addables``; ``None`` where it is empty."""
    chunks = list(addables)
    return reduce(lambda total, chunk: total + chunk, chunks) if chunks else None


async def aadd(addables: AsyncIterable[Any]) -> Any:
    """The sum of all of ``addables``; ``None`` where it is empty."""
    return add([chunk async for chunk in addables])
