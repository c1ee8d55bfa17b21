"""Content blocks of OpenAI's and Anthropic's shape, translated into the standard ones.

A block that is in none of these shapes becomes ``{"type": "non_standard", "value": block}``: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from prill.messages.call_types import STANDARD_TYPES
from prill.messages.tool_calls import read_args

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
            blocks.extend(translate_block(part))
    return cast("list[ContentBlock]", blocks)


def translate_block(block: Block) -> list[Block]:
    """A block in the form of any provider as standard blocks."""
    translate = _TRANSLATORS.get(str(block.get("type")))
    translated = translate(block) if translate else None
    if translated is not None:
        index = {"index": block["index"]} if "index" in block else {}
        return [{**index, **one} for one in translated]
    if isinstance(kind := block.get("type"), str) and kind in STANDARD_TYPES:
        return [block]
    return [{"type": "non_standard", "value": block}]


def _text(block: Block) -> list[Block] | None:
    if block["type"] == "text" and "annotations" not in block and "citations" not in block:
        return None
    rest = {key: value for key, value in block.items() if key not in ("type", "text", "annotations", "citations")}
    given = [block.get(key) for key in ("annotations", "citations")]
    lists = [each for each in given if isinstance(each, list)]
    annotations = {"annotations": [_annotation(one) for each in lists for one in each]} if lists else {}
    return [{"type": "text", "text": block.get("text", ""), **rest, **annotations}]


_CITATIONS = frozenset(
    {
        "url_citation",
        "file_citation",
        "char_location",
        "page_location",
        "content_block_location",
        "search_result_location",
        "web_search_result_location",
    }
)
_CITATION_FIELDS = ("id", "url", "title", "start_index", "end_index", "cited_text")


def _annotation(given: Any) -> Block:
    """Where a text comes from, in the standard form; see the providers' references.

    https://platform.openai.com/docs/api-reference/responses/object and https://docs.anthropic.com/en/docs/citations
    """
    kind = given.get("type") if isinstance(given, dict) else None
    if kind in ("citation", "non_standard_annotation"):
        return cast("Block", given)
    if not isinstance(kind, str) or kind not in _CITATIONS:
        return {"type": "non_standard_annotation", "value": given}
    values = {key: value for key, value in given.items() if key != "type" and value is not None}
    if title := values.pop("document_title", None) or values.pop("filename", None):
        values.setdefault("title", title)
    citation: Block = {"type": "citation", **{key: values.pop(key) for key in _CITATION_FIELDS if key in values}}
    return {**citation, "extras": values} if values else citation


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
    if "index" in block:  # the parts of one summary must not be merged with each other
        for number, (one, part) in enumerate(zip(blocks, summary or [{}], strict=True)):
            own = part.get("index", number) if isinstance(part, dict) else number
            one["index"] = f"lc_rs_{block['index']}_{own}"
    if extras:
        blocks[0]["extras"] = extras
    return blocks


def _tool_use(block: Block) -> list[Block] | None:
    name, id, args = block.get("name"), block.get("id"), block.get("input")
    if isinstance(partial := block.get("partial_json"), str):
        return [{"type": "tool_call_chunk", "name": name, "args": partial, "id": id}]
    if not isinstance(args, dict):
        return None
    kind = "tool_call" if block["type"] == "tool_use" else "server_tool_call"
    extras = _extras(block, "name", "id", "input", "partial_json")
    if block["type"] == "mcp_tool_use":
        name, extras = "remote_mcp", {"extras": {"tool_name": name, **extras.get("extras", {})}}
    return [{"type": kind, "name": name, "args": args, "id": id, **extras}]


def _extras(block: Block, *known: str) -> Block:
    """The fields of a block beyond the known ones, as its ``extras``."""
    given = block.get("extras")
    rest = {key: value for key, value in block.items() if key not in ("type", "index", "extras", *known)}
    extras = {**rest, **(given if isinstance(given, dict) else {})}
    return {"extras": extras} if extras else {}


def _server_result(block: Block) -> list[Block] | None:
    """The result of a tool that Anthropic ran: https://docs.anthropic.com/en/api/messages."""
    id, output = block.get("tool_use_id"), block.get("content")
    if not isinstance(id, str):
        return None
    failed = block.get("is_error") or (isinstance(output, dict) and str(output.get("type")).endswith("_error"))
    result: Block = {"type": "server_tool_result", "tool_call_id": id, "status": "error" if failed else "success"}
    if output is not None:
        result["output"] = output
    rest = _extras(block, "tool_use_id", "content", "is_error").get("extras", {})
    return [{**result, "extras": {"block_type": block["type"], **rest}}]


