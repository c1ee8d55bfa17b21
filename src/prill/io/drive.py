"""Running a body without an event loop."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import AsyncGeneratorType
from typing import Any, Generic, TypeVar

from prill.errors import AsyncRequiredError

T = TypeVar("T")
S = TypeVar("S")

ASYNC_REQUIRED = (
    "a step waited on the event loop while it was run by a blocking verb. Use the asyncio verb instead "
    "(ainvoke, astream, abatch, atransform), or give the step a blocking form."
)


def drive(body: Awaitable[T]) -> T:
    """Run a blocking body to its end and return its value.

    Raises ``AsyncRequiredError`` if the body waits for an event loop.
    """
    coroutine: Any = body if hasattr(body, "send") else body.__await__()
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # StopIteration.value has no type
    raise _close_suspended_body(coroutine)


def _close_suspended_body(suspended: Any) -> AsyncRequiredError:
    """End a suspended body and return the error to raise.

    It is raised inside the body first, so that its ``finally`` blocks run and the traceback shows the ``await``.
    """
    error = AsyncRequiredError(ASYNC_REQUIRED)
    try:
        suspended.throw(error)
    except AsyncRequiredError as raised:
        return raised
    except StopIteration:
        return error
    suspended.close()
    return error


def drive_stream(stream: AsyncIterator[T]) -> Iterator[T]:
    """Iterate a blocking stream; leaving the iteration closes the stream."""
    following = stream.__anext__
    try:
        while True:
            waiting: Any = following()
            try:
                waiting.send(None)
            except StopIteration as done:
                yield done.value
            except StopAsyncIteration:
                return
            else:
                raise _close_suspended_body(waiting)
    finally:
        drive(close(stream))


def close(stream: Any) -> Awaitable[None]:
    """Close a stream, if it can be closed.

    Generators close one another from the last step of a chain to the first, each inside the next, so this adds no
    frame of its own.
    """
    aclose = getattr(stream, "aclose", None)
    if aclose is None:
        return _COMPLETED
    running = getattr(stream, "ag_running", None)
    if running is None:
        return _close_unless_running(aclose)
    # An event loop that shuts down closes all generators at once, so this one may be closing already.
    return _COMPLETED if running else aclose()


async def _close_unless_running(aclose: Callable[[], Awaitable[None]]) -> None:
    try:
        await aclose()
    except RuntimeError as error:
        if "already running" not in str(error):  # see above
            raise


class _CompletedAwaitable:
    """An awaitable that does not wait."""

    def send(self, value: None) -> Any:
        raise StopIteration

    def __await__(self) -> Any:
        return _AT_ITS_END


_AT_ITS_END: Iterator[Any] = iter(())

_COMPLETED = _CompletedAwaitable()


class closing(Generic[S]):
    """Like ``contextlib.aclosing``, for any async iterator."""

    __slots__ = ("_stream",)

    def __init__(self, stream: S) -> None:
        self._stream = stream

    async def __aenter__(self) -> S:
        return self._stream

    def __aexit__(self, *error: object) -> Awaitable[None]:
        stream: Any = self._stream
        # Most are left at their end, where there is nothing to close.
        return _COMPLETED if type(stream) is AsyncGeneratorType and stream.ag_frame is None else close(stream)


def is_deep() -> bool:
    """Whether more than 40 % of the recursion limit is in use."""
    try:
        sys._getframe(sys.getrecursionlimit() * 2 // 5)
    except ValueError:
        return False
    return True
