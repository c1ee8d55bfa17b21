"""A thread that works on items in groups, behind those that add them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from prill.io.process import make_lock
from prill.io.threads import ServiceThread, get_item

T = TypeVar("T")


class GroupThread(Generic[T]):
    """Calls ``work`` with the items of some time, in a thread that starts when it is needed and ends when it is not.

    A process that forks makes another in the child: see ``PerProcess``.

    Args:
        work: is called with the items in the order in which they were added first; it must not raise.
        name: the thread's name.
        gather: for how many seconds items are gathered.
        rest: after how many seconds without items the thread ends.
        on_rest: is called in the thread before it ends, such as to close what ``work`` has opened.
    """

    def __init__(
        self,
        work: Callable[[list[T]], object],
        name: str,
        *,
        gather: float,
        rest: float,
        on_rest: Callable[[], object],
    ) -> None:
        self._work, self._name = work, name
        self._gather, self._rest, self._on_rest = gather, rest, on_rest
        self._lock = make_lock()
        self._items: dict[Hashable, tuple[T, int]] = {}
        self._flushes: list[SimpleQueue[None]] = []
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._awake = False
        self._thread: Any = None
        self.size = 0
        """The sum of the sizes of the items that wait."""

    def __len__(self) -> int:
        return len(self._items)

    def add(self, key: Hashable, item: T, size: int) -> None:
        """Have ``work`` called with ``item``, in place of an earlier one with this key that still waits."""
        with self._lock:
            _, earlier = self._items.get(key, (None, 0))
            self._items[key] = item, size
            self.size += size - earlier
            self._wake()

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until ``work`` has had all items so far, ``seconds`` at most; return whether it has."""
        done: SimpleQueue[None] = SimpleQueue()
        with self._lock:
            if self._thread is None and not self._items:
                return True
            self._flushes.append(done)
            self._wake()
            self._wakes.put(None)  # gather no longer
        try:
            get_item(done, seconds)
        except Empty:
            return False
        return True

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self._wakes.put(None)
        if self._thread is None:
            self._thread = ServiceThread(self._run, self._name)
            self._thread.start()

    def _run(self) -> None:
        while self._wait(self._rest) or not self._end():
            self._wait(self._gather)
            with self._lock:
                items, self._items, self.size = self._items, {}, 0
                flushes, self._flushes = self._flushes, []
                self._awake = False
            if items:
                self._work([item for item, _ in items.values()])
            for done in flushes:
                done.put(None)

    def _wait(self, seconds: float) -> bool:
        try:
            self._wakes.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _end(self) -> bool:
        self._on_rest()
        with self._lock:
            if self._awake:
                return False
            self._thread = None
        return True
