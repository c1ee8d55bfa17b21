"""The schema of a structured answer: what is shown while it streams, and when it is valid."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, get_args, get_origin, is_typeddict

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from typing_extensions import is_typeddict as is_typeddict_extension

from prill.errors import ConfigError, OutputParserException
from prill.output_parsers.json_schema_check import Fault, find_faults
from prill.output_parsers.shape_for import shape_for_class
from prill.output_parsers.type_shapes import (
    RAW,
    InvalidPart,
    ItemsShape,
    ObjectShape,
    OpenPath,
    PartialValueBuilder,
    TypeShape,
)
from prill.runnables.describe.pydantic_v1 import annotate_v1, is_pydantic_v1
from prill.runnables.describe.typed_dicts import usable
from prill.transducers.partial_json import NOTHING, PartialJSON

_NAME = "answer"


class _Unfit(Exception):
    """An element does not fit its JSON schema."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.expected)
        self.fault = fault


class ListPlace(NamedTuple):
    """Where the elements of an answer are: the key of their list in JSON, its name in the value, their shape."""

    key: str
    name: str
    item: TypeShape


class PartialAnswer:
    """One answer of a ``OutputSchema`` while it arrives."""

    def __init__(self, target: OutputSchema) -> None:
        self._target = target
        self._starts = -1
        self._builder = target.builder()

    def update(self, json: PartialJSON) -> Any:
        """Return what to show of the answer now, ``NOTHING`` if nothing of it is new.

        Raises:
            OutputParserException: a part that is complete is not valid.
        """
        if json.starts != self._starts:  # another value has replaced the one before
            self._starts, self._builder = json.starts, self._target.builder()
        return self._target.build(self._builder, json)


class OutputSchema:
    """A pydantic class, a ``TypedDict``, a dataclass, any other type, or a JSON schema that an answer must fit.

    Models are asked for objects. A type that is none, as ``list[Row]``, is asked for as the only key of one, and read
    out of it; a bare list is understood too.
    """

    def __init__(self, schema: Any) -> None:
        if isinstance(schema, str):
            raise ConfigError(
                f"a schema must be a class, another type, or a JSON schema as a dict, not the text {schema!r}"
            )
        self.schema = schema
        self.key: str | None = None
        if isinstance(schema, Mapping):
            self.described: Any = _titled(schema)
            self._checked = _parameters(schema)
            self._shape: TypeShape = RAW
            return
        self._checked = {}
        if is_pydantic_v1(schema):
            self.described, self._shape = schema, TypeShape(TypeAdapter(annotate_v1(schema)).validate_python)
            return
        schema = usable(schema)
        if not _is_object(schema):
            self.key = "items" if get_origin(schema) is list else "value"
            schema = _wrapped(schema, self.key)
        self.described = _described(schema)
        self._shape = shape_for_class(schema)

    @property
    def type_name(self) -> str:
        """What the answer is called in errors."""
        if self._checked or get_origin(self.schema) is Annotated:
            return _NAME
        return getattr(self.schema, "__name__", None) or str(self.schema)

    @property
    def is_raw(self) -> bool:
        """Whether JSON is shown as it comes."""
        return self._shape is RAW

    # While it grows

    def builder(self) -> PartialValueBuilder:
        """Return what follows one answer."""
        return self._shape.builder()

    def build(self, builder: PartialValueBuilder, json: PartialJSON) -> Any:
        """Return what to show of an answer now; ``NOTHING`` if there is nothing new.

        Raises:
            OutputParserException: a part that is whole is not valid.
        """
        if json.provisional:
            return NOTHING  # a value that may give way to another is not validated yet
        raw = json.value
        if raw is NOTHING or (self._checked and not isinstance(raw, dict)):
            return NOTHING
        if self.key is not None and isinstance(raw, list):
            return NOTHING  # a bare list: shown when it is whole
        open_path = OpenPath(json.open_path() or ())
        if json.complete:
            return NOTHING  # the whole value follows
        try:
            shown = builder.build(raw, open_path, 0)
        except InvalidPart as invalid:
            raise self._invalid(invalid.error, json.text, invalid.place) from invalid.error
        if shown is NOTHING or not open_path.changed:
            return NOTHING
        return shown if self.key is None else getattr(shown, self.key, NOTHING)

    # When it is whole

    def whole(self, raw: Any, text: str) -> Any:
        """Return the valid answer.

        Raises:
            OutputParserException: it is not valid; the message has the path of each fault, and what was expected.
        """
        if self._checked:
            self._check(raw, text)
            return raw
        if self.key is not None and not (isinstance(raw, dict) and self.key in raw):
            raw = {self.key: raw}
        try:
            made = self._shape.whole(raw)
        except InvalidPart as invalid:
            raise self._invalid(invalid.error, text) from invalid.error
        return made if self.key is None else getattr(made, self.key)

    def _check(self, raw: Any, text: str) -> None:
        lines = [
            f"  {_place(fault.place)}: expected {fault.expected}; found {fault.found!r:.80}"
            for fault in _top(raw, self._checked)
        ]
        if lines:
            raise OutputParserException(
                "\n".join(["the answer does not fit its JSON schema:", *lines]), llm_output=text
            )

    def _invalid(self, error: ValidationError, text: str, place: tuple[str | int, ...] = ()) -> OutputParserException:
        lines = [f"the answer is not a valid {self.type_name}:"]
        for fault in error.errors(include_url=False, include_context=False):
            found = "" if fault["type"] == "missing" else f"; found {fault['input']!r:.80}"
            lines.append(f"  {_place((*place, *fault['loc']))}: {fault['msg']}{found}")
        return OutputParserException("\n".join(lines), llm_output=text)

    # Elements

    def elements(self, field: str | None) -> ListPlace:
        """Return where the list is whose elements are wanted: that of ``field``, or the only one there is."""
        if self._checked:
            return self._elements_of_schema(field)
        if self.key is not None and field is None:
            field = self.key
        shape = self._shape
        if not isinstance(shape, ObjectShape):
            raise ConfigError(
                f"the elements of {self.type_name} are not known before its end, because its validator may change them"
            )
        items = {key: each.shape.item for key, each in shape.fields.items() if isinstance(each.shape, ItemsShape)}
        key = _only(field, {key: shape.fields[key].name for key in items}, self.type_name)
        return ListPlace(key, shape.fields[key].name, items[key])

    def _elements_of_schema(self, field: str | None) -> ListPlace:
        properties = self._checked.get("properties", {})
        lists = {key: key for key, each in properties.items() if each.get("type") == "array"}
        key = _only(field, lists, "the JSON schema")
        schema = properties[key].get("items", {})

        def check(value: Any) -> Any:
            for fault in find_faults(value, schema, self._checked):
                raise _Unfit(fault)
            return value

        return ListPlace(key, key, TypeShape(check))

    def element(self, place: ListPlace, raw: Any, index: int, text: PartialJSON) -> Any:
        """Return the valid element of a list."""
        try:
            return place.item.whole(raw)
        except InvalidPart as invalid:
            raise self._invalid(invalid.error, text.text, (place.key, index, *invalid.place)) from invalid.error
        except _Unfit as unfit:
            fault = unfit.fault
            where, found = _place((place.key, index, *fault.place)), repr(fault.found)[:80]
            raise OutputParserException(
                f"the answer does not fit its JSON schema:\n  {where}: expected {fault.expected}; found {found}",
                llm_output=text.text,
            ) from None


