"""``langchain_core.callbacks.manager``: the run managers under the names of what they are for.

Prill has one class for plain code and one for ``async`` code. Packages name the others in annotations, and read the
names there.
"""

from __future__ import annotations

from typing import Any

from prill.callbacks.manager import AsyncRunManager, RunManager


class _ByBase(type):
    """A class whose objects are those of its base."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])


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
