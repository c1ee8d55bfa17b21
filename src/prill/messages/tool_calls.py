"""Reading tool calls: those that may be executed, and the reasons for which others may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from pydantic_core import from_json, to_json

from prill.messages.call_assembly import merge_tool_call_chunks, settle
from prill.messages.call_types import InvalidToolCall, ToolCall, ToolCallChunk
from prill.transducers.merge import merge_metadata

__all__ = [
    "as_chunks",
    "merge_tool_call_chunks",
    "parse_complete_calls",
    "parse_partial_calls",
    "read_args",
    "settle",
]

Parsed = tuple[list[ToolCall], list[InvalidToolCall]]


def parse_partial_calls(pieces: Sequence[ToolCallChunk]) -> Parsed:
    """Read the calls as far as they have arrived: ``{"city": "Par`` is ``{"city": "Par"}``.

    Only for display. A call whose text is not the start of a JSON object is invalid.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for piece in settle(pieces):
        args = piece["args"] or ""
        try:
            value = _read_start(args) if args.strip() else {}
        except (ValueError, TypeError, RecursionError) as error:
            invalid.append(_invalid(piece, f"the arguments are not JSON: {error}"))
            continue
        if isinstance(value, dict):
            calls.append(_valid(piece, value))
        else:
            invalid.append(_invalid(piece, _NOT_AN_OBJECT))
    return calls, invalid


def _read_start(args: str) -> Any:
    text = _PLACEHOLDER.sub("", args)
    try:
        value = _from_json(text, allow_partial="trailing-strings")
    except ValueError:
        value = _decoder().raw_decode(text.lstrip())[0]  # a whole object, and some of its repetition
        to_json(value)  # half a character cannot be written
    return value


_PLACEHOLDER = re.compile(r"\A\s*\{\s*\}(?=\{)")
"""Arguments that some servers send before the real ones."""

_NOT_AN_OBJECT = "the arguments are not a JSON object"
_CUT = "the answer was cut at its token limit before the arguments were complete"
_NO_END = "no arguments came, and the answer did not come to its end"
_STRAY = "the call has no arguments, but the answer has pieces of arguments that could not be assigned to a call"


def parse_complete_calls(
    pieces: Sequence[ToolCallChunk], *, complete: bool, truncated: bool = False, interrupted: bool = False
) -> Parsed:
    """Read calls that may be executed: only arguments that are a whole JSON object make a call, all else is invalid.

    Args:
        pieces: the pieces of all calls of the answer.
        complete: the answer is known to have ended in order; then no arguments at all are ``{}``.
        truncated: the answer was cut at the token limit, so ``{}`` in its last call may not be all of its arguments.
        interrupted: the answer broke off; the same is true.
    """
    settled = settle(pieces)
    read = [_read_whole(piece, complete=complete, truncated=truncated) for piece in settled]
    if len(settled) > 1 and any(error for _, error in read) and (one := _as_one_call(settled)):
        settled, read = [one], [_read_whole(one, complete=complete, truncated=truncated)]
    if (interrupted or truncated) and read and not read[-1][1] and not read[-1][0]:
        read[-1] = ({}, _CUT if truncated else _NO_END)
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for place, (piece, (value, error)) in enumerate(zip(settled, read, strict=True)):
        error = error or (None if value else _suspicion(settled, read, place))
        if error is None:
            calls.append(_valid(piece, value))
        else:
            invalid.append(_invalid(piece, error))
    return calls, invalid


def _as_one_call(settled: Sequence[ToolCallChunk]) -> ToolCallChunk | None:
    """The one call whose pieces could not be assigned to each other: they name one tool, and join to a whole object."""
    first, *rest = settled
    if not _names_tool(first) or any(piece["name"] not in (None, "", first["name"]) for piece in rest):
        return None
    if any(not piece["name"] and read_args(piece["args"] or "")[1] is None for piece in rest):
        return None  # it may be another call, whose name was lost
    args = "".join(piece["args"] or "" for piece in settled)
    try:
        whole = isinstance(_from_json(args, allow_inf_nan=False), dict)
    except (ValueError, TypeError):
        return None
    extras = merge_metadata(*(piece.get("extras") or {} for piece in settled))
    call: ToolCallChunk = {**first, "args": args}
    return ({**call, "extras": extras} if extras else call) if whole else None


def _names_tool(piece: ToolCallChunk) -> bool:
    return bool(piece["name"] and not piece["name"].isspace())


def _read_whole(piece: ToolCallChunk, *, complete: bool, truncated: bool) -> tuple[dict[str, Any], str | None]:
    args = piece["args"] or ""
    if not _names_tool(piece):
        return {}, "the call names no tool"
    if not args.strip():
        return {}, None if complete else _CUT if truncated else _NO_END
    value, error = read_args(args)
    return value, f"{_CUT}: {error}" if error and truncated else error


def _suspicion(
    settled: Sequence[ToolCallChunk], read: Sequence[tuple[dict[str, Any], str | None]], place: int
) -> str | None:
    """Why a call without arguments may have lost them to another call of the answer."""
    if len(settled) == 1:
        return None
    call = settled[place]
    blank = not (call["args"] or "").strip()
    for other, (_, error) in zip(settled, read, strict=True):
        if error is not None and (blank or not other["name"] or other["index"] == call["index"]):
            return _STRAY
    return None


def read_args(args: str) -> tuple[dict[str, Any], str | None]:
    """The arguments in a JSON text, and the reason for which they are invalid, or ``None``.

    Line ends and tabs inside strings, which models write, are allowed. ``{}`` before the arguments, and their
    repetition, are ignored; pieces of which each repeats the ones before are read as the last of them. An object that
    is encoded as a JSON string, once or more often, is that object.
    """
    try:
        value = _from_json(args, allow_inf_nan=False)
    except (ValueError, TypeError) as error:  # a TypeError: half a character (a lone surrogate)
        try:
            value = _read_repeated(args)
        except (ValueError, RecursionError):
            value = _read_cumulative(args)
            if value is None:
                return {}, f"the arguments are not whole JSON: {error}"
    if isinstance(value, str):
        value = _decoded(value)
    return (value, None) if isinstance(value, dict) else ({}, _NOT_AN_OBJECT)


def _decoded(text: str) -> Any:
    """The object that a string encodes; the string itself if it encodes none."""
    value: Any = text
    for _ in range(_DEEPEST):
        try:
            value = _from_json(value, allow_inf_nan=False)
        except (ValueError, TypeError):
            return text
        if not isinstance(value, str):
            break
    return value if isinstance(value, dict) else text


_DEEPEST = 4
"""How often arguments may be encoded."""


def _read_cumulative(args: str) -> dict[str, Any] | None:
    """The object at the end of a text, if all that is before it are its beginnings, each as long as the last or longer.

    No such text is whole JSON: its first piece opens an object that nothing closes.
    """
    args = args.strip()
    if len(args) > _LONGEST:
        return None
    start = len(args)
    for _ in range(_TRIES):
        start = args.rfind("{", 1, start)
        if start < 0:
            return None
        try:
            value, end = _decoder().raw_decode(args, start)
        except (ValueError, RecursionError):
            continue
        if end == len(args):
            return value if _are_beginnings(args[:start], args[start:]) else None
    return None


_TRIES = 100
_LONGEST = 200_000
"""How long a text is searched for a repetition: each try reads a part of it."""


def _are_beginnings(pieces: str, whole: str) -> bool:
    place, longest = 0, 1
    while place < len(pieces):
        end = _common(pieces, place, whole)
        if end - place < longest:
            return False
        place, longest = end, end - place
    return True


def _common(pieces: str, place: int, whole: str) -> int:
    """Where in ``pieces`` the text from ``place`` stops being a beginning of ``whole``."""
    length = 0
    for one, other in zip(pieces[place : place + len(whole)], whole, strict=False):
        if one != other:
            break
        length += 1
    return place + length


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


@cache
def _decoder() -> Any:
    # Only calls that a server sent in an odd way need it.
    return import_module("json").JSONDecoder(strict=False, parse_constant=_refuse_constant)


def _read_repeated(args: str) -> Any:
    """The one value of several JSON values without a separator, where all but placeholders are equal."""
    values: list[Any] = []
    text = args.strip()
    place = 0
    while place < len(text):
        value, place = _decoder().raw_decode(text, place)
        values.append(value)
    found = [value for value in values if value != {}]
    if len(values) < 2 or any(value != found[0] or not isinstance(value, dict) for value in found):
        raise ValueError("several different values")
    value = found[0] if found else {}
    to_json(value)  # half a character cannot be written
    return value


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


def _valid(piece: ToolCallChunk, args: dict[str, Any]) -> ToolCall:
    call = ToolCall(name=piece["name"] or "", args=args, id=piece["id"], type="tool_call")
    if extras := piece.get("extras"):
        call["extras"] = extras
    return call


def _invalid(piece: ToolCallChunk, error: str) -> InvalidToolCall:
    call = InvalidToolCall(
        name=piece["name"], args=piece["args"], id=piece["id"], error=error, type="invalid_tool_call"
    )
    if extras := piece.get("extras"):
        call["extras"] = extras
    return call


def as_chunks(calls: Iterable[ToolCall]) -> list[ToolCallChunk]:
    """Whole calls in the form of pieces."""
    return [_as_chunk(call) for call in calls]


def _as_chunk(call: ToolCall) -> ToolCallChunk:
    piece = ToolCallChunk(
        name=call["name"],
        args=to_json(call["args"]).decode(),
        id=call.get("id"),
        index=call.get("index"),
        type="tool_call_chunk",
    )
    if extras := call.get("extras"):
        piece["extras"] = extras
    return piece
