"""``langchain_core.load``: reading stored objects one by one, and the shapes of what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, NotRequired

from pydantic import BaseModel
from typing_extensions import TypedDict

from prill.errors import CompatError
from prill.load.dump import not_implemented
from prill.load.read import Allowed, InitValidator, load, refuse_jinja2
from prill.load.serializable import Serializable

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
        return bool(field.get_default(call_default_factory=True) != value)  # type: ignore[call-overload]  # as pydantic 2.10
    except Exception:
        return True


def default(obj: Any) -> Any:
    """The form of an object in JSON, for ``json.dumps``."""
    return obj.to_json() if hasattr(obj, "to_json") else not_implemented(obj)


class Reviver:
    """Makes one stored object after the other: called with a dict whose parts have been read already.

    ``json.loads(text, object_hook=Reviver(…))`` and LangGraph's checkpoints call it so.
    """

    def __init__(
        self,
        allowed_objects: Allowed | None = None,
        secrets_map: Mapping[str, str] | None = None,
        valid_namespaces: list[str] | None = None,
        secrets_from_env: bool = False,
        additional_import_mappings: Mapping[tuple[str, ...], tuple[str, ...]] | None = None,
        *,
        ignore_unserializable_fields: bool = False,
        init_validator: InitValidator | None = refuse_jinja2,
    ) -> None:
        self._options: dict[str, Any] = {
            "allowed_objects": allowed_objects or "core",
            "secrets_map": secrets_map,
            "secrets_from_env": secrets_from_env,
            "ignore_unserializable_fields": ignore_unserializable_fields,
            "init_validator": init_validator,
        }
        self._roots = {*DEFAULT_NAMESPACES, *(valid_namespaces or ())}

    def __call__(self, value: dict[str, Any]) -> Any:
        """The object that ``value`` describes, or ``value`` itself."""
        kind = value.get("type")
        if value.get("lc") != 1 or kind not in ("constructor", "secret", "not_implemented"):
            return value
        found = value.get("id")
        if kind == "constructor" and isinstance(found, list) and (cls := self._own_class(found)) is not None:
            return cls(**value.get("kwargs", {}))
        inner = value.get("kwargs")
        # What is in it has been made already: it is put in where the reader would look for stored parts.
        held = _Held(inner) if isinstance(inner, dict) else None
        return load({**value, "kwargs": held.stand_ins} if held else value, **self._with(held))

    def _with(self, held: _Held | None) -> dict[str, Any]:
        if held is None:
            return self._options
        check = self._options["init_validator"]

        def fill_in(id: tuple[str, ...], kwargs: dict[str, Any]) -> None:
            kwargs.update(held.values)
            if check is not None:
                check(id, kwargs)

        return {**self._options, "init_validator": fill_in}

    def _own_class(self, id: list[str]) -> type[Any] | None:
        """The class of another package, if its package was allowed by name."""
        if id[0] not in self._roots or id[0] in DEFAULT_NAMESPACES:
            return None
        cls = getattr(import_module(".".join(id[:-1])), id[-1])
        if not (isinstance(cls, type) and issubclass(cls, Serializable)):
            raise CompatError(f"{'.'.join(id)} is not a class that can be stored: derive it from Serializable")
        return cls


class _Held:
    """Arguments that are objects already, and stand-ins for them."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        self.values = kwargs
        self.stand_ins = dict.fromkeys(kwargs)
