"""Tools: what models may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.errors import ToolException as ToolException
    from prill.tools.arguments import (
        FILTERED_ARGS as FILTERED_ARGS,
        InjectedToolArg as InjectedToolArg,
        InjectedToolCallId as InjectedToolCallId,
        _get_runnable_config_param as _get_runnable_config_param,
        create_schema_from_function as create_schema_from_function,
    )
    from prill.tools.base import (
        ArgsSchema as ArgsSchema,
        BaseTool as BaseTool,
        BaseToolkit as BaseToolkit,
        SchemaAnnotationError as SchemaAnnotationError,
    )
    from prill.tools.convert import tool as tool
    from prill.tools.from_runnable import convert_runnable_to_tool as convert_runnable_to_tool
    from prill.tools.function_schema import (
        convert_to_openai_function as convert_to_openai_function,
        convert_to_openai_tool as convert_to_openai_tool,
    )
    from prill.tools.render import (
        ToolsRenderer as ToolsRenderer,
        render_text_description as render_text_description,
        render_text_description_and_args as render_text_description_and_args,
        tool_example_to_messages as tool_example_to_messages,
    )
    from prill.tools.retriever import (
        RetrieverInput as RetrieverInput,
        create_retriever_tool as create_retriever_tool,
    )
    from prill.tools.simple import Tool as Tool
    from prill.tools.structured import StructuredTool as StructuredTool
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "prill.errors": "ToolException",
            "arguments": (
                "FILTERED_ARGS InjectedToolArg InjectedToolCallId _get_runnable_config_param "
                "create_schema_from_function"
            ),
            "base": "ArgsSchema BaseTool BaseToolkit SchemaAnnotationError",
            "convert": "tool",
            "from_runnable": "convert_runnable_to_tool",
            "function_schema": "convert_to_openai_function convert_to_openai_tool",
            "render": (
                "ToolsRenderer render_text_description render_text_description_and_args tool_example_to_messages"
            ),
            "retriever": "RetrieverInput create_retriever_tool",
            "simple": "Tool",
            "structured": "StructuredTool",
        },
    )
