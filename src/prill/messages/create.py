"""Making standard content blocks.

Each function leaves out values that are ``None``, gives the block an id if it has none, and puts other keyword
arguments into ``extras``.
"""

from __future__ import annotations

from typing import Any, cast

from prill.errors import ConfigError
from prill.messages.call_types import ToolCall, ensure_id
from prill.messages.content import (
    Annotation,
    AudioContentBlock,
    Citation,
    FileContentBlock,
    ImageContentBlock,
    NonStandardContentBlock,
    PlainTextContentBlock,
    ReasoningContentBlock,
    TextContentBlock,
    VideoContentBlock,
)

Index = int | str | None


def _block(kind: str, id: str | None, extras: dict[str, Any], **values: Any) -> Any:
    block = {"type": kind, "id": ensure_id(id)}
    block |= {key: value for key, value in values.items() if value is not None}
    known = {key: value for key, value in extras.items() if value is not None}
    return {**block, "extras": known} if known else block


def create_text_block(
    text: str,
    *,
    id: str | None = None,
    annotations: list[Annotation] | None = None,
    index: Index = None,
    **kwargs: Any,
) -> TextContentBlock:
    """Make a block of text."""
    return cast("TextContentBlock", _block("text", id, kwargs, text=text, annotations=annotations, index=index))


def _media(kind: str, id: str | None, extras: dict[str, Any], **values: Any) -> Any:
    if all(values[key] is None for key in ("url", "base64", "file_id")):
        raise ConfigError(f"a block of type {kind!r} needs one of url, base64 and file_id")
    return _block(kind, id, extras, **values)


def create_image_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: Index = None,
    **kwargs: Any,
) -> ImageContentBlock:
    """Make a block that holds an image."""
    values = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "index": index}
    return cast("ImageContentBlock", _media("image", id, kwargs, **values))


def create_video_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: Index = None,
    **kwargs: Any,
) -> VideoContentBlock:
    """Make a block that holds a video."""
    _needs_mime("video", base64, mime_type)
    values = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "index": index}
    return cast("VideoContentBlock", _media("video", id, kwargs, **values))


def create_audio_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: Index = None,
    **kwargs: Any,
) -> AudioContentBlock:
    """Make a block that holds a sound."""
    _needs_mime("audio", base64, mime_type)
    values = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "index": index}
    return cast("AudioContentBlock", _media("audio", id, kwargs, **values))


def create_file_block(
    *,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
    id: str | None = None,
    index: Index = None,
    **kwargs: Any,
) -> FileContentBlock:
    """Make a block that holds a file."""
    _needs_mime("file", base64, mime_type)
    values = {"url": url, "base64": base64, "file_id": file_id, "mime_type": mime_type, "index": index}
    return cast("FileContentBlock", _media("file", id, kwargs, **values))


def _needs_mime(kind: str, base64: str | None, mime_type: str | None) -> None:
    if base64 is not None and not mime_type:
        raise ConfigError(f"a block of type {kind!r} with base64 data needs its mime_type")


def create_plaintext_block(
    text: str | None = None,
    url: str | None = None,
    base64: str | None = None,
    file_id: str | None = None,
    title: str | None = None,
    context: str | None = None,
    id: str | None = None,
    index: Index = None,
    **kwargs: Any,
) -> PlainTextContentBlock:
    """Make a block that holds a document of plain text."""
    values: dict[str, Any] = {"mime_type": "text/plain", "text": text, "url": url, "base64": base64, "file_id": file_id}
    values |= {"title": title, "context": context, "index": index}
    return cast("PlainTextContentBlock", _block("text-plain", id, kwargs, **values))


def create_tool_call(
    name: str, args: dict[str, Any], *, id: str | None = None, index: Index = None, **kwargs: Any
) -> ToolCall:
    """Make a block that holds a tool call."""
    return cast("ToolCall", _block("tool_call", id, kwargs, name=name, args=args, index=index))


def create_reasoning_block(
    reasoning: str | None = None, id: str | None = None, index: Index = None, **kwargs: Any
) -> ReasoningContentBlock:
    """Make a block that holds the reasoning of a model."""
    return cast("ReasoningContentBlock", _block("reasoning", id, kwargs, reasoning=reasoning or "", index=index))


def create_citation(
    *,
    url: str | None = None,
    title: str | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    cited_text: str | None = None,
    id: str | None = None,
    **kwargs: Any,
) -> Citation:
    """Make an annotation with the source of a text."""
    values: dict[str, Any] = {"url": url, "title": title, "cited_text": cited_text}
    values |= {"start_index": start_index, "end_index": end_index}
    return cast("Citation", _block("citation", id, kwargs, **values))


def create_non_standard_block(
    value: dict[str, Any], *, id: str | None = None, index: Index = None
) -> NonStandardContentBlock:
    """Make a block that holds something which only its provider knows."""
    return cast("NonStandardContentBlock", _block("non_standard", id, {}, value=value, index=index))
