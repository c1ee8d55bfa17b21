"""The open containers and strings of a JSON text that is still arriving, and cheap views of them.

A view is a plain ``list``, ``dict`` or ``str`` that is never changed after it was handed out. Children that are
finished are shared by all views; only what is still open is made again for each view.
"""

from __future__ import annotations

import sys
from collections import deque
from sys import getrefcount
from typing import Any

# Below this many children, or characters, a copy costs less than looking for a container to use again.
RECYCLE_FROM = 64
LONG_FROM = 8192
_POOL = 72  # views of one container that are remembered: more than an event stream's buffer holds (64)


class _View:
    """A container or string that was handed out, and how much of the open one it holds."""

    __slots__ = ("container", "held", "size")

    def __init__(self, container: Any, held: int, size: int) -> None:
        self.container = container
        self.held = held  # finished children, in order of arrival, that are in it
        self.size = size  # its length without the child that was open then


# Copying a list of thousands of records for each token would make a stream quadratic. But the consumer of a stream
# keeps one value or a few: the views before those are garbage, and a view that nobody can reach may be brought up to
# date and handed out again, as the allocator does with its memory. "Nobody can reach it" is what CPython's reference
# count says: every variable, container, iterator, frame or thread that could see the view holds a counted reference.
# What a view counts when only its ``_View`` has it is measured once, with the very expression that is used later;
# where counts say nothing (another interpreter, a build without a GIL) nothing is ever recycled.
def _count(view: _View) -> int:
    return getrefcount(view.container)


def _calibrate() -> int:
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return -1
    alone = _View([], 0, 0)
    count = _count(alone)
    witness = alone.container
    return count if _count(alone) == count + 1 and witness is not None else -1


_ALONE = _calibrate()


def _find_unused(pool: deque[_View]) -> _View | None:
    # Consumers let go of the oldest view first; one that is kept for long is passed over and looked at later.
    for _ in range(min(3, len(pool))):
        view = pool[0]
        pool.rotate(-1)
        # A length that does not fit shows that a consumer changed the view; it is left alone.
        if getrefcount(view.container) == _ALONE and 0 <= len(view.container) - view.size <= 1:
            return view
    return None


class LongString:
    """A string of at least ``LONG_FROM`` characters whose closing quote has not come."""

    __slots__ = ("_last", "_pool")

    def __init__(self, text: str) -> None:
        self._pool: deque[_View] = deque(maxlen=_POOL)
        self._last = self._remember(text)

    def view(self, new: str) -> str:
        """Return the string with ``new`` at its end."""
        if new:
            self._last = self._longer(self._last, new)
        text: str = self._last.container
        return text

    def _longer(self, last: _View, new: str) -> _View:
        view = _find_unused(self._pool)
        if view is None:
            return self._remember(last.container + new)
        text = view.container
        view.container = ""  # now nothing but ``text`` has it, so that CPython makes it longer where it is
        if view is not last:
            text += last.container[len(text) :]
        text += new
        view.container = text
        view.held = view.size = len(text)
        return view

    def _remember(self, text: str) -> _View:
        view = _View(text, len(text), len(text))
        self._pool.append(view)
        return view


class OpenList:
    """A list whose ``]`` has not come yet: ``items`` are its finished children."""

    __slots__ = ("items", "pool", "shown")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.pool: deque[_View] = deque(maxlen=_POOL)
        self.shown: list[Any] | None = None

    def put(self, child: Any) -> None:
        self.items.append(child)

    def open_key(self) -> int:
        return len(self.items)

    def view(self) -> list[Any]:
        """Return a new list of the finished children, to which the open one may be attached."""
        items = self.items
        shown: list[Any]
        if len(items) < RECYCLE_FROM:
            shown = items.copy()
        else:
            self.shown = None
            shown = self._recycle()
        self.shown = shown
        return shown

    def attach(self, view: list[Any], child: Any) -> None:
        view.append(child)

    def close(self, *, seen: bool) -> list[Any]:
        """Return the finished list: the very one of the last view where that already shows all of it."""
        return self.shown if seen and self.shown is not None else self.items

    def _recycle(self) -> list[Any]:
        items = self.items
        view = _find_unused(self.pool)
        if view is None:
            view = _View(items.copy(), len(items), len(items))
            self.pool.append(view)
        else:
            view.container[view.held :] = items[view.held :]
            view.held = view.size = len(items)
        container: list[Any] = view.container
        return container


class OpenDict:
    """A dict whose ``}`` has not come yet: ``items`` are its finished children, ``key`` the name of the open one."""

    __slots__ = ("items", "key", "log", "pool", "shown")

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.key = ""
        self.log: list[str] = []  # the keys in order of arrival, to bring an old view up to date
        self.pool: deque[_View] = deque(maxlen=_POOL)
        self.shown: dict[str, Any] | None = None

    def put(self, child: Any) -> None:
        self.items[self.key] = child
        self.log.append(self.key)

    def open_key(self) -> str:
        return self.key

    def view(self) -> dict[str, Any]:
        """Return a new dict of the finished children, to which the open one may be attached."""
        items = self.items
        shown: dict[str, Any]
        if len(items) < RECYCLE_FROM:
            shown = items.copy()
        else:
            self.shown = None
            shown = self._recycle()
        self.shown = shown
        return shown

    def attach(self, view: dict[str, Any], child: Any) -> None:
        view[self.key] = child

    def close(self, *, seen: bool) -> dict[str, Any]:
        """Return the finished dict: the very one of the last view where that already shows all of it."""
        return self.shown if seen and self.shown is not None else self.items

    def _recycle(self) -> dict[str, Any]:
        items, log = self.items, self.log
        view = _find_unused(self.pool)
        if view is None:
            view = _View(items.copy(), len(log), len(items))
            self.pool.append(view)
        else:
            container = view.container
            for key in log[view.held :]:
                container[key] = items[key]
            if self.key in container:
                container[self.key] = items.get(self.key)  # lets go of an old view of the open child
            view.held, view.size = len(log), len(items)
        shown: dict[str, Any] = view.container
        return shown
