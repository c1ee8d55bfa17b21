"""Tool calls whose arguments arrive in pieces."""

from __future__ import annotations

from typing import Any

from prill.errors import OutputParserException
from prill.messages.ai import AIMessage, AIMessageChunk
from prill.messages.call_assembly import AssembledCall, ToolCallAssembler
from prill.messages.call_types import ToolCallChunk
from prill.messages.tool_calls import as_chunks, read_args
from prill.output_parsers.inputs import cut_reason, cut_short
from prill.transducers.partial_json import NOTHING, PartialJSON


class OpenToolCall:
    """A tool call as far as it has come."""

    __slots__ = ("_pieces", "_text")

    def __init__(self, pieces: AssembledCall) -> None:
        self._pieces = pieces
        self._text = PartialJSON(markdown=False)

    @property
    def id(self) -> str | None:
        """The id of the call, once it has come."""
        return self._pieces.id

    @property
    def name(self) -> str:
        """The name of the tool as far as it has come."""
        return self._pieces.name or ""

    @property
    def args(self) -> dict[str, Any] | None:
        """The arguments as far as they can be seen, ``None`` if they are not a JSON object."""
        value = self._text.value
        if value is NOTHING:
            return {} if self._text.error is None else None
        return value if isinstance(value, dict) else None

    @property
    def json(self) -> PartialJSON:
        """The text of the arguments."""
        return self._text

    def feed(self, args: str | None) -> bool:
        """Take the next piece of the arguments; return whether what can be seen of them has changed."""
        return self._text.feed(args or "")

    def finish(self, *, checked: bool = False, cut: bool = False) -> Any:
        """Return the whole arguments; no text at all is ``{}``, unless the answer was ``cut``.

        ``checked``: they stood in a whole message.
        """
        text = self._text.text
        if cut and not checked and not text.strip():
            raise _broken(self.name, "the answer ended before them", text)
        try:
            args = self._text.finish() if text.strip() else {}
        except OutputParserException as error:
            args, wrong = read_args(text)  # some servers send ``{}`` first, or the whole twice
            if wrong is not None:
                raise _broken(self.name, error.message, text) from error
        if not isinstance(args, dict):
            raise _broken(self.name, f"they are {args!r:.80}", text)
        # What a whole message would not take for a call (NaN, half a character) is none in a stream either.
        if text.strip() and not checked and (wrong := read_args(text)[1]):
            raise _broken(self.name, wrong, text)
        if not self.name:
            raise OutputParserException("the model called a tool without naming it", llm_output=text)
        return args


class ToolCallReader:
    """Put the tool calls of one answer together while its chunks arrive, reading each character once."""

    def __init__(self) -> None:
        self.calls: list[OpenToolCall] = []
        self._open: dict[int, OpenToolCall] = {}  # by the identity of their pieces
        self._assembler = ToolCallAssembler()
        self.are_whole = False  # whether the calls came in a whole message, which has read them once
        self._cut: str | None = None
        self._invalid: OutputParserException | None = None

    def feed(self, chunk: Any) -> list[OpenToolCall]:
        """Take the next chunk; return the calls of which more can be seen now."""
        if not isinstance(chunk, AIMessage):
            raise OutputParserException(
                f"a parser of tool calls needs a chat model's messages; it got {type(chunk).__name__}",
                llm_output=chunk if isinstance(chunk, str) else None,
            )
        self._cut = cut_reason(chunk) or self._cut
        if isinstance(chunk, AIMessageChunk):
            pieces = chunk.tool_call_chunks
        else:
            self.are_whole = True
            pieces = as_chunks(chunk.tool_calls)
            for bad in chunk.invalid_tool_calls:
                message = f"the tool call {bad['name']} cannot be used: {bad['error']}"
                self._invalid = self._invalid or OutputParserException(message, llm_output=bad["args"] or "")
        changed: list[OpenToolCall] = []
        for piece in pieces:
            known = len(self.calls)
            open_call = self._call(piece)
            if open_call.feed(piece.get("args")) or known < len(self.calls):
                changed.append(open_call)
        return changed

    def finish(self) -> list[Any]:
        """Return the whole arguments of each call, in the order of ``calls``."""
        try:
            if self._invalid is not None:
                raise self._invalid
            return [call.finish(checked=self.are_whole, cut=self._cut is not None) for call in self.calls]
        except OutputParserException as error:
            if self._cut is None:
                raise
            raise cut_short(error, self._cut) from error

    def _call(self, piece: ToolCallChunk) -> OpenToolCall:
        # A call of a whole message is not a continuation of the one before.
        pieces = AssembledCall(piece) if self.are_whole else self._assembler.add(piece)
        if id(pieces) not in self._open:
            self._open[id(pieces)] = OpenToolCall(pieces)
            self.calls.append(self._open[id(pieces)])
        return self._open[id(pieces)]


def _broken(name: str | None, reason: str | None, text: str | None) -> OutputParserException:
    return OutputParserException(
        f"the arguments of the tool call {name or '(without a name)'} are not a complete JSON object: {reason}",
        llm_output=text or "",
    )
