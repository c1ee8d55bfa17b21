"""Reading stored objects, of known classes only."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

import prill.errors
from prill.errors import ConfigError
from prill.load.forms import FORMS, ROOTS, Form, make
from prill.load.serializable import Serializable
from prill.messages.call_types import ESCAPED

InitValidator = Callable[[tuple[str, ...], dict[str, Any]], None]
"""Called with the id and the arguments of each object before it is made; raises an error to refuse it."""

_ABSENT: Any = object()

Allowed = Literal["all", "core", "messages"] | Iterable[type[Any]]

_GROUPS = {"messages": ("messages",), "core": ("messages", "core"), "all": ("messages", "core", "models")}


def refuse_jinja2(id: tuple[str, ...], kwargs: dict[str, Any]) -> None:
    """Raise ``ConfigError`` for a template of jinja2: templates that come from elsewhere should not be programs."""
    if _holds_jinja2(kwargs):
        raise ConfigError(
            f"{id[-1]} is a jinja2 template, which can do more than be filled; "
            "if the text comes from you, give init_validator=None"
        )


def _holds_jinja2(value: Any) -> bool:
    """Plain dicts count too: pydantic makes prompts of those that stand where a prompt belongs."""
    if isinstance(value, list):
        return any(map(_holds_jinja2, value))
    if isinstance(value, dict):
        return value.get("template_format") == "jinja2" or any(map(_holds_jinja2, value.values()))
    return False


def load(
    obj: Any,
    *,
    allowed_objects: Allowed = "core",
    secrets_map: Mapping[str, str] | None = None,
    secrets_from_env: bool = False,
    ignore_unserializable_fields: bool = False,
    init_validator: InitValidator | None = refuse_jinja2,
) -> Any:
    """Make the objects again that ``dumpd`` wrote, or that LangChain's did.

    Nothing is imported or made that is not allowed: ``"core"`` are messages, documents, prompts, parsers and chains of
    them, ``"messages"`` messages alone, ``"all"`` the vendors' models too; or give a list of classes, such as
    ``Serializable`` ones of your own. Secrets are looked up in ``secrets_map``, and with ``secrets_from_env`` in the
    environment: use that only for a text whose author you trust, as it chooses the names. A secret that is not found is
    left out; a model then looks for its key as it always does.

    Raises ``ConfigError``, with the place, for an object that is not allowed or cannot be made, for a field that its
    class does not have, and for a value that could not be written; with ``ignore_unserializable_fields`` such fields
    are left out.
    """
    secrets = {**(os.environ if secrets_from_env else {}), **(secrets_map or {})}
    kinds = _kinds(allowed_objects)
    try:
        return _Reader(kinds, secrets, ignore_unserializable_fields, init_validator).read(obj, "$")
    except RecursionError:
        raise ConfigError("the values are nested too deeply to be read") from None


def loads(
    text: str,
    *,
    allowed_objects: Allowed = "core",
    secrets_map: Mapping[str, str] | None = None,
    secrets_from_env: bool = False,
    ignore_unserializable_fields: bool = False,
    init_validator: InitValidator | None = refuse_jinja2,
) -> Any:
    """Make the objects again whose text ``dumps`` made. See ``load``, also for the classes that are safe to allow."""
    return load(
        _parsed(text),
        allowed_objects=allowed_objects,
        secrets_map=secrets_map,
        secrets_from_env=secrets_from_env,
        ignore_unserializable_fields=ignore_unserializable_fields,
        init_validator=init_validator,
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ConfigError("the JSON is nested too deeply to be read") from None


Kinds = dict[tuple[str, ...] | str, Form | type[Serializable]]
"""Ours by name, users' by id."""


def _kinds(allowed: Allowed) -> Kinds:
    if isinstance(allowed, str):
        if allowed not in _GROUPS:
            raise ConfigError(f"allowed_objects is 'core', 'messages', 'all' or a list of classes, not {allowed!r}")
        return {name: form for name, form in FORMS.items() if form.group in _GROUPS[allowed]}
    kinds: Kinds = {}
    for kind in allowed:
        if isinstance(kind, type) and issubclass(kind, Serializable):
            kinds[tuple(kind.lc_id())] = kind
        elif isinstance(kind, type) and kind.__name__ in FORMS:
            kinds[kind.__name__] = FORMS[kind.__name__]
        else:
            raise ConfigError(f"{kind!r} is not a class that load knows: derive it from prill.load.Serializable")
    return kinds


