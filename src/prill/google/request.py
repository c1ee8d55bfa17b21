"""The body of a request to the Gemini API.

Fields: https://ai.google.dev/api/generate-content#method:-models.generatecontent
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from prill.errors import ConfigError
from prill.google.safety import encode_safety
from prill.google.tools import camel_keys, encode_choice, encode_tools, function_names
from prill.tools.function_schema import convert_to_openai_function

Json = dict[str, Any]

_CONFIG = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_output_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "stop_sequences": "stopSequences",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "response_logprobs": "responseLogprobs",
    "logprobs": "logprobs",
    "response_mime_type": "responseMimeType",
    "response_modalities": "responseModalities",
    "media_resolution": "mediaResolution",
    "speech_config": "speechConfig",
    "image_config": "imageConfig",
}
"""Settings that are fields of ``generationConfig``."""

_THINKING = {
    "thinking_budget": "thinkingBudget",
    "include_thoughts": "includeThoughts",
    "thinking_level": "thinkingLevel",
}

_TOP = {"cached_content": "cachedContent", "labels": "labels", "service_tier": "serviceTier", "store": "store"}


def build_request(settings: Mapping[str, Any]) -> Json:
    """The body that says what ``settings`` do, without the messages.

    ``settings`` are the arguments of the model and of the call, by their names in Python; those that have no name here
    go into the body as they are.
    """
    rest = {name: value for name, value in settings.items() if value is not None}
    request: Json = {theirs: rest.pop(name) for name, theirs in _TOP.items() if name in rest}
    if (safety := rest.pop("safety_settings", None)) is not None:
        request["safetySettings"] = encode_safety(safety)
    request |= _tools(rest)
    if config := _config(rest):
        request["generationConfig"] = config
    return {**request, **rest}


def _tools(rest: Json) -> Json:
    tools, choice = rest.pop("tools", None), rest.pop("tool_choice", None)
    strict, given = rest.pop("strict", None), rest.pop("tool_config", None)
    rest.pop("parallel_tool_calls", None)  # the API has no word for it
    encoded = encode_tools(tools) if tools else []
    config = camel_keys(given) or encode_choice(choice, function_names(encoded), strict if encoded else None)
    return {**({"tools": encoded} if encoded else {}), **({"toolConfig": config} if config else {})}


def _config(rest: Json) -> Json:
    """``generationConfig``; what ``generation_config`` says goes before the rest."""
    given = rest.pop("generation_config", None) or {}
    config = {theirs: _plain(rest.pop(name)) for name, theirs in _CONFIG.items() if name in rest}
    if isinstance(stop := config.get("stopSequences"), str):
        config["stopSequences"] = [stop]
    thinking = {theirs: rest.pop(name) for name, theirs in _THINKING.items() if name in rest}
    if thinking:
        config["thinkingConfig"] = thinking
    schema, json_schema = rest.pop("response_schema", None), rest.pop("response_json_schema", None)
    if schema is not None or json_schema is not None:
        config |= _answer_format(schema if json_schema is None else json_schema, is_json=json_schema is not None)
    return {**config, **given}


def _plain(value: Any) -> Any:
    """A value with the names of members of enumerations in their place."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return getattr(value, "name", value)


def _answer_format(schema: Any, *, is_json: bool) -> Json:
    """The form of the answer: a dictionary in the form of the API, a JSON schema, or a pydantic class."""
    mime = {"responseMimeType": "application/json"}
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return {**mime, "responseJsonSchema": convert_to_openai_function(schema)["parameters"]}
    if not isinstance(schema, Mapping):
        raise ConfigError(f"response_schema is a schema or a pydantic class, not {schema!r:.80}")
    is_json = is_json or not str(schema.get("type", "object")).isupper()
    return {**mime, "responseJsonSchema" if is_json else "responseSchema": dict(schema)}