def _top(raw: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    return find_faults(raw, schema if "type" in schema else {**schema, "type": "object"})


def _only(field: str | None, lists: dict[str, str], name: str) -> str:
    keys = [key for key, shown in lists.items() if field in (None, key, shown)]
    if len(keys) == 1:
        return keys[0]
    known = ", ".join(lists.values()) or "none"
    wanted = "name one: elements('field')" if field is None else f"{field!r} is not one of them"
    raise ConfigError(f"elements() streams a list, and {name} has {len(lists)} of them ({known}); {wanted}")


def _place(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path)) or "(the whole value)"


def _is_object(schema: Any) -> bool:
    if is_typeddict(schema) or is_typeddict_extension(schema):
        return True
    if not isinstance(schema, type) or get_origin(schema) is not None:
        return False
    return dataclasses.is_dataclass(schema) or (issubclass(schema, BaseModel) and not schema.__pydantic_root_model__)


def _wrapped(schema: Any, key: str) -> type[BaseModel]:
    item = get_args(schema)[0] if key == "items" else schema
    name = _NAME if get_origin(item) is Annotated else getattr(item, "__name__", _NAME)
    name = f"{name}_list" if key == "items" else name
    fields: dict[str, Any] = {key: (schema, ...)}
    try:
        return create_model(name if name.isidentifier() else _NAME, **fields)
    except Exception as error:
        raise ConfigError(
            f"a structured answer cannot be {schema!r:.80}: give a pydantic class, a dataclass, a TypedDict, a type "
            "such as list[Row], or a JSON schema"
        ) from error


def _described(schema: Any) -> Any:
    """Return what is given to be described to a model: the class itself where that can be done, or its JSON schema."""
    if not dataclasses.is_dataclass(schema):
        return schema
    name, doc = str(getattr(schema, "__name__", _NAME)), schema.__doc__ or ""
    description = (
        {} if doc.startswith(f"{name}(") else {"description": doc}
    )  # the one that dataclasses make says nothing new
    return TypeAdapter(schema).json_schema() | {"title": name} | description


def _titled(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "title" in schema or "name" in schema or schema.get("type") == "function":
        return dict(schema)
    return {"title": _NAME, **schema}


def _parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(function := schema.get("function"), Mapping):
        schema = function
    for key in ("parameters", "input_schema"):
        if isinstance(schema.get(key), Mapping):
            return dict(schema[key])
    return dict(schema)