def _unknown_fields(error: Exception, given: Mapping[str, Any]) -> list[str]:
    """The names in ``given`` that the class refused because it has no such fields."""
    if not isinstance(error, ValidationError):
        return []
    refused = {detail["loc"] for detail in error.errors(include_url=False) if detail["type"] == "extra_forbidden"}
    return [name for name in given if (name,) in refused]


class _Reader:
    """One call of ``load``: the allowed classes, the secrets, and the options."""

    def __init__(self, kinds: Kinds, secrets: Mapping[str, str], ignore: bool, validator: InitValidator | None) -> None:
        self.kinds = kinds
        self.secrets = secrets
        self.ignore = ignore
        self.validator = validator

    def read(self, value: Any, place: str) -> Any:
        found = self.find(value, place)
        return None if found is _ABSENT else found

    def find(self, value: Any, place: str) -> Any:
        """The value at a place; ``_ABSENT`` for a secret that is not given, and for a value to leave out."""
        if isinstance(value, list):
            return [self.read(item, f"{place}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and ESCAPED in value:
            return value[ESCAPED]  # a user's data, which only looks like something written
        if value.get("lc") != 1 or value.get("type") not in ("constructor", "secret", "not_implemented"):
            return {key: self.read(item, f"{place}.{key}") for key, item in value.items()}
        id = value.get("id")
        if not isinstance(id, list) or not id or not all(isinstance(part, str) for part in id):
            raise ConfigError(f"at {place} there is a {value['type']} without an id")
        if value["type"] == "secret":
            return self.secrets.get(id[0], _ABSENT)
        return self.make(tuple(id), value, place) if value["type"] == "constructor" else self.other(id, value, place)

    def make(self, id: tuple[str, ...], value: dict[str, Any], place: str) -> Any:
        kind = self.kinds.get(id) or (self.kinds.get(id[-1]) if id[0] in ROOTS else None)
        if kind is None:
            raise ConfigError(
                f"at {place} there is a {'.'.join(id)}, which may not be made here; if you trust the text, allow it: "
                "allowed_objects='all', or a list of classes"
            )
        given = value.get("kwargs") or {}
        if not isinstance(given, dict):
            raise ConfigError(f"at {place} the arguments of {id[-1]} are not an object: {given!r:.100}")
        kwargs = {
            key: found for key, item in given.items() if (found := self.find(item, f"{place}.{key}")) is not _ABSENT
        }
        if self.validator is not None:
            self.validator(id, kwargs)
        try:
            return make(kind, kwargs) if isinstance(kind, Form) else kind(**kwargs)
        except (TypeError, ValueError, LookupError) as error:
            if unknown := _unknown_fields(error, kwargs):
                return self.without(unknown, id, value, place)
            raise ConfigError(f"the {id[-1]} at {place} cannot be made: {error}") from error

    def without(self, unknown: list[str], id: tuple[str, ...], value: dict[str, Any], place: str) -> Any:
        """The object without the fields that its class does not have, if such fields are to be left out."""
        if not self.ignore:
            raise ConfigError(
                f"the {id[-1]} at {place} has fields that this version does not know: {', '.join(map(repr, unknown))}; "
                "ignore_unserializable_fields=True leaves them out"
            )
        known = {key: item for key, item in value["kwargs"].items() if key not in unknown}
        return self.make(id, {**value, "kwargs": known}, place)

    def other(self, id: list[str], value: dict[str, Any], place: str) -> Any:
        """A value that could not be written; a class of errors can be found all the same."""
        home = {"builtins": builtins, "prill": prill.errors}.get(id[0])
        kind = getattr(home, id[-1], None)
        if isinstance(kind, type) and issubclass(kind, BaseException) and value.get("repr") == repr(kind):
            return kind
        if self.ignore:
            return _ABSENT
        raise ConfigError(
            f"at {place} there was something that could not be written: {value.get('repr', '.'.join(id))!s:.200}; "
            "ignore_unserializable_fields=True leaves it out"
        )
