"""Find where the JSON begins in a model's text: at its start, or behind a Markdown fence."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from prill.transducers.json_scanner import LITERALS

_FENCE: Final = "```"
_word = re.compile(r"`*([A-Za-z][A-Za-z0-9_+.#-]{0,40})?").match
_SPACE: Final = " \n\r\t\ufeff"
_VALUE_STARTS: Final = frozenset('{["-0123456789tfnNI')


class Found(NamedTuple):
    """A place where JSON may begin: ``rest`` is the text from there; ``label`` is "bare", "plain" or "json"."""

    rest: str
    label: str


class FenceFinder:
    """Look for the next place where JSON may begin.

    A text that starts like a JSON value is "bare" JSON. Otherwise JSON stands behind a fence of three backticks, alone
    ("plain") or with the word ``json``; a fence with another word is skipped up to its closing backticks.
    """

    __slots__ = ("_at_start", "_in_block", "_pending")

    def __init__(self) -> None:
        self._pending = ""
        self._at_start = True
        self._in_block = False

    def skip_block(self) -> None:
        """Go on behind the next closing fence: the block at hand was not JSON."""
        self._in_block = True

    def feed(self, text: str) -> Found | None:
        """Take the next piece; return the place where JSON may begin, if it has come."""
        text, self._pending = self._pending + text, ""
        if self._at_start:
            text = text.lstrip(_SPACE)
            if not text:
                return None
            if text.startswith("`") and not text.startswith(_FENCE):
                if len(text) < len(_FENCE) and not text.strip("`"):
                    self._pending = text
                    return None
                text = text.lstrip("`")  # inline code
            self._at_start = False
            if text[0] in _VALUE_STARTS:
                return Found(text, "bare")
        return self._search(text)

    def _search(self, text: str) -> Found | None:
        position = 0
        while (start := text.find(_FENCE, position)) >= 0:
            found = _word(text, start + len(_FENCE))
            assert found is not None
            if self._in_block:
                self._in_block = False
                position = start + len(_FENCE)
                continue
            if found.end() == len(text):
                self._pending = text[start:]
                return None
            word = found[1] or ""
            if word.lower() == "json":
                return Found(text[found.end() :], "json")
            if not word:
                return Found(text[found.end() :], "plain")
            if word in LITERALS:
                return Found(text[found.start(1) :], "plain")
            self._in_block = True
            position = found.end()
        self._pending = text[max(position, len(text) - len(_FENCE) + 1) :]
        return None
