"""The JSON of a stream's events, with characters that were cut in two put together again."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from pydantic_core import from_json

_HIGH = re.compile("[\ud800-\udbff]\\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")

Path = tuple[str | int, ...]


class EventJSON:
    r"""Reads the JSON of one event after the other.

    A server that escapes characters may send an emoji as two escapes in two events. The first half is held back until
    the same field of a later event brings the second; a half that stays alone becomes U+FFFD.

        >>> reader = EventJSON()
        >>> reader.read(b'{"text": "so \\ud83d"}'), reader.read(b'{"text": "\\ude00!"}')
        ({'text': 'so '}, {'text': '😀!'})
    """

    __slots__ = ("_held", "_holds_halves")

    def __init__(self, *, holds_halves: bool = True) -> None:
        self._held: dict[Path, str] = {}
        self._holds_halves = holds_halves

    @property
    def holds(self) -> bool:
        """Whether half a character is held back."""
        return bool(self._held)

    def read(self, data: bytes) -> Any:
        """The value of an event's data; raises ``ValueError`` for what is not JSON."""
        if not self._held:
            try:
                return from_json(data)
            except ValueError:
                if b"\\ud" not in data.lower():
                    raise
        try:
            # Only events with half characters need it.
            return self._mended(import_module("json").loads(data), ())
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None

    def take_rest(self) -> str:
        """U+FFFD for each half that is still held back, at the end of the stream."""
        rest = "\ufffd" * len(self._held)
        self._held.clear()
        return rest

    def _mended(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            return self._mended_text(value, path)
        if isinstance(value, dict):
            return {key: self._mended(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._mended(inner, (*path, place)) for place, inner in enumerate(value)]
        return value

    def _mended_text(self, text: str, path: Path) -> str:
        text = self._held.pop(path, "") + text
        if not _SURROGATE.search(text):
            return text
        if self._holds_halves and _HIGH.search(text):
            self._held[path], text = text[-1], text[:-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_json(data: bytes) -> Any:
    """The value of a whole JSON text, in which half a character becomes U+FFFD; raises ``ValueError`` if it is not."""
    return EventJSON(holds_halves=False).read(data)
