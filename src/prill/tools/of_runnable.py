"""Runnables as tools."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from prill.runnables.base import Runnable
from prill.tools.base import BaseTool


def convert_runnable_to_tool(
    runnable: Runnable[Any, Any],
    args_schema: type[BaseModel] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    arg_types: dict[str, Any] | None = None,
) -> BaseTool:
    """The same as ``runnable.as_tool(...)``: a tool that runs it, and whose run is around its run."""
    made: BaseTool = runnable.as_tool(args_schema, name=name, description=description, arg_types=arg_types)
    return made
