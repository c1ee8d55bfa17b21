"""Assembling tool calls out of their pieces: the one place that decides to which call a piece belongs.

Providers disagree about how they cut a call. Some give every call of an answer the same index, some give every piece an
id of its own, some repeat the name or the id in every piece, some split the name, some send no index at all. The rules:

- a piece without a name continues the call with its id, else the call that its index has open;
- a piece with a name starts a call, unless it repeats the name of the open call, or continues it: the open call has no
  arguments yet, and the piece has no other id;
- a piece that fits nowhere is kept as a call without a name, which is never valid.

``ToolCallStream`` applies them to a provider's stream, in the order of arrival. ``merge_tool_call_chunks`` joins pieces
of messages only where no other piece could change the result, so merging stays associative; ``settle`` applies the
rules to the rest, once all pieces are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from pydantic_core import from_json

from prill.messages.call_types import ToolCallChunk
from prill.transducers.merge import merge_metadata

__all__ = ["ToolCallAssembler", "ToolCallStream", "merge_tool_call_chunks", "settle"]


class AssembledCall:
    """The pieces of one call. ``args`` are texts, ``None`` where a piece has none.

    ``index`` is the provider's; ``given_index`` the one that ``ToolCallStream`` gives the call.
    """

    __slots__ = ("_extras", "args", "given_index", "id", "index", "name")

    given_index: int | str

    def __init__(self, piece: ToolCallChunk) -> None:
        self.index = piece.get("index")
        self.id = piece.get("id")
        self.name = piece.get("name")
        self.args = [piece.get("args")]
        self._extras = [extras] if (extras := piece.get("extras")) else []

    def add(self, piece: ToolCallChunk) -> None:
        self.args.append(piece.get("args"))
        self.id = self.id or piece.get("id")
        name = piece.get("name")
        if name:
            self.name = _extended_name(self.name, name)
        if extras := piece.get("extras"):
            self._extras.append(extras)

    def is_cut(self) -> bool:
        """Whether there are arguments, and they are not whole JSON."""
        return self.has_args() and _read("".join(filter(None, self.args))) is None

    def has_args(self) -> bool:
        return any(args and not args.isspace() for args in self.args)

    def joined(self) -> ToolCallChunk:
        known = [args for args in self.args if args is not None]
        call = ToolCallChunk(
            name=self.name,
            args="".join(known) if known else None,
            id=self.id,
            index=self.index,
            type="tool_call_chunk",
        )
        if self._extras:
            call["extras"] = merge_metadata(*self._extras)
        return call


class ToolCallAssembler:
    """Assigns pieces to calls in the order in which they arrive; ``calls`` are in the order in which they started."""

    def __init__(self) -> None:
        self.calls: list[AssembledCall] = []
        self._open: dict[Any, AssembledCall] = {}  # by index: the call that got the last piece
        self._by_id: dict[Any, AssembledCall] = {}  # by index and id, and by id alone

    def add(self, piece: ToolCallChunk) -> AssembledCall:
        """Assign a piece; the call is new if ``calls`` has become longer."""
        index, id = piece.get("index"), piece.get("id")
        call = self.find(piece)
        if call is None:
            call = AssembledCall(piece)
            self.calls.append(call)
        else:
            call.add(piece)
        self._open[index] = call
        if id:
            self._by_id[index, id] = self._by_id[id] = call
        return call

    def find(self, piece: ToolCallChunk) -> AssembledCall | None:
        """The call that a piece continues, if any."""
        index, id = piece.get("index"), piece.get("id")
        return self._named(piece, index, id) if piece.get("name") else self._unnamed(index, id)

    def _unnamed(self, index: Any, id: str | None) -> AssembledCall | None:
        same = (self._by_id.get((index, id)) or self._by_id.get(id)) if id else None
        return same or self._open.get(index)

    def _named(self, piece: ToolCallChunk, index: Any, id: str | None) -> AssembledCall | None:
        same = self._by_id.get((index, id)) if id else None
        call = same or self._open.get(index)
        if call is None:
            return None
        if id and call.id and call is not same:
            return call if index is not None and _goes_on_under_new_id(call, piece) else None
        if not call.name:
            return call
        if piece["name"] == call.name:
            # Without an index a second name is a second call: whole calls are sent this way.
            return call if same or (index is not None and not _is_second_call(call, piece)) else None
        return None if call.has_args() else call


def _extended_name(name: str | None, piece: str) -> str:
    """A name with its next piece, which may be all of it once more, or all of it and more."""
    return piece if not name or piece.startswith(name) else name + piece


def _goes_on_under_new_id(call: AssembledCall, piece: ToolCallChunk) -> bool:
    """Whether a piece with the call's name and another id is the rest of it: alone neither would be a whole call."""
    if piece.get("name") != call.name:
        return False
    return not call.has_args() or (call.is_cut() and not (piece.get("args") or "").lstrip().startswith("{"))


