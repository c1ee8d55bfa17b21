"""Describing functions to models."""

from prill.tools.function_schema import (
    FunctionDescription,
    ToolDescription,
    convert_to_json_schema,
    convert_to_openai_function,
    convert_to_openai_tool,
)
from prill.tools.render import tool_example_to_messages

__all__ = [
    "FunctionDescription",
    "ToolDescription",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "tool_example_to_messages",
]
