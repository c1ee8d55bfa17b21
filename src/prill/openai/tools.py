"""Tools, and which of them a model should call, as requests say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from prill.errors import ConfigError
from prill.providers.tools import check_names, check_tool
from prill.tools.function_schema import convert_to_openai_function, convert_to_openai_tool
from prill.tools.json_schema import remove_defaults

Json = dict[str, Any]


def bound_tools(tools: Sequence[Any], tool_choice: Any, strict: bool | None) -> Json:
    """``tools`` and ``tool_choice`` of a request, in the form of chat completions."""
    if isinstance(tools, Mapping | str) or not isinstance(tools, Sequence):
        raise ConfigError(f"bind_tools is given a list of tools, not {type(tools).__name__}: bind_tools([tool])")
    described = described_tools(tools, strict)
    if not described and not tool_choice:
        return {}  # OpenAI refuses an empty list
    bound: Json = {"tools": described}
    if tool_choice is not None and tool_choice is not False and tool_choice != "":
        bound["tool_choice"] = _choice(tool_choice, described)
    return bound


def described_tools(tools: Iterable[Any], strict: bool | None = None) -> list[Json]:
    """The tools in the form of chat completions; raises ``ConfigError`` for one that would be refused."""
    described = [_without_defaults(convert_to_openai_tool(tool, strict=strict)) for tool in tools]
    for tool in described:
        function = tool.get("function")
        if tool.get("type") == "function" and isinstance(function, Mapping):
            check_tool(function.get("name"), function.get("parameters"), _LONGEST_NAME)
    check_names([(tool.get("function") or {}).get("name") for tool in described])
    return described


def _without_defaults(tool: Json) -> Json:
    """The tool; one that is strict has no defaults in its parameters."""
    function = tool.get("function")
    if not isinstance(function, Mapping) or not function.get("strict") or "parameters" not in function:
        return tool
    return {**tool, "function": {**function, "parameters": remove_defaults(function["parameters"])}}


_LONGEST_NAME = 64


def _choice(choice: Any, tools: Sequence[Json]) -> Any:
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return choice
    names = [_name(tool) for tool in tools]
    if isinstance(choice, str):
        if choice in names:
            own = next(tool for tool in tools if _name(tool) == choice)
            return {"type": "function", "function": {"name": choice}} if "function" in own else {"type": choice}
        raise _no_such(choice, names)
    if isinstance(choice, Mapping):
        chosen = choice.get("name") or (choice.get("function") or {}).get("name")
        if choice.get("type") == "function" and chosen not in names:
            raise _no_such(chosen, names)
        if choice.get("type") == "function" and "function" not in choice:  # the form of responses
            return {"type": "function", "function": {"name": chosen}}
        return dict(choice)
    raise ConfigError(f"tool_choice is 'auto', 'none', 'any', True, a tool's name or a dictionary; not {choice!r}")


def _no_such(choice: Any, names: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"tool_choice names {choice!r}, which is none of the bound tools ({', '.join(names) or 'there are none'})"
    )


def _name(tool: Json) -> str:
    return str((tool.get("function") or {}).get("name") or tool.get("name") or tool.get("type"))


def response_format(wanted: Any) -> Any:
    """The form of the answer, as chat completions are asked for it: a pydantic class or a JSON schema is described."""
    described = isinstance(wanted, type) and issubclass(wanted, BaseModel)
    if not described and not (isinstance(wanted, Mapping) and "type" in wanted and _is_schema(wanted)):
        return wanted
    function = convert_to_openai_function(wanted, strict=True)
    schema = {"name": function["name"], "schema": remove_defaults(function["parameters"]), "strict": True}
    if function.get("description"):
        schema["description"] = function["description"]
    return {"type": "json_schema", "json_schema": schema}


def answer_format(form: Json, strict: bool | None) -> Json:
    """The form of the answer, of a function's description; strict by default where the schema can be."""
    parameters = form["parameters"]
    if strict is None:
        strict = not _has_free_keys(parameters)
    if strict:
        parameters = remove_defaults(convert_to_openai_function(form, strict=True)["parameters"])
    made = {"name": form["name"], "schema": parameters, "strict": strict}
    if form.get("description"):
        made["description"] = form["description"]
    return {"type": "json_schema", "json_schema": made}


def _has_free_keys(schema: Any) -> bool:
    """Whether an object in the schema may have any keys, which the strict form does not allow."""
    if isinstance(schema, list):
        return any(_has_free_keys(each) for each in schema)
    if not isinstance(schema, Mapping):
        return False
    if schema.get("type") == "object" and (schema.get("additionalProperties") or "properties" not in schema):
        return True
    return any(_has_free_keys(each) for each in schema.values())


def _is_schema(wanted: Mapping[str, Any]) -> bool:
    return wanted["type"] not in ("json_schema", "json_object", "text", "grammar")
