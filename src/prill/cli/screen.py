"""What the chat writes: answers while they arrive, thinking dimmed at a terminal, and notes that pipes do not get."""

from __future__ import annotations

import os
import sys
import traceback

from prill.cli.words import Words
from prill.messages import AIMessageChunk

_HARMFUL = dict.fromkeys([*(code for code in range(32) if chr(code) not in "\t\n"), *range(127, 160)])
"""Control characters, with which an answer could write to the terminal's title, or hide what it says."""


class Screen:
    """Writes answers to standard output; complaints, and notes where nobody looks, to standard error.

    ``failed`` says whether there was a complaint.
    """

    def __init__(self, words: Words, *, debug: bool = False) -> None:
        self.failed = False
        self._words = words
        self._debug = debug
        self._at_terminal = sys.stdout.isatty()
        self._dims = self._at_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._thinking = False

    def show(self, chunk: AIMessageChunk) -> None:
        """Write a piece of an answer."""
        if self._at_terminal:
            blocks = [block for block in chunk.content_blocks if block["type"] == "reasoning"]
            self._show_thinking("".join(block.get("reasoning", "") for block in blocks))
        if chunk.text:
            self.end_thinking()
            print(self._clean(chunk.text), end="", flush=True)

    def end_thinking(self) -> None:
        """What is written next is not what the model thinks."""
        if self._thinking:
            print("\n")
            self._thinking = False

    def note(self, text: str) -> None:
        """Write something about the chat."""
        print(text, flush=True, file=None if self._at_terminal else sys.stderr)

    def complain(self, error: Exception | str) -> None:
        """Write what went wrong."""
        self.failed = True
        if self._debug and isinstance(error, Exception):
            traceback.print_exception(error)
        if isinstance(error, OSError) and error.strerror:
            error = f"{error.filename}: {error.strerror}"
        print(f"[{error}]", file=sys.stderr, flush=True)

    def _show_thinking(self, text: str) -> None:
        if text:
            text = self._clean(text if self._thinking else f"{self._words.thinking}{text}")
            self._thinking = True
            print(f"\x1b[2m{text}\x1b[0m" if self._dims else text, end="", flush=True)

    def _clean(self, text: str) -> str:
        return text.translate(_HARMFUL) if self._at_terminal else text
