"""A body in a thread of its own, beside the consumer of the items that it emits."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

from prill.errors import Cancelled
from prill.io.condition import ThreadCondition
from prill.io.drive import drive
from prill.io.execution_mode import Emit
from prill.io.portal import copy_context_of_worker, loop_runs_here, make_wake
from prill.io.process import check_process, process_number
from prill.io.scope import Scope, current_scope, interruptible, scoped
from prill.io.stream_threads import END
from prill.io.threads import join


class BackgroundBody:
    """Runs ``work(put)`` in a thread; ``take`` returns the items that it has put.

    ``work`` is at most ``limit`` items ahead: then ``put`` waits until the consumer takes some.
    """

    def __init__(self, work: Callable[[Emit], Awaitable[Any]], limit: int) -> None:
        self._limit = max(1, limit // 2)  # while the consumer uses one half, the other may be filled
        self._items: list[Any] = []
        self._changed = ThreadCondition()
        self._scope = Scope(current_scope())
        self._process = process_number()
        self._error: BaseException | None = None
        run = partial(scoped, partial(self._run_in_background, work), self._scope)
        self._thread = threading.Thread(
            target=copy_context_of_worker().run, args=(run,), name="prill-background", daemon=True
        )
        try:
            self._thread.start()
        except BaseException:  # an interrupt may leave it running, and nobody will stop it
            self._scope.cancel()
            raise

    def take(self) -> list[Any]:
        """Wait for items and return them; ``END`` is the last of all."""
        check_process(self._process)
        # The scope may be another one than where the body was started.
        with interruptible(self._scope.cancel), self._changed:
            while not self._items:
                self._changed.wait()
            items, self._items = self._items, []
            self._changed.notify_all()
        return items

    def raise_error(self) -> None:
        """Raise the error that the body ended with, if any."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Cancel the body and wait for its end."""
        self._scope.cancel()
        with self._changed:
            self._changed.notify_all()
        join(self._thread)
        self._scope.leave()

    def _run_in_background(self, work: Callable[[Emit], Awaitable[Any]]) -> None:
        try:
            drive(work(self._put_item))
        except BaseException as error:
            self._error = error
        with self._changed:
            self._items.append(END)
            self._changed.notify_all()

    def _put_item(self, item: Any) -> Awaitable[None] | None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
            if len(self._items) >= self._limit and loop_runs_here():
                # Other code needs this thread's loop, the consumer perhaps: it must not be blocked.
                return self
            while len(self._items) >= self._limit:
                self._raise_if_closed()
                self._changed.wait(self._scope)
        self._raise_if_closed()
        return None

    def __await__(self) -> Generator[Any, None, None]:
        """Wait, on an event loop, until there is room: for a part of the run that uses asyncio."""
        import asyncio  # noqa: PLC0415 - a loop runs here, so it is loaded

        while True:
            room, wake = make_wake(asyncio.get_running_loop())
            self._raise_if_closed()
            with self._changed:
                if len(self._items) < self._limit:
                    return
                self._changed.add(wake)
            yield from room.__await__()

    def _raise_if_closed(self) -> None:
        if self._scope.cancelled:
            raise Cancelled("the consumer has left the stream")
