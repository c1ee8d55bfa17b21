"""Describes functions to models: name, description and JSON schema of the arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, Field, create_model
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict
from typing_extensions import is_typeddict as is_typeddict_extension

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.runnables.describe.pydantic_v1 import convert_v1, is_pydantic_v1
from prill.runnables.describe.typed_dicts import usable
from prill.tools.arguments import get_annotations, is_injected
from prill.tools.docstring import find_unknown, read_docstring
from prill.tools.json_schema import make_json_schema, tidy
from prill.tools.json_schema import strict as strictly

Schema = dict[str, Any]

_FILLED_BY_RUN = frozenset(("callbacks", "run_manager"))
"""Parameters that the run fills, not the model."""


class FunctionDescription(TypedDict):
    """The description of a function for a model."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolDescription(TypedDict):
    """The description of a tool for a model."""

    type: Literal["function"]
    function: FunctionDescription


def convert_to_openai_function(function: Any, *, strict: bool | None = None) -> Schema:
    """Describe a function in OpenAI's form: ``{"name": …, "description": …, "parameters": JSON schema}``.

    ``function`` is a function (its docstring describes it, and its arguments in the style of Google, NumPy or Sphinx),
    a pydantic class, a ``TypedDict``, a tool, a JSON schema with a ``title``, or a dictionary in OpenAI's, Anthropic's
    or Bedrock's (``toolSpec``) form. ``strict`` asks OpenAI to keep to the schema, and writes it in the form for that.

    Raises ``ConfigError`` (a ``ValueError``) if it is none of these, or an argument has no JSON schema.
    """
    described = _describe(function)
    if strict is None:
        return described
    described = {**described, "strict": strict}
    if strict:
        described["parameters"] = strictly(described.get("parameters") or {"type": "object", "properties": {}})
    return described


def convert_to_openai_tool(tool: Any, *, strict: bool | None = None) -> Schema:
    """Describe a tool in OpenAI's form: ``{"type": "function", "function": …}``.

    A dictionary that names a tool of the provider's own (``{"type": "web_search"}``) is returned as it is. A tool
    with ``metadata={"type": "custom_tool"}`` takes free text, in the form of ``metadata["format"]`` if that is given.
    """
    if isinstance(tool, Mapping) and isinstance(tool.get("type"), str) and tool["type"] not in ("function", "object"):
        return dict(tool)
    if isinstance(tool, Mapping) and tool.get("type") == "function" and "function" in tool and strict is None:
        return dict(tool)
    about = getattr(tool, "metadata", None)
    if isinstance(about, Mapping) and about.get("type") == "custom_tool" and hasattr(tool, "description"):
        form = {"format": about["format"]} if "format" in about else {}
        return {"type": "custom", "name": tool.name, "description": tool.description, **form}
    return {"type": "function", "function": convert_to_openai_function(tool, strict=strict)}


def convert_to_json_schema(schema: Any, *, strict: bool | None = None) -> Schema:
    """Describe a class, a function or a tool as a JSON schema with a ``title``; takes the same as
    ``convert_to_openai_function``."""
    described = convert_to_openai_function(schema, strict=strict)
    text = {"description": described["description"]} if described.get("description") else {}
    return {"title": described["name"], **text, **described.get("parameters", {})}


def _describe(function: Any) -> Schema:
    if isinstance(function, Mapping):
        return _of_dict(function)
    if is_pydantic_v1(function):
        function = convert_v1(function)
    if isinstance(function, type) and issubclass(function, BaseModel):
        return _of_model(function)
    if isinstance(function, type) and (is_typeddict(function) or is_typeddict_extension(function)):
        return _of_typed_dict(function)
    if hasattr(function, "args_schema") and hasattr(function, "name"):
        return _of_tool(function)
    if callable(function):
        return _of_function(function)
    raise _unsupported(function)


def _unsupported(function: Any) -> ConfigError:
    return ConfigError(
        f"cannot describe {function!r:.120} to a model: give a function, a pydantic class, a TypedDict, a tool, a JSON "
        "schema with a 'title', or a dictionary with 'name', 'description' and 'parameters'"
    )


def _of_dict(given: Mapping[str, Any]) -> Schema:
    if given.get("type") == "function" and isinstance(given.get("function"), Mapping):
        return _of_dict(given["function"])
    if isinstance(bedrock := given.get("toolSpec"), Mapping) and "name" in bedrock:
        schema = bedrock.get("inputSchema")
        parameters = {"parameters": schema["json"]} if isinstance(schema, Mapping) and "json" in schema else {}
        return _of_dict({**{key: bedrock[key] for key in ("name", "description") if key in bedrock}, **parameters})
    if "name" in given and "input_schema" in given:
        text = {"description": given["description"]} if "description" in given else {}
        return {"name": given["name"], **text, "parameters": given["input_schema"]}
    if "name" in given and "properties" not in given:
        kept = ("name", "description", "parameters", "strict")
        return {key: given[key] for key in kept if key in given}
    if given.keys() <= {"title", "description"} and "title" in given:
        return {"name": given["title"], **{key: value for key, value in given.items() if key != "title"}}
    if "title" in given and ("properties" in given or given.get("type") == "object"):
        text = {"description": given["description"]} if "description" in given else {}
        rest = {key: value for key, value in given.items() if key not in ("title", "description")}
        return {"name": given["title"], **text, "parameters": rest}
    raise _unsupported(dict(given))


