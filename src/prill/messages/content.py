"""The standard content blocks: the parts of a message's content in the same form for all providers."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from prill.messages.call_types import (
    DATA_TYPES,
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
)


class Citation(TypedDict):
    """Where a piece of text was taken from."""

    type: Literal["citation"]
    id: NotRequired[str]
    url: NotRequired[str]
    title: NotRequired[str]
    start_index: NotRequired[int]
    end_index: NotRequired[int]
    cited_text: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class NonStandardAnnotation(TypedDict):
    """An annotation of a kind that only its provider knows."""

    type: Literal["non_standard_annotation"]
    id: NotRequired[str]
    value: dict[str, Any]


Annotation = Citation | NonStandardAnnotation


class TextContentBlock(TypedDict):
    """Text."""

    type: Literal["text"]
    id: NotRequired[str]
    text: str
    annotations: NotRequired[list[Annotation]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCall(TypedDict):
    """A call of a tool which the provider executes itself."""

    type: Literal["server_tool_call"]
    id: str
    name: str
    args: dict[str, Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCallChunk(TypedDict):
    """A piece of a call of a tool which the provider executes itself."""

    type: Literal["server_tool_call_chunk"]
    name: NotRequired[str]
    args: NotRequired[str]
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolResult(TypedDict):
    """The result of a tool which the provider executed."""

    type: Literal["server_tool_result"]
    id: NotRequired[str]
    tool_call_id: str
    status: Literal["success", "error"]
    output: NotRequired[Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ReasoningContentBlock(TypedDict):
    """The reasoning of the model before its answer."""

    type: Literal["reasoning"]
    id: NotRequired[str]
    reasoning: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class RefusalContentBlock(TypedDict):
    """The model declined to answer; ``refusal`` is the text it gave, and may be empty."""

    type: Literal["refusal"]
    refusal: str
    id: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class _MediaBlock(TypedDict):
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: NotRequired[str]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class ImageContentBlock(_MediaBlock):
    """An image: one of ``url``, ``base64`` (with ``mime_type``) and ``file_id``."""

    type: Literal["image"]


class VideoContentBlock(_MediaBlock):
    """A video: one of ``url``, ``base64`` (with ``mime_type``) and ``file_id``."""

    type: Literal["video"]


class AudioContentBlock(_MediaBlock):
    """A sound: one of ``url``, ``base64`` (with ``mime_type``) and ``file_id``."""

    type: Literal["audio"]


class FileContentBlock(_MediaBlock):
    """A file of another kind: one of ``url``, ``base64`` (with ``mime_type``) and ``file_id``."""

    type: Literal["file"]


class PlainTextContentBlock(TypedDict):
    """A document of plain text."""

    type: Literal["text-plain"]
    id: NotRequired[str]
    file_id: NotRequired[str]
    mime_type: Literal["text/plain"]
    index: NotRequired[int | str]
    url: NotRequired[str]
    base64: NotRequired[str]
    text: NotRequired[str]
    title: NotRequired[str]
    context: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class NonStandardContentBlock(TypedDict):
    """A block of a kind that only its provider knows; ``value`` is the block as it came."""

    type: Literal["non_standard"]
    id: NotRequired[str]
    value: dict[str, Any]
    index: NotRequired[int | str]


DataContentBlock = ImageContentBlock | VideoContentBlock | AudioContentBlock | PlainTextContentBlock | FileContentBlock
ContentBlock = (
    TextContentBlock
    | InvalidToolCall
    | ReasoningContentBlock
    | RefusalContentBlock
    | NonStandardContentBlock
    | DataContentBlock
    | ToolCall
    | ToolCallChunk
    | ServerToolCall
    | ServerToolCallChunk
    | ServerToolResult
)


def is_data_content_block(block: dict[str, Any]) -> bool:
    """Whether the block holds an image, a video, a sound or a file, in the standard form or in the older one."""
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in DATA_TYPES:
        return False
    if any(key in block for key in ("url", "base64", "file_id", "text")):
        return True
    return block.get("source_type") in ("url", "base64", "id", "text")
