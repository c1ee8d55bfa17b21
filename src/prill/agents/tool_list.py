"""The tools of an agent, from whatever a program gives as tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.errors import ConfigError
from prill.runnables.base import Runnable
from prill.tools.base import BaseTool, BaseToolkit
from prill.tools.convert import tool


def read_tools(given: Sequence[Any] | None) -> tuple[list[BaseTool], list[dict[str, Any]]]:
    """The tools that the agent runs, and the dicts of those that the provider runs.

    A tool is a function with a docstring, a ``BaseTool``, a Runnable, another agent, or a provider's dict.

    Raises:
        ConfigError: one is none of these, or two have one name.
    """
    tools: list[BaseTool] = []
    of_provider: list[dict[str, Any]] = []
    if isinstance(given, str | dict) or callable(given):
        raise ConfigError(f"tools is a list of tools, not {type(given).__name__}: tools=[{given!r:.60}]")
    for each in given or ():
        if isinstance(each, dict):
            of_provider.append(each)
        elif isinstance(each, BaseToolkit):
            tools += each.get_tools()
        else:
            tools.append(_read(each))
    names = [each.name for each in tools]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"two tools are called {sorted(twice)[0]!r}: a model could not tell them apart")
    return tools, of_provider


def _read(given: Any) -> BaseTool:
    if isinstance(given, BaseTool):
        return given
    if isinstance(given, Runnable):
        made: BaseTool = given.as_tool()
        return made
    if callable(given) and not isinstance(given, type):
        as_function: BaseTool = tool(given)
        return as_function
    hint = ": give an instance, not the class" if isinstance(given, type) else ""
    raise ConfigError(
        f"a tool of an agent is a function with a docstring, a tool, a Runnable or a provider's dict, not "
        f"{given!r:.80}{hint}"
    )
