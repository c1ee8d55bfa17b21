"""A model's transports: a blocking one for all threads, and one for each event loop."""

from __future__ import annotations

import os
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
    the loop ends. The plain client is closed with the model. Copies and pickles of a model start without one.
    """

    def __init__(self) -> None:
        self._lock = make_lock()
        self._plain: Any = None
        self._per_loop: PerLoop[Async] = PerLoop(_close)
        _ALL[id(self)] = self  # not a set: clients are equal to each other

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

    def forget(self) -> None:
        """Know of no connection, as in a process that was just forked: those of the parent are the parent's."""
        _OF_PARENT.extend((self._plain, self._per_loop))
        self._lock = make_lock()
        self._plain = None
        self._per_loop = PerLoop(_close)

    def __reduce__(self) -> tuple[Any, ...]:
        return Clients, ()

    def __deepcopy__(self, memo: Any) -> Clients[Plain, Async]:
        return Clients()

    def __eq__(self, other: object) -> bool:
        # Clients say nothing about what a model is.
        return isinstance(other, Clients)

    __hash__ = None  # type: ignore[assignment]  # as for every class with __eq__


async def _close(client: Any) -> None:
    await client.aclose()


_ALL: weakref.WeakValueDictionary[int, Clients[Any, Any]] = weakref.WeakValueDictionary()

_OF_PARENT: list[Any] = []
"""What a parent process had open: never used here, nor closed, which could say goodbye in the parent's name."""


def _forget_all() -> None:
    for clients in list(_ALL.values()):
        clients.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
