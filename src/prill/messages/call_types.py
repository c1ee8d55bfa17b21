"""Tool calls, ids, and the types of the standard blocks, which messages of all kinds need.

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
    """A model's request to call the tool ``name`` with ``args``; ``id`` is the id that the result refers to."""

    name: str
    args: dict[str, Any]
    id: str | None
    type: NotRequired[Literal["tool_call"]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ToolCallChunk(TypedDict):
    """A piece of a tool call: ``args`` is a piece of JSON text, ``index`` is that of the call that it belongs to."""

    name: str | None
    args: str | None
    id: str | None
    index: int | str | None
    type: NotRequired[Literal["tool_call_chunk"]]
    extras: NotRequired[dict[str, Any]]


class InvalidToolCall(TypedDict):
    """A tool call that cannot be executed: ``args`` is the text of the model, ``error`` the reason."""

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
