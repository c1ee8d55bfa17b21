"""Messages of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import Field, field_validator, model_validator

from prill.messages.base import (
    BaseMessage,
    BaseMessageChunk,
    merge_chunks,
    set_extra,
    set_fields_set,
    set_private,
    set_values,
)
from prill.messages.blocks import standard_blocks, translate_block
from prill.messages.call_types import InvalidToolCall, ToolCall, ToolCallChunk
from prill.messages.tool import default_tool_chunk_parser, default_tool_parser
from prill.messages.tool_calls import (
    as_chunks,
    merge_tool_call_chunks,
    parse_complete_calls,
    parse_partial_calls,
    read_args,
)
from prill.messages.usage import (
    InputTokenDetails,
    OutputTokenDetails,
    UsageMetadata,
    add_usage,
    subtract_usage,
    sum_usage,
)

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock, RefusalContentBlock

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "InputTokenDetails",
    "OutputTokenDetails",
    "UsageMetadata",
    "add_ai_message_chunks",
    "add_usage",
    "ai_chunk",
    "args_chunks",
    "subtract_usage",
    "text_chunk",
]


class AIMessage(BaseMessage):
    """A model's answer.

    ``tool_calls`` are the calls that may be executed; ``invalid_tool_calls`` are those whose arguments cannot be read
    or whose pieces could not be assembled, with the reason. ``usage_metadata`` has the numbers of tokens, if the
    provider reported them.
    """

    type: Literal["ai"] = "ai"
    tool_calls: list[ToolCall] = Field(default_factory=list)
    invalid_tool_calls: list[InvalidToolCall] = Field(default_factory=list)
    usage_metadata: UsageMetadata | None = None

    def __init__(
        self,
        content: str | Sequence[str | dict[Any, Any]] | None = None,
        content_blocks: Sequence[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if content_blocks is not None and not kwargs.get("tool_calls"):
            calls = [block for block in content_blocks if block.get("type") == "tool_call"]
            if calls:
                kwargs["tool_calls"] = calls
        super().__init__(content, content_blocks, **kwargs)

    @model_validator(mode="before")
    @classmethod
    def _read_provider_tool_calls(cls, values: Any) -> Any:
        """Read tool calls that are given in OpenAI's form, in ``additional_kwargs``."""
        if not isinstance(values, dict):
            return values
        raw = (values.get("additional_kwargs") or {}).get("tool_calls")
        named = (values.get(field) for field in ("tool_calls", "invalid_tool_calls", "tool_call_chunks"))
        if not raw or any(named):
            return values
        if "tool_call_chunks" in cls.model_fields:
            return {**values, "tool_call_chunks": default_tool_chunk_parser(raw)}
        calls, invalid = default_tool_parser(raw)
        return {**values, "tool_calls": calls, "invalid_tool_calls": invalid}

    @field_validator("tool_calls")
    @classmethod
    def _add_type(cls, calls: list[ToolCall]) -> list[ToolCall]:
        return [{**call, "type": "tool_call"} for call in calls]

    @field_validator("invalid_tool_calls", mode="before")
    @classmethod
    def _add_error(cls, calls: Any) -> Any:
        if not isinstance(calls, list):
            return calls
        return [{"error": None, **call} if isinstance(call, dict) else call for call in calls]

    @field_validator("invalid_tool_calls")
    @classmethod
    def _add_invalid_type(cls, calls: list[InvalidToolCall]) -> list[InvalidToolCall]:
        return [{**call, "type": "invalid_tool_call"} for call in calls]

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The content as standard blocks, with the reasoning and the tool calls that are kept outside of it."""
        blocks = self._standard_content()
        outside = self.additional_kwargs
        if isinstance(item := outside.get("reasoning"), dict) and not _has(blocks, "reasoning"):
            blocks[:0] = cast("list[ContentBlock]", translate_block({**item, "type": "reasoning"}))
        refusal = find_refusal(self)
        if refusal is not None and not _has(blocks, "refusal"):
            if self.content == refusal["refusal"]:
                blocks.clear()  # the words of the refusal stand in for an answer
            blocks.append(refusal)
        reasoning = outside.get("reasoning_content")
        if isinstance(reasoning, str) and not _has(blocks, "reasoning"):
            blocks.insert(0, {"type": "reasoning", "reasoning": reasoning})
        known = {block.get("id") for block in blocks if block.get("type") in _CALL_TYPES}
        item_ids = outside.get("__openai_function_call_ids__") or {}
        for call in self._calls_outside():
            if call["id"] is None or call["id"] not in known:
                item = {"extras": {"item_id": item_ids[call["id"]]}} if call["id"] in item_ids else {}
                blocks.append(cast("ContentBlock", {**call, **item}))
        for output in outside.get("tool_outputs") or ():
            blocks += cast("list[ContentBlock]", translate_block(output))
        return blocks

    def _standard_content(self) -> list[ContentBlock]:
        """The blocks of the content; texts have the id of the message where that is the id of OpenAI's item."""
        blocks = standard_blocks(self.content)
        item_id = self.id or ""
        if item_id.startswith("msg_") and self.additional_kwargs.keys() & _BESIDE_ITEMS:
            blocks = [{"id": item_id, **block} if block["type"] == "text" else block for block in blocks]
        return blocks

    def _calls_outside(self) -> Iterable[Any]:
        """The tool calls that are kept outside of the content."""
        return (*self.tool_calls, *self.invalid_tool_calls)

    def pretty_repr(self, html: bool = False) -> str:
        """The message under a title line, then its tool calls."""
        lines: list[str] = []
        if self.tool_calls:
            lines.append("Tool Calls:")
            for call in self.tool_calls:
                lines += [f"  {call['name']} ({call['id']})", f" Call ID: {call['id']}", "  Args:"]
                lines += [f"    {name}: {value}" for name, value in call["args"].items()]
        if self.invalid_tool_calls:
            lines.append("Invalid Tool Calls:")
            for bad in self.invalid_tool_calls:
                lines += [f"  {bad['name']} ({bad['id']})", f" Call ID: {bad['id']}"]
                lines += [f"  Error: {bad['error']}"] if bad["error"] else []
                lines += ["  Args:", f"    {bad['args']}"]
        return "\n".join([super().pretty_repr(html), *lines]).strip()


