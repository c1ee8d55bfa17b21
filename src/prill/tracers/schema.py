"""Types of the events of ``astream_events``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

StandardEventName = Literal[
    "on_chain_start",
    "on_chain_stream",
    "on_chain_restart",
    "on_chain_end",
    "on_chain_error",
    "on_chat_model_start",
    "on_chat_model_stream",
    "on_chat_model_restart",
    "on_chat_model_end",
    "on_chat_model_error",
    "on_llm_start",
    "on_llm_stream",
    "on_llm_restart",
    "on_llm_end",
    "on_llm_error",
    "on_parser_start",
    "on_parser_stream",
    "on_parser_restart",
    "on_parser_end",
    "on_parser_error",
    "on_prompt_start",
    "on_prompt_end",
    "on_prompt_error",
    "on_retriever_start",
    "on_retriever_end",
    "on_retriever_error",
    "on_tool_start",
    "on_tool_stream",
    "on_tool_end",
    "on_tool_error",
]


class EventData(TypedDict, total=False):
    """The data of an event: ``input`` at starts and ends, ``chunk`` in streams, ``output`` at ends.

    A ``…_restart`` event, after which a stream starts again, has ``attempt``, ``type`` and ``message``. An ``…_error``
    event has ``type``, ``message`` and ``retryable``; the end of the root has ``usage_metadata``, by model, where
    models reported it.
    """

    input: Any
    output: Any
    chunk: Any
    attempt: int
    type: str
    message: str
    retryable: bool
    path: list[str]
    usage_metadata: dict[str, Any]


class BaseStreamEvent(TypedDict):
    """The fields of every event. ``parent_ids`` are the ids of the runs around it, the root first."""

    run_id: str
    name: str
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    parent_ids: Sequence[str]


class StandardStreamEvent(BaseStreamEvent):
    """An event of a run's own course."""

    event: StandardEventName
    data: EventData


class CustomStreamEvent(BaseStreamEvent):
    """An event that user code dispatched; ``name`` and ``data`` are the user's."""

    event: Literal["on_custom_event"]
    data: Any


StreamEvent = StandardStreamEvent | CustomStreamEvent
