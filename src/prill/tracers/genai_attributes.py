"""Attributes of model runs in OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.callbacks.run import Run
from prill.messages import AIMessage, BaseMessage, ToolMessage
from prill.tracers.plain_json import as_json

OPERATIONS = {
    "chat_model": "chat",
    "llm": "text_completion",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "agent": "invoke_agent",
}

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}

_REQUEST = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "n": "choice.count",
}

_ROLES = {"human": "user", "ai": "assistant", "function": "tool"}


def named(run: Run) -> dict[str, Any]:
    """The provider, and the model if it is known."""
    provider = str(run.metadata.get("ls_provider") or "unknown")
    labels = {"gen_ai.provider.name": _PROVIDERS.get(provider, provider)}
    if model := run.metadata.get("ls_model_name"):
        labels["gen_ai.request.model"] = str(model)
    return labels


def asked(run: Run) -> dict[str, Any]:
    """The settings that a model was asked with."""
    settings = {key: run.metadata.get(f"ls_{key}") for key in ("temperature", "max_tokens")}
    given = {**settings, **run.kwargs}
    attributes = {
        f"gen_ai.request.{name}": given[key]
        for key, name in _REQUEST.items()
        if isinstance(given.get(key), int | float)
    }
    stop = given.get("stop") or run.metadata.get("ls_stop")
    if isinstance(stop, Sequence):
        attributes["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [str(each) for each in stop]
    if run.streamed:
        attributes["gen_ai.request.stream"] = True
    return attributes


def response_facts(run: Run, output: Any) -> dict[str, Any]:
    """The attributes of a model's answer, complete or partial."""
    facts: dict[str, Any] = {}
    if not isinstance(output, BaseMessage):
        return facts
    about = output.response_metadata
    if model := about.get("model_name") or about.get("model"):
        facts["gen_ai.response.model"] = str(model)
    id = about.get("id") or output.id
    if id and not str(id).startswith("run-"):  # an id of our own is none of the provider's
        facts["gen_ai.response.id"] = str(id)
    if reason := _finish_reason(output):
        facts["gen_ai.response.finish_reasons"] = [reason]
    usage = getattr(output, "usage_metadata", None)
    if usage:
        facts["gen_ai.usage.input_tokens"] = usage["input_tokens"]
        facts["gen_ai.usage.output_tokens"] = usage["output_tokens"]
        details = usage.get("input_token_details") or {}
        for ours, theirs in (("cache_read", "cache_read"), ("cache_creation", "cache_creation")):
            if ours in details:
                facts[f"gen_ai.usage.{theirs}.input_tokens"] = details[ours]
    return facts


def _finish_reason(message: BaseMessage) -> str | None:
    reason = message.response_metadata.get("finish_reason") or message.response_metadata.get("stop_reason")
    return str(reason) if reason else None


def messages_asked(input: Any) -> list[Any]:
    """The input messages in the form of the conventions."""
    if "messages" in input:
        return [make_content_attribute(message) for message in input["messages"][0]]
    return [_message("user", [_part(prompt)]) for prompt in input["prompts"]]


def answered(output: Any) -> Any:
    """The output messages in the form of the conventions."""
    if not isinstance(output, BaseMessage):
        return _message("assistant", [_part(output)])
    return {**make_content_attribute(output), "finish_reason": _finish_reason(output) or "unknown"}


def make_content_attribute(value: Any) -> Any:
    """A message, or text that a model put out, in the conventions' form; of another value its JSON."""
    if isinstance(value, ToolMessage):
        return _message("tool", [{"type": "tool_call_response", "id": value.tool_call_id, "result": value.text}])
    if isinstance(value, BaseMessage):
        kind = value.type.removesuffix("MessageChunk").lower()
        parts = [_part(value.text)] if value.text else []
        if isinstance(value, AIMessage):
            parts += [
                {"type": "tool_call", "id": call["id"], "name": call["name"], "arguments": as_json(call["args"])}
                for call in value.tool_calls
            ]
        return _message(_ROLES.get(kind, kind), parts)
    return as_json(value)


def _message(role: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"role": role, "parts": parts}


def _part(text: Any) -> dict[str, Any]:
    return {"type": "text", "content": str(text)}