_CALL_TYPES = ("tool_call", "invalid_tool_call")
_BESIDE_ITEMS = frozenset(("reasoning", "tool_outputs", "__openai_function_call_ids__"))
"""Fields in which old messages of OpenAI's Responses keep what stands beside their text."""


def _has(blocks: list[ContentBlock], kind: str) -> bool:
    return any(block.get("type") == kind for block in blocks)


def find_refusal(message: AIMessage) -> RefusalContentBlock | None:
    """The text with which the model declined to answer, as a block; ``None`` if it did not decline.

    OpenAI sends it in a block of the content or in a field, Anthropic as the reason for which the answer ended.
    """
    if isinstance(message.content, list):
        for block in message.content:
            inner: Any = block
            if isinstance(block, dict) and block.get("type") == "non_standard":
                inner = block.get("value")
            if isinstance(inner, dict) and inner.get("type") == "refusal":
                return cast("RefusalContentBlock", inner)
    if text := message.additional_kwargs.get("refusal"):
        return {"type": "refusal", "refusal": str(text)}
    if message.response_metadata.get("stop_reason") == "refusal":
        return {"type": "refusal", "refusal": ""}
    return None


class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A piece of a model's answer.

    ``tool_call_chunks`` are the pieces of tool calls. ``tool_calls`` shows them as far as they have arrived, parsed
    when it is first read; only in a chunk with ``chunk_position="last"``, in the message that
    ``message_chunk_to_message`` makes, and in the ``partial`` of an error are they certain to be whole.
    """

    type: Literal["AIMessageChunk"] = "AIMessageChunk"  # type: ignore[assignment]  # its own name on the wire
    tool_call_chunks: list[ToolCallChunk] = Field(default_factory=list)
    chunk_position: Literal["last"] | None = None

    def __init__(
        self,
        content: str | Sequence[str | dict[Any, Any]] | None = None,
        content_blocks: Sequence[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        # A chunk of text is made for every token: validating it would take several times as long.
        if type(content) is not str or content_blocks is not None or type(self) is not AIMessageChunk:
            super().__init__(content, content_blocks, **kwargs)
        elif not kwargs:
            set_values(self, _text_values(content))
            set_extra(self, {})
        elif _is_plain(kwargs):
            values = {**_text_values(content), **kwargs}
            for name in kwargs:  # a container belongs to this chunk alone, as after validation
                if name not in _SCALARS and values[name] is not None:
                    values[name] = values[name].copy()
            set_values(self, values)
            if calls := values["tool_calls"]:
                values["tool_calls"] = [{**call, "args": call["args"].copy()} for call in calls]
                values["tool_call_chunks"] = as_chunks(calls)
            set_fields_set(self, {"content", *kwargs})
            set_extra(self, {})
        else:
            super().__init__(content, content_blocks, **kwargs)

    @field_validator("tool_call_chunks")
    @classmethod
    def _add_chunk_type(cls, pieces: list[ToolCallChunk]) -> list[ToolCallChunk]:
        return [{**piece, "type": "tool_call_chunk"} for piece in pieces]

    @model_validator(mode="after")
    def init_tool_calls(self) -> Self:
        """Make ``tool_calls`` and ``tool_call_chunks`` agree: the pieces, where there are some, are the truth."""
        values = self.__dict__
        if values["tool_call_chunks"]:
            values.pop("tool_calls", None)
            values.pop("invalid_tool_calls", None)
        elif values["tool_calls"]:
            values["tool_call_chunks"] = as_chunks(values["tool_calls"])
        return self

    @model_validator(mode="after")
    def init_server_tool_calls(self) -> Self:
        """In the last chunk, turn the pieces of the provider's own tool calls into whole calls."""
        if self.chunk_position == "last" and isinstance(self.content, list):
            self.__dict__["content"] = whole_server_calls(self.content)
        return self

    def _read_tool_calls(self) -> None:
        values = self.__dict__
        if "tool_calls" not in values or "invalid_tool_calls" not in values:
            if values["chunk_position"] == "last":
                calls, invalid = strict_calls(self)
            else:
                calls, invalid = parse_partial_calls(values["tool_call_chunks"])
            read = {"tool_calls": calls, "invalid_tool_calls": invalid, **values}
            set_values(self, {field: read[field] for field in type(self).model_fields})

    if not TYPE_CHECKING:  # mypy would take it for a promise that any attribute exists

        def __getattr__(self, name: str) -> Any:
            if name in ("tool_calls", "invalid_tool_calls"):
                self._read_tool_calls()
                return self.__dict__[name]
            # Chunks made without validation lack these until pydantic asks for them: few are copied or dumped.
            if name == "__pydantic_fields_set__":
                given = {field for field, value in self.__dict__.items() if value and field not in _NEVER_GIVEN}
                set_fields_set(self, given | {"content"})
                return self.__pydantic_fields_set__
            if name == "__pydantic_private__":
                set_private(self, None)
                return None
            return super().__getattr__(name)

    def __eq__(self, other: Any) -> bool:
        self._read_tool_calls()
        if isinstance(other, AIMessageChunk):
            other._read_tool_calls()
        return super().__eq__(other)

    def __iter__(self) -> Any:
        self._read_tool_calls()
        return super().__iter__()

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        self._read_tool_calls()
        return super().__repr_args__()

    def _prepare_dump(self) -> None:
        self._read_tool_calls()

    def _standard_content(self) -> list[ContentBlock]:
        blocks = super()._standard_content()
        if self.chunk_position == "last" or not (pieces := _pieces(self)):
            return blocks
        open_ids = {piece["id"] for piece in pieces}
        return [block for block in blocks if block["type"] not in _CALL_TYPES or block.get("id") not in open_ids]

    def _calls_outside(self) -> Iterable[Any]:
        # Half of the arguments must not look like a whole call.
        return super()._calls_outside() if self.chunk_position == "last" else _pieces(self)

    @classmethod
    def text_chunk(cls, content: str, id: str | None = None) -> AIMessageChunk:
        """A chunk of text, made without validation."""
        return text_chunk(content, id)

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        pieces = [piece for chunk in chunks for piece in _pieces(chunk)]
        last = any(chunk.chunk_position == "last" for chunk in chunks)
        values["tool_call_chunks"] = merge_tool_call_chunks(pieces)
        values["usage_metadata"] = sum_usage([chunk.usage_metadata for chunk in chunks])
        values["chunk_position"] = "last" if last else None
        if pieces:
            values.pop("tool_calls", None)
            values.pop("invalid_tool_calls", None)
        else:
            values["tool_calls"] = []
            values["invalid_tool_calls"] = [dict(call) for chunk in chunks for call in chunk.invalid_tool_calls]
        if last and isinstance(values["content"], list):
            values["content"] = whole_server_calls(values["content"])


