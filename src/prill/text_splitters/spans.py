"""Spans of a text: parts of it by start and end, cut at separators and joined to chunks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from prill.text_splitters.letters import letters, may_cut

Span = tuple[int, int]
Keep = bool | Literal["start", "end"]
Length = Callable[[str], int]

CLOSING = "。！？；…，、：!?;,.:）」』】》”’"
"""Marks that end what stands before them."""


def cut(text: str, span: Span, pattern: re.Pattern[str] | None, keep: Keep) -> list[Span]:
    """Return a span, cut at each place where ``pattern`` is found; without one, into letters.

    ``keep`` says to which side a separator goes: ``"start"`` (of what follows), ``"end"`` (of what was before),
    ``True`` (a closing mark to the end, another to the start), ``False`` (it is left out at the ends of chunks).
    """
    if pattern is None:
        return list(letters(text, *span))
    spans: list[Span] = []
    start_at = span[0]
    for match in pattern.finditer(text, *span):
        end, following = _sides(text, match, keep)
        if end < start_at or not (may_cut(text, end) and may_cut(text, following)):
            continue
        spans.append((start_at, end))
        start_at = following
    spans.append((start_at, span[1]))
    return [each for each in spans if each[0] < each[1]]


def _sides(text: str, match: re.Match[str], keep: Keep) -> Span:
    """Return where what is before a separator ends, and where the rest starts."""
    start, end = match.span()
    if keep is False:
        return start, end
    if keep == "end" or (keep is True and end > start and text[end - 1] in CLOSING):
        return end, end
    return start, start


def joined(text: str, spans: Iterable[Span], size: int, overlap: int, length: Length) -> Iterator[Span]:
    """Neighbouring spans, put together to chunks of at most ``size``; each starts with ``overlap`` of the one before.

    A span that is too long by itself is a chunk.
    """
    window: deque[Span] = deque()
    for span in spans:
        if window and length(text[window[0][0] : span[1]]) > size:
            yield window[0][0], window[-1][1]
            while window and (
                length(text[window[0][0] : window[-1][1]]) > overlap or length(text[window[0][0] : span[1]]) > size
            ):
                window.popleft()
        window.append(span)
    if window:
        yield window[0][0], window[-1][1]


def split(
    text: str,
    span: Span,
    patterns: list[re.Pattern[str] | None],
    keep: Keep,
    size: int,
    overlap: int,
    length: Length,
) -> Iterator[Span]:
    """Chunks of a span: cut at the first pattern that is there; what is still too long, at those after it."""
    there = [at for at, pattern in enumerate(patterns) if pattern is None or pattern.search(text, *span)]
    if not there:
        yield span
        return
    pattern, finer = patterns[there[0]], patterns[there[0] + 1 :]
    small: list[Span] = []
    for piece in cut(text, span, pattern, keep):
        if length(text[slice(*piece)]) <= size:
            small.append(piece)
            continue
        yield from joined(text, small, size, overlap, length)
        small = []
        if finer:
            yield from split(text, piece, finer, keep, size, overlap, length)
        else:
            yield piece
    yield from joined(text, small, size, overlap, length)
