"""What messages of all kinds need to know of their content: tool calls, ids, and the types of the standard blocks.

The forms of the other blocks are in ``content``, which few programs load: they are for type checkers.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired
from uuid import uuid4

from typing_extensions import TypedDict

LC_AUTO_PREFIX = "lc_"
LC_ID_PREFIX = "lc_run-"
ESCAPED = "__lc_escaped__"
"""The only key of a dictionary around data that only looks like a stored object."""


def ensure_id(id_val: str | None) -> str:
    """Give back the id, or make one that starts with ``lc_``."""
    return id_val or f"{LC_AUTO_PREFIX}{uuid4()}"


class ToolCall(TypedDict):
    """A model's request to call the tool ``name`` with ``args``; ``id`` is what the answer refers to."""

    name: str
    args: dict[str, Any]
    id: str | None
    type: NotRequired[Literal["tool_call"]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ToolCallChunk(TypedDict):
    """A piece of a tool call: ``args`` is a piece of JSON text, ``index`` says to which call it belongs."""

    name: str | None
    args: str | None
    id: str | None
    index: int | str | None
    type: NotRequired[Literal["tool_call_chunk"]]
    extras: NotRequired[dict[str, Any]]


class InvalidToolCall(TypedDict):
    """A tool call that cannot be executed: ``args`` is what the model wrote, ``error`` what is wrong with it."""

    name: str | None
    args: str | None
    id: str | None
    error: str | None
    type: NotRequired[Literal["invalid_tool_call"]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


DATA_TYPES = frozenset({"image", "video", "audio", "text-plain", "file"})
STANDARD_TYPES = DATA_TYPES | {
    "text",
    "reasoning",
    "refusal",
    "tool_call",
    "tool_call_chunk",
    "invalid_tool_call",
    "server_tool_call",
    "server_tool_call_chunk",
    "server_tool_result",
    "non_standard",
}