def _pieces(chunk: AIMessageChunk) -> list[ToolCallChunk]:
    # Calls that a user put into the chunk by hand have no pieces.
    return chunk.tool_call_chunks or (as_chunks(chunk.tool_calls) if chunk.tool_calls else [])


def whole_server_calls(content: list[str | dict[Any, Any]]) -> list[str | dict[Any, Any]]:
    """Make whole calls of the joined pieces of the provider's own tool calls; invalid JSON stays a piece."""
    whole: list[str | dict[Any, Any]] = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "server_tool_call_chunk":
            args, error = read_args(block.get("args") or "{}")
            if error is None:
                block = {**block, "type": "server_tool_call", "args": args}
        whole.append(block)
    return whole


_TRUNCATED = frozenset({"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"})
_WITHHELD = frozenset({"content_filter", "content_filtered", "guardrail_intervened", "refusal", "safety"})


def is_truncated(message: AIMessage) -> bool:
    """Whether the provider says that the limit of tokens cut the answer."""
    return _has_reason(message, _TRUNCATED)


def _has_reason(message: AIMessage, names: frozenset[str]) -> bool:
    return any(isinstance(reason, str) and reason.lower() in names for reason in _reasons_to_end(message))


def _reasons_to_end(message: AIMessage) -> list[Any]:
    facts = message.response_metadata
    reasons = [facts.get(key) for key in ("finish_reason", "stop_reason", "stopReason", "done_reason")]
    if isinstance(details := facts.get("incomplete_details"), dict):
        reasons.append(details.get("reason"))
    return reasons