def _is_second_call(call: AssembledCall, piece: ToolCallChunk) -> bool:
    """Whether a call that repeats a name without an id is a separate whole call."""
    args = (piece.get("args") or "").strip()
    if piece.get("id") or not args.startswith("{"):
        return False
    try:
        before = from_json("".join(filter(None, call.args)))
    except ValueError:
        return False
    return bool(before) and isinstance(before, dict) and before != _read(args)


def _read(args: str) -> Any:
    try:
        return from_json(args)
    except ValueError:
        return None


class ToolCallStream:
    """Tool calls of one streamed answer: the provider's pieces in, pieces that need no guessing out.

    What comes out has one index for each call, and an id and the name in the call's first piece, where the provider's
    next piece does not continue the name. A call without an id gets one; ``null`` as arguments means none.
    """

    def __init__(self) -> None:
        self.ids: dict[int | str, str] = {}  # by the index that comes out
        self._assembler = ToolCallAssembler()
        self._taken: set[int | str] = set()

    def feed(self, pieces: Iterable[ToolCallChunk], *, whole: bool = False) -> list[ToolCallChunk]:
        """The next pieces; ``whole``: each is a separate call."""
        return [self._whole(piece) if whole else self._feed(piece) for piece in pieces]

    def _feed(self, piece: ToolCallChunk) -> ToolCallChunk:
        if (piece.get("args") or "").strip() == "null" and not self._continues_args(piece):
            piece = {**piece, "args": ""}
        found = self._assembler.find(piece)
        name_before = found.name if found is not None else None
        call = self._assembler.add(piece)
        if found is None:
            call.given_index = self._free_index(piece.get("index"))
            return self._first(piece, call.given_index)
        index = call.given_index
        placed = ToolCallChunk(
            name=(call.name or "")[len(name_before or "") :] or None,
            args=piece.get("args"),
            id=None if index in self.ids else self._new_id(piece, index),
            index=index,
        )
        if extras := piece.get("extras"):
            placed["extras"] = extras
        return placed

    def _continues_args(self, piece: ToolCallChunk) -> bool:
        call = self._assembler.find(piece)
        return call is not None and call.has_args()

    def _whole(self, piece: ToolCallChunk) -> ToolCallChunk:
        if (piece.get("args") or "").strip() == "null":
            piece = {**piece, "args": ""}
        return self._first(piece, self._free_index(piece.get("index")))

    def _first(self, piece: ToolCallChunk, index: int | str) -> ToolCallChunk:
        placed = ToolCallChunk(
            name=piece.get("name"), args=piece.get("args"), id=self._new_id(piece, index), index=index
        )
        if extras := piece.get("extras"):
            placed["extras"] = extras
        return placed

    def _new_id(self, piece: ToolCallChunk, index: int | str) -> str | None:
        """The id of a call, made with its name where the provider gives none; a piece without either has none yet."""
        call_id = piece.get("id") or (f"call_{uuid4().hex}" if piece.get("name") else None)
        if call_id in self.ids.values():
            call_id = f"{call_id}_{len(self.ids)}"  # two calls with one id could not be answered
        if call_id is not None:
            self.ids[index] = call_id
        return call_id

    def _free_index(self, index: int | str | None) -> int | str:
        if index is None or index in self._taken:
            index = 1 + max((taken for taken in self._taken if isinstance(taken, int)), default=-1)
        self._taken.add(index)
        return index


def merge_tool_call_chunks(pieces: Iterable[ToolCallChunk]) -> list[ToolCallChunk]:
    """Join the pieces that surely belong to one call; the calls stay in the order in which they started."""
    calls: list[AssembledCall] = []
    last: dict[Any, AssembledCall] = {}
    by_id: dict[Any, AssembledCall] = {}
    for piece in pieces:
        index, id = piece.get("index"), piece.get("id")
        call = by_id.get((index, id)) if id else last.get(index)
        if call is None or not _surely_continues(call, piece):
            call = last[index] = AssembledCall(piece)
            calls.append(call)
            if id:
                by_id[index, id] = call
        else:
            call.add(piece)
    return [call.joined() for call in calls]


def _surely_continues(call: AssembledCall, piece: ToolCallChunk) -> bool:
    name = piece.get("name")
    return not name or (name == call.name and bool(piece.get("id") or piece.get("index") is not None))


def settle(pieces: Sequence[ToolCallChunk]) -> list[ToolCallChunk]:
    """Join the pieces of whole calls, which is possible once all pieces are there."""
    if len(pieces) == 1:
        return [AssembledCall(pieces[0]).joined()]
    assembler = ToolCallAssembler()
    for piece in merge_tool_call_chunks(pieces):
        assembler.add(piece)
    return [call.joined() for call in assembler.calls]
