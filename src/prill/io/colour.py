"""What a leaf can do, in either colour."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from prill.io.limit import Limit
from prill.io.stopper import Stopper

T = TypeVar("T")
Thunk = Callable[[], Awaitable[T]]
Put = Callable[[Any], Awaitable[None] | None]
"""Hands an item over; what it returns, if anything, is awaited before the next."""


class Condition(Protocol):
    """A condition variable of either colour."""

    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *error: object) -> Any: ...
    async def wait(self) -> Any: ...
    def notify_all(self) -> None: ...


class Colour(Protocol):
    """How leaves wait. ``Blocking`` and ``Asyncio`` are the two."""

    @property
    def blocking(self) -> bool: ...
    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        """Call a plain function that may block."""

    def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """Iterate what ``make`` returns, which may block."""

    def gather(self, thunks: Sequence[Thunk[T]], limit: Limit | None = None) -> Awaitable[list[T]]:
        """Run bodies at once, as far as ``limit`` allows; the first error ends the others."""

    def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        """Iterate streams at once, as far as ``limit`` allows: ``(index, chunk)`` in the order in which chunks come."""

    def apart(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """The same stream, run on a stack of its own: in a thread or a task, which waits until it is asked."""

    def iterate(self, stream: AsyncIterator[T]) -> Iterator[T]:
        """Make a plain iterator of a stream, for a plain generator that runs in this colour."""

    def background(self, work: Callable[[Put], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        """Iterate what ``work`` puts while it runs beside the consumer, at most ``limit`` items ahead of it.

        Its error is raised after the last item. Leaving the iteration stops it.
        """

    def stopper(self) -> Stopper:
        """What can stop, from outside, what this task or thread is about to run."""

    def condition(self) -> Condition: ...
    def sleep(self, seconds: float) -> Awaitable[None]: ...
    def settle(self, waiting: Awaitable[T]) -> Awaitable[T]:
        """Await what needs an event loop; the blocking colour has one in a thread for it."""

    def before(self, deadline: float, thunk: Thunk[T], way_out: Callable[[], None]) -> Awaitable[T]:
        """Run a body that must end before ``deadline`` (``time.monotonic``); ``TimeoutError`` if it does not.

        ``way_out`` is what unblocks it in the blocking colour, from another thread.
        """

    def shield(self, thunk: Thunk[T]) -> Awaitable[T]:
        """Run a body to its end even while the run is being cancelled; for closing."""
