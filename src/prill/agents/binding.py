"""The model of an agent, bound to the tools that it may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.chat_models import init_chat_model
from prill.errors import ConfigError
from prill.messages import SystemMessage
from prill.runnables.base import Runnable


def resolve_model(model: Any) -> Runnable[Any, Any]:
    """The model that a name, such as ``"openai:gpt-4o-mini"``, or an object stands for.

    Raises:
        ConfigError: it is neither, or its provider is unknown.
    """
    if isinstance(model, str):
        return init_chat_model(model)
    if not isinstance(model, Runnable):
        hint = ": give an instance, not the class" if isinstance(model, type) else ""
        raise ConfigError(f"the model of an agent is a chat model or a name 'provider:model', not {model!r:.80}{hint}")
    return model


def bind_model(
    model: Any, tools: Sequence[Any], tool_choice: Any = None, settings: dict[str, Any] | None = None
) -> Runnable[Any, Any]:
    """``model``, which may call ``tools``; ``settings`` are bound to it too.

    Raises:
        ConfigError: it cannot be given tools.
    """
    resolved = resolve_model(model)
    settings = settings or {}
    if not tools:
        return resolved.bind(**settings) if settings else resolved
    bind = getattr(resolved, "bind_tools", None)
    if bind is None:
        raise ConfigError(
            f"{resolved.get_name()} has no bind_tools, so it cannot be given the agent's tools: give the chat model "
            "itself"
        )
    choice = {} if tool_choice is None else {"tool_choice": tool_choice}
    bound: Runnable[Any, Any] = bind(list(tools), **choice, **settings)
    return bound


def read_system_prompt(prompt: Any) -> SystemMessage | None:
    """The system message of an agent.

    Raises:
        ConfigError: it is neither a text nor a ``SystemMessage``.
    """
    if prompt is None or isinstance(prompt, SystemMessage):
        return prompt
    if isinstance(prompt, str):
        return SystemMessage(content=prompt)
    raise ConfigError(
        f"system_prompt is a text or a SystemMessage, not {type(prompt).__name__}: one that depends on the state is "
        "middleware, made by @dynamic_prompt"
    )
