"""The answer of a function, in the form that models used before tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from prill.messages.base import BaseMessage, BaseMessageChunk, same_value

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock


class FunctionMessage(BaseMessage):
    """The result of the function ``name``; new programs use ``ToolMessage``."""

    type: Literal["function"] = "function"
    name: str

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...


class FunctionMessageChunk(FunctionMessage, BaseMessageChunk):
    """A piece of a function's answer."""

    type: Literal["FunctionMessageChunk"] = "FunctionMessageChunk"  # type: ignore[assignment]  # its own name on the wire

    if TYPE_CHECKING:  # what a type checker would otherwise make up from the fields

        def __init__(
            self,
            content: str | Sequence[str | dict[Any, Any]] | None = None,
            content_blocks: Sequence[ContentBlock] | None = None,
            **kwargs: Any,
        ) -> None: ...

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        values["name"] = same_value(chunks, "name")
