"""JSON schemas in the form in which models are shown them: no references, no titles; strict, if asked."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

Schema = dict[str, Any]

_NAMED = ("properties", "patternProperties", "$defs", "definitions")
"""Where the keys are names that a user chose, not words of JSON schema."""


class _Generator(GenerateJsonSchema):
    """Leaves out defaults that JSON does not know, without a warning: models do not need them."""

    ignored_warning_kinds = GenerateJsonSchema.ignored_warning_kinds | {"non-serializable-default"}

    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        try:
            json.dumps(encoded, allow_nan=False)
        except ValueError as error:
            raise PydanticSerializationError(str(error)) from error
        return encoded


def make_json_schema(model: type[BaseModel]) -> Schema:
    """The JSON schema of a model's fields."""
    return model.model_json_schema(schema_generator=_Generator)


def tidy(schema: Schema) -> Schema:
    """The schema with its references put in their places, and without titles. Recursive parts stay references."""
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    recursive: set[str] = set()
    body = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    result: Schema = _inline(body, definitions, (), recursive)
    if recursive:
        result["$defs"] = {name: _untitled(definition) for name, definition in definitions.items()}
    return result


def _inline(node: Any, definitions: Schema, path: tuple[str, ...], recursive: set[str]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions, path, recursive) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        if name in path:
            recursive.add(name)
            return {"$ref": f"#/$defs/{name}"}
        if name in definitions:
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return _inline({**definitions[name], **siblings}, definitions, (*path, name), recursive)
    inlined: Schema = {}
    for key, value in node.items():
        if key in _NAMED and isinstance(value, dict):
            inlined[key] = {name: _inline(inner, definitions, path, recursive) for name, inner in value.items()}
        elif key not in ("title", "discriminator"):
            inlined[key] = (
                value if key in ("default", "enum", "const") else _inline(value, definitions, path, recursive)
            )
    return inlined


def _untitled(node: Any) -> Any:
    return _inline(node, {}, (), set())


def strict(schema: Any) -> Any:
    """The schema in OpenAI's strict form: every object has all its properties, and no others.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            made[key] = {name: strict(inner) for name, inner in value.items()}
        else:
            # OpenAI refuses oneOf; of members that exclude each other the other one says the same.
            name = "anyOf" if key == "oneOf" else key
            made[name] = value if key in ("default", "enum", "const") else strict(value)
    if made.get("type") == "object":
        if made.get("properties"):
            made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


def remove_defaults(schema: Any) -> Any:
    """The schema without defaults: they say nothing where every key is required, and Azure refuses them."""
    if isinstance(schema, list):
        return [remove_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            made[key] = {name: remove_defaults(inner) for name, inner in value.items()}
        elif key != "default":
            made[key] = value if key in ("enum", "const") else remove_defaults(value)
    return made