def strict_calls(chunk: AIMessageChunk, *, interrupted: bool = False) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """The tool calls of a whole answer that may be executed, and those that may not.

    ``interrupted``: the answer broke off.
    """
    truncated = is_truncated(chunk)
    ended = chunk.chunk_position == "last" or any(_reasons_to_end(chunk))
    complete = ended and not truncated and not interrupted and not _has_reason(chunk, _WITHHELD)
    return parse_complete_calls(chunk.tool_call_chunks, complete=complete, truncated=truncated, interrupted=interrupted)


def as_interrupted(value: Any) -> Any:
    """The sum of the chunks of an answer that broke off, with only whole calls in ``tool_calls``.

    Anything but a message with pieces of tool calls is given back as it is.
    """
    if not isinstance(value, AIMessageChunk) or not value.tool_call_chunks:
        return value
    calls, invalid = strict_calls(value, interrupted=True)
    return value.model_copy(update={"tool_calls": calls, "invalid_tool_calls": invalid})


_NEVER_GIVEN = frozenset({"type", "tool_calls", "invalid_tool_calls"})
"""Fields that no constructor of unvalidated chunks takes; the last two are read from the pieces."""


def text_chunk(content: str, id: str | None = None) -> AIMessageChunk:
    """A chunk of text, made without validation in about 1 µs; decoders make one for every token."""
    chunk = _new(AIMessageChunk)
    set_values(chunk, _text_values(content, id))
    set_extra(chunk, {})
    return chunk


