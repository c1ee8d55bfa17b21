"""The blocks of a message's content as parts of a request, whatever form they were written in.

Format: https://ai.google.dev/api/caching#Part
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from prill.errors import ModelInvalidRequestError
from prill.messages.blocks import translate_block
from prill.providers.images import check_image, check_image_url

Block = dict[str, Any]
Part = dict[str, Any]

PROVIDER = "google_genai"


def encode_parts(content: str | Iterable[str | Block], *, foreign: bool = False) -> list[Part]:
    """Content as parts of a request; empty texts are left out.

    Parts in the API's own form pass as they are. ``foreign`` says that another provider's model wrote the content: what
    only that provider understands, such as its signatures, is left out.

    Raises:
        ModelInvalidRequestError: a block is of a kind that Gemini does not take.
    """
    given: Iterable[str | Block] = (content,) if isinstance(content, str) else content
    parts: list[Part] = []
    for block in given:
        if isinstance(block, str):
            parts += [{"text": block}] if block else []
        elif block.get("type") == "media":
            parts.append(_media_of_langchain(block))
        elif "type" not in block and block.keys() & _PART:
            parts.append(block)
        else:
            for one in translate_block({"type": "text", **block} if "text" in block else block):
                parts += _encode_block(one, foreign)
    return parts


_PART = frozenset(
    (
        *("text", "inlineData", "fileData", "functionCall", "functionResponse"),
        *("executableCode", "codeExecutionResult"),
    )
)


def _encode_block(block: Block, foreign: bool) -> list[Part]:
    write = _WRITERS.get(block["type"])
    if foreign:
        if write is None or block["type"] == "non_standard":
            return []
        block = {key: value for key, value in block.items() if key != "extras"}
    if write is None:
        raise refuse(f"it takes no blocks of type {block['type']!r}")
    part = write(block)
    if part is None:
        return []
    signature = (block.get("extras") or {}).get("signature")
    return [{**part, "thoughtSignature": signature} if signature else part]


def _text(block: Block) -> Part | None:
    signed = (block.get("extras") or {}).get("signature")
    return {"text": block["text"]} if block["text"] or signed else None


def _reasoning(block: Block) -> Part | None:
    """Thoughts without a signature say nothing to the model."""
    signed = (block.get("extras") or {}).get("signature")
    return {"text": block.get("reasoning", ""), "thought": True} if signed else None


def _data(block: Block) -> Part:
    kind, mime = block["type"], block.get("mime_type")
    if (data := block.get("base64")) is not None:
        mime = mime or _DEFAULT_TYPES.get(kind)
        if not mime:
            raise refuse(f"a block of type {kind!r} with base64 data needs its mime_type")
        if kind == "image":
            check_image(mime, data, PROVIDER)
        return {"inlineData": {"mimeType": mime, "data": data}}
    place = block.get("url") or block.get("file_id")
    if not place:
        raise refuse(f"a block of type {kind!r} says neither url, base64 nor file_id (it has {sorted(block)})")
    if kind == "image" and "url" in block:
        check_image_url(place, PROVIDER)
    mime = mime or mimetypes.guess_type(urlsplit(str(place)).path)[0]
    return {"fileData": {"fileUri": place, **({"mimeType": mime} if mime else {})}}


_DEFAULT_TYPES = {"image": "image/jpeg", "file": "application/pdf"}


def _media_of_langchain(block: Block) -> Part:
    """``{"type": "media", "mime_type": …}`` with ``data`` or ``file_uri``, as LangChain's users write it."""
    mime = {"mimeType": block["mime_type"]} if block.get("mime_type") else {}
    if block.get("file_uri"):
        part: Part = {"fileData": {"fileUri": block["file_uri"], **mime}}
    elif block.get("data") and mime:
        part = {"inlineData": {**mime, "data": block["data"]}}
    else:
        raise refuse("a block of type 'media' needs file_uri, or data and mime_type")
    return {**part, "videoMetadata": block["video_metadata"]} if block.get("video_metadata") else part


def _code(block: Block) -> Part | None:
    """Code that Gemini ran; calls of other providers' tools are left out."""
    if block["name"] != CODE:
        return None
    args = block["args"]
    return {"executableCode": {"language": args.get("language", "PYTHON"), "code": args.get("code", "")}}


def _code_result(block: Block) -> Part | None:
    outcome = (block.get("extras") or {}).get("outcome")
    return {"codeExecutionResult": {"outcome": outcome, "output": block.get("output") or ""}} if outcome else None


CODE = "code_execution"
"""The name of Gemini's tool that runs code."""


def _own_part(block: Block) -> Part:
    value = block["value"]
    if isinstance(value, dict) and "type" not in value:
        return value
    raise refuse(f"it takes no blocks of type {value.get('type') if isinstance(value, dict) else value!r}")


def refuse(reason: str) -> ModelInvalidRequestError:
    return ModelInvalidRequestError(f"a message cannot be sent to {PROVIDER}: {reason}.", provider=PROVIDER)


_WRITERS: dict[str, Callable[[Block], Part | None]] = {
    "text": _text,
    "reasoning": _reasoning,
    "refusal": lambda block: {"text": block["refusal"]} if block["refusal"] else None,
    "image": _data,
    "audio": _data,
    "video": _data,
    "file": _data,
    "text-plain": lambda block: {"text": block["text"]} if block.get("text") else _data(block),
    "server_tool_call": _code,
    "server_tool_result": _code_result,
    "non_standard": _own_part,
    # Calls are in the message's tool_calls.
    "tool_call": lambda block: None,
    "tool_call_chunk": lambda block: None,
    "invalid_tool_call": lambda block: None,
    "server_tool_call_chunk": lambda block: None,
}
