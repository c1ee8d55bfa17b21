"""Marks messages written by the program, not by a person, to inform the model of an event."""

from __future__ import annotations

from typing import Any, NotRequired, TypeVar

from typing_extensions import TypedDict

from prill.messages.base import BaseMessage

M = TypeVar("M", bound=BaseMessage)


class NotificationMetadata(TypedDict):
    """The source of a notification, and the data that belong to it."""

    source: str
    data: NotRequired[dict[str, Any]]


def add_notification_metadata(message: M, *, source: str, data: dict[str, Any] | None = None) -> M:
    """A copy of the message, marked as a notification from ``source``; an earlier mark is replaced."""
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key not in ("lc_source", "lc_data")}
    kwargs["lc_source"] = source
    if data is not None:
        kwargs["lc_data"] = dict(data)
    return message.model_copy(update={"additional_kwargs": kwargs})


def get_notification_metadata(message: BaseMessage) -> NotificationMetadata | None:
    """The metadata that ``add_notification_metadata`` put into the message, or ``None``."""
    source = message.additional_kwargs.get("lc_source")
    if not isinstance(source, str):
        return None
    found = NotificationMetadata(source=source)
    if isinstance(data := message.additional_kwargs.get("lc_data"), dict):
        found["data"] = data
    return found
