"""``langchain_core.callbacks.manager``: calling the hooks of handlers directly, as packages with runs of their own do."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prill.callbacks.base import BaseCallbackHandler
from prill.io import BLOCKING, drive
from prill.messages import get_buffer_string

logger = logging.getLogger("prill.callbacks")
Func = TypeVar("Func", bound=Callable[..., Any])


def handle_event(
    handlers: Sequence[Any], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """Call a hook of each handler; hooks that are ``async`` are awaited on an event loop in a thread."""
    for handler in handlers:
        if _ignores(handler, ignore_condition_name):
            continue
        try:
            answer = _call(handler, event_name, args, kwargs)
            if inspect.isawaitable(answer):
                drive(_wait(answer))
        except Exception as error:
            _report(handler, event_name, error)


async def _wait(answer: Awaitable[Any]) -> None:
    await BLOCKING.await_on_loop(answer)


async def ahandle_event(
    handlers: Sequence[Any], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """The same for asyncio: handlers with ``run_inline`` first, one after the other, then the others."""
    for handler in sorted(handlers, key=lambda each: not getattr(each, "run_inline", False)):
        if _ignores(handler, ignore_condition_name):
            continue
        try:
            answer = _call(handler, event_name, args, kwargs)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            _report(handler, event_name, error)


def _ignores(handler: Any, condition: str | None) -> bool:
    return condition is not None and bool(getattr(handler, condition, False))


def _call(handler: Any, hook: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    own = getattr(type(handler), "on_chat_model_start", None)
    if hook == "on_chat_model_start" and own is BaseCallbackHandler.on_chat_model_start:
        if handler.ignore_llm:
            return None
        serialized, messages, *rest = args
        return handler.on_llm_start(serialized, [get_buffer_string(each) for each in messages], *rest, **kwargs)
    return getattr(handler, hook)(*args, **kwargs)


def _report(handler: Any, hook: str, error: Exception) -> None:
    if getattr(handler, "raise_error", False):
        raise error
    logger.warning("Error in %s.%s callback: %r", type(handler).__name__, hook, error)


def shielded(func: Func) -> Func:
    """A coroutine function whose call goes on when the task that awaits it is cancelled."""

    @functools.wraps(func)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.shield(func(*args, **kwargs))

    return wrapped  # type: ignore[return-value]  # the same parameters