def _of_model(model: type[BaseModel], name: str | None = None, description: str | None = None) -> Schema:
    name = name or model.__name__
    try:
        schema = make_json_schema(model)
    except (PydanticUserError, TypeError, ValueError) as error:
        raise ConfigError(f"the arguments of {name} have no JSON schema: {_first_line(error)}") from error
    documented = schema.pop("description", "")
    parameters = tidy(schema)
    parameters.setdefault("properties", {})
    return {"name": name, "description": documented if description is None else description, "parameters": parameters}


def _of_tool(tool: Any) -> Schema:
    schema = getattr(tool, "tool_call_schema", None) or tool.args_schema
    if schema is None:
        return {"name": tool.name, "description": tool.description, "parameters": {"type": "object", "properties": {}}}
    if isinstance(schema, Mapping):
        rest = {key: value for key, value in schema.items() if key not in ("title", "description")}
        return {"name": tool.name, "description": tool.description, "parameters": rest}
    return _of_model(schema, tool.name, tool.description)


def _of_typed_dict(kind: Any) -> Schema:
    description, documented = read_docstring(kind.__doc__)
    kind = usable(kind)
    required = kind.__required_keys__
    fields: dict[str, Any] = {}
    optional: set[str] = set()
    for name, hint in get_type_hints(kind, include_extras=True).items():
        annotation, default, text = _annotated(hint)
        # Annotations that are texts hide NotRequired from the class.
        if default is ... and (name not in required or _form(hint) == "NotRequired"):
            optional.add(name)
        fields[name] = (annotation, default, text or documented.get(name))
    described = _of_model(_model(kind.__name__, fields), kind.__name__, description)
    parameters = described["parameters"]
    left = [name for name in parameters.get("required", ()) if name not in optional]
    parameters.pop("required", None)
    return {**described, "parameters": {**parameters, **({"required": left} if left else {})}}


def _form(hint: Any) -> str:
    return getattr(get_origin(hint), "_name", None) or ""


def _annotated(hint: Any) -> tuple[Any, Any, str | None]:
    """The type, the default (``...``: none) and the description in ``Annotated[type, default, description]``."""
    while _form(hint) in ("Required", "NotRequired", "ReadOnly"):
        hint = get_args(hint)[0]
    if get_origin(hint) is not Annotated:
        return hint, ..., None
    annotation, *extra = get_args(hint)
    if len(extra) == 2 and (extra[1] is None or isinstance(extra[1], str)):
        return annotation, extra[0], extra[1]
    if len(extra) == 1 and isinstance(extra[0], str):
        return annotation, ..., extra[0]
    return hint, ..., None


def _of_function(function: Callable[..., Any]) -> Schema:
    target = function.func if isinstance(function, functools.partial) else function
    if not inspect.isroutine(target) and not inspect.isclass(target):
        raise ConfigError(f"cannot describe {function!r:.120} to a model: it has no name; pass its method instead")
    name = target.__name__
    if name == "<lambda>":
        raise ConfigError("a lambda has no name and no types to describe to a model: write it with def")
    description, documented = read_docstring(target.__doc__)
    fields = _arguments(function, name, documented)
    if unknown := find_unknown(documented, inspect.signature(target).parameters):
        raise ConfigError(
            f"the docstring of {name} describes {', '.join(map(repr, unknown))}, which are not parameters: it takes "
            f"{', '.join(map(repr, fields)) or 'no arguments'}"
        )
    return _of_model(_model(name, fields), name, description)


def _arguments(function: Callable[..., Any], name: str, documented: Mapping[str, str]) -> dict[str, Any]:
    target = function.func if isinstance(function, functools.partial) else function
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise ConfigError(f"the types of {name}'s arguments cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    for argument, parameter in signature.parameters.items():
        hint = hints.get(argument, Any)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or _is_ours(argument, hint):
            continue
        annotation, _, text = _annotated(usable(hint))
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[argument] = (annotation, default, text or documented.get(argument))
        _check(name, argument, annotation)
    return fields


def _is_ours(argument: str, hint: Any) -> bool:
    filled = argument in _FILLED_BY_RUN or hint is RunnableConfig or RunnableConfig in get_args(hint)
    return filled or is_injected(get_annotations(hint))


def _check(name: str, argument: str, annotation: Any) -> None:
    try:
        make_json_schema(_model(name, {argument: (annotation, ..., None)}))
    except (PydanticUserError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the argument {argument!r} of {name} has the type {annotation!r}, which has no JSON schema: "
            f"{_first_line(error)}"
        ) from error


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    # An argument's name may be one that pydantic keeps for itself (``schema``, ``_private``): it becomes an alias.
    aliased: dict[str, Any] = {}
    for number, (own, (kind, default, text)) in enumerate(fields.items()):
        aliased[f"argument_{number}"] = (kind, Field(default, description=text, alias=own))
    return create_model(name, **aliased)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
