"""Examples of calls of tools, as messages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pydantic import BaseModel

from prill.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage


def tool_example_to_messages(
    input: str,
    tool_calls: Sequence[BaseModel],
    tool_outputs: Sequence[str] | None = None,
    *,
    ai_response: str | None = None,
) -> list[BaseMessage]:
    """Write an example (an input, and the calls that a model should answer it with) as messages for a prompt.

    Each call is an instance of the pydantic class that describes the tool. ``tool_outputs`` are what the tools gave,
    ``ai_response`` what the model said then.
    """
    calls = [
        ToolCall(name=type(call).__name__, args=call.model_dump(mode="json"), id=str(uuid.uuid4()), type="tool_call")
        for call in tool_calls
    ]
    outputs = tool_outputs or ["You have correctly called this tool."] * len(calls)
    messages: list[BaseMessage] = [HumanMessage(input), AIMessage("", tool_calls=calls)]
    messages += [
        ToolMessage(output, tool_call_id=call["id"] or "") for output, call in zip(outputs, calls, strict=False)
    ]
    return [*messages, AIMessage(ai_response)] if ai_response else messages
