"""JSON values one after another: the lines of a body, or the elements of an array that comes in pieces."""

from __future__ import annotations

import re

from prill.transducers.sse import ServerSentEvent

_BLANK = b" \t\r\n"


class JSONLinesDecoder:
    r"""Cut a byte stream into lines, each of which is the data of an event; blank lines are left out.

    Lines end in LF or CRLF. Work and memory are linear in the bytes. https://jsonlines.org

        >>> decoder = JSONLinesDecoder()
        >>> [event.data for event in decoder.feed(b'{"a": 1}\n{"b"')]
        [b'{"a": 1}']
        >>> [event.data for event in (*decoder.feed(b': 2}'), *decoder.finish())]
        [b'{"b": 2}']
    """

    def __init__(self) -> None:
        self._tail: list[bytes] = []

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the lines that they complete."""
        if b"\n" not in data:
            self._tail.append(data)
            return []
        *lines, rest = b"".join((*self._tail, data)).split(b"\n")
        self._tail = [rest]
        return _events(lines)

    def finish(self) -> list[ServerSentEvent]:
        """The last line, which may lack its end."""
        lines, self._tail = [b"".join(self._tail)], []
        return _events(lines)


class JSONArrayDecoder:
    """Cut a JSON array that comes in pieces into its elements, each of which is the data of an event.

    What is not an array is taken as objects one after another, however they are parted: a server that has an error to
    tell may send it without the array. An element is handed out as soon as its end has come. Work and memory are linear
    in the bytes; elements are not checked.

        >>> decoder = JSONArrayDecoder()
        >>> [event.data for event in decoder.feed(b'[{"a": [1, 2]}, {"b": "')]
        [b'{"a": [1, 2]}']
        >>> [event.data for event in decoder.feed(b'}"}]')]
        [b'{"b": "}"}']
    """

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._base = 0  # the depth of the elements: 1 inside an array
        self._depth = 0
        self._in_text = False
        self._escaping = False
        self._element: list[bytes] = []  # the pieces of the element that has not ended; joined once

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes; return the elements that they complete."""
        if not self._started:
            data = data.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
            if not data:
                return []
            self._started = True
            if data.startswith(b"["):
                self._base = self._depth = 1
                data = data[1:]
        return [] if self._ended else _events(self._cut(data))

    def finish(self) -> list[ServerSentEvent]:
        """What is left of an element whose end has not come; nobody knows whether it is one."""
        rest, self._element = b"".join(self._element), []
        return [] if self._ended else _events([rest])

    def _cut(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        start = place = 0
        if self._escaping and data:
            place, self._escaping = 1, False
        while match := (_IN_TEXT if self._in_text else _OUTSIDE).search(data, place):
            place, mark = match.end(), match.group()
            if mark == b'"':
                self._in_text = not self._in_text
            elif mark == b"\\":
                self._escaping = place == len(data)
                place += 1
            elif (end := self._move(mark, place)) is not None:
                found.append(b"".join((*self._element, data[start:end])))
                self._element.clear()
                start = place
                if self._ended:
                    return found
        if start < len(data):
            self._element.append(data[start:])
        return found

    def _move(self, mark: bytes, place: int) -> int | None:
        """Follow a bracket or a comma outside of texts; where an element ends at it, the place of that end."""
        if mark in (b"[", b"{"):
            self._depth += 1
            return None
        if mark == b",":
            return place - 1 if self._depth == self._base else None
        self._depth -= 1
        if self._depth == self._base:
            return place
        self._ended = self._depth < self._base
        return place - 1 if self._ended else None


_OUTSIDE = re.compile(rb'["\[\]{},]')
_IN_TEXT = re.compile(rb'["\\]')


def _events(found: list[bytes]) -> list[ServerSentEvent]:
    return [ServerSentEvent(None, data) for line in found if (data := line.strip(_BLANK))]
