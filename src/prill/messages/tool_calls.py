"""Tool calls: putting their pieces together, and reading the arguments.

Pieces are told apart by their ``index``. Within one index a piece with an id goes on with the call that has this id,
and a piece without an id goes on with the call before it, unless it names another tool: some providers give every
call of an answer the same index, some repeat the name or an empty id in every piece, some send no index at all.

A piece that may be the beginning of a call whose id comes late, or the end of a call in chunks not seen yet, is kept
apart until the pieces are read; so merging stays associative.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from prill.messages.call_types import InvalidToolCall, ToolCall, ToolCallChunk

Parsed = tuple[list[ToolCall], list[InvalidToolCall]]


class _Call:
    """The pieces of one call."""

    __slots__ = ("args", "extras", "id", "index", "name")

    def __init__(self, piece: ToolCallChunk) -> None:
        self.index = piece.get("index")
        self.id = piece.get("id")
        self.name = piece.get("name")
        self.args = [piece.get("args")]
        self.extras = piece.get("extras")

    def add(self, piece: ToolCallChunk) -> None:
        self.args.append(piece.get("args"))
        self.id = self.id or piece.get("id")
        self.name = self.name or piece.get("name")
        if extras := piece.get("extras"):
            self.extras = {**(self.extras or {}), **extras}

    def joined(self) -> ToolCallChunk:
        known = [args for args in self.args if args is not None]
        call = ToolCallChunk(
            name=self.name,
            args="".join(known) if known else None,
            id=self.id,
            index=self.index,
            type="tool_call_chunk",
        )
        if self.extras is not None:
            call["extras"] = dict(self.extras)
        return call


def merge_tool_call_chunks(pieces: Iterable[ToolCallChunk]) -> list[ToolCallChunk]:
    """Join the pieces that belong to one call; the calls stay in the order in which they began."""
    calls: list[_Call] = []
    last: dict[Any, _Call] = {}
    by_id: dict[Any, _Call] = {}
    for piece in pieces:
        index, id = piece.get("index"), piece.get("id")
        call = by_id.get((index, id)) if id else last.get(index)
        if call is None or not (id or _goes_on(call, piece)):
            call = last[index] = _Call(piece)
            calls.append(call)
            if id:
                by_id[index, id] = call
        else:
            call.add(piece)
    return [call.joined() for call in calls]


def _goes_on(call: _Call, piece: ToolCallChunk) -> bool:
    name = piece.get("name")
    # Without an index a second name is a second call: whole calls are sent this way.
    return not name or (name == call.name and piece.get("index") is not None)


def settle(pieces: Sequence[ToolCallChunk]) -> list[ToolCallChunk]:
    """Join calls whose id or name came late, which can be told once all pieces are there."""
    settled: list[ToolCallChunk] = []
    open_at: dict[Any, int] = {}
    for piece in merge_tool_call_chunks(pieces):
        index = piece["index"]
        at = open_at.get(index)
        if at is not None and _came_late(settled[at], piece):
            call = _Call(settled[at])
            call.add(piece)
            settled[at] = call.joined()
        else:
            open_at[index] = len(settled)
            settled.append(piece)
    return settled


def _came_late(call: ToolCallChunk, piece: ToolCallChunk) -> bool:
    if call["id"] and piece["id"]:
        return False
    if not call["name"]:
        return True
    return not piece["name"] or (piece["name"] == call["name"] and piece["index"] is not None and not call["id"])


def parse_partial_calls(pieces: Sequence[ToolCallChunk]) -> Parsed:
    """Read the calls as far as they have come: ``{"city": "Par`` is ``{"city": "Par"}``.

    Only for showing. A call whose text is no beginning of a JSON object is invalid.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for piece in settle(pieces):
        args = piece["args"] or ""
        try:
            value = _from_json(args, allow_partial="trailing-strings") if args.strip() else {}
        except (ValueError, TypeError) as error:
            invalid.append(_invalid(piece, f"the arguments are no JSON: {error}"))
            continue
        if isinstance(value, dict):
            calls.append(ToolCall(name=piece["name"] or "", args=value, id=piece["id"], type="tool_call"))
        else:
            invalid.append(_invalid(piece, _NO_OBJECT))
    return calls, invalid


_NO_OBJECT = "the arguments are no JSON object"
_CUT = "the answer was cut at its token limit before the arguments were complete"


def parse_complete_calls(pieces: Sequence[ToolCallChunk], *, complete: bool, truncated: bool = False) -> Parsed:
    """Read calls that may be executed: only arguments that are a whole JSON object make a call, all else is invalid.

    ``complete`` says that the answer is known to have ended in order: then no arguments at all are ``{}``.
    ``truncated`` says that it was cut at the token limit.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for piece in settle(pieces):
        error = None
        value: Any = None
        args = piece["args"] or ""
        if not piece["name"]:
            error = "the call names no tool"
        elif not args.strip():
            value = {}
            if not complete:
                error = _CUT if truncated else "no arguments came, and the answer did not come to its end"
        else:
            value, error = read_args(args)
            if error and truncated:
                error = f"{_CUT}: {error}"
        if error is None:
            calls.append(ToolCall(name=piece["name"] or "", args=value, id=piece["id"], type="tool_call"))
        else:
            invalid.append(_invalid(piece, error))
    return calls, invalid


def read_args(args: str) -> tuple[dict[str, Any], str | None]:
    """The arguments in a JSON text, and what is wrong with it (``None`` if nothing is).

    Line ends and tabs inside of strings, which models write, are no mistakes.
    """
    try:
        value = _from_json(args, allow_inf_nan=False)
    except (ValueError, TypeError) as error:  # a TypeError: half a character (a lone surrogate)
        return {}, f"the arguments are no whole JSON: {error}"
    return (value, None) if isinstance(value, dict) else ({}, _NO_OBJECT)


_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x20)}


def _from_json(text: str, **options: Any) -> Any:
    try:
        return from_json(text, **options)
    except ValueError:
        escaped = _STRING.sub(lambda string: string[0].translate(_ESCAPED), text)
        if escaped == text:
            raise
        return from_json(escaped, **options)


def _invalid(piece: ToolCallChunk, error: str) -> InvalidToolCall:
    return InvalidToolCall(
        name=piece["name"], args=piece["args"], id=piece["id"], error=error, type="invalid_tool_call"
    )


def as_chunks(calls: Iterable[ToolCall]) -> list[ToolCallChunk]:
    """Whole calls in the form of pieces."""
    return [
        ToolCallChunk(
            name=call["name"],
            args=to_json(call["args"]).decode(),
            id=call.get("id"),
            index=call.get("index"),
            type="tool_call_chunk",
        )
        for call in calls
    ]
