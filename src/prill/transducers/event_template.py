"""The form of server-sent events that differ in one text only, as the pieces of an answer do.

Nearly all events of an answer are the same but for a few letters. Once one of them has been parsed, those that follow
need not be: what stands before the text and after it is compared, and the text is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic_core import from_json

_PROBE = "Probe"
"""Letters that are no JSON anywhere but inside a string."""

_ESCAPED = re.compile(r'((?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*+)"(.*)')
"""The rest of a JSON string with escapes of one letter, and what follows in its line."""

_OPENING = re.compile(r"(?:event:.*\n)?data: ?(?=.*\Z)")
"""What stands before the data of an event that has one line of them, and no other line but that of its type."""

_MOST_ENDS = 64
_MOST_IN_VAIN = 8
"""How many forms may be learned that no event is like: some servers count their events, or name each one."""


class EventTemplate:
    """What events that follow each other in a stream have in common, but for one text in their JSON.

    ``learn`` takes it from an event that has been parsed, ``texts`` recognises the next ones. A form is tried out when
    it is learned: with another text in its place the event must parse to the same but for that text. So what
    ``texts`` recognises is what the parser would have returned.

    Events are given as text, without the blank line that ends them. ``padding`` names fields whose text says nothing
    and changes, where they are the last of their event. Spaces before the event's last brace are padding too.

        >>> form, payload = EventTemplate(), {"id": 1, "delta": {"text": "Hel"}}
        >>> form.learn('data: {"id": 1, "delta": {"text": "Hel"}}', payload, payload["delta"], "text")
        True
        >>> form.texts(['data: {"id": 1, "delta": {"text": "lo"}}', 'data: {"id": 2, "delta": {"text": "!"}}'])
        ['lo']
    """

    __slots__ = ("_ends", "_head", "_in_vain", "_padding", "_tried", "_used")

    def __init__(self, *padding: str) -> None:
        self._head = ""  # all before the text
        self._ends: set[str] = set()  # what may stand after it
        self._tried: Any = None  # the JSON of these, with a text that none of them has
        self._padding = _padding(padding)
        self._used = True
        self._in_vain = 0

    def texts(self, events: Sequence[str], start: int = 0) -> list[str]:
        """Return the texts of the events from ``start`` on, up to the first that does not match the template."""
        head, ends = self._head, self._ends
        found: list[str] = []
        for event in events[start:] if start else events:
            rest = event.removeprefix(head)
            if len(rest) == len(event):
                break
            text, _, end = rest.partition('"')
            if "\\" in text:
                text, end = _unescaped(rest)
            elif not text.isprintable():  # a few texts too many are refused, but nothing that is not JSON is taken
                break
            if not text or not (end in ends or self._is_padded(end)):
                break
            found.append(text)
        if found:
            self._used = True
        return found

    def learn(self, event: str, payload: Any, place: dict[str, Any], key: str) -> bool:
        """Take the form of an event whose JSON is ``payload``, and whose text is ``place[key]``, a part of it.

        Says whether it has one: the event must have one line of data, and beside it at most that of its type.
        """
        opening = _OPENING.match(event)
        if opening is None or self._in_vain > _MOST_IN_VAIN:
            return False
        for found in re.finditer(rf'"{re.escape(key)}": ?"', event):
            head = event[: found.end()]
            literal = _ESCAPED.fullmatch(event, found.end())
            if literal is None:
                continue
            tried = _with_probe(head[opening.end() :], literal[2], payload, place, key)
            if tried is not None:
                self._keep(head, literal[2], tried)
                return True
        return False

    def _keep(self, head: str, end: str, tried: Any) -> None:
        if head != self._head or tried != self._tried:
            self._in_vain = 0 if self._used else self._in_vain + 1
            self._head, self._tried, self._ends, self._used = head, tried, set(), False
        self._ends |= {end, self._unpadded(end)}

    def _is_padded(self, end: str) -> bool:
        """Return whether an end is one that is known, but for its padding."""
        if self._unpadded(end) not in self._ends:
            return False
        if len(self._ends) < _MOST_ENDS:
            self._ends.add(end)
        return True

    def _unpadded(self, end: str) -> str:
        return self._padding.sub("}", end)


@cache
def _padding(fields: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf'(?:,"(?:{"|".join(fields)})":"\w*+")? *+\}}\Z')


def _with_probe(before: str, after: str, payload: Any, place: dict[str, Any], key: str) -> Any:
    """``payload`` with another text in its place, if its text is what is between ``before`` and ``after``."""
    known = place[key]
    place[key] = _PROBE
    try:
        tried = from_json(f'{before}{_PROBE}"{after}')
        return tried if tried == payload else None
    except ValueError:
        return None
    finally:
        place[key] = known


def _unescaped(rest: str) -> tuple[str, str]:
    """Return the text at the start of ``rest`` and what follows its quote; nothing if it is not a simple text."""
    literal = _ESCAPED.fullmatch(rest)
    return (from_json(f'"{literal[1]}"'), literal[2]) if literal is not None else ("", "")
