"""Functions of a program that servers of the Model Context Protocol call: log messages, progress, questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CallbackContext:
    """Where a callback comes from: the name of the server, and of the tool if there is one."""

    server_name: str
    tool_name: str | None = None


@dataclass(frozen=True)
class Callbacks:
    """Async functions that are called when a server sends something by itself.

    They run on the event loop of the sessions, beside all other calls: they must not block.

    Attributes:
        on_logging_message: called with the message (``level``, ``logger``, ``data``) and the context.
        on_progress: called with the progress, the total or ``None``, a text or ``None``, and the context.
        on_elicitation: called with the session's context, the question and the context; returns an
            ``mcp.types.ElicitResult``. Without it, servers are told that questions are not answered.
    """

    on_logging_message: Callable[[Any, CallbackContext], Awaitable[None]] | None = None
    on_progress: Callable[[float, float | None, str | None, CallbackContext], Awaitable[None]] | None = None
    on_elicitation: Callable[[Any, Any, CallbackContext], Awaitable[Any]] | None = None


def session_options(server: str, callbacks: Callbacks | None) -> dict[str, Any]:
    """The arguments of ``mcp.ClientSession`` for the callbacks."""
    if callbacks is None:
        return {}
    context = CallbackContext(server)
    log, elicit = callbacks.on_logging_message, callbacks.on_elicitation

    async def on_log(params: Any) -> None:
        if log is not None:
            await log(params, context)

    async def on_question(session: Any, params: Any) -> Any:
        return await elicit(session, params, context)  # type: ignore[misc]  # only given where it is there

    given = {"logging_callback": on_log if log else None, "elicitation_callback": on_question if elicit else None}
    return {name: callback for name, callback in given.items() if callback is not None}


def progress_reporter(
    callbacks: Callbacks | None, server: str, tool: str, emit: Callable[[Any], Any] | None = None
) -> Callable[[float, float | None, str | None], Awaitable[None]] | None:
    """The function that a session calls with the progress of a tool; ``None`` where nobody wants to know it."""
    on_progress = None if callbacks is None else callbacks.on_progress
    if on_progress is None and emit is None:
        return None
    context = CallbackContext(server, tool)

    async def report(progress: float, total: float | None, message: str | None) -> None:
        if emit is not None:
            emit({"type": "progress", "progress": progress, "total": total, "message": message and message[:1000]})
        if on_progress is not None:
            await on_progress(progress, total, message, context)

    return report
