"""XML that arrives in pieces: what has no children is given as soon as it is whole."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

from prill.errors import OutputParserException
from prill.output_parsers.xml_chunk import Leaf, XMLChunk

_begins: Final = re.compile(r"<[A-Za-z_:?!]").search
_another_root: Final = re.compile(r"\s*<[A-Za-z_:]").match
_MAX_DEPTH: Final = 256


class _RootEnded(Exception):
    """Raised through expat, which has no other way to stop."""


class _Refused(Exception):
    """The text holds what this reader does not take."""


class XMLReader:
    """Find the XML in a model's text and read it as it arrives; the text around it is left out.

    ``feed`` returns the leaves that ended in this piece, ``finish`` ends the text. Both raise
    ``OutputParserException``. Document types and entities of one's own are refused: they are the way to attack an XML
    reader (https://docs.python.org/3/library/xml.html#xml-security), and models have no use for them.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._state = "find"  # then "read", "behind" the root, "done"
        self._held: list[str] = []
        self._bytes = 0
        self._root_end = 0
        self._open: list[tuple[int, str | None]] = []
        self._has_children = [False]
        self._number = 0
        self._data: list[str] = []
        self._chunks: list[XMLChunk] = []
        parser = self._expat = expat.ParserCreate()
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
        if self._state == "find":
            text = self._find(text)
        if self._state == "read" and (text := self._hold(text)):
            self._read(text)
        elif self._state == "behind":
            self._look_behind(text)
        chunks, self._chunks = self._chunks, []
        return chunks

    def finish(self) -> None:
        if self._state == "find":
            raise OutputParserException("there is no XML in the text", llm_output=self.text)
        if self._state == "read":
            inside = "".join(f"<{name}>" for _, name in self._open)
            where = f" inside {inside[-80:]}" if inside else ""
            raise OutputParserException(f"invalid XML: the text ends{where}", llm_output=self.text)

    def _find(self, text: str) -> str:
        text = "".join(self._held) + text
        self._held.clear()
        found = _begins(text)
        if found is not None:
            self._state = "read"
            return text[found.start() :]
        if text.endswith("<"):
            self._held.append("<")
        return ""

    def _hold(self, text: str) -> str:
        """Keep back a tag or an entity until it is whole: expat would wait with it, and read it anew each time."""
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

    def _read(self, text: str) -> None:
        try:
            data = text.encode()
            self._expat.Parse(data, False)
            self._bytes += len(data)
        except _RootEnded:
            self._state = "behind"
            rest = data[max(0, self._root_end - self._bytes) :]
            behind = rest[rest.find(b">") + 1 :].decode() + "".join(self._held)
            self._held.clear()
            self._look_behind(behind)
        except expat.ExpatError as error:
            reason = f"{expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1} of the XML"
            raise OutputParserException(f"invalid XML: {reason}", llm_output=self.text) from error
        except (_Refused, UnicodeEncodeError) as error:
            raise OutputParserException(f"refused XML: {error}", llm_output=self.text) from error

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
