"""Messages as Anthropic's requests want them.

Format: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prill.anthropic.blocks import Block, request_blocks
from prill.messages import (
    AIMessage,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
)
from prill.providers.turns import get_role, make_refusal, place_results, split_system

Turn = dict[str, Any]

PROVIDER = "anthropic"


def encode_messages(messages: Sequence[BaseMessage]) -> tuple[str | list[Block] | None, list[Turn]]:
    """The request's ``system`` and ``messages``.

    Neighbours of one role become one turn, and results of tools come first in theirs, as the API demands.

    Raises:
        ModelInvalidRequestError: the API would refuse the order of the messages, or a message cannot be said to it.
    """
    system, others = split_system(messages, PROVIDER, "system prompt")
    turns: list[Turn] = []
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    for message in others:
        if blocks := _encode_blocks(message, answered):
            _say(turns, get_role(message, PROVIDER), blocks)
    place_results(turns, PROVIDER, lambda block: _get_id(block, "tool_use", "id"), _get_result_id)
    return _system(system), [_shortened(turn) for turn in _trimmed(turns)]


def _encode_blocks(message: BaseMessage, answered: set[str]) -> list[Block]:
    if isinstance(message, ToolMessage):
        return _results(message)
    blocks = request_blocks(message.content)
    if isinstance(message, AIMessage):
        return _with_calls(blocks, message, answered)
    if not blocks:
        raise make_refusal(PROVIDER, "a user message is empty")
    return blocks


def _with_calls(blocks: list[Block], message: AIMessage, answered: set[str]) -> list[Block]:
    """The blocks of an answer and its calls; broken ones only where they were answered all the same."""
    left_out = {call["id"] for call in message.invalid_tool_calls if call["id"] not in answered}
    blocks = [block for block in blocks if block["type"] != "tool_use" or block["id"] not in left_out]
    known = {block["id"] for block in blocks if block["type"] == "tool_use"} | left_out
    own = message.response_metadata.get("model_provider") == "anthropic"
    blocks += [_call(call, own) for call in message.tool_calls if call["id"] not in known]
    return blocks + [_broken_call(call) for call in message.invalid_tool_calls if call["id"] not in known]


def _results(message: ToolMessage) -> list[Block]:
    content = message.content
    if isinstance(content, list) and content and all(_is_result(block) for block in content):
        return request_blocks(content)
    result: Block = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    result["content"] = content if isinstance(content, str) else request_blocks(content)
    if message.status == "error":
        result["is_error"] = True
    if cache_control := message.additional_kwargs.get("cache_control"):
        result["cache_control"] = cache_control
    return [result]


def _is_result(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "tool_result"


def _call(call: ToolCall, own: bool) -> Block:
    """A call; ``own`` says that Anthropic made it, and gets back all that it sent with it."""
    extras = call.get("extras") or {} if own else {}
    return {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["args"], **extras}


def _broken_call(call: InvalidToolCall) -> Block:
    """A call that was answered although it could not be read.

    The key is what Anthropic advises:
    https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    return {"type": "tool_use", "id": call["id"], "name": call["name"], "input": {"INVALID_JSON": call["args"] or ""}}


def _say(turns: list[Turn], role: str, blocks: list[Block]) -> None:
    if not turns or turns[-1]["role"] != role:
        turns.append({"role": role, "content": []})
    turns[-1]["content"] += blocks


def _get_id(block: Block, kind: str, key: str) -> str | None:
    id: str | None = block[key] if block["type"] == kind else None
    return id


def _get_result_id(block: Block) -> str | None:
    return _get_id(block, "tool_result", "tool_use_id")


def _trimmed(turns: list[Turn]) -> list[Turn]:
    """The API refuses white space at the end of an answer that is to be continued."""
    *before, last = turns
    *blocks, end = last["content"]
    if last["role"] != "assistant" or end["type"] != "text":
        return turns
    text = end["text"].rstrip()
    blocks += [{**end, "text": text}] if text else []
    return [*before, {**last, "content": blocks}] if blocks else before


def _shortened(turn: Turn) -> Turn:
    """A turn of one plain text as that text."""
    content = turn["content"]
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return {**turn, "content": content[0]["text"]}
    return turn


def _system(messages: Sequence[BaseMessage]) -> str | list[Block] | None:
    blocks = [block for message in messages for block in request_blocks(message.content)]
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks or None
