"""Messages looked at before they are sent: their order, and their images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prill.errors import ModelInvalidRequestError
from prill.providers.images import check_image_url

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


_RESULTS = frozenset(("function_call_output", "custom_tool_call_output"))


def check_items(items: Iterable[Json], provider: str, *, continues: bool) -> None:
    """The same for the items of a response, where results may come later.

    ``continues`` says that the provider has kept what was before, calls too.
    """
    items = list(items)
    if not items:
        raise _refuse("there are none", provider)
    results = {item.get("call_id") for item in items if item.get("type") in _RESULTS}
    calls = [item["call_id"] for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    if missing := [id for id in calls if id not in results]:
        raise _refuse(f"the tool calls {missing} have no result: a ToolMessage for each must follow", provider)
    if not continues and (extra := sorted(map(str, results.difference(calls)))):
        raise _refuse(f"the results {extra} answer no tool call of the messages", provider)


def check_images(entries: Iterable[Json], provider: str) -> None:
    """Check that what is sent as an image is one, as far as the request shows it."""
    for entry in entries:
        content = entry.get("content") if "content" in entry else entry.get("output")
        if not isinstance(content, list):
            continue
        for part in content:
            kind = part.get("type") if isinstance(part, Mapping) else None
            image = part.get("image_url") if kind in ("image_url", "input_image") else None
            if image is not None:
                check_image_url(image.get("url") if isinstance(image, Mapping) else image, provider)


def _refuse(reason: str, provider: str) -> ModelInvalidRequestError:
    return ModelInvalidRequestError(f"{provider} would refuse the messages: {reason}.", provider=provider)
