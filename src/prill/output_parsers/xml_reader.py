"""XML that arrives in pieces: an element without children is returned as soon as it is complete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from xml.parsers import expat

from prill.errors import OutputParserException
from prill.output_parsers.xml_chunk import Leaf, XMLChunk
from prill.transducers.reasoning import (
    NAMES,
    ReasoningFilter,
    find_unfinished_tag,
    opening_pattern,
    unfinished_tag_pattern,
)

# Names in XML may start with any letter (https://www.w3.org/TR/xml/#NT-NameStartChar).
_mark: Final = re.compile(
    r"(?P<start><(?:[^\W\d]|[:?!]))|(?P<fence>(?:`{3,64}|~{3,64})(?:[ \t]*xml\b)?)|(?P<tick>`)|(?P<line>\n)", re.I
)
_may_go_on: Final = re.compile(r"(?:<|[`~]{1,64}[ \t]{0,8}x?m?)\Z", re.I).search
_another_root: Final = re.compile(r"\s*<(?:[^\W\d]|:)").match
_unfinished_tag: Final = re.compile(unfinished_tag_pattern())
_MAX_DEPTH: Final = 256


class _RootEnded(Exception):
    """Raised through expat, which has no other way to stop."""


class _Refused(Exception):
    """The text has something that this reader refuses."""


class XMLReader:
    """Find the XML in a model's text and read it as it arrives; the text around it is left out.

    ``feed`` returns the leaves that ended in this piece, ``finish`` ends the text and returns the last ones. Both
    raise ``OutputParserException``. Document types and custom entities are refused: they are the way to attack an XML
    reader (https://docs.python.org/3/library/xml.html#xml-security), and models have no use for them.

    An element in the middle of a sentence may be a mere mention. Its leaves are kept back until it has ended, and if
    it is not well-formed the XML is looked for behind it, at the start of a line or behind a fence.

    Args:
        data_names: names of elements that are not to be taken for reasoning (``<think>...</think>``).
    """

    def __init__(self, *, data_names: Iterable[str] = ()) -> None:
        self._data_names = tuple(data_names)
        self._reasoning = ReasoningFilter(data_names=self._data_names)
        self._reasoning_tag = re.compile(opening_pattern([name for name in NAMES if name not in self._data_names]))
        self._pieces: list[str] = []
        self._found_any = False
        self._only_introduced = False  # whether elements in the middle of a sentence are passed over
        self._error: OutputParserException | None = None
        self._look_for_root()

    def _look_for_root(self) -> None:
        self._state = "find"  # then "read", "behind" the root, "done"
        self._held: list[str] = []
        self._in_ticks = False
        self._last = "\n"
        self._start_reading()

    def _start_reading(self) -> None:
        self._mention: list[str] | None = None  # the text of an element that may be a mere mention
        self._bytes = 0
        self._root_end = 0
        self._root_is_empty = False
        self._open: list[tuple[int, str | None]] = []
        self._has_children = [False]
        self._number = 0
        self._data: list[str] = []
        self._chunks: list[XMLChunk] = []
        # The text is decoded already, whatever encoding its first line names.
        parser = self._expat = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data.append
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse

    @property
    def text(self) -> str:
        """All of the text so far."""
        return "".join(self._pieces)

    def feed(self, text: str) -> list[XMLChunk]:
        self._pieces.append(text)
        answer = self._reasoning.feed(text)
        if self._reasoning.closed_without_opening:
            if self._found_any:
                raise OutputParserException(
                    "the elements so far stand in front of a </think>, so they are reasoning and not the answer: use "
                    "invoke, which waits for the whole text",
                    llm_output=self.text,
                )
            self._look_for_root()
        return self._read_on(answer)

    def finish(self) -> list[XMLChunk]:
        chunks = self._read_on(self._end_reasoning())
        while self._state == "read" and self._mention is not None:
            chunks += self._read_on(self._pass_over(self._cut_error()))
        if self._state == "find":
            raise self._error or OutputParserException("no XML found in the text", llm_output=self.text)
        if self._state == "read":
            raise self._cut_error()
        return chunks

    def _end_reasoning(self) -> str:
        try:
            return self._reasoning.finish()
        except OutputParserException as error:
            error.llm_output = self.text
            raise

    def _cut_error(self) -> OutputParserException:
        inside = "".join(f"<{name}>" for _, name in self._open)
        where = f" inside {inside[-80:]}" if inside else ""
        return OutputParserException(f"invalid XML: the text ends{where}", llm_output=self.text)

    def _read_on(self, text: str) -> list[XMLChunk]:
        """Read the next piece of the answer."""
        while text and self._state != "done":
            if self._state == "find":
                text = self._find(text)
            elif self._state == "read":
                if self._mention is not None:
                    self._mention.append(text)
                text = self._hold(text)
                try:
                    text = self._read(text)
                except OutputParserException as error:
                    if self._mention is None:
                        raise
                    text = self._pass_over(error)
            else:
                self._look_behind(text)
                text = ""
        if self._state == "read" and self._mention is not None:
            return []
        chunks, self._chunks = self._chunks, []
        self._found_any = self._found_any or bool(chunks)
        return chunks

    def _find(self, text: str) -> str:
        """Look for the start of the root; return the text from there, or from where reasoning ends."""
        text = "".join(self._held) + text
        self._held.clear()
        end = min(find_unfinished_tag(_unfinished_tag, text), len(text))
        if (open_mark := _may_go_on(text, max(0, end - 80))) is not None:
            end = min(end, open_mark.start())
        position = 0
        for mark in _mark.finditer(text, 0, end if end < len(text) else len(text)):
            self._note(text[position : mark.start()])
            kind, position = mark.lastgroup, mark.end()
            if kind == "line" or kind == "fence":
                self._in_ticks, self._last = False, "\n"
            elif kind == "tick":
                self._in_ticks = not self._in_ticks
                self._last = "`"
            elif not self._in_ticks:
                introduced = self._last in "\n:=："
                if introduced and self._reasoning_tag.match(text, mark.start()):
                    self._reasoning = ReasoningFilter(data_names=self._data_names)
                    self._last = "\n"
                    return self._reasoning.feed(text[mark.start() :])
                if introduced or not self._only_introduced:
                    self._start_reading()
                    self._state = "read"
                    self._mention = None if introduced else []
                    return text[mark.start() :]
                self._last = mark[0][-1]
        self._note(text[position:end])
        if end < len(text):
            self._held.append(text[end:])
        return ""

    def _note(self, prose: str) -> None:
        if prose := prose.rstrip(" \t\r"):
            self._last = prose[-1]

    def _pass_over(self, error: OutputParserException) -> str:
        """Give up an element in a sentence that is not XML; return its text, to look for the root in it again."""
        self._error = self._error or error
        text = "".join(self._mention or ())
        self._only_introduced = True
        self._look_for_root()
        self._last = "x"
        return text

    def _hold(self, text: str) -> str:
        """Keep back a tag or an entity until it is whole: expat would wait with it, and read it again each time."""
        held = self._held
        if held:
            is_whole = ">" in text if held[0][0] == "<" else ";" in text or "<" in text
            held.append(text)
            if not is_whole:
                return ""
            text = "".join(held)
            held.clear()
        at = text.rfind("<")
        if at < 0 or ">" in text[at:]:
            at = text.rfind("&", at + 1)
            if at < 0 or ";" in text[at:]:
                return text
        held.append(text[at:])
        return text[:at]

    def _read(self, text: str) -> str:
        """Read a piece of the root; return what follows the root's end."""
        if not text:
            return ""
        try:
            data = text.encode()
            self._expat.Parse(data, False)
            self._bytes += len(data)
        except _RootEnded:
            self._state = "behind"
            end = max(0, self._root_end - self._bytes)
            if not (self._root_is_empty and data[:end].endswith(b"/>")):  # else expat gives the end of the tag
                end = data.find(b">", end) + 1
            behind = data[end:].decode() + "".join(self._held)
            self._held.clear()
            return behind
        except expat.ExpatError as error:
            reason = f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1} of the XML"
            raise OutputParserException(f"invalid XML: {reason}", llm_output=self.text) from error
        except (_Refused, UnicodeEncodeError) as error:
            raise OutputParserException(f"refused XML: {error}", llm_output=self.text) from error
        return ""

    def _look_behind(self, text: str) -> None:
        text = "".join(self._held) + text
        self._held[:] = [text]
        if _another_root(text):
            raise OutputParserException(
                "invalid XML: a second root element follows the first; ask for one element around all others",
                llm_output=self.text,
            )
        if text.strip() not in ("", "<"):
            self._state = "done"

    def _start(self, name: str, attributes: Any) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise _Refused(f"its elements are nested more than {_MAX_DEPTH} deep")
        self._has_children[-1] = True
        self._take_text_between()
        self._number += 1
        self._open.append((self._number, name))
        self._has_children.append(False)

    def _end(self, name: str) -> None:
        self._root_is_empty = not (self._has_children[-1] or self._data)
        if self._has_children.pop():
            self._take_text_between()
        else:
            self._give(Leaf(tuple(self._open), "".join(self._data) or None))
        self._data.clear()
        self._open.pop()
        if not self._open:
            self._root_end = self._expat.CurrentByteIndex  # now: expat reads on when a handler has raised
            raise _RootEnded

    def _take_text_between(self) -> None:
        text = "".join(self._data)
        self._data.clear()
        if text.strip() and self._open:
            self._number += 1
            self._give(Leaf((*self._open, (self._number, None)), text))

    def _give(self, leaf: Leaf) -> None:
        self._chunks.append(XMLChunk((leaf,)))

    def _refuse(self, *declaration: Any) -> None:
        raise _Refused("it declares a document type or entities")
