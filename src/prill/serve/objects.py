"""Messages and documents that arrive as what they were: the form in which Prill's own client and server exchange them.

A request with the header ``prill-objects: 1`` is answered with the form of ``prill.load``: an object says its class,
and a user's dict that looks like one is marked as a dict. Other clients get the plain form of ``prill.serve.wire``, in
which a message is a dict with a ``type``. Inputs are sent in the plain form, of which the chain's schema decides what
it is, and where they hold objects in this form too, as ``input_objects``. Only plain data can be made: messages,
documents, prompt values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from prill.documents import Document
from prill.load import dumpd, load
from prill.load.forms import FORMS, get_form
from prill.prompt_values import ChatPromptValue, ChatPromptValueConcrete, ImagePromptValue, StringPromptValue
from prill.serve.wire import encode, to_plain

OBJECTS_HEADER = "prill-objects"
OBJECTS_VERSION = "1"

_ALLOWED: list[type[Any]] = [
    *(form.kind() for form in FORMS.values() if form.group == "messages"),
    *(Document, ChatPromptValue, ChatPromptValueConcrete, ImagePromptValue, StringPromptValue),
]


def wants_objects(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for the form of this module, or an answer has it."""
    return headers.get(OBJECTS_HEADER) == OBJECTS_VERSION


def choose_encoder(headers: Mapping[str, str]) -> Callable[..., bytes]:
    """The function that writes values for a client that sent these headers."""
    return encode_objects if wants_objects(headers) else encode


def encode_objects(value: Any, place: str = "output") -> bytes:
    """Write a value in which objects say their class.

    Raises:
        SerializationError: as ``wire.encode``.
    """
    if type(value) is str:
        return encode(value)
    written = encode(dumpd(_simplify(value, place, inside=False)), place)
    if b'"not_implemented"' not in written:
        return written
    return encode(dumpd(_simplify(value, place, inside=True)), place)


def _simplify(value: Any, place: str, *, inside: bool) -> Any:
    """The value with everything that ``prill.load`` does not know in plain form; with ``inside``, also in objects."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if get_form(type(value)) in _ALLOWED_FORMS:
        return _simplify_fields(value, place) if inside else value
    if isinstance(value, Mapping):
        return {str(key): _simplify(item, f"{place}.{key}", inside=inside) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_simplify(item, f"{place}[{index}]", inside=inside) for index, item in enumerate(value)]
    return to_plain(value, place)


def _simplify_fields(value: BaseModel, place: str) -> BaseModel:
    fields = {name: getattr(value, name) for name in type(value).model_fields}
    return value.model_copy(
        update={name: _simplify(item, f"{place}.{name}", inside=True) for name, item in fields.items()}
    )


_ALLOWED_FORMS = [FORMS[kind.__name__] for kind in _ALLOWED]


def decode_objects(value: Any) -> Any:
    """Make the objects again.

    Raises:
        ConfigError: one is not allowed, or cannot be made.
    """
    return load(value, allowed_objects=_ALLOWED, ignore_unserializable_fields=True)


def guess_objects(value: Any) -> Any:
    """Make messages and documents of the dicts that look like them, for servers that do not say what is one."""
    if isinstance(value, list):
        return [guess_objects(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    model = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if model is not None and value.keys() <= set(model.model_fields) and _CONTENTS & value.keys():
        with contextlib.suppress(ValidationError):
            return model.model_validate(value)
    return {key: guess_objects(item) for key, item in value.items()}


_CONTENTS = {"content", "page_content"}
_BY_TYPE: dict[str, type[BaseModel]] = {
    kind.model_fields["type"].default: kind
    for kind in _ALLOWED
    if "type" in kind.model_fields and kind is not ChatPromptValue
}
