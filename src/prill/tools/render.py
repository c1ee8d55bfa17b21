"""Tools as text, for prompts of models that cannot be given tools."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

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
