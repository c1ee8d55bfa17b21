"""A provider's clients: a plain one for all threads, and one for each event loop."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from prill.io import make_lock
from prill.io.per_loop import PerLoop

Plain = TypeVar("Plain")
Async = TypeVar("Async")


class Clients(Generic[Plain, Async]):
    """The clients of one model, made when first used.

    A client's connections belong to the event loop that opened them, so every loop has its own, which is closed when
    the loop ends. The plain client is closed with the model. Copies and pickles of a model begin with none.
    """

    def __init__(self) -> None:
        self._lock = make_lock()
        self._plain: Any = None
        self._per_loop: PerLoop[Async] = PerLoop(_close)

    def plain(self, make: Callable[[], Plain]) -> Plain:
        with self._lock:
            if self._plain is None:
                self._plain = make()
                weakref.finalize(self, self._plain.close)
            return self._plain  # type: ignore[no-any-return]  # it is what ``make`` returned

    async def for_loop(self, make: Callable[[], Async]) -> Async:
        return await self._per_loop.get(make)

    async def aclose(self) -> None:
        """Close the running loop's client now."""
        await self._per_loop.aclose()

    def close(self) -> None:
        """Close the plain client now."""
        with self._lock:
            plain, self._plain = self._plain, None
        if plain is not None:
            plain.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Clients, ()

    def __deepcopy__(self, memo: Any) -> Clients[Plain, Async]:
        return Clients()

    def __eq__(self, other: object) -> bool:
        # Clients say nothing about what a model is.
        return isinstance(other, Clients)

    __hash__ = None  # type: ignore[assignment]  # as for every class with __eq__


async def _close(client: Any) -> None:
    await client.close()
