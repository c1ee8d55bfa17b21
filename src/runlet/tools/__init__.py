"""Tools: what models may call."""

from runlet.tools.base import BaseTool
from runlet.tools.convert import StructuredTool, tool

__all__ = ["BaseTool", "StructuredTool", "tool"]
