"""Tools in prompts: described as text, for models that cannot be given tools, and examples of their calls."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from prill.errors import ConfigError
from prill.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from prill.tools.base import BaseTool

ToolsRenderer = Callable[[Sequence[BaseTool]], str]


def render_text_description(tools: Sequence[BaseTool]) -> str:
    """One line for each tool: its name, its parameters where it is made of a function, what it does."""
    return "\n".join(_line(tool) for tool in tools)


def render_text_description_and_args(tools: Sequence[BaseTool]) -> str:
    """One line for each tool, with the JSON schemas of its arguments."""
    return "\n".join(f"{_line(tool)}, args: {tool.args}" for tool in tools)


def _line(tool: BaseTool) -> str:
    function: Any = getattr(tool, "func", None)
    return f"{tool.name}{inspect.signature(function) if function else ''} - {tool.description}"


def tool_example_to_messages(
    input: str,
    tool_calls: Sequence[BaseModel],
    tool_outputs: Sequence[str] | None = None,
    *,
    ai_response: str | None = None,
) -> list[BaseMessage]:
    """Write an example (an input, and the calls that a model should answer it with) as messages for a prompt.

    Args:
        input: the text of the human message.
        tool_calls: instances of the pydantic classes that describe the tools.
        tool_outputs: the results of the tools, one for each call; without them each call was correct.
        ai_response: the text of an answer after the results.

    Raises ``ConfigError`` if there is not one output for each call.
    """
    if tool_outputs and len(tool_outputs) != len(tool_calls):
        raise ConfigError(f"there are {len(tool_outputs)} tool_outputs for {len(tool_calls)} tool_calls; give one each")
    calls = [
        ToolCall(name=type(call).__name__, args=call.model_dump(mode="json"), id=str(uuid.uuid4()), type="tool_call")
        for call in tool_calls
    ]
    outputs = tool_outputs or ["You have correctly called this tool."] * len(calls)
    messages: list[BaseMessage] = [HumanMessage(input), AIMessage("", tool_calls=calls)]
    messages += [
        ToolMessage(output, tool_call_id=call["id"] or "") for output, call in zip(outputs, calls, strict=True)
    ]
    return [*messages, AIMessage(ai_response)] if ai_response else messages
