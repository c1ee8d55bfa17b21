"""The operations of leaves, for blocking code and for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from prill.io.interrupter import Interrupter
from prill.io.limit import Limit

T = TypeVar("T")
Thunk = Callable[[], Awaitable[T]]
Emit = Callable[[Any], Awaitable[None] | None]
"""Emits an item; its result, if not ``None``, is awaited before the next item."""


class Condition(Protocol):
    """A condition variable, for threads or for tasks."""

    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *error: object) -> Any: ...
    async def wait(self) -> Any: ...
    def notify_all(self) -> None: ...


class ExecutionMode(Protocol):
    """How leaves wait: ``Blocking`` or ``Asyncio``."""

    @property
    def blocking(self) -> bool: ...
    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        """Call a plain function that may block."""

    def pull(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """Iterate the iterator that ``make`` returns; both may block."""

    def gather(self, thunks: Sequence[Thunk[T]], limit: Limit | None = None) -> Awaitable[list[T]]:
        """Run bodies at once, as far as ``limit`` allows; the first error cancels the others."""

    def merge(
        self, streams: Sequence[AsyncIterator[T]], limit: Limit | None = None
    ) -> AsyncGenerator[tuple[int, T], None]:
        """Iterate streams at once, as far as ``limit`` allows: ``(index, chunk)`` in the order in which chunks come."""

    def run_on_new_stack(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """The same stream, run on a new stack: in a thread or a task, which pulls a chunk when it is asked for one."""

    def iterate(self, stream: AsyncIterator[T]) -> Iterator[T]:
        """A plain iterator over a stream, for a plain generator that runs inside ``pull``."""

    def background(self, work: Callable[[Emit], Awaitable[Any]], limit: int) -> AsyncGenerator[Any, None]:
        """Iterate the items that ``work`` emits while it runs beside the consumer, at most ``limit`` items ahead.

        Its error is raised after the last item. Leaving the iteration cancels it.
        """

    def make_interrupter(self) -> Interrupter:
        """An interrupter for the work that this task or thread is about to run."""

    def condition(self) -> Condition: ...
    def sleep(self, seconds: float) -> Awaitable[None]: ...
    def await_on_loop(self, waiting: Awaitable[T]) -> Awaitable[T]:
        """Await something that needs an event loop; for blocking code there is one in a thread."""

    def run_before(self, deadline: float, thunk: Thunk[T], unblock: Callable[[], None]) -> Awaitable[T]:
        """Run a body that must end before ``deadline`` (``time.monotonic``); ``TimeoutError`` if it does not.

        ``unblock`` ends a blocked call; blocking code calls it from another thread.
        """

    def shield(self, thunk: Thunk[T]) -> Awaitable[T]:
        """Run a body to its end even while the run is being cancelled; for closing."""
