"""``langchain_core.messages.block_translators``: content of providers as standard blocks, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from prill.messages import AIMessage, AIMessageChunk
from prill.messages.blocks import standard_blocks
from prill.messages.data_blocks import convert_to_openai_data_block, convert_to_openai_image_block

Translator = Callable[[Any], list[Any]]

__all__ = [
    "PROVIDER_TRANSLATORS",
    "convert_to_openai_data_block",
    "convert_to_openai_image_block",
    "get_translator",
    "register_translator",
    "translate_content",
    "translate_content_chunk",
]

PROVIDER_TRANSLATORS: dict[str, dict[str, Translator]] = {}


def register_translator(provider: str, translate_content: Translator, translate_content_chunk: Translator) -> None:
    """Let the content of a provider's messages be translated by functions of its package."""
    PROVIDER_TRANSLATORS[provider] = {
        "translate_content": translate_content,
        "translate_content_chunk": translate_content_chunk,
    }


def get_translator(provider: str) -> dict[str, Translator] | None:
    """The functions that translate a provider's content; ``None`` if there are none of its own."""
    return PROVIDER_TRANSLATORS.get(provider)


def translate_content(message: AIMessage) -> list[Any]:
    """The content of a message as standard blocks."""
    return message.content_blocks


def translate_content_chunk(message: AIMessageChunk) -> list[Any]:
    """The same for a chunk."""
    return message.content_blocks


def _convert_from_v1_to_chat_completions(message: AIMessage) -> AIMessage:
    """A message whose content is standard blocks, with what OpenAI takes as content: text and the like."""
    if not isinstance(message.content, list):
        return message
    content: list[Any] = []
    for block in message.content:
        if isinstance(block, dict):
            kind = block.get("type")
            if kind == "text":
                content.append({"type": "text", "text": block["text"]})
            elif kind not in ("tool_call", "reasoning", "invalid_tool_call"):
                content.append(block)
        else:
            content.append(block)
    return message.model_copy(update={"content": content})


def _convert_to_v1_from_chat_completions(message: AIMessage) -> list[Any]:
    text = standard_blocks(message.content)
    return [*text, *message.tool_calls]


def _convert_to_v1_from_responses(message: AIMessage) -> list[Any]:
    return message.content_blocks


def _convert_to_v1_from_genai(message: AIMessage) -> list[Any]:
    return message.content_blocks


def _convert_from_v03_ai_message(message: AIMessage) -> AIMessage:
    """A message as versions before 0.3.25 kept it, with its items in the content."""
    if not any(key in message.additional_kwargs for key in ("reasoning", "refusal", "tool_outputs", _CALL_IDS)):
        return message
    extra = dict(message.additional_kwargs)
    call_ids: dict[str | None, Any] = extra.pop(_CALL_IDS, {})
    items: list[Any] = []
    if reasoning := extra.pop("reasoning", None):
        items.append({**reasoning, "type": "reasoning"})
    texts = message.content if isinstance(message.content, list) else _as_text(message.content)
    items += texts
    if (refusal := extra.pop("refusal", None)) is not None:
        items.append({"type": "refusal", "refusal": refusal})
    for call in message.tool_calls:
        if call["id"] in call_ids or call_ids:
            items.append(_function_call(call, call_ids.get(call["id"])))
    items += extra.pop("tool_outputs", [])
    id = message.id
    metadata = dict(message.response_metadata)
    if isinstance(metadata.get("id"), str) and metadata["id"].startswith("resp_") and id and id.startswith("msg_"):
        for item in items:
            if isinstance(item, dict) and item.get("type") == "text":
                item["id"] = id
        id = metadata["id"]
    return message.model_copy(update={"content": items, "additional_kwargs": extra, "id": id})


_CALL_IDS = "__openai_function_call_ids__"
_FUNCTION_CALL_IDS_MAP_KEY = _CALL_IDS


def _as_text(content: str) -> list[Any]:
    return [{"type": "text", "text": content}] if content else []


def _function_call(call: Any, item_id: str | None) -> dict[str, Any]:
    made = {
        "type": "function_call",
        "name": call["name"],
        "arguments": json.dumps(call["args"], ensure_ascii=False),
        "call_id": call["id"],
    }
    return {**made, "id": item_id} if item_id is not None else made
