"""``langchain_core.callbacks.manager``: the run managers under the names of what they are for.

Prill has one class for plain code and one for ``async`` code. Packages name the others in annotations, and read the
names there.
"""

from __future__ import annotations

from typing import Any

from prill.callbacks.base import BaseCallbackHandler
from prill.callbacks.manager import AsyncCallbackManager, AsyncRunManager, RunManager
from prill.callbacks.manager import BaseCallbackManager as PrillCallbackManager
from prill.callbacks.manager import CallbackManager as PlainCallbackManager
from prill.callbacks.run import GLOBAL_CALLBACKS


class _ByBase(type):
    """A class whose objects are those of its base."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])


class _Instrumented(type(PrillCallbackManager)):  # type: ignore[misc]  # a metaclass is made at run time
    """A class whose ``__init__`` libraries for observability replace, so that each manager has their handler.

    A run of Prill's makes no manager unless user code asks for one. So the handlers that a manager gets from the new
    ``__init__`` watch every run of the program, until the former one is put back.
    """

    added: tuple[BaseCallbackHandler, ...] = ()

    def __setattr__(cls, name: str, value: Any) -> None:
        if name != "__init__" or not _is_base(cls):
            super().__setattr__(name, value)
            return
        PrillCallbackManager.__init__ = value  # type: ignore[method-assign]  # managers of all kinds are made by it
        for handler in _Instrumented.added:
            GLOBAL_CALLBACKS.remove(handler)
        _Instrumented.added = tuple(PrillCallbackManager([]).inheritable_handlers)
        GLOBAL_CALLBACKS.extend(_Instrumented.added)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, PrillCallbackManager) if _is_base(cls) else super().__instancecheck__(instance)


def _is_base(cls: type) -> bool:
    return cls.__module__ == __name__ and cls.__qualname__ == "BaseCallbackManager"


class BaseCallbackManager(PrillCallbackManager, metaclass=_Instrumented):
    """Handlers as one object. See ``prill.callbacks.BaseCallbackManager``."""


class _NotAsync(type(PlainCallbackManager)):  # type: ignore[misc]  # as above
    """A class whose objects are Prill's managers for plain code: those for asyncio are a kind of them there."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls.__module__ != __name__:
            return bool(super().__instancecheck__(instance))
        return isinstance(instance, PlainCallbackManager) and not isinstance(instance, AsyncCallbackManager)


class CallbackManager(PlainCallbackManager, metaclass=_NotAsync):
    """Handlers as one object, for plain code. See ``prill.callbacks.CallbackManager``."""


class CallbackManagerForChainRun(RunManager, metaclass=_ByBase):
    """The manager of a chain's run."""


class CallbackManagerForLLMRun(RunManager, metaclass=_ByBase):
    """The manager of a model's run."""


class CallbackManagerForToolRun(RunManager, metaclass=_ByBase):
    """The manager of a tool's run."""


class CallbackManagerForRetrieverRun(RunManager, metaclass=_ByBase):
    """The manager of a retriever's run."""


class AsyncCallbackManagerForChainRun(AsyncRunManager, metaclass=_ByBase):
    """The manager of a chain's run, for asyncio."""


class AsyncCallbackManagerForLLMRun(AsyncRunManager, metaclass=_ByBase):
    """The manager of a model's run, for asyncio."""


class AsyncCallbackManagerForToolRun(AsyncRunManager, metaclass=_ByBase):
    """The manager of a tool's run, for asyncio."""


class AsyncCallbackManagerForRetrieverRun(AsyncRunManager, metaclass=_ByBase):
    """The manager of a retriever's run, for asyncio."""
