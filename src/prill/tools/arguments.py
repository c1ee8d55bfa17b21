"""A function's parameters as the arguments of a tool."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError
from prill.runnables.describe.typed_dicts import usable
from prill.tools.docstring import find_unknown, read_docstring
from prill.tools.parameters import Own, get_hints, get_parameters, own, unwrapped


class InjectedToolArg:
    """Marks an argument that the program supplies; models do not see it.

    ``def buy(item: str, user: Annotated[str, InjectedToolArg])``: the program adds ``user`` to the arguments of a
    call before it invokes the tool.
    """


class InjectedToolCallId(InjectedToolArg):
    """Marks the argument that is given the id of the model's tool call."""


def is_injected(marks: Any, kind: type[InjectedToolArg] = InjectedToolArg) -> bool:
    """Whether one of ``marks`` (what stands in an ``Annotated``, or a field's metadata) is ``kind``."""
    return any(isinstance(mark, kind) or (isinstance(mark, type) and issubclass(mark, kind)) for mark in marks)


def get_annotations(hint: Any) -> tuple[Any, ...]:
    """The metadata of an ``Annotated`` type; the type itself, if it is one that marks arguments."""
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, InjectedToolArg):
        return (origin,)
    return tuple(get_args(hint)[1:]) if origin is Annotated else ()


_EMPTY = inspect.Parameter.empty

FILTERED_ARGS = ("run_manager", "callbacks")
"""Parameters that the run fills by their names."""


class Names(NamedTuple):
    """The arguments of a pydantic model: pairs ``(field, argument)``, and those that a chat model does not see."""

    fields: tuple[tuple[str, str], ...]
    injected: frozenset[str]
    call_id: frozenset[str]


