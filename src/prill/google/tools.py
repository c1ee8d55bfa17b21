"""Tools, and which of them a model should call, as the Gemini API takes them.

Format: https://ai.google.dev/api/caching#Tool
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prill.errors import ConfigError
from prill.providers.tools import check_names, check_tool
from prill.tools.function_schema import convert_to_openai_tool

Json = dict[str, Any]

_OWN = re.compile(
    "function_?declarations|google_?search(_?retrieval)?|code_?execution|url_?context|computer_?use|google_?maps|"
    "file_?search|retrieval|enterprise_?web_?search|mcp_?servers",
    re.IGNORECASE,
)
"""The keys of a tool in the API's own form, in the spelling of JSON or of Python."""


def encode_tools(tools: Any) -> list[Json]:
    """``tools`` of a request: one with all functions, and the ones that Google runs.

    A tool is whatever can be bound to a model, a name of one that Google runs (``"google_search"``), or a dictionary in
    the API's form (``{"google_search": {}}``), with keys in the spelling of JSON or of Python.

    Raises:
        ConfigError: one cannot be described, or two have one name.
    """
    if isinstance(tools, Mapping | str) or not isinstance(tools, Sequence):
        raise ConfigError(f"bind_tools is given a list of tools, not {type(tools).__name__}: bind_tools([tool])")
    functions: list[Json] = []
    own: list[Json] = []
    for tool in tools:
        if (known := _read_own(tool)) is None:
            functions.append(_declaration(tool))
        else:
            functions += known.pop("functionDeclarations", ())
            own += [known] if known else []
    check_names([function.get("name") for function in functions])
    return [*([{"functionDeclarations": functions}] if functions else []), *own]


def _read_own(tool: Any) -> Json | None:
    if isinstance(tool, str) and _OWN.fullmatch(tool):
        return {_camel(tool): {}}
    if isinstance(tool, Mapping) and tool and all(_OWN.fullmatch(str(key)) for key in tool):
        return {_camel(key): value for key, value in tool.items()}
    return None


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def camel_keys(value: Any) -> Any:
    """A dictionary with its keys, and those of the dictionaries in it, in the spelling of JSON."""
    return (
        {_camel(str(key)): camel_keys(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value
    )


def _declaration(tool: Any) -> Json:
    function = convert_to_openai_tool(tool).get("function")
    if not isinstance(function, Mapping):
        raise ConfigError(
            f"Gemini knows no tool of the form {tool!r:.80}: give a function, or {{'google_search': {{}}}}"
        )
    schema = function.get("parameters")
    check_tool(function.get("name"), schema, _LONGEST_NAME)
    declared = {"name": function["name"]}
    if function.get("description"):
        declared["description"] = function["description"]
    if schema and schema.get("properties"):
        declared["parametersJsonSchema"] = schema
    return declared


_LONGEST_NAME = 64


def function_names(tools: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the functions in ``tools`` of a request."""
    return [str(function.get("name")) for tool in tools for function in tool.get("functionDeclarations") or ()]


_MODES = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE", "validated": "VALIDATED"}


def encode_choice(choice: Any, names: Sequence[str], strict: bool | None = None) -> Json | None:
    """``toolConfig`` of a request: ``"auto"``, ``"any"``, ``"none"``, a function's name or several, in the API's form.

    ``"required"`` and ``True`` are OpenAI's words for ``"any"``. ``strict`` makes calls that the model is free to make
    keep to their schemas.

    Raises:
        ConfigError: there is no such function among ``names``.
    """
    config = _calling_config(choice, names)
    if strict and (config is None or config.get("mode") == "AUTO"):
        config = {"mode": "VALIDATED"}
    return None if config is None else {"functionCallingConfig": config}


def _calling_config(choice: Any, names: Sequence[str]) -> Json | None:
    if choice is None or choice is False or choice == "":
        return None
    if choice is True:
        return {"mode": "ANY"}
    if isinstance(choice, Mapping):
        if choice.get("type") != "function":
            inner = choice.get("functionCallingConfig") or choice.get("function_calling_config") or choice
            return dict(camel_keys(inner))
        choice = choice.get("name") or (choice.get("function") or {}).get("name")
    if isinstance(choice, str) and choice.lower() in _MODES and choice not in names:
        return {"mode": _MODES[choice.lower()]}
    chosen = [choice] if isinstance(choice, str) else list(choice or ())
    if unknown := [name for name in chosen if name not in names]:
        known = ", ".join(names) or "there are none"
        raise ConfigError(f"tool_choice names {unknown[0]!r}, which is none of the bound tools ({known})")
    return {"mode": "ANY", "allowedFunctionNames": chosen}
