"""Blocks that hold images, sounds and files, in OpenAI's form."""

from __future__ import annotations

from typing import Any, Literal

from prill.errors import ConfigError

Block = dict[str, Any]


def convert_to_openai_image_block(block: Block) -> Block:
    """An image in OpenAI's form, from the standard block or the older one with ``source_type``.

    Raises ``ConfigError`` if the block has neither a URL, nor base64 data with its ``mime_type``.
    """
    return {"type": "image_url", "image_url": {"url": _url(block)}}


def convert_to_openai_data_block(
    block: Block, api: Literal["chat/completions", "responses"] = "chat/completions"
) -> Block:
    """An image, a sound or a file in the form that one of OpenAI's interfaces takes.

    Raises ``ConfigError`` if the interface does not take such a block, or a value that it needs is missing.
    """
    kind = block.get("type")
    responses = api == "responses"
    if kind == "image":
        return {"type": "input_image", "image_url": _url(block)} if responses else convert_to_openai_image_block(block)
    if kind == "audio":
        if (data := _data(block)) is None:
            raise ConfigError("OpenAI takes sounds as base64 data only; this block has none")
        return {"type": "input_audio", "input_audio": {"data": data, "format": _mime(block).rpartition("/")[2]}}
    if kind == "file":
        file = _file(block, responses)
        return {"type": "input_file", **file} if responses else {"type": "file", "file": file}
    raise ConfigError(f"OpenAI takes no block of type {kind!r}; it takes 'image', 'audio' and 'file'")


_HELD = {"image_url": "image", "input_audio": "audio", "file": "file"}
"""The keys of OpenAI's blocks that hold data, which are their types too, with the kind of data."""


def is_openai_data_block(block: Block, filter_: Literal["image", "audio", "file"] | None = None) -> bool:
    """Whether a block holds an image, a sound or a file (with ``filter_`` that) in the form of chat completions.

    https://platform.openai.com/docs/api-reference/chat/create
    """
    kind = block.get("type", "")
    held = block.get(kind)
    if kind not in _HELD or filter_ not in (None, _HELD[kind]) or not isinstance(held, dict):
        return False
    if kind == "image_url":  # a block of ours may have this type too; OpenAI's has nothing else
        return isinstance(held.get("url"), str) and block.keys() <= {"type", "image_url", "detail"}
    if kind == "input_audio":
        return isinstance(held.get("data"), str) and isinstance(held.get("format"), str)
    return isinstance(held.get("file_data"), str) or isinstance(held.get("file_id"), str)


def _file(block: Block, responses: bool) -> Block:
    if (data := _data(block)) is not None:
        return {"file_data": f"data:{_mime(block)};base64,{data}", "filename": _filename(block)}
    if file_id := block.get("file_id") or (block.get("source_type") == "id" and block.get("id")):
        return {"file_id": file_id}
    if (url := block.get("url")) and responses:
        return {"file_url": url}
    if url:
        raise ConfigError("OpenAI's chat completions do not take file URLs: give base64 data or a file_id")
    raise ConfigError("a block of type 'file' needs 'base64', 'file_id' or 'url'")


def _filename(block: Block) -> str:
    # OpenAI requires a name with the data.
    for named in (block, block.get("extras") or {}, block.get("metadata") or {}):
        if name := named.get("filename") or named.get("name") or named.get("title"):
            return str(name)
    return "file"


def _url(block: Block) -> str:
    if (url := block.get("url")) is not None:
        return str(url)
    if (data := _data(block)) is not None:
        return f"data:{_mime(block)};base64,{data}"
    raise ConfigError(f"a block of type {block.get('type')!r} needs 'url' or 'base64' here")


def _data(block: Block) -> str | None:
    data = block.get("base64")
    if data is None and block.get("source_type") == "base64":
        data = block.get("data")
    return data


def _mime(block: Block) -> str:
    if not (mime := block.get("mime_type")):
        raise ConfigError(f"a block of type {block.get('type')!r} with base64 data needs its 'mime_type'")
    return str(mime)