def injected_parameters(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that the run fills, not a model: ``{name: "callbacks" | "run_manager" | "config"}``.

    Those are ``callbacks``, ``run_manager``, and any that is annotated with ``RunnableConfig``; a ``config`` without
    an annotation too.
    """
    return _filled(own(function))


def injected_arguments(function: Callable[..., Any]) -> dict[str, bool]:
    """The parameters marked with ``InjectedToolArg``, by name; true for those that are given the id of the call."""
    return _marked(own(function))


@functools.lru_cache(maxsize=1024)
def _marked(whose: Own) -> dict[str, bool]:
    marks = {name: get_annotations(hint) for name, hint in get_hints(whose.function).items()}
    return {name: is_injected(each, InjectedToolCallId) for name, each in marks.items() if is_injected(each)}


def args_model(name: str, function: Callable[..., Any], description: str | None = None) -> type[BaseModel]:
    """A pydantic model of all parameters but those that the run fills; their docstring describes them."""
    return _model(name, own(function), description=description)


def create_schema_from_function(
    model_name: str,
    func: Callable[..., Any],
    *,
    filter_args: Sequence[str] | None = None,
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = False,
    include_injected: bool = True,
) -> type[BaseModel]:
    """A pydantic model of a function's parameters, but for those of ``filter_args`` and those that a run fills.

    ``parse_docstring`` describes the parameters by the docstring; with ``error_on_invalid_docstring`` one that speaks
    of other parameters raises ``ConfigError``. Without ``include_injected`` those that are marked with
    ``InjectedToolArg`` are left out.
    """
    if parse_docstring and error_on_invalid_docstring:
        check_docstring(model_name, func)
    text = read_docstring(inspect.getdoc(func))[0] if parse_docstring else inspect.getdoc(func)
    model = _model(model_name, own(func), frozenset(filter_args or ()), parse_docstring, text or None)
    return model if include_injected else visible_args_model(model_name, model, text)


def check_docstring(name: str, function: Callable[..., Any]) -> None:
    """Raise ``ConfigError`` for a docstring without arguments, or with arguments that do not exist."""
    _, documented = read_docstring(inspect.getdoc(function))
    taken = get_parameters(own(function))
    unknown = find_unknown(documented, taken)
    if unknown or (taken and not documented):
        none = "has no section 'Args:' (or 'Parameters', or ':param name:')"
        what = f"describes {', '.join(unknown)}, which are not parameters" if unknown else none
        raise ConfigError(f"the docstring of {name} {what}; its parameters are: {', '.join(taken) or 'none'}")


@functools.lru_cache(maxsize=1024)
def argument_names(model: type[BaseModel]) -> Names:
    """The arguments in a model, by field."""
    fields = model.model_fields
    return Names(
        tuple(
            (name, field.alias if field.alias and name.startswith(_RENAMED) else name) for name, field in fields.items()
        ),
        frozenset(name for name, field in fields.items() if is_injected(_marks(field))),
        frozenset(name for name, field in fields.items() if is_injected(_marks(field), InjectedToolCallId)),
    )


@functools.lru_cache(maxsize=1024)
def visible_args_model(name: str, model: type[BaseModel], description: str | None = None) -> type[BaseModel]:
    """The pydantic model as a chat model sees it: without injected arguments, called and described as the tool is."""
    injected = argument_names(model).injected
    description = description or None
    if not injected:
        is_same = (model.__name__, model.__dict__.get("__doc__")) == (name, description)
        return model if is_same and not model.model_config.get("title") else _renamed(model, name, description)
    fields: dict[str, Any] = {
        each: (field.annotation, field) for each, field in model.model_fields.items() if each not in injected
    }
    config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())
    if extra := model.model_config.get("extra"):
        config["extra"] = extra
    return create_model(name, __config__=config, __doc__=description, **fields)


def _renamed(model: type[BaseModel], name: str, description: str | None) -> type[BaseModel]:
    """A class with the fields and the checks of ``model``, and another name and docstring."""
    config = ConfigDict(title=name, defer_build=True)
    space = {"__doc__": description, "__module__": model.__module__, "__qualname__": name, "model_config": config}
    return types.new_class(name, (model,), exec_body=lambda made: made.update(space))


def _marks(field: FieldInfo) -> Sequence[Any]:
    return (*field.metadata, *get_annotations(field.annotation))


@functools.lru_cache(maxsize=1024)
def _filled(whose: Own) -> dict[str, str]:
    hints = get_hints(whose.function)
    documented = {name: _what(name, hints.get(name, _EMPTY)) for name in get_parameters(whose)}
    return {name: what for name, what in documented.items() if what is not None}


def _what(name: str, annotation: Any) -> str | None:
    if name in FILTERED_ARGS:
        return name
    if annotation is RunnableConfig or RunnableConfig in get_args(annotation):
        return "config"
    return "config" if name == "config" and annotation is _EMPTY else None


_RENAMED = "argument_"
"""Prefix of fields whose argument has a name that pydantic reserves; the argument's name is the alias."""


@functools.lru_cache(maxsize=1024)
def _model(
    name: str,
    whose: Own,
    left_out: frozenset[str] = frozenset(),
    described: bool = True,
    description: str | None = None,
) -> type[BaseModel]:
    hints = get_hints(whose.function)
    documented = read_docstring(inspect.getdoc(unwrapped(whose.function)))[1] if described else {}
    fields: dict[str, Any] = {}
    others: Any = None  # the type of arguments that have no parameter of their own
    for each in get_parameters(whose).values():
        hint = hints.get(each.name, _EMPTY)
        if each.kind is each.VAR_KEYWORD:
            others = Any if hint is _EMPTY else hint
        if each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) or _what(each.name, hint) or each.name in left_out:
            continue
        said = next((mark for mark in get_annotations(hint) if isinstance(mark, str)), None) or documented.get(
            each.name
        )
        more: dict[str, Any] = {"description": said} if said else {}
        field = each.name
        if field.startswith("_") or hasattr(BaseModel, field):
            field, more["alias"] = f"{_RENAMED}{len(fields)}", each.name
        default = ... if each.default is _EMPTY else each.default
        fields[field] = (Any if hint is _EMPTY else usable(hint), Field(default, **more))
    base = _Arguments if others is None else _open_base(others)
    return create_model(name, __base__=base, __doc__=description, **fields)


class _Arguments(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())


def _open_base(others: Any) -> type[BaseModel]:
    """A model that takes arguments of any name, if they are of a type."""
    space: dict[str, Any] = {"model_config": ConfigDict(extra="allow"), "__module__": __name__}
    return type("_Arguments", (_Arguments,), {**space, "__annotations__": {"__pydantic_extra__": dict[str, others]}})


def _get_runnable_config_param(func: Callable[..., Any]) -> str | None:
    """The parameter of a function that is given the config; ``None`` if there is none."""
    return next((name for name, what in injected_parameters(func).items() if what == "config"), None)
