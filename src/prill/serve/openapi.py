"""The OpenAPI document of what is served: https://spec.openapis.org/oas/v3.1.0"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prill.serve.langserve import RunnableRoutes
from prill.version import __version__

_ERROR = {
    "type": "object",
    "properties": {
        "detail": {},
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "kind": {"type": "string"},
                "message": {"type": "string"},
                "status": {"type": "integer"},
                "retryable": {"type": "boolean"},
                "run_id": {"type": "string"},
            },
        },
    },
}
_CONFIG = {"type": "object", "description": "The parts of a config that the server takes from clients."}
_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}
_STREAM = {"text/event-stream": {"schema": {"type": "string"}}}


def make_document(routes: Iterable[RunnableRoutes], *, title: str = "Prill", prefix: str = "") -> dict[str, Any]:
    """The document for Runnables; their paths are put behind ``prefix``."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for each in routes:
        paths.update(_describe_routes(each, schemas, prefix))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def merge_document(document: dict[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the paths and schemas of another; used for applications that serve Runnables among others."""
    components = document.get("components", {})
    schemas = {**added["components"]["schemas"], **components.get("schemas", {})}
    return {
        **document,
        "paths": {**document.get("paths", {}), **added["paths"]},
        "components": {**components, "schemas": schemas},
    }


def _describe_routes(routes: RunnableRoutes, schemas: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The paths of one Runnable; its schemas get names of their own, so that equal names of two cannot clash."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"{prefix}{routes.path}").strip("_") or "root"
    runnable = routes.runnable
    input = _hoist(runnable.get_input_schema().model_json_schema(), f"{name}_input", schemas)
    output = _hoist(runnable.get_output_schema().model_json_schema(), f"{name}_output", schemas)
    single = {"type": "object", "required": ["input"], "properties": {"input": input, "config": _CONFIG}}
    many = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "array", "items": input},
            "config": {"anyOf": [_CONFIG, {"type": "array", "items": _CONFIG}]},
            "return_exceptions": {"type": "boolean", "default": False},
        },
    }
    filters = {f"{side}_{what}": _NAMES for side in ("include", "exclude") for what in ("names", "types", "tags")}
    filtered = {**single, "properties": {**single["properties"], **filters}}  # type: ignore[dict-item]  # a dict of schemas
    metadata = {"type": "object"}
    one = {"type": "object", "properties": {"output": output, "metadata": metadata}}
    all_of_them = {
        "type": "object",
        "properties": {"output": {"type": "array", "items": output}, "metadata": metadata},
    }
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "invoke": lambda: _post("Run on one input", single, _json(one)),
        "batch": lambda: _post("Run on many inputs", many, _json(all_of_them)),
        "stream": lambda: _post("Run and stream the output", single, _STREAM),
        "stream_events": lambda: _post("Run and stream the events", filtered, _STREAM),
        "stream_log": lambda: _post("Run and stream the log as JSON patches", filtered, _STREAM),
        "input_schema": lambda: _get("The JSON schema of the input"),
        "output_schema": lambda: _get("The JSON schema of the output"),
        "config_schema": lambda: _get("The JSON schema of the config"),
    }
    paths: dict[str, Any] = {}
    for verb, make in known.items():
        if verb in routes.options.names:
            ((method, operation),) = make().items()
            operation = {**operation, "operationId": f"{name}_{verb}", "tags": [routes.path or "/"]}
            paths[f"{prefix}{routes.path}/{verb}"] = {method: operation}
    return paths


def _post(summary: str, body: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": _json(body)},
            "responses": {"200": {"description": "The output", "content": content}, "default": _failure()},
        }
    }


def _get(summary: str) -> dict[str, Any]:
    response = {"description": "A JSON schema", "content": _json({"type": "object"})}
    return {"get": {"summary": summary, "responses": {"200": response, "default": _failure()}}}


def _failure() -> dict[str, Any]:
    return {"description": "An error", "content": _json({"$ref": "#/components/schemas/Error"})}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _hoist(schema: dict[str, Any], name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Move a schema and its definitions into ``schemas``; returns the reference to it."""
    names = {each: re.sub(r"[^A-Za-z0-9._-]", "_", f"{name}_{each}") for each in schema.get("$defs", {})}

    def rewrite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _point(item, names) if key == "$ref" else rewrite(item) for key, item in value.items()}
        return [rewrite(item) for item in value] if isinstance(value, list) else value

    for each, definition in schema.get("$defs", {}).items():
        schemas[names[each]] = _without_mapping(rewrite(definition))
    schemas[name] = _without_mapping(rewrite({key: item for key, item in schema.items() if key != "$defs"}))
    return {"$ref": f"#/components/schemas/{name}"}


def _point(reference: Any, names: Mapping[str, str]) -> Any:
    given = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
    return f"#/components/schemas/{names[given]}" if given in names else reference


def _without_mapping(value: Any) -> Any:
    """Without discriminators, whose mappings name definitions in a form of their own."""
    if isinstance(value, dict):
        return {key: _without_mapping(item) for key, item in value.items() if not _is_discriminator(key, item)}
    return [_without_mapping(item) for item in value] if isinstance(value, list) else value


def _is_discriminator(key: str, item: Any) -> bool:
    return key == "discriminator" and isinstance(item, dict) and "propertyName" in item
