"""``langchain_core.load``: reading stored objects one by one, and the shapes of what is stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, NotRequired

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict

from prill.compat.module_map import find_home, has_module
from prill.load.dump import Secret, not_implemented
from prill.load.read import InitValidator, refuse_jinja2
from prill.load.read import load as load_known
from prill.load.serializable import Serializable
from prill.messages.call_types import ESCAPED

default_init_validator = refuse_jinja2
DEFAULT_NAMESPACES = ["langchain", "langchain_core", "prill"]


class BaseSerialized(TypedDict):
    """What all stored objects have."""

    lc: int
    id: list[str]
    name: NotRequired[str]
    graph: NotRequired[dict[str, Any]]


class SerializedConstructor(BaseSerialized):
    """An object, stored as its class and the arguments."""

    type: Literal["constructor"]
    kwargs: dict[str, Any]


class SerializedSecret(BaseSerialized):
    """A secret, stored as its name."""

    type: Literal["secret"]


class SerializedNotImplemented(BaseSerialized):
    """An object that could not be stored."""

    type: Literal["not_implemented"]
    repr: str | None


def to_json_not_implemented(obj: object) -> Any:
    """The description that replaces an object that is not stored."""
    return not_implemented(obj)


def try_neq_default(value: Any, key: str, model: type[BaseModel]) -> bool:
    """Whether a value differs from the default of a model's field."""
    field = model.model_fields[key]
    try:
        return bool(field.get_default(call_default_factory=True) != value)
    except Exception:
        return True


def default(obj: Any) -> Any:
    """The form of an object in JSON, for ``json.dumps``."""
    return obj.to_json() if hasattr(obj, "to_json") else not_implemented(obj)


def to_json(self: Any) -> dict[str, Any]:
    """A Runnable of another package as it is stored, but for the objects that are in it."""
    if not self.is_lc_serializable():
        return {**not_implemented(self), "name": self.get_name()}
    secrets = {field: Secret(name) for field, name in self.lc_secrets.items() if getattr(self, field, None)}
    kwargs = {
        name: getattr(self, name)
        for name, field in type(self).model_fields.items()
        if not field.exclude and name not in secrets and _is_useful(field, getattr(self, name))
    }
    return {
        "lc": 1,
        "type": "constructor",
        "id": self.lc_id(),
        "kwargs": {**kwargs, **self.lc_attributes, **secrets},
        "name": self.get_name(),
    }


def _is_useful(field: FieldInfo, value: Any) -> bool:
    try:
        if field.is_required() or bool(value):
            return True
        return field.default_factory is None and bool(value != field.default)
    except Exception:
        return True


_MOVED: dict[tuple[str, ...], str] = {
    ("chat_models", "openai"): "langchain_openai",
    ("chat_models", "azure_openai"): "langchain_openai",
    ("llms", "openai"): "langchain_openai",
    ("chat_models", "anthropic"): "langchain_anthropic",
    ("chat_models", "groq"): "langchain_groq",
    ("chat_models", "mistralai"): "langchain_mistralai",
    ("chat_models", "fireworks"): "langchain_fireworks",
    ("llms", "fireworks"): "langchain_fireworks",
    ("chat_models", "anthropic_bedrock"): "langchain_aws",
    ("chat_models", "bedrock"): "langchain_aws",
    ("llms", "bedrock"): "langchain_aws",
    ("chat_models", "google_palm"): "langchain_google_genai",
}
"""Where models are whose ids are older than their packages."""

_PACKAGES = frozenset({*_MOVED.values(), "langchain_deepseek", "langchain_xai", "langchain_ollama"})