def _text_values(content: str, id: str | None = None) -> dict[str, Any]:
    return {
        "content": content,
        "additional_kwargs": {},
        "response_metadata": {},
        "type": "AIMessageChunk",
        "name": None,
        "id": id,
        "tool_calls": [],
        "invalid_tool_calls": [],
        "usage_metadata": None,
        "tool_call_chunks": [],
        "chunk_position": None,
    }


def _is_plain(kwargs: dict[str, Any]) -> bool:
    """Whether validation would take the arguments of a text chunk as they are, or copied."""
    for name, value in kwargs.items():
        if name == "id" or name == "name":
            if value is not None and type(value) is not str:
                return False
        elif name == "chunk_position":
            if value is not None and value != "last":
                return False
        elif name == "response_metadata" or name == "additional_kwargs":
            if type(value) is not dict or "tool_calls" in value:  # calls in OpenAI's form, which are read
                return False
        elif name in _CALL_LISTS:
            if type(value) is not list or (value and not (name == "tool_calls" and all(map(_is_plain_call, value)))):
                return False
        elif value is not None or name != "usage_metadata":
            return False
    return True


def _is_plain_call(call: Any) -> bool:
    return (
        type(call) is dict
        and call.keys() == _CALL_KEYS
        and call["type"] == "tool_call"
        and type(call["name"]) is str
        and type(call["id"]) is str
        and type(call["args"]) is dict
        and all(type(name) is str for name in call["args"])
    )


_CALL_KEYS = {"type", "name", "args", "id"}
_SCALARS = frozenset({"id", "name", "chunk_position"})
_CALL_LISTS = frozenset({"tool_call_chunks", "tool_calls", "invalid_tool_calls"})

_new = object.__new__


def args_chunks(
    pieces: Iterable[str], index: int | str | None, id: str | None, *, blocks: bool = False
) -> list[AIMessageChunk]:
    """Chunks that go on with a tool call's arguments, a piece each, made without validation as those of text are.

    With ``blocks`` their content is an empty list.
    """
    chunks: list[AIMessageChunk] = []
    for args in pieces:
        chunk = _new(AIMessageChunk)
        piece = {"name": None, "args": args, "id": None, "index": index, "type": "tool_call_chunk"}
        set_values(
            chunk,
            {
                "content": [] if blocks else "",
                "additional_kwargs": {},
                "response_metadata": {},
                "type": "AIMessageChunk",
                "name": None,
                "id": id,
                "usage_metadata": None,
                "tool_call_chunks": [piece],
                "chunk_position": None,
            },
        )
        set_extra(chunk, {})
        chunks.append(chunk)
    return chunks


def ai_chunk(
    content: str | list[str | dict[Any, Any]] = "",
    *,
    id: str | None = None,
    tool_call_chunks: list[ToolCallChunk] | None = None,
    usage_metadata: UsageMetadata | None = None,
    response_metadata: dict[Any, Any] | None = None,
    additional_kwargs: dict[Any, Any] | None = None,
    chunk_position: Literal["last"] | None = None,
    name: str | None = None,
) -> AIMessageChunk:
    """A chunk made without validation, for decoders whose values are known to be valid.

    The chunk keeps the lists and dictionaries as its own. A piece of a tool call must have ``name``, ``args``, ``id``
    and ``index``.
    """
    chunk = text_chunk(content, id)  # type: ignore[arg-type]  # nothing there depends on its being text
    values = chunk.__dict__
    if tool_call_chunks:
        for piece in tool_call_chunks:
            piece["type"] = "tool_call_chunk"
        values["tool_call_chunks"] = tool_call_chunks
        del values["tool_calls"], values["invalid_tool_calls"]
    if usage_metadata is not None:
        values["usage_metadata"] = usage_metadata
    if response_metadata is not None:
        values["response_metadata"] = response_metadata
    if additional_kwargs is not None:
        values["additional_kwargs"] = additional_kwargs
    if chunk_position is not None:
        values["chunk_position"] = chunk_position
    if name is not None:
        values["name"] = name
    return chunk


def add_ai_message_chunks(left: AIMessageChunk, *others: AIMessageChunk) -> AIMessageChunk:
    """Merge chunks of one answer; the same as ``merge_chunks``."""
    return merge_chunks([left, *others])
