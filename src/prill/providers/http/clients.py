"""A model's transports: a blocking one for all threads, and one for each event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prill.io import PerProcess, make_per_loop

if TYPE_CHECKING:
    from prill.io.per_loop import PerLoop

Plain = TypeVar("Plain")
Async = TypeVar("Async")


class Clients(Generic[Plain, Async]):
    """The clients of one model, made when first used; those of a parent process are neither used nor closed.

    A client's connections belong to the event loop that opened them, so every loop has its own, which is closed when
    the loop ends. The plain client is closed with the model. Copies and pickles of a model start without one.
    """

    def __init__(self) -> None:
        self._plain: PerProcess[Plain] = PerProcess(_close)
        self._per_loop: PerProcess[PerLoop[Async]] = PerProcess()

    def plain(self, make: Callable[[], Plain]) -> Plain:
        return self._plain.get(make)

    async def for_loop(self, make: Callable[[], Async]) -> Async:
        return await self._per_loop.get(_make_per_loop).get(make)

    async def aclose(self) -> None:
        """Close the running loop's client now."""
        await self._per_loop.get(_make_per_loop).aclose()

    def close(self) -> None:
        """Close the plain client now."""
        self._plain.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Clients, ()

    def __deepcopy__(self, memo: Any) -> Clients[Plain, Async]:
        return Clients()

    def __eq__(self, other: object) -> bool:
        # Clients say nothing about what a model is.
        return isinstance(other, Clients)

    __hash__ = None  # type: ignore[assignment]  # as for every class with __eq__


def _make_per_loop() -> PerLoop[Any]:
    return make_per_loop(_aclose)


def _close(client: Any) -> None:
    client.close()


async def _aclose(client: Any) -> None:
    await client.aclose()