class Reviver:
    """Makes one stored object after the other: called with a dict whose parts have been read already.

    ``json.loads(text, object_hook=Reviver(…))`` and LangGraph's checkpoints call it so.
    """

    def __init__(
        self,
        allowed_objects: Any = None,
        secrets_map: Mapping[str, str] | None = None,
        valid_namespaces: list[str] | None = None,
        secrets_from_env: bool = False,
        additional_import_mappings: Mapping[tuple[str, ...], tuple[str, ...]] | None = None,
        *,
        ignore_unserializable_fields: bool = False,
        init_validator: InitValidator | None = refuse_jinja2,
    ) -> None:
        _allow_in_checkpoints()
        allowed = "core" if allowed_objects is None else allowed_objects
        self._everything = allowed == "all" and not isinstance(allowed, list)
        self._classes: dict[tuple[str, ...], Any] = {}
        if not isinstance(allowed, str):
            listed = list(allowed)
            self._classes = {tuple(each.lc_id()): each for each in listed if not _is_known(each)}
            allowed = [each for each in listed if _is_known(each)]
        self._options: dict[str, Any] = {
            "allowed_objects": allowed,
            "secrets_map": secrets_map,
            "secrets_from_env": secrets_from_env,
            "ignore_unserializable_fields": ignore_unserializable_fields,
        }
        self._validator = init_validator
        self._roots = frozenset(valid_namespaces or ())
        self._moved = dict(additional_import_mappings or {})

    def __call__(self, value: dict[str, Any]) -> Any:
        """The object that ``value`` describes, or ``value`` itself."""
        id = value.get("id")
        if value.get("lc") != 1 or not isinstance(id, list):
            return value
        if value.get("type") == "constructor" and (cls := self._class(tuple(id))) is not None:
            kwargs = value.get("kwargs") or {}
            if self._validator is not None:
                self._validator(tuple(id), kwargs)
            return cls(**kwargs)
        if value.get("type") not in ("constructor", "secret", "not_implemented"):
            return value
        given = value.get("kwargs")
        if not isinstance(given, dict):
            return load_known(value, init_validator=self._validator, **self._options)

        # What is in it has been made already: it is put in where the reader would look for stored parts.
        def fill_in(path: tuple[str, ...], kwargs: dict[str, Any]) -> None:
            kwargs.update(given)
            if self._validator is not None:
                self._validator(path, kwargs)

        empty = {**value, "kwargs": dict.fromkeys(given)}
        return load_known(empty, init_validator=fill_in, **self._options)

    def _class(self, id: tuple[str, ...]) -> Any:
        """The class of another package, if it is allowed."""
        if id in self._classes:
            return self._classes[id]
        if id in self._moved:
            return getattr(import_module(".".join(self._moved[id][:-1])), id[-1])
        home = _MOVED.get(id[1:3]) if id[0] == "langchain" else id[0]
        if home in self._roots or (self._everything and home in _PACKAGES):
            path = home if home != id[0] else ".".join(id[:-1])
            return getattr(import_module(path), id[-1], None)
        return None

    def read(self, value: Any) -> Any:
        """The objects in plain data, the inner ones first."""
        if isinstance(value, list):
            return [self.read(each) for each in value]
        if isinstance(value, dict):
            if len(value) == 1 and ESCAPED in value:
                return value[ESCAPED]
            return self({key: self.read(each) for key, each in value.items()})
        return value


def _allow_in_checkpoints() -> None:
    """Let the classes behind the names that LangGraph's checkpoints take from ``langchain_core`` be read strictly.

    Its list names modules, and Prill's classes are in others. The module makes a ``Reviver`` when it is imported.
    """
    listed = sys.modules.get("langgraph.checkpoint.serde._msgpack")
    known = getattr(listed, "SAFE_MSGPACK_TYPES", None)
    if listed is None or not isinstance(known, frozenset):
        return
    homes = (find_home(module, name) for module, name in known if has_module(module))
    classes = (getattr(import_module(home[0]), home[1]) for home in homes if home is not None)
    listed.SAFE_MSGPACK_TYPES = known | {(cls.__module__, cls.__name__) for cls in classes}  # type: ignore[attr-defined]


def _is_known(cls: Any) -> bool:
    return cls.__module__.startswith("prill.") or (isinstance(cls, type) and issubclass(cls, Serializable))


def load(obj: Any, **options: Any) -> Any:
    """Make the objects again that ``dumpd`` wrote. See ``prill.load.load``, and ``Reviver`` for more options."""
    return Reviver(**options).read(obj)


def loads(text: str, **options: Any) -> Any:
    """Make the objects again whose text ``dumps`` made."""
    return load(json.loads(text), **options)
