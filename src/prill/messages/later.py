"""Functions of messages that take their options now and the messages later, as a step of a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, update_wrapper
from importlib import import_module
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from prill.messages.convert import HasMessages, MessageLikeRepresentation

P = ParamSpec("P")
R = TypeVar("R")
Messages = Iterable[MessageLikeRepresentation] | HasMessages


class MessageFunction(Generic[P, R]):
    """A function of messages; called without them it returns a Runnable that takes them as its input.

    So ``trim_messages(max_tokens=100, token_counter=len) | model`` is a chain.
    """

    __name__: str

    def __init__(self, function: Callable[Concatenate[Messages, P], R]) -> None:
        update_wrapper(self, function)
        self._function: Callable[..., R] = function

    @overload
    def __call__(self, messages: None = None, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    @overload
    def __call__(self, messages: Messages, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def __call__(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # the overloads say it
        if args and args[0] is not None:
            return self._function(*args, **kwargs)
        if kwargs.get("messages") is not None:
            messages = kwargs.pop("messages")
            return self._function(messages, **kwargs)
        waiting = partial(self, **kwargs)
        # Runnables are a layer above messages, so they are looked up when a program asks for one.
        return import_module("prill.runnables").RunnableLambda(waiting, name=self.__name__)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __reduce__(self) -> str:
        # Pickled by name, as any function.
        return self.__name__
