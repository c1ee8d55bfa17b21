"""Tools, and the choice among them, as Anthropic's requests want them.

Format: https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prill.errors import ConfigError
from prill.providers.tools import check_names, check_tool
from prill.tools.function_schema import convert_to_openai_tool

_NOT_BUILT_IN = ("function", "object", "custom")


def convert_to_anthropic_tool(tool: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a tool in Anthropic's form: ``{"name": …, "description": …, "input_schema": JSON schema}``.

    ``tool`` is whatever can be bound to a model: a function, a pydantic class, a tool, a JSON schema, a dictionary in
    OpenAI's form. One in Anthropic's form, of a tool that Anthropic has built in too, is returned as it is.
    """
    if isinstance(tool, Mapping) and "input_schema" in tool:
        check_tool(tool.get("name"), tool["input_schema"], _LONGEST_NAME)
        return dict(tool)
    if isinstance(tool, Mapping) and _is_built_in(tool):
        return dict(tool)
    function = convert_to_openai_tool(tool, strict=strict)["function"]
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    check_tool(function.get("name"), schema, _LONGEST_NAME)
    converted = {"name": function["name"], "input_schema": schema}
    converted |= {key: function[key] for key in ("description", "strict") if function.get(key)}
    return converted


_LONGEST_NAME = 128


def convert_to_anthropic_tools(tools: Any, *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Describe a list of tools, each with a name of its own."""
    if isinstance(tools, Mapping | str) or not isinstance(tools, Sequence):
        raise ConfigError(f"bind_tools is given a list of tools, not {type(tools).__name__}: bind_tools([tool])")
    described = [convert_to_anthropic_tool(tool, strict=strict) for tool in tools]
    check_names([tool.get("name") for tool in described])
    return described


def _is_built_in(tool: Mapping[str, Any]) -> bool:
    return isinstance(tool.get("type"), str) and tool["type"] not in _NOT_BUILT_IN


def choice_of_tool(
    choice: str | bool | Mapping[str, Any] | None, parallel: bool | None, tools: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The request's ``tool_choice``: ``"auto"``, ``"any"``, ``"none"`` or a tool's name, in Anthropic's form.

    ``"required"`` and ``True`` are OpenAI's words for ``"any"``; a dictionary may be in either form. ``parallel``
    says whether the model may call several tools at once.

    Raises:
        ConfigError: there is no such tool among ``tools``.
    """
    chosen = _chosen(choice, [str(tool.get("name")) for tool in tools])
    if parallel is None or (chosen or {}).get("type") == "none":
        return chosen
    return {**(chosen or {"type": "auto"}), "disable_parallel_tool_use": not parallel}


_WORDS = {"auto": "auto", "any": "any", "required": "any", "none": "none"}


def _chosen(choice: str | bool | Mapping[str, Any] | None, names: list[str]) -> dict[str, Any] | None:
    if choice is None or choice is False:
        return None
    if choice is True:
        return {"type": "any"}
    if isinstance(choice, Mapping):
        if choice.get("type") != "function":
            return dict(choice)
        choice = str(choice["function"]["name"])
    elif choice in _WORDS and choice not in names:
        return {"type": _WORDS[choice]}
    if choice not in names:
        raise ConfigError(f"tool_choice={choice!r} names none of the tools {names}; or say auto, any or none")
    return {"type": "tool", "name": choice}
