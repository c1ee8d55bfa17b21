"""What servers of the Model Context Protocol send, as content of messages. It is not trusted: its size is bounded."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prill.documents import Blob
from prill.errors import MCPError
from prill.messages import AIMessage, HumanMessage

Content = str | list[str | dict[Any, Any]]


@dataclass(frozen=True)
class MCPLimits:
    """How much of what a server sends is taken.

    Attributes:
        description_chars: the length of a tool's description; the rest is cut off.
        schema_chars: the length of the JSON of a tool's arguments; a tool with a longer one is an ``MCPError``.
        tools: the number of tools, resources and prompts of one server; more are an ``MCPError``.
        result_chars: the length of the texts of a result; the rest is cut off, and says so.
        media_chars: the length in base64 of the images and files of a result; the others are named in their place.
    """

    description_chars: int = 4_000
    schema_chars: int = 100_000
    tools: int = 1_000
    result_chars: int = 100_000
    media_chars: int = 20_000_000


def clean_text(text: str, most: int) -> str:
    """A short text of a server without characters that a person does not see."""
    visible = _INVISIBLE.sub("", text)
    return visible if len(visible) <= most else f"{visible[: most - 1]}…"


# Control characters but for tab and newline, marks of direction, and tags, which show nothing but are read by models.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


class Budget:
    """How much of a result may still be taken."""

    def __init__(self, limits: MCPLimits) -> None:
        self._limits = limits
        self._chars = limits.result_chars
        self._media = limits.media_chars

    def text(self, text: str) -> dict[str, Any]:
        """A block of text, cut off where the budget ends."""
        kept = text[: max(self._chars, 0)]
        self._chars -= len(text)
        if len(kept) < len(text):
            kept += f"\n… (cut off: {len(text) - len(kept)} more characters; the limit is {self._limits.result_chars})"
        return {"type": "text", "text": kept}

    def media(self, kind: str, data: str, mime_type: str) -> dict[str, Any]:
        """A block of an image or a file; where the budget ends, a text in its place."""
        if len(data) > self._media:
            return self.text(f"(an attachment of the type {mime_type}, {len(data)} characters of base64: too large)")
        self._media -= len(data)
        return {"type": kind, "base64": data, "mime_type": mime_type}


def read_content(blocks: Sequence[dict[str, Any]], limits: MCPLimits) -> Content:
    """Blocks of the protocol as content of a message: a text, where there is nothing else.

    Text, images and files become blocks; a sound, which models do not take as the result of a tool, and a link to a
    resource are described as text.
    """
    budget = Budget(limits)
    read: list[str | dict[Any, Any]] = [_read_block(block, budget) for block in blocks]
    if all(isinstance(block, dict) and block["type"] == "text" for block in read) and len(read) < 2:
        return "".join(block["text"] for block in read if isinstance(block, dict))
    return read


def _read_block(block: dict[str, Any], budget: Budget) -> dict[str, Any]:
    read = _READERS.get(str(block.get("type")))
    return budget.text(_as_json(block)) if read is None else read(block, budget)


def _read_resource(block: dict[str, Any], budget: Budget) -> dict[str, Any]:
    resource = block.get("resource") or {}
    if "text" in resource:
        return budget.text(str(resource["text"]))
    mime_type = str(resource.get("mimeType") or "application/octet-stream")
    kind = "image" if mime_type.startswith("image/") else "file"
    return budget.media(kind, str(resource.get("blob", "")), mime_type)


def _read_link(block: dict[str, Any], budget: Budget) -> dict[str, Any]:
    parts = [block.get(name) for name in ("name", "uri", "mimeType", "description")]
    return budget.text("resource: " + ", ".join(str(part) for part in parts if part))


def _read_sound(block: dict[str, Any], budget: Budget) -> dict[str, Any]:
    return budget.text(f"(a sound of the type {block.get('mimeType')}; it is in the artifact)")


_READERS: dict[str, Callable[[dict[str, Any], Budget], dict[str, Any]]] = {
    "text": lambda block, budget: budget.text(str(block.get("text", ""))),
    "image": lambda block, budget: budget.media("image", str(block.get("data", "")), str(block.get("mimeType"))),
    "audio": _read_sound,
    "resource": _read_resource,
    "resource_link": _read_link,
}


def read_result(result: dict[str, Any], limits: MCPLimits) -> tuple[Content, dict[str, Any] | None]:
    """The content and the artifact of a tool's result.

    The artifact has ``structured_content``, where the tool gives some, and ``audio``; content that is missing is the
    JSON of the structured content.
    """
    blocks = result.get("content") or []
    content = read_content(blocks, limits)
    structured = result.get("structuredContent")
    artifact: dict[str, Any] = {}
    if structured is not None:
        artifact["structured_content"] = structured
        content = content or Budget(limits).text(_as_json(structured))["text"]
    if sounds := [block for block in blocks if block.get("type") == "audio"]:
        artifact["audio"] = sounds
    return content, artifact or None


def text_of(content: Content) -> str:
    """The texts of a content."""
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if isinstance(block, dict) and block["type"] == "text")


def read_prompt(prompt: dict[str, Any], limits: MCPLimits) -> list[HumanMessage | AIMessage]:
    """The messages of a prompt."""
    messages: list[HumanMessage | AIMessage] = []
    for message in prompt.get("messages", []):
        kind = AIMessage if message.get("role") == "assistant" else HumanMessage
        messages.append(kind(read_content([message.get("content") or {}], limits)))
    return messages


def read_resource(resource: dict[str, Any], limits: MCPLimits) -> list[Blob]:
    """The contents of a resource; raises ``MCPError`` where they are too large."""
    blobs = []
    for part in resource.get("contents", []):
        uri = str(part.get("uri"))
        text, data = part.get("text"), part.get("blob")
        if len(text or data or "") > limits.media_chars:
            raise MCPError(f"the resource {uri[:200]} has more than {limits.media_chars} characters (media_chars)")
        content = text if text is not None else b64decode(data or "")
        blobs.append(Blob.from_data(content, mime_type=part.get("mimeType"), metadata={"uri": uri}))
    return blobs


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
