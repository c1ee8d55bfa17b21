"""The blocks of a message's content as Anthropic's requests want them, whatever form they were written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic_core import from_json

from prill.errors import ModelInvalidRequestError

Block = dict[str, Any]


def request_blocks(content: str | Iterable[str | Block]) -> list[Block]:
    """Content as blocks of a request; empty texts, which the API refuses, are left out.

    Anthropic's own blocks pass as they are, without the ``index`` that streams put into them.

    Raises:
        ModelInvalidRequestError: a block is of a kind that Anthropic does not take, such as sound.
    """
    parts: Iterable[str | Block] = (content,) if isinstance(content, str) else content
    blocks: list[Block] = []
    for part in parts:
        block = {"type": "text", "text": part} if isinstance(part, str) else _block(part)
        if block is not None and not (block["type"] == "text" and not block["text"]):
            blocks.append(block)
    return blocks


def _block(block: Block) -> Block | None:
    kind = block.get("type")
    if kind is None and "text" in block:
        kind = "text"
    write = _WRITERS.get(str(kind))
    if write is None:
        return _without(block, "index")
    written = write(block)
    if written is not None and "cache_control" not in written:
        cache_control = block.get("cache_control") or (block.get("extras") or {}).get("cache_control")
        if cache_control:
            written = {**written, "cache_control": cache_control}
    return written


def _without(block: Block, *keys: str) -> Block:
    return {key: value for key, value in block.items() if key not in keys}


def _text(block: Block) -> Block:
    written = {"type": "text", "text": block["text"]}
    if block.get("citations"):
        written["citations"] = block["citations"]
    return written


def _tool_use(block: Block) -> Block:
    call = _without(block, "index", "partial_json")
    text = block.get("partial_json")
    if text and not call.get("input"):
        call["input"] = _input(text)
    return {"input": {}, **call}


def _input(text: str) -> Any:
    try:
        input = from_json(text)
    except ValueError:
        input = None
    return input if isinstance(input, dict) else {"INVALID_JSON": text}


def _tool_call(block: Block) -> Block:
    extras = block.get("extras") or {}
    kind, name = "tool_use" if block["type"] == "tool_call" else "server_tool_use", block["name"]
    given = {key: extras[key] for key in ("caller", "server_name", "toolset_name") if key in extras}
    if name == "remote_mcp" and "tool_name" in extras:
        kind, name = "mcp_tool_use", extras["tool_name"]
    return {"type": kind, "id": block["id"], "name": name, "input": block["args"], **given}


def _server_result(block: Block) -> Block | None:
    """A result of a tool that Anthropic ran; those of other providers are left out."""
    kind = (block.get("extras") or {}).get("block_type")
    if kind is None:
        return None
    status = {"is_error": block["status"] == "error"} if kind == "mcp_tool_result" else {}
    return {"type": kind, "tool_use_id": block["tool_call_id"], "content": block.get("output"), **status}


def _reasoning(block: Block) -> Block | None:
    """Only what Anthropic has signed may be sent back to it."""
    signature = (block.get("extras") or {}).get("signature")
    if signature is None:
        return None
    return {"type": "thinking", "thinking": block.get("reasoning", ""), "signature": signature}


def _tool_result(block: Block) -> Block:
    result = _without(block, "index")
    if isinstance(content := result.get("content"), list):
        result["content"] = request_blocks(content)
    return result


def _image_url(block: Block) -> Block:
    image = block["image_url"]
    url = image["url"] if isinstance(image, dict) else image
    return {"type": "image", "source": _url_source(url)}


def _url_source(url: str) -> Block:
    head, comma, data = url.partition(",")
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    if not comma or not head.endswith(";base64"):
        raise _refuse("a data URL is not of the form data:<media type>;base64,<data>")
    return {"type": "base64", "media_type": head.removeprefix("data:").removesuffix(";base64"), "data": data}


def _media(block: Block) -> Block:
    if isinstance(block.get("source"), dict):
        return _without(block, "index")
    kind = "image" if block["type"] == "image" else "document"
    written: Block = {"type": kind, "source": _source(block)}
    if kind == "document":
        extras = {**(block.get("extras") or {}), **block}
        written |= {key: extras[key] for key in ("title", "context", "citations") if extras.get(key)}
    return written


_DEFAULT_TYPES = {"image": "image/jpeg", "file": "application/pdf"}


def _source(block: Block) -> Block:
    """The standard forms, the older one with ``source_type`` too, and OpenAI's ``file``."""
    kind = block["type"]
    inner = block["file"] if isinstance(block.get("file"), dict) else {}
    old = block.get("source_type")
    if old == "text" or (kind == "text-plain" and "text" in block):
        return {"type": "text", "media_type": "text/plain", "data": block["text"]}
    if data := block.get("base64") or (block.get("data") if old == "base64" else None):
        media_type = block.get("mime_type") or _DEFAULT_TYPES.get(kind, "text/plain")
        return {"type": "base64", "media_type": media_type, "data": data}
    if url := block.get("url") or inner.get("file_data"):
        return _url_source(url)
    if id := block.get("file_id") or inner.get("file_id") or (block.get("id") if old == "id" else None):
        return {"type": "file", "file_id": id}
    raise _refuse(f"a block of type {kind!r} says neither url, base64 nor file_id (it has {sorted(block)})")


def _sound(block: Block) -> Block:
    raise _refuse(f"Anthropic takes no blocks of type {block['type']!r}")


def _refuse(reason: str) -> ModelInvalidRequestError:
    return ModelInvalidRequestError(f"a message cannot be sent to anthropic: {reason}.", provider="anthropic")


_WRITERS: dict[str, Callable[[Block], Block | None]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": lambda block: {"type": "text", "text": block["refusal"]},
    "reasoning": _reasoning,
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "mcp_tool_use": _tool_use,
    "tool_call": _tool_call,
    "server_tool_call": _tool_call,
    "server_tool_result": _server_result,
    "tool_result": _tool_result,
    "image": _media,
    "image_url": _image_url,
    "document": _media,
    "file": _media,
    "text-plain": _media,
    "audio": _sound,
    "input_audio": _sound,
    "video": _sound,
    # Pieces, and calls in forms of other vendors: they are in the message's tool_calls.
    "tool_call_chunk": lambda block: None,
    "invalid_tool_call": lambda block: None,
    "function_call": lambda block: None,
    "input_json_delta": lambda block: None,
    "non_standard": lambda block: _without(block["value"], "index"),
}
