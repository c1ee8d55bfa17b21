"""Wrappers that keep the methods of the wrapped Runnable: a model with retries still has ``bind_tools``."""

from __future__ import annotations

import functools
from typing import Any

from prill.runnables.base import Runnable


class Wrapper:
    """Forwards unknown attributes to ``bound``; a Runnable that a method returns is wrapped the same way."""

    bound: Runnable[Any, Any]

    def _rewrap(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        """This wrapper around another Runnable."""
        raise NotImplementedError

    def _may_restart(self) -> bool:
        return self.bound._may_restart()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "bound" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = getattr(self.bound, name)
        return functools.partial(_call, self, found) if callable(found) else found


def _call(wrapper: Wrapper, method: Any, *args: Any, **kwargs: Any) -> Any:
    made = method(*args, **kwargs)
    return wrapper._rewrap(made) if isinstance(made, Runnable) else made
