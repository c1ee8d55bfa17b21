"""``ModelFallbackMiddleware``: other models for when the first fails, and ``ToolErrorMiddleware``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prill.agents.binding import resolve_model
from prill.agents.history import make_answer
from prill.agents.middleware import AgentMiddleware, ModelRequest, ToolCallRequest
from prill.errors import Cancelled


class ModelFallbackMiddleware(AgentMiddleware):
    """Calls another model when a call fails: ``first_model``, then each of ``additional_models``, by object or name."""

    _awaits_only_handlers = True

    def __init__(self, first_model: Any, *additional_models: Any) -> None:
        self.models = [resolve_model(model) for model in (first_model, *additional_models)]

    async def wrap_model_call(self, request: ModelRequest, handler: Any) -> Any:
        try:
            return await handler(request)
        except Cancelled:
            raise
        except Exception as error:
            failed: Exception = error
        for model in self.models:
            try:
                return await handler(request.override(model=model))
            except Cancelled:
                raise
            except Exception as error:
                error.__context__ = failed
                failed = error
        raise failed


class ToolErrorMiddleware(AgentMiddleware):
    """Tells the model of exceptions of tools, which otherwise end the run.

    Args:
        on_error: a function of the exception that makes the words for the model; by default its text.
        tools: the tools, or their names; all by default.
    """

    _awaits_only_handlers = True

    def __init__(
        self, on_error: Callable[[Exception], str] | None = None, *, tools: Sequence[Any] | None = None
    ) -> None:
        self.on_error = on_error
        self._names = None if tools is None else {each if isinstance(each, str) else each.name for each in tools}

    async def wrap_tool_call(self, request: ToolCallRequest, handler: Any) -> Any:
        name = request.tool_call["name"]
        if self._names is not None and name not in self._names:
            return await handler(request)
        try:
            return await handler(request)
        except Cancelled:
            raise
        except Exception as error:
            text = f"Error: {type(error).__name__}: {error}" if self.on_error is None else self.on_error(error)
            return make_answer(request.tool_call, text)
