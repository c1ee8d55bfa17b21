"""Writing objects as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from prill.callbacks.secrets import wrap_secrets
from prill.load.forms import ATTRIBUTES, get_form
from prill.messages.call_types import ESCAPED

_ALWAYS_WRITTEN = frozenset({"type", "status", "tool_calls", "invalid_tool_calls"})
"""Fields of our own classes that are written with their default too: other programs read them."""
_OF_REQUESTS = {
    *("kwargs", "model_kwargs", "extra_body", "default_headers", "extra_headers", "extra_query", "default_query"),
}


class Secret(dict[str, Any]):
    """The name of a secret, which stands in its place. A type of its own: a user's dict may look the same."""

    def __init__(self, name: str) -> None:
        super().__init__(lc=1, type="secret", id=[name])


def dumpd(obj: Any) -> Any:
    """An object as plain data that ``load`` reads again: dicts, lists, texts, numbers, booleans and ``None``.

    Messages, documents, prompts, parsers, chains of them and models are written whole, without their callbacks, and
    keys as the names of environment variables. Pydantic models in a message (``additional_kwargs["parsed"]``) are
    written as their fields. Never raises: an object that cannot be written (a function, an open file, another class)
    is described in its place, as ``not_implemented``. Tuples become lists.
    """
    return _plain(obj, ())


def dumps(obj: Any, *, pretty: bool = False, **kwargs: Any) -> str:
    """The text of ``dumpd``; ``kwargs`` are those of ``json.dumps``, and ``pretty`` indents."""
    if pretty:
        kwargs.setdefault("indent", 2)
    return json.dumps(dumpd(obj), **kwargs)


def _plain(value: Any, around: tuple[int, ...], *, data: bool = False, in_message: bool = False) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if id(value) in around:  # it contains itself
        return not_implemented(value, "…")
    around = (*around, id(value))
    if isinstance(value, Secret):
        return dict(value)
    if isinstance(value, Mapping):
        if len({str(key) for key in value}) < len(value):  # one of 1 and "1" would be lost
            return not_implemented(value)
        # A user's dict that looks like a stored object must not be taken for one, nor its values.
        escaped = not data and ("lc" in value or ESCAPED in value)
        data = data or escaped
        plain = {str(key): _plain(item, around, data=data, in_message=in_message) for key, item in value.items()}
        return {ESCAPED: plain} if escaped else plain
    if isinstance(value, list | tuple):
        return [_plain(item, around, data=data, in_message=in_message) for item in value]
    written = _written(value)
    if in_message and written["type"] == "not_implemented" and (fields := _json_fields(value)) is not None:
        return _plain(fields, around, data=data)
    if written.get("type") == "constructor":
        in_message = _is_message(written["id"])
        kwargs = {key: _plain(item, around, in_message=in_message) for key, item in written["kwargs"].items()}
        written = {**written, "kwargs": kwargs}
    return written


def _written(value: Any) -> dict[str, Any]:
    """The outer form of an object."""
    form = get_form(type(value))
    if form is not None:
        kwargs = get_written_fields(value) if isinstance(value, BaseModel) else _get_attributes(value)
        return {"lc": 1, "type": "constructor", "id": list(form.id), "kwargs": kwargs}
    own = getattr(value, "to_json", None)
    if own is not None and getattr(type(value), "is_lc_serializable", None) is not None:
        return own()  # type: ignore[no-any-return]  # a Serializable, which is defined above this
    return not_implemented(value)


def _is_message(id: list[str]) -> bool:
    return id[:3] == ["langchain", "schema", "messages"]


def _json_fields(value: Any) -> Any:
    """The fields of a pydantic model as JSON values; ``None`` for anything else, and for fields without a JSON form."""
    if not isinstance(value, BaseModel):
        return None
    try:
        return value.model_dump(mode="json")
    except Exception:  # of a serializer of the user's
        return None


def get_written_fields(model: BaseModel) -> dict[str, Any]:
    """The fields of a model that are written: not those that hold their default, or are excluded from dumps."""
    always = _ALWAYS_WRITTEN if get_form(type(model)) is not None else ()
    given: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if field.exclude or (name not in always and not field.is_required() and _is_default(field, value)):
            continue
        given[name] = _secret(model, name) if isinstance(value, SecretStr) else _named(name, value)
    return {**given, **_private_arguments(model), **(model.__pydantic_extra__ or {})}


def _private_arguments(model: BaseModel) -> dict[str, Any]:
    """The arguments of the constructor that are kept outside the fields, where they are not the default."""
    names: Mapping[str, str] = getattr(type(model), "_written_arguments", {})
    private = type(model).__private_attributes__
    values = {name: getattr(model, attribute) for name, attribute in names.items()}
    return {name: value for name, value in values.items() if value != private[names[name]].default}


def _is_default(field: FieldInfo, value: Any) -> bool:
    if field.default_factory in (list, dict):
        return value in ([], {})
    # Of one type, because an array compares item by item with other values.
    return type(value) is type(field.default) and bool(value == field.default)


def _get_attributes(value: Any) -> dict[str, Any]:
    given = {name: getattr(value, name) for name in ATTRIBUTES[type(value).__name__]}
    if isinstance(config := given.get("config"), dict):
        given["config"] = {key: item for key, item in config.items() if key != "callbacks"}
    return {name: _named(name, item) for name, item in given.items() if item is not None}


def _named(field: str, value: Any) -> Any:
    """``value``, with the names of credentials in place of those that it holds, if it is a part of requests."""
    return _name_secrets(wrap_secrets(value)) if field in _OF_REQUESTS and isinstance(value, Mapping) else value


def _name_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, SecretStr):
        return Secret(_as_name(name))
    if isinstance(value, Mapping):
        return {key: _name_secrets(item, str(key)) for key, item in value.items()}
    return [_name_secrets(item, name) for item in value] if type(value) in (list, tuple) else value


def _as_name(key: str) -> str:
    return key.upper().replace("-", "_")


def _secret(model: BaseModel, field: str) -> Secret:
    key_name = getattr(model, "_key_name", None)
    return Secret(key_name() if field == "api_key" and key_name is not None else field.upper())


def not_implemented(value: Any, shown: str | None = None) -> dict[str, Any]:
    """The description that replaces a value that cannot be written."""
    kind = value if isinstance(value, type) else type(value)
    return {
        "lc": 1,
        "type": "not_implemented",
        "id": [*kind.__module__.split("."), *kind.__qualname__.split(".")],
        "repr": shown if shown is not None else _shown(value),
    }


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.1000}"
    except Exception as error:
        return f"<{type(value).__name__}, whose repr fails: {type(error).__name__}>"
