"""Marking a message that tells the model about an event, and that no person wrote."""

from __future__ import annotations

from typing import Any

from typing_extensions import NotRequired, TypedDict

from runlet.messages.base import BaseMessage
