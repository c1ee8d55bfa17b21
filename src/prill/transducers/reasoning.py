"""Reasoning that a model writes into its text, such as ``<think>...</think>``, in front of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from prill.errors import OutputParserException

NAMES: Final = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "scratchpad",
    "seed:think",
)
_LONGEST_TAG: Final = 240
PIECE: Final = 4096
"""A longer text is read in pieces of this length, so that cutting off what was read stays linear."""

_BRACKETED: Final = "[THINK]"
_TRIANGLES: Final = "◁think▷"
_FINAL_CHANNEL: Final = "<|channel|>final<|message|>"
"""Starts the answer of models that write in channels; what came before was said in others.

https://developers.openai.com/cookbook/articles/openai-harmony
"""


def opening_pattern(names: Iterable[str] = NAMES) -> str:
    """Return the regular expression of an opening tag, attributes included."""
    return rf"(?i:<(?:{_either(names)})(?:\s[^<>]{{0,200}}|/)?>)|{re.escape(_BRACKETED)}|{_TRIANGLES}"


def closing_pattern(names: Iterable[str] = NAMES) -> str:
    """Return the regular expression of a closing tag."""
    others = _either(("[/THINK]", "◁/think▷", _FINAL_CHANNEL))
    return rf"(?i:</(?:{_either(names)})\s{{0,8}}>)|{others}"


def closing_tag_for(opening: str) -> str:
    """Return the tag that closes the block which the tag ``opening`` opens."""
    if opening.startswith("<"):
        return f"</{opening.strip('<>').split()[0].rstrip('/').lower()}>"
    return f"{opening[0]}/{opening[1:]}"


def unfinished_tag_pattern(names: Iterable[str] = NAMES) -> str:
    """Return the regular expression of the first part of a tag, at the end of a text."""
    names = tuple(names)
    starts = {name[:length] for name in names for length in range(len(name) + 1)}
    tags = ("[THINK]", "[/THINK]", "◁think▷", "◁/think▷", _FINAL_CHANNEL)
    other = {tag[:length] for tag in tags for length in range(1, len(tag))}
    angled = rf"(?i:</?(?:(?:{_either(starts)})|(?:{_either(names)})(?:\s[^<>]{{0,200}}|/)))"
    return rf"(?:{angled}|{_either(other)})\Z"


def _either(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=lambda word: (-len(word), word)))


def find_unfinished_tag(pattern: re.Pattern[str], text: str) -> int:
    """Return where a tag starts that ``text`` ends in, or the length of ``text``."""
    for first in ("<|channel", *"<[◁"):
        start = text.rfind(first, max(0, len(text) - _LONGEST_TAG))
        if start >= 0 and pattern.match(text, start):
            return start
    return len(text)


def find_closing_tag(closing: re.Pattern[str], awaited: str, text: str) -> int:
    """Return where the tag ``awaited`` ends in ``text``, -1 where it does not come."""
    for found in closing.finditer(text):
        if closing_tag_for(found[0].replace("/", "", 1)) == awaited:
            return found.end()
    return -1


class ReasoningFilter:
    """Remove the reasoning from a text that arrives in pieces.

    Blocks at the head of the text are left out, one or several; with ``every_line`` those at the start of any line. A
    closing tag whose opening tag is missing (some chat templates write it into the prompt) ends reasoning as well:
    ``feed`` then returns what follows it, and ``closed_without_opening`` is true until the next ``feed``: all that was
    returned earlier was reasoning.

        >>> reasoning = ReasoningFilter()
        >>> [reasoning.feed(piece) for piece in ["<thi", "nk>Let me see.</think>", " Paris"]]
        ['', '', ' Paris']

    Args:
        every_line: whether reasoning may follow other text.
        data_names: names of tags that are part of the answer, not reasoning.
    """

    def __init__(self, *, every_line: bool = False, data_names: Iterable[str] = ()) -> None:
        data = {name.lower() for name in data_names}
        names = tuple(name for name in NAMES if name not in data)
        self._every_line = every_line
        self._opening = re.compile(opening_pattern(names))
        self._closing = re.compile(closing_pattern(names))
        self._tag = re.compile(rf"(?P<opening>{opening_pattern(names)})|{closing_pattern(names)}")
        self._unfinished = re.compile(unfinished_tag_pattern(names))
        self._held = ""
        self._at_head = True
        self._awaited = ""  # the tag that closes the open block
        self._last = "\n"  # the last character of the current line that is not a space
        self._mentions_tags = False
        self.closed_without_opening = False

    def feed(self, text: str) -> str:
        """Take the next piece; return the part of the answer that is known by now."""
        self.closed_without_opening = False
        answer: list[str] = []
        for start in range(0, len(text), PIECE):
            piece, self._held = self._held + text[start : start + PIECE], ""
            while piece:
                if self._awaited:
                    piece = self._skip_block(piece)
                elif self._at_head:
                    piece = self._look_at_head(piece, answer)
                else:
                    piece = self._pass_on(piece, answer)
        return "".join(answer)

    def finish(self) -> str:
        """End the text; return the rest of the answer.

        Raises:
            OutputParserException: the text ends inside reasoning.
        """
        if self._awaited:
            raise OutputParserException(f"the text ends inside reasoning, before {self._awaited}: it has no answer")
        return self._held

    def _skip_block(self, text: str) -> str:
        end = find_closing_tag(self._closing, self._awaited, text)
        if end < 0:
            self._held = text[find_unfinished_tag(self._unfinished, text) :]
            return ""
        self._awaited, self._at_head, self._last = "", True, "\n"
        return text[end:]

    def _look_at_head(self, text: str, answer: list[str]) -> str:
        rest = text.lstrip()
        answer.append(text[: len(text) - len(rest)])
        opening = self._opening.match(rest)
        if opening is not None:
            if not opening[0].endswith("/>"):
                self._awaited = closing_tag_for(opening[0])
            return rest[opening.end() :]
        if self._unfinished.fullmatch(rest):
            self._held = rest
            return ""
        self._at_head = not rest
        return rest

    def _pass_on(self, text: str, answer: list[str]) -> str:
        """Let the answer pass up to the next tag; return the text in which another way of reading starts."""
        end = find_unfinished_tag(self._unfinished, text)
        tag = self._tag.search(text, 0, end)
        if tag is None:
            self._note(text[:end])
            answer.append(text[:end])
            self._held = text[end:]
            return ""
        self._note(text[: tag.start()])
        if tag["opening"] and self._every_line and self._last == "\n":
            answer.append(text[: tag.start()])
            self._at_head = True
            return text[tag.start() :]
        if tag["opening"] or self._mentions_tags or self._last in "`'\"":
            self._mentions_tags = True
            answer.append(text[: tag.end()])
            self._last = ">"
            return text[tag.end() :]
        answer.clear()
        self.closed_without_opening, self._at_head, self._last = True, True, "\n"
        return text[tag.end() :]

    def _note(self, text: str) -> None:
        if text := text.rstrip(" \t\r"):
            self._last = text[-1]


def strip_reasoning(text: str) -> str:
    """Return ``text`` without the reasoning in front of the answer.

    Raises:
        OutputParserException: there is reasoning only; ``llm_output`` is the text.
    """
    reasoning = ReasoningFilter()
    try:
        return reasoning.feed(text) + reasoning.finish()
    except OutputParserException as error:
        error.llm_output = text
        raise
