"""Functions of messages that can be given their options now and the messages later, as a step of a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, update_wrapper
from typing import Concatenate, Generic, ParamSpec, TypeVar, overload

from prill.messages.convert import HasMessages, MessageLikeRepresentation

P = ParamSpec("P")
R = TypeVar("R")
Messages = Iterable[MessageLikeRepresentation] | HasMessages


class MessageFunction(Generic[P, R]):
    """A function of messages; called without them it gives a function that waits for them.

    So ``trim_messages(max_tokens=100, token_counter=len) | model`` is a chain: a function becomes a step of it.
    """

    __name__: str

    def __init__(self, function: Callable[Concatenate[Messages, P], R]) -> None:
        update_wrapper(self, function)
        self._function: Callable[..., R] = function

    @overload
    def __call__(self, messages: None = None, *args: P.args, **kwargs: P.kwargs) -> Callable[[Messages], R]: ...
    @overload
    def __call__(self, messages: Messages, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def __call__(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # the overloads say it
        if args and args[0] is not None:
            return self._function(*args, **kwargs)
        if kwargs.get("messages") is not None:
            messages = kwargs.pop("messages")
            return self._function(messages, **kwargs)
        waiting = partial(self, **kwargs)
        waiting.__name__ = self.__name__  # type: ignore[attr-defined]  # a name for the chain's step
        return waiting

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __reduce__(self) -> str:
        # Pickled by name, as any function.
        return self.__name__
