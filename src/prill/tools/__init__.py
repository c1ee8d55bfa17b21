"""Tools: what models may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.errors import ToolException
    from prill.tools.arguments import FILTERED_ARGS, _get_runnable_config_param, create_schema_from_function
    from prill.tools.base import ArgsSchema, BaseTool, BaseToolkit, SchemaAnnotationError
    from prill.tools.convert import tool
    from prill.tools.examples import tool_example_to_messages
    from prill.tools.from_runnable import convert_runnable_to_tool
    from prill.tools.function_schema import convert_to_openai_function, convert_to_openai_tool
    from prill.tools.injected import InjectedToolArg, InjectedToolCallId
    from prill.tools.render import ToolsRenderer, render_text_description, render_text_description_and_args
    from prill.tools.retriever import RetrieverInput, create_retriever_tool
    from prill.tools.simple import Tool
    from prill.tools.structured import StructuredTool

_HOMES = {
    "FILTERED_ARGS": "arguments",
    "ArgsSchema": "base",
    "BaseTool": "base",
    "BaseToolkit": "base",
    "InjectedToolArg": "injected",
    "InjectedToolCallId": "injected",
    "RetrieverInput": "retriever",
    "SchemaAnnotationError": "base",
    "StructuredTool": "structured",
    "Tool": "simple",
    "ToolException": "",
    "ToolsRenderer": "render",
    "_get_runnable_config_param": "arguments",
    "convert_runnable_to_tool": "from_runnable",
    "convert_to_openai_function": "function_schema",
    "convert_to_openai_tool": "function_schema",
    "create_retriever_tool": "retriever",
    "create_schema_from_function": "arguments",
    "render_text_description": "render",
    "render_text_description_and_args": "render",
    "tool": "convert",
    "tool_example_to_messages": "examples",
}

__all__ = [
    "FILTERED_ARGS",
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "InjectedToolArg",
    "InjectedToolCallId",
    "RetrieverInput",
    "SchemaAnnotationError",
    "StructuredTool",
    "Tool",
    "ToolException",
    "ToolsRenderer",
    "_get_runnable_config_param",
    "convert_runnable_to_tool",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "create_retriever_tool",
    "create_schema_from_function",
    "render_text_description",
    "render_text_description_and_args",
    "tool",
    "tool_example_to_messages",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    _FULL = {name: f"{__name__}.{home}" if home else "prill.errors" for name, home in _HOMES.items()}
    __getattr__, __dir__ = lazy_names(__name__, _FULL)
