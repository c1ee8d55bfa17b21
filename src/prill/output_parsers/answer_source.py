"""Where the JSON of a structured answer stands: in a message's text, or in the arguments of a tool call."""

from __future__ import annotations

from typing import Any

from prill.errors import OutputParserException
from prill.messages import AIMessage
from prill.output_parsers.inputs import RefusalReader, as_text, cut_reason, cut_short
from prill.output_parsers.tool_call_reader import OpenToolCall, ToolCallReader
from prill.transducers.partial_json import PartialJSON


class AnswerSource:
    """One answer, read chunk by chunk: ``feed``, then ``finish``. ``tool`` names the call that it stands in, if any.

    A model that was to call a tool, and wrote the JSON as text instead, is understood at the end. With ``closings``
    the end of a part is news too, even where no more can be seen: a text that ends, ends with a quote.
    """

    def __init__(self, tool: str | None, *, closings: bool = True) -> None:
        self._closings = closings
        self._closed = 0
        self._tool = tool
        self._calls = ToolCallReader() if tool is not None else None
        self._call: OpenToolCall | None = None
        self._text = PartialJSON()
        self._refusals = RefusalReader()
        self._cut: str | None = None

    def feed(self, chunk: Any) -> PartialJSON | None:
        """Take the next chunk; return the JSON if there is news of it."""
        self._cut = cut_reason(chunk) or self._cut
        if isinstance(chunk, AIMessage):
            self._refusals.feed(chunk)
            if self._calls is not None:
                changed = self._calls.feed(chunk)
                self._call = self._call or next((call for call in self._calls.calls if call.name == self._tool), None)
                self._text.feed(as_text(chunk))
                return None if self._call is None else self._news(self._call.json, self._call in changed)
        changed_text = self._text.feed(as_text(chunk))
        return self._news(self._text, changed_text) if self._calls is None else None

    def _news(self, json: PartialJSON, changed: bool) -> PartialJSON | None:
        closed = json.closed if self._closings else 0
        if not changed and closed == self._closed:
            return None
        self._closed = closed
        return json

    @property
    def json(self) -> PartialJSON:
        """The JSON so far."""
        return self._text if self._call is None else self._call.json

    def finish(self) -> tuple[Any, str]:
        """Return the whole JSON, and its text.

        Raises:
            OutputParserException: there is none, or it is not whole.
            ModelRefusalError: the model declined.
        """
        try:
            value, json = self._finished()
            if json.repeated:
                raise OutputParserException("the JSON has a key twice in one object", llm_output=json.text)
        except OutputParserException as error:
            if (refused := self._refusals.error(self._text.text)) is not None:
                raise refused from error
            raise self.explained(error) from error
        return value, json.text

    def explained(self, error: OutputParserException) -> OutputParserException:
        """``error``, with the token limit as its reason where that cut the answer."""
        return error if self._cut is None else cut_short(error, self._cut)

    def _finished(self) -> tuple[Any, PartialJSON]:
        if self._calls is None:
            return self._text.finish(), self._text
        if self._call is not None:
            return self._call.finish(checked=self._calls.are_whole, cut=self._cut is not None), self._call.json
        if not self._calls.calls:
            self._calls.finish()  # a call that cannot be read is the better reason
        try:
            return self._text.finish(), self._text
        except OutputParserException as error:
            called = ", ".join(call.name or "?" for call in self._calls.calls)
            instead = f"called {called}" if called else f"wrote text ({self._text.text!r:.80})"
            raise OutputParserException(
                f"the model was asked to call {self._tool!r}, but it {instead}", llm_output=self._text.text
            ) from error
