"""The order of messages that chat completions take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runlet.errors import ModelInvalidRequestError

Json = dict[str, Any]


def check_order(entries: Sequence[Json], provider: str) -> None:
    """Check that there are messages, and that each call of a tool is answered right after it.

    Raises:
        ModelInvalidRequestError: the provider would refuse them.
    """
    if not entries:
        raise _refuse("there are none", provider)
    calls: dict[str, bool] = {}
    for entry in entries:
        if entry["role"] == "tool":
            _answer(calls, entry.get("tool_call_id"), provider)
        else:
            _check_answered(calls, provider)
            calls = {call["id"]: False for call in entry.get("tool_calls") or ()}
    _check_answered(calls, provider)


def _answer(calls: dict[str, bool], id: Any, provider: str) -> None:
    if id not in calls:
        raise _refuse(f"the result {id!r} answers no tool call of the message before it", provider)
    calls[id] = True


def _check_answered(calls: dict[str, bool], provider: str) -> None:
    if missing := [id for id, answered in calls.items() if not answered]:
        raise _refuse(f"the tool calls {missing} have no result: a ToolMessage for each must follow at once", provider)


def check_items(items: Iterable[Json], provider: str) -> None:
    """The same for the items of a response, where results may come later, and calls may be kept by the provider."""
    items = list(items)
    if not items:
        raise _refuse("there are none", provider)
    results = {item.get("call_id") for item in items if str(item.get("type")).endswith("_call_output")}
    calls = [item["call_id"] for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    if missing := [id for id in calls if id not in results]:
        raise _refuse(f"the tool calls {missing} have no result: a ToolMessage for each must follow", provider)


def _refuse(reason: str, provider: str) -> ModelInvalidRequestError:
    return ModelInvalidRequestError(f"{provider} would refuse the messages: {reason}.", provider=provider)
