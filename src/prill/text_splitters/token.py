"""``TokenTextSplitter``: chunks of so many tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from prill.text_splitters.base import TextSplitter
from prill.text_splitters.letters import letters
from prill.text_splitters.optional import Special, tiktoken_counter
from prill.text_splitters.spans import Span

_WIDE = "\u2e80"
"""From here on (Chinese, Japanese, Korean, emoji) a character is about a token; before it, four are."""


def count_tokens_roughly(text: str) -> int:
    """About how many tokens a text has, for models of today: one for a Chinese character, one for four others."""
    wide = sum(char >= _WIDE for char in text)
    return wide + math.ceil((len(text) - wide) / 4)


class TokenTextSplitter(TextSplitter):
    """Splits after so many tokens, wherever that is, but never inside a letter.

    Tokens are counted by ``length_function``; or by tiktoken, where ``encoding_name`` or ``model_name`` is given; or
    roughly: one for each Chinese character, and one for four others. ``allowed_special`` and ``disallowed_special`` are
    those of ``from_tiktoken_encoder``.
    """

    def __init__(
        self,
        encoding_name: str | None = None,
        model_name: str | None = None,
        length_function: Callable[[str], int] | None = None,
        allowed_special: Special | None = None,
        disallowed_special: Special = frozenset(),
        **kwargs: Any,
    ) -> None:
        if length_function is None and (encoding_name or model_name):
            special = allowed_special or frozenset(), disallowed_special
            length_function = tiktoken_counter(encoding_name or "gpt2", model_name, *special)
        super().__init__(length_function=length_function or count_tokens_roughly, **kwargs)

    def _spans(self, text: str) -> Iterable[Span]:
        edges = [0, *(end for _, end in letters(text, 0, len(text)))]
        first, last = 0, len(edges) - 1
        while first < last:
            end = self._reach(text, edges, first, self._chunk_size)
            yield edges[first], edges[end]
            if end == last:
                return
            first = self._back(text, edges, first, end)

    def _reach(self, text: str, edges: list[int], first: int, size: int) -> int:
        """Return the furthest edge up to which the text from ``first`` is at most ``size``; one letter at least."""
        low, step = first + 1, size
        while low + step < len(edges) and self._length(text, edges, first, low + step) <= size:
            low += step
        high = min(low + step, len(edges))
        while high - low > 1:
            middle = (low + high) // 2
            if self._length(text, edges, first, middle) <= size:
                low = middle
            else:
                high = middle
        return low

    def _back(self, text: str, edges: list[int], first: int, end: int) -> int:
        """Return where the next chunk starts: ``chunk_overlap`` before the end, but after the start of this one."""
        low, high = first + 1, end
        while low < high:
            middle = (low + high) // 2
            if self._length(text, edges, middle, end) <= self._chunk_overlap:
                high = middle
            else:
                low = middle + 1
        return low

    def _length(self, text: str, edges: list[int], first: int, end: int) -> int:
        return self._length_function(text[edges[first] : edges[end]])
