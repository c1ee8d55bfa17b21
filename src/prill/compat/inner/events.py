"""``langchain_core.callbacks.manager``: the hooks of handlers, called directly by packages with runs of their own."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prill.callbacks.base import BaseCallbackHandler
from prill.io import BLOCKING, ExecutionMode, drive
from prill.messages import get_buffer_string

logger = logging.getLogger("prill.callbacks")
Func = TypeVar("Func", bound=Callable[..., Any])


def handle_event(
    handlers: Sequence[Any], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """Call a hook of each handler; hooks that are ``async`` are awaited on an event loop in a thread."""
    drive(_call_all(handlers, event_name, ignore_condition_name, args, kwargs, BLOCKING))


def ahandle_event(
    handlers: Sequence[Any], event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> Awaitable[None]:
    """The same for asyncio; handlers with ``run_inline`` go first."""
    first = sorted(handlers, key=lambda each: not getattr(each, "run_inline", False))
    return _call_all(first, event_name, ignore_condition_name, args, kwargs, None)


async def _call_all(
    handlers: Sequence[Any],
    hook: str,
    condition: str | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    mode: ExecutionMode | None,
) -> None:
    for handler in handlers:
        if _ignores(handler, condition):
            continue
        try:
            answer = _call(handler, hook, args, kwargs)
            if inspect.isawaitable(answer):
                await (answer if mode is None else mode.await_on_loop(answer))
        except Exception as error:
            _report(handler, hook, error)


def _ignores(handler: Any, condition: str | None) -> bool:
    return condition is not None and bool(getattr(handler, condition, False))


def _call(handler: Any, hook: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    own = getattr(type(handler), "on_chat_model_start", None)
    if hook != "on_chat_model_start":
        return getattr(handler, hook)(*args, **kwargs)
    if own is not BaseCallbackHandler.on_chat_model_start:
        try:
            return handler.on_chat_model_start(*args, **kwargs)
        except NotImplementedError:
            pass  # it wants chat models as text models
    if handler.ignore_llm:
        return None
    serialized, messages, *rest = args
    return handler.on_llm_start(serialized, [get_buffer_string(each) for each in messages], *rest, **kwargs)


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
