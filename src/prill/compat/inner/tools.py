"""``langchain_core.tools.base``: what packages that run tools themselves ask about them."""

from __future__ import annotations

import json
from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import get_type_hints

from prill.tools.arguments import InjectedToolArg

TOOL_MESSAGE_BLOCK_TYPES = (
    "text", "image_url", "image", "json", "search_result", "custom_tool_call_output", "document", "file",
)  # fmt: skip


class _DirectlyInjectedToolArg(InjectedToolArg):
    """A base of types whose parameters are injected without being marked in an ``Annotated``."""


def _is_directly_injected_arg_type(type_: Any) -> bool:
    kind = get_origin(type_) or type_
    return isinstance(kind, type) and issubclass(kind, _DirectlyInjectedToolArg)


def _is_injected_arg_type(type_: Any, injected_type: type[InjectedToolArg] | None = None) -> bool:
    """Whether a parameter of a type is injected: not shown to a model."""
    if injected_type is None and _is_directly_injected_arg_type(type_):
        return True
    kind = injected_type or InjectedToolArg
    return any(
        isinstance(mark, kind) or (isinstance(mark, type) and issubclass(mark, kind)) for mark in get_args(type_)[1:]
    )


def get_all_basemodel_annotations(cls: Any, *, default_to_bound: bool = True) -> dict[str, Any]:
    """The types of a model's fields, those of its bases too, with what was given for type variables."""
    kind = get_origin(cls) or cls
    if not isinstance(kind, type):
        raise TypeError(f"expected a class of pydantic, got {cls!r}")
    hints = get_type_hints(kind, include_extras=True)
    fields = getattr(kind, "model_fields", None) or getattr(kind, "__fields__", {})
    given = dict(zip(getattr(kind, "__parameters__", ()), get_args(cls), strict=False))
    return {name: _replace(hint, given, default_to_bound) for name, hint in hints.items() if name in fields}


def _replace(hint: Any, given: dict[Any, Any], default_to_bound: bool) -> Any:
    if isinstance(hint, TypeVar):
        found = given.get(hint)
        return found if found is not None else (hint.__bound__ if default_to_bound and hint.__bound__ else hint)
    args = get_args(hint)
    if not args or not getattr(hint, "__parameters__", ()):
        return hint
    return hint[tuple(_replace(each, given, default_to_bound) for each in hint.__parameters__)]


def _stringify(content: Any) -> str:
    """A value as JSON, or as text if it is not one of JSON's."""
    try:
        return json.dumps(content, ensure_ascii=False)
    except Exception:
        return str(content)
