"""Content blocks of OpenAI's and Anthropic's shape, translated into the standard ones.

A block that is in none of these shapes becomes ``{"type": "non_standard", "value": block}``: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from prill.messages.call_types import STANDARD_TYPES

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock

Block = dict[str, Any]


def standard_blocks(content: str | list[str | dict[Any, Any]]) -> list[ContentBlock]:
    """A message's content as standard blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks: list[Block] = []
    for part in content:
        if isinstance(part, str):
            blocks.append({"type": "text", "text": part})
        else:
            blocks.extend(_translate(part))
    return cast("list[ContentBlock]", blocks)


def _translate(block: Block) -> list[Block]:
    translate = _TRANSLATORS.get(str(block.get("type")))
    translated = translate(block) if translate else None
    if translated is not None:
        index = {"index": block["index"]} if "index" in block else {}
        return [{**one, **index} for one in translated]
    if block.get("type") in STANDARD_TYPES:
        return [block]
    return [{"type": "non_standard", "value": block}]


def _text(block: Block) -> list[Block]:
    rest = {key: value for key, value in block.items() if key not in ("type", "text")}
    return [{"type": "text", "text": block.get("text", ""), **rest}]


def _thinking(block: Block) -> list[Block]:
    reasoning: Block = {"type": "reasoning", "reasoning": block.get("thinking", "")}
    if "signature" in block:
        reasoning["extras"] = {"signature": block["signature"]}
    return [reasoning]


def _reasoning(block: Block) -> list[Block] | None:
    summary = block.get("summary")
    if not isinstance(summary, list):
        return None
    rest = {key: value for key, value in block.items() if key not in ("type", "summary", "id", "index", "extras")}
    extras = {**block.get("extras", {}), **rest}
    first: Block = {"type": "reasoning"}
    if "id" in block:
        first["id"] = block["id"]
    texts = [part.get("text", "") if isinstance(part, dict) else str(part) for part in summary]
    blocks = [{**first, "reasoning": text} for text in texts] or [first]
    if extras:
        blocks[0]["extras"] = extras
    return blocks


def _tool_use(block: Block) -> list[Block] | None:
    name, id, args = block.get("name"), block.get("id"), block.get("input")
    if isinstance(partial := block.get("partial_json"), str):
        return [{"type": "tool_call_chunk", "name": name, "args": partial, "id": id}]
    if not isinstance(args, dict):
        return None
    kind = "server_tool_call" if block["type"] == "server_tool_use" else "tool_call"
    return [{"type": kind, "name": name, "args": args, "id": id}]


def _function_call(block: Block) -> list[Block] | None:
    name, id, text = block.get("name"), block.get("call_id"), block.get("arguments")
    if not isinstance(text, str):
        return None
    extras = {"extras": {"item_id": block["id"]}} if "id" in block else {}
    try:
        args = from_json(text)
    except ValueError as error:
        return [{"type": "invalid_tool_call", "name": name, "args": text, "id": id, "error": str(error), **extras}]
    return [{"type": "tool_call", "name": name, "args": args, "id": id, **extras}]


def _image_url(block: Block) -> list[Block] | None:
    image = block.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        return None
    extras = {"detail": image["detail"]} if isinstance(image, dict) and "detail" in image else {}
    return [_media("image", url, extras)]


def _input_audio(block: Block) -> list[Block] | None:
    audio = block.get("input_audio")
    if not isinstance(audio, dict) or "data" not in audio:
        return None
    return [{"type": "audio", "base64": audio["data"], "mime_type": f"audio/{audio.get('format', 'wav')}"}]


def _file(block: Block) -> list[Block] | None:
    file = block.get("file")
    if not isinstance(file, dict):
        return _media_with_source(block)
    extras = {"filename": file["filename"]} if "filename" in file else {}
    if isinstance(data := file.get("file_data"), str):
        return [_media("file", data, extras)]
    if "file_id" in file:
        return [{"type": "file", "file_id": file["file_id"], **({"extras": extras} if extras else {})}]
    return None


def _media(kind: str, url: str, extras: Block) -> Block:
    block: Block = {"type": kind}
    head, comma, data = url.partition(",")
    if url.startswith("data:") and comma and head.endswith(";base64"):
        block |= {"base64": data, "mime_type": head.removeprefix("data:").removesuffix(";base64")}
    else:
        block["url"] = url
    if extras:
        block["extras"] = extras
    return block


def _media_with_source(block: Block) -> list[Block] | None:
    """Anthropic's ``source``, and the older standard form with ``source_type``."""
    kind = "file" if block["type"] == "document" else block["type"]
    source = block.get("source")
    if isinstance(source, dict):
        known = {"type": source.get("type"), "data": source.get("data"), "mime_type": source.get("media_type")}
        known |= {"url": source.get("url"), "id": source.get("file_id")}
        rest = {key: value for key, value in block.items() if key not in ("type", "source", "index")}
    elif "source_type" in block:
        known = {"type": block["source_type"], "data": block.get("data"), "mime_type": block.get("mime_type")}
        known |= {"url": block.get("url"), "id": block.get("id"), "text": block.get("text")}
        dropped = ("type", "source_type", "data", "mime_type", "url", "id", "index", "text")
        rest = {key: value for key, value in block.items() if key not in dropped}
    else:
        return None
    return _sourced(kind, known, rest)


def _sourced(kind: str, known: Block, extras: Block) -> list[Block] | None:
    mime = {"mime_type": known["mime_type"]} if known["mime_type"] else {}
    if known["type"] == "base64" and known["data"] is not None:
        block = {"type": kind, "base64": known["data"], **mime}
    elif known["type"] == "url" and known["url"] is not None:
        block = {"type": kind, "url": known["url"], **mime}
    elif known["type"] in ("id", "file") and known["id"] is not None:
        block = {"type": kind, "file_id": known["id"], **mime}
    elif known["type"] == "text" and (text := known.get("text") or known["data"]) is not None:
        block = {"type": "text-plain", "text": text, "mime_type": "text/plain"}
    else:
        return None
    return [{**block, "extras": extras} if extras else block]


_TRANSLATORS: dict[str, Callable[[Block], list[Block] | None]] = {
    "input_text": _text,
    "output_text": _text,
    "thinking": _thinking,
    "reasoning": _reasoning,
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "input_json_delta": _tool_use,
    "function_call": _function_call,
    "image_url": _image_url,
    "input_audio": _input_audio,
    "file": _file,
    "image": _media_with_source,
    "audio": _media_with_source,
    "video": _media_with_source,
    "document": _media_with_source,
}
