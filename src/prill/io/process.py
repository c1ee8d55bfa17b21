"""Values and locks that belong to one process: a forked child gets its own.

A child that ``fork`` makes has a copy of all objects, but only the thread that forked. A thread pool has no threads
there, an event loop does not run, a lock that another thread held is held for ever, and a connection is still the
parent's. ``PerProcess`` and ``make_lock`` are the one remedy, for all of Prill.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
Lock: TypeAlias = AbstractContextManager[Any]

_MISSING: Any = object()


class PerProcess(Generic[T]):
    """A value that each process makes for itself, when it first asks for it.

    ``close``, if given, is called with the value when this object is collected, when the program ends, and with the
    surplus value when two threads made one at the same time. A value that a child has inherited is neither used nor
    closed there: both would reach into the parent.

    >>> caches = PerProcess[dict[str, int]]()
    >>> caches.get(dict) is caches.get(dict)
    True
    """

    def __init__(self, close: Callable[[T], object] | None = None) -> None:
        self._close = close
        self._values: dict[int, T] = {}
        if close is not None:
            weakref.finalize(self, _close_value, self._values, close)

    def get(self, make: Callable[[], T]) -> T:
        """Return this process's value; ``make`` it, without a lock, if there is none."""
        try:
            return self._values[_process_generation]
        except KeyError:
            made = make()
        kept = self._values.setdefault(_process_generation, made)
        if kept is not made and self._close is not None:
            self._close(made)
        return kept

    def __reduce__(self) -> tuple[Any, ...]:
        return PerProcess, (self._close,)  # where it is unpickled is another process

    def close(self) -> None:
        """Close this process's value now; the next ``get`` makes another."""
        value = self._values.pop(_process_generation, _MISSING)
        if value is not _MISSING and self._close is not None:
            self._close(value)


def _close_value(values: dict[int, T], close: Callable[[T], object]) -> None:
    value = values.pop(_process_generation, _MISSING)
    _INHERITED.extend(values.values())
    if value is not _MISSING:
        close(value)


class _ForkSafeLock(type(threading.RLock())):  # type: ignore[misc]  # the type of the standard library's locks has no name
    """A reentrant lock; a copy, also in another process, is a lock of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return make_lock, ()


def make_lock() -> Lock:
    """A lock that is free in a forked child, whichever thread of the parent held it.

    Hold it for a few lines that call nothing of ours and nothing of a user's. It is reentrant, because a signal
    handler and a finalizer may run between any two lines of a thread: one that takes the same lock must not wait for
    the thread that it interrupted.
    """
    lock = _ForkSafeLock()
    _LOCKS.add(weakref.ref(lock, _LOCKS.discard))
    return lock


def hold_during_fork(lock: Lock) -> None:
    """Let ``fork`` wait until ``lock`` (of ``make_lock``) is free, so that the child finds its data whole.

    Only for a lock under which no lock of another object is taken, and which is held for calls that end by themselves.
    """
    _HELD_LOCKS.add(weakref.ref(lock, _HELD_LOCKS.discard))


def process_number() -> int:
    """The number of forks between the first process and this one."""
    return _process_generation


def check_process(number: int) -> None:
    """Raise ``RuntimeError`` in a child that would wait for a thread of its parent.

    Args:
        number: the ``process_number()`` where the threads were started.
    """
    if number != _process_generation:
        raise RuntimeError(
            "this run was started before the process was forked, and its threads exist only in the parent. "
            "Start the run again in the child"
        )


_process_generation = 0
_LOCKS: set[weakref.ref[Any]] = set()
_HELD_LOCKS: set[weakref.ref[Any]] = set()
_acquired: list[Any] = []
_INHERITED: list[Any] = []
"""Never collected: a finalizer of an inherited value could reach into the parent."""


def _before_fork() -> None:
    locks = [lock for ref in list(_HELD_LOCKS) if (lock := ref()) is not None]
    for lock in locks:
        lock.acquire()
    _acquired.extend(locks)


def _after_in_parent() -> None:
    while _acquired:
        _acquired.pop().release()


def _after_in_child() -> None:
    global _process_generation
    _process_generation += 1
    _acquired.clear()
    for ref in list(_LOCKS):
        lock = ref()
        if lock is not None:
            lock._at_fork_reinit()  # as the standard library does for its own locks


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
