"""Results of tools, and the parts of tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator

from prill.messages.base import BaseMessage, BaseMessageChunk, construct, same_value, set_fields_set
from prill.messages.call_types import InvalidToolCall, ToolCall, ToolCallChunk
from prill.messages.tool_calls import read_args
from prill.transducers.merge import merge_dicts, merge_lists

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock

__all__ = [
    "InvalidToolCall",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "ToolOutputMixin",
    "default_tool_chunk_parser",
    "default_tool_parser",
    "invalid_tool_call",
    "tool_call",
    "tool_call_chunk",
]


_NOT_GIVEN: Any = object()


class ToolOutputMixin:
    """Marks classes whose objects a tool may return without a ``ToolMessage`` around them."""


class ToolMessage(BaseMessage, ToolOutputMixin):
    """The result of a tool for the call ``tool_call_id``.

    ``content`` is for the model; a value that is neither text nor a list becomes its ``str``. ``artifact`` is the whole
    result, for the program. ``status`` is ``"error"`` if the tool failed.
    """

    type: Literal["tool"] = "tool"
    tool_call_id: str
    artifact: Any = None
    status: Literal["success", "error"] = "success"
    additional_kwargs: dict[Any, Any] = Field(default_factory=dict, repr=False)
    response_metadata: dict[Any, Any] = Field(default_factory=dict, repr=False)

    def __init__(
        self,
        content: Any = _NOT_GIVEN,
        content_blocks: Sequence[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        # A tool may well give back None, and the model is to read that.
        text = None if content is _NOT_GIVEN else "None" if content is None else content
        super().__init__(text, content_blocks, **kwargs)

    @field_validator("content", mode="before")
    @classmethod
    def coerce_args(cls, content: Any) -> Any:
        """Make text of a content that is neither text nor a list of texts and blocks."""
        if isinstance(content, str):
            return content
        if isinstance(content, list | tuple):
            return [part if isinstance(part, str | dict) else str(part) for part in content]
        return str(content)

    @field_validator("tool_call_id", mode="before")
    @classmethod
    def _coerce_id(cls, id: Any) -> Any:
        return str(id) if isinstance(id, UUID | int | float) else id


def text_answer(content: str, call_id: str, name: str, artifact: Any = None) -> ToolMessage:
    """A tool's answer in words, made without validation: each call of a tool makes one."""
    values = {
        "content": content,
        "additional_kwargs": {},
        "response_metadata": {},
        "type": "tool",
        "name": name,
        "id": None,
        "tool_call_id": call_id,
        "artifact": artifact,
        "status": "success",
    }
    answer = construct(ToolMessage, values)
    set_fields_set(answer, {"content", "artifact", "tool_call_id", "name"})
    return answer


class ToolMessageChunk(ToolMessage, BaseMessageChunk):
    """A piece of the result of a tool."""

    type: Literal["ToolMessageChunk"] = "ToolMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: Any = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        values["tool_call_id"] = same_value(chunks, "tool_call_id")
        values["artifact"] = _merge_artifacts([chunk.artifact for chunk in chunks])
        values["status"] = "error" if any(chunk.status == "error" for chunk in chunks) else "success"


def _merge_artifacts(artifacts: list[Any]) -> Any:
    artifacts = [artifact for artifact in artifacts if artifact is not None]
    if len(artifacts) < 2:
        return artifacts[0] if artifacts else None
    if all(isinstance(artifact, dict) for artifact in artifacts):
        return merge_dicts(*artifacts)
    if all(isinstance(artifact, list) for artifact in artifacts):
        return merge_lists(*artifacts)
    if all(isinstance(artifact, str) for artifact in artifacts):
        return "".join(artifacts)
    return artifacts[-1]


def tool_call(*, name: str, args: dict[str, Any], id: str | None) -> ToolCall:
    """Make a tool call."""
    return ToolCall(name=name, args=args, id=id, type="tool_call")


def tool_call_chunk(
    *, name: str | None = None, args: str | None = None, id: str | None = None, index: int | str | None = None
) -> ToolCallChunk:
    """Make a piece of a tool call."""
    return ToolCallChunk(name=name, args=args, id=id, index=index, type="tool_call_chunk")


def invalid_tool_call(
    *, name: str | None = None, args: str | None = None, id: str | None = None, error: str | None = None
) -> InvalidToolCall:
    """Make a tool call that cannot be executed."""
    return InvalidToolCall(name=name, args=args, id=id, error=error, type="invalid_tool_call")


def default_tool_parser(raw_tool_calls: list[dict[str, Any]]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Read tool calls in OpenAI's form; those whose arguments are not a JSON object come second."""
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for raw in raw_tool_calls:
        if not isinstance(function := raw.get("function"), dict):
            continue
        name, text, id = function.get("name"), function.get("arguments"), raw.get("id")
        args, error = read_args(text or "{}")
        if error is None and name:
            calls.append(tool_call(name=name, args=args, id=id))
        else:
            invalid.append(invalid_tool_call(name=name, args=text, id=id, error=error or "the call names no tool"))
    return calls, invalid


def default_tool_chunk_parser(raw_tool_calls: list[dict[str, Any]]) -> list[ToolCallChunk]:
    """Read pieces of tool calls in OpenAI's form."""
    pieces = []
    for raw in raw_tool_calls:
        function = raw.get("function") or {}
        pieces.append(
            tool_call_chunk(
                name=function.get("name"),
                args=function.get("arguments"),
                id=raw.get("id"),
                index=raw.get("index"),
            )
        )
    return pieces
