"""Locks that record which lock is taken while which is held, and refuse an order that may deadlock.

Locks are compared by the line that made them: two locks of one line, taken within each other, may be taken in the
other order by another thread.
"""

from __future__ import annotations

import _thread
import sys
import threading
import traceback
from typing import Any

_REAL_LOCK, _REAL_RLOCK, _REAL_CONDITION = threading.Lock, threading.RLock, threading.Condition


class LockOrderError(AssertionError):
    """Two kinds of lock are taken in two orders, or foreign code is called under a lock."""


class _Recorder:
    def __init__(self) -> None:
        self.guard = _thread.allocate_lock()
        self.held = threading.local()
        self.after: dict[str, set[str]] = {}
        self.stacks: dict[tuple[str, str], str] = {}
        self.faults: list[str] = []

    def stack(self) -> list[Any]:
        if not hasattr(self.held, "locks"):
            self.held.locks = []
        return self.held.locks

    def taking(self, lock: DebugLock) -> None:
        for held in self.stack():
            if held is not lock:
                self._note(held.made_at, lock.made_at)

    def _note(self, first: str, second: str) -> None:
        with self.guard:
            if (first, second) in self.stacks:
                return
            stack = "".join(traceback.format_stack(limit=14)[:-3])
            self.stacks[first, second] = stack
            self.after.setdefault(first, set()).add(second)
            if self._leads(second, first):
                back = self.stacks.get((second, first), "(through other locks, or the same line)")
                self.faults.append(f"{second} is taken under {first}:\n{stack}\nand {first} under {second}:\n{back}")

    def _leads(self, start: str, end: str) -> bool:
        seen, ahead = set(), [start]
        while ahead:
            name = ahead.pop()
            if name == end:
                return True
            if name not in seen:
                seen.add(name)
                ahead += self.after.get(name, ())
        return False


RECORDER = _Recorder()


def find_caller() -> str | None:
    """The line of Prill that makes a lock, two calls further out; ``None`` for other code."""
    frame = sys._getframe(2)
    while frame.f_code.co_name == "make_lock" and frame.f_back is not None:
        frame = frame.f_back
    name = str(frame.f_globals.get("__name__", ""))
    return f"{name}:{frame.f_lineno}" if name.startswith("prill") else None


class DebugLock:
    """A ``Lock`` or an ``RLock`` that notifies the recorder; by default an ``RLock`` of the calling line."""

    def __init__(self, made_at: str | None = None, reentrant: bool = True) -> None:
        self.made_at = made_at or find_caller() or "unknown"
        self._lock: Any = _REAL_RLOCK() if reentrant else _REAL_LOCK()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking:
            RECORDER.taking(self)
        taken = self._lock.acquire(blocking, timeout)
        if taken:
            RECORDER.stack().append(self)
        return bool(taken)

    def release(self) -> None:
        stack = RECORDER.stack()
        if self in stack:
            del stack[len(stack) - 1 - stack[::-1].index(self)]
        self._lock.release()

    __enter__ = acquire

    def __exit__(self, *error: object) -> None:
        self.release()

    def locked(self) -> bool:
        return bool(self._lock.locked())

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()

    def _is_owned(self) -> bool:
        return self in RECORDER.stack()


def watch_locks() -> None:
    """Let the locks that Prill makes from now on be recorded."""

    def lock() -> Any:
        made_at = find_caller()
        return _REAL_LOCK() if made_at is None else DebugLock(made_at, False)

    def rlock() -> Any:
        made_at = find_caller()
        return _REAL_RLOCK() if made_at is None else DebugLock(made_at, True)

    def condition(inner: Any = None) -> Any:
        made_at = find_caller()
        return _REAL_CONDITION(DebugLock(made_at, True) if inner is None and made_at else inner)

    threading.Lock, threading.RLock, threading.Condition = lock, rlock, condition  # type: ignore[misc,assignment]


def check_no_lock_held() -> None:
    """For foreign code (a step's function, a handler): the thread that calls it must hold no lock of Prill."""
    if held := [lock.made_at for lock in RECORDER.stack()]:
        stack = "".join(traceback.format_stack(limit=14)[:-1])
        RECORDER.faults.append(f"foreign code is called under the lock of {held}:\n{stack}")


def check_order() -> None:
    """Raise ``LockOrderError`` with the stacks of the first faults."""
    if RECORDER.faults:
        raise LockOrderError("\n\n".join(RECORDER.faults[:3]))
