"""A wrapped Runnable keeps its own methods: a model with retries still has a model's ``bind_tools``."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from prill.runnables.base import Runnable
from prill.runnables.engine.overrides import VERBS


class Wrapper:
    """Passes what it does not know on to ``bound``; a Runnable that comes back is wrapped the same way."""

    bound: Runnable[Any, Any]

    def _rewrap(self, bound: Runnable[Any, Any]) -> Runnable[Any, Any]:
        """This wrapper around another Runnable."""
        raise NotImplementedError

    def _restarts(self) -> bool:
        return self.bound._restarts()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "bound" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = getattr(self.bound, name)
        is_method = callable(found) and not isinstance(found, type)
        return functools.partial(_call, self, found) if is_method else found

    def __setattr__(self, name: str, value: Any) -> None:
        if "bound" in self.__dict__ and name not in VERBS and self._belongs_to_bound(name):
            setattr(self.bound, name, value)  # where reading it would find it
        else:
            super().__setattr__(name, value)

    def _belongs_to_bound(self, name: str) -> bool:
        """Whether reading ``name`` gives an attribute of the wrapped Runnable."""
        if name.startswith("_") or name in self.__dict__ or hasattr(type(self), name):
            return False
        declared = any(name in inspect.get_annotations(kind) for kind in type(self).__mro__)
        return not declared and hasattr(self.bound, name)


def _call(wrapper: Wrapper, method: Any, *args: Any, **kwargs: Any) -> Any:
    made = method(*args, **kwargs)
    return wrapper._rewrap(made) if isinstance(made, Runnable) else made