def _function_call(block: Block) -> list[Block] | None:
    name, id, text = block.get("name"), block.get("call_id"), block.get("arguments")
    if not isinstance(text, str):
        return None
    item = {"item_id": block["id"]} if "id" in block else {}
    extras = _extras({**item, **block}, "id", "name", "call_id", "arguments", "status")
    args, error = read_args(text)
    if error is not None:
        return [{"type": "invalid_tool_call", "name": name, "args": text, "id": id, "error": error, **extras}]
    return [{"type": "tool_call", "name": name, "args": args, "id": id, **extras}]


def _image_url(block: Block) -> list[Block] | None:
    image = block.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        return None
    extras = {"detail": image["detail"]} if isinstance(image, dict) and "detail" in image else {}
    return [_media("image", url, extras)]


def _input_media(block: Block) -> list[Block] | None:
    """Images and files in the input of responses: https://platform.openai.com/docs/api-reference/responses/create."""
    kind = block["type"].removeprefix("input_")
    url = block.get("image_url") or block.get("file_data") or block.get("file_url")
    extras = {key: block[key] for key in ("detail", "filename") if block.get(key) is not None}
    if isinstance(url, str):
        return [_media(kind, url, extras)]
    if block.get("file_id") is None:
        return None
    return [{"type": kind, "file_id": block["file_id"], **({"extras": extras} if extras else {})}]


def _generated_image(block: Block) -> list[Block] | None:
    """An image that OpenAI made, of which a piece has ``partial_image_b64``.

    https://platform.openai.com/docs/guides/tools-image-generation
    """
    data = block.get("result") or block.get("partial_image_b64")
    if not isinstance(data, str):
        return None
    mime = {"mime_type": f"image/{block.get('output_format') or 'png'}"}
    id = {"id": block["id"]} if block.get("id") is not None else {}
    return [{"type": "image", "base64": data, **mime, **id, **_extras(block, "id", "result", "partial_image_b64")}]


def _screenshot(block: Block) -> list[Block] | None:
    """What a computer showed: https://platform.openai.com/docs/guides/tools-computer-use."""
    shown = _input_media({**block, "type": "input_image"})
    rest = _extras(block, "image_url", "file_id", "detail")
    return None if shown is None else [{**shown[0], **rest}]


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
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "thinking": _thinking,
    "reasoning": _reasoning,
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "mcp_tool_use": _tool_use,
    "input_json_delta": _tool_use,
    "web_search_tool_result": _server_result,
    "web_fetch_tool_result": _server_result,
    "code_execution_tool_result": _server_result,
    "bash_code_execution_tool_result": _server_result,
    "text_editor_code_execution_tool_result": _server_result,
    "tool_search_tool_result": _server_result,
    "mcp_tool_result": _server_result,
    "function_call": _function_call,
    "image_url": _image_url,
    "input_image": _input_media,
    "input_file": _input_media,
    "image_generation_call": _generated_image,
    "computer_screenshot": _screenshot,
    "input_audio": _input_audio,
    "file": _file,
    "image": _media_with_source,
    "audio": _media_with_source,
    "video": _media_with_source,
    "document": _media_with_source,
}
