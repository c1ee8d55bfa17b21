"""Find where the JSON starts in a model's text: at its head, behind a Markdown fence, or in prose."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from prill.transducers.json_scanner import LITERALS
from prill.transducers.reasoning import (
    closing_pattern,
    closing_tag_for,
    find_closing_tag,
    find_unfinished_tag,
    opening_pattern,
    unfinished_tag_pattern,
)

Label = Literal["bare", "json", "plain", "code", "prose", "reasoning"]

_SPACE: Final = " \n\r\t\ufeff"
_VALUE_STARTS: Final = frozenset('{["-0123456789tfnNI')
_LONGEST_RUN: Final = 64
_JSON_LABELS: Final = frozenset({"json", "application/json"})

_mark = re.compile(
    rf"(?P<fence>`{{3,{_LONGEST_RUN}}}|~{{3,{_LONGEST_RUN}}})|(?P<tick>`{{1,2}})|(?P<opening>{opening_pattern()})"
    rf"|(?P<closing>{closing_pattern()})|(?P<bracket>[\[{{])|(?P<end>[\]}}])|(?P<line>\n)"
)
_closing = re.compile(closing_pattern())
_opening = re.compile(opening_pattern())
_unfinished_tag = re.compile(unfinished_tag_pattern())
# Behind a fence: a label, which may be on the next line if it is "json", or in braces; and attributes (title="x").
_WORD: Final = r"[A-Za-z][A-Za-z0-9_+.#/-]{0,40}"
_ATTRIBUTES: Final = r"(?:[ \t]{1,8}[A-Za-z][A-Za-z0-9_-]{0,40}=[^\n]{0,200})"
_label = re.compile(
    rf"[ \t]{{0,8}}(?:({_WORD}){_ATTRIBUTES}?|\{{\.({_WORD})[^}}\n]{{0,200}}\}}|\s{{1,4}}(json)(?![A-Za-z0-9_+.#/-]))?"
).match
_label_may_go_on = re.compile(
    rf"[ \t]{{0,8}}(?:{_WORD}(?:[ \t]{{1,8}}(?:[A-Za-z][A-Za-z0-9_-]{{0,40}})?|{_ATTRIBUTES})?"
    rf"|\{{(?:\.(?:{_WORD}[^}}\n]{{0,200}})?)?|\s{{1,4}}(?:j(?:s(?:on?)?)?)?)?\Z"
).match
# A bracket in prose starts JSON if JSON follows. "[ ]" is a box to tick.
_opens_json = re.compile(
    r'\{\s{0,256}["}]|(?!\[ \])\[\s{0,256}(?:["\[{\]0-9]|-[0-9I]|true|false|null|NaN|Infinity)'
).match
_may_open_json = re.compile(
    r"(?:\{\s{0,256}|\[\s{0,256}(?:-|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|Na?|I(?:n(?:f(?:i(?:n(?:it?)?)?)?)?)?)?)\Z"
).match


class Found(NamedTuple):
    """A place where JSON may start.

    Attributes:
        rest: the text from there on.
        label: what stands in front of it: nothing ("bare"), a fence marked as JSON ("json"), one without a label
            ("plain") or with another label ("code"), or other text ("prose"). "reasoning": all before this place was
            reasoning, and no JSON starts here.
        introduced: whether it starts its line, or follows a colon or an equals sign.
        quoted: whether it stands in inline code.
    """

    rest: str
    label: Label
    introduced: bool = True
    quoted: bool = False


class JSONFinder:
    """Look for the next place where JSON may start, in a text that arrives in pieces.

    A text that starts like a JSON value is "bare" JSON. Otherwise JSON stands behind a fence of at least three
    backticks or tildes, or it is an object or a list in prose. Reasoning (``<think>...</think>``) is skipped.

    Attributes:
        level: what to look for: 2 for everything, 1 for fences, 0 for the end of reasoning only.
    """

    __slots__ = (
        "_at_start",
        "_awaited",
        "_code",
        "_depth",
        "_fence",
        "_in_ticks",
        "_last",
        "_mentions_tags",
        "_pending",
        "level",
    )

    def __init__(self) -> None:
        self.level = 2
        self._pending = ""
        self._at_start = True
        self._fence = ""  # of the block to skip
        self._code: Literal["", "label", "body"] = ""  # where in a block that may hold JSON
        self._awaited = ""  # the tag that ends reasoning
        self._mentions_tags = False
        self._depth = 0  # brackets of the prose that are open
        self._in_ticks = False
        self._last = "\n"  # the last character that is not a space

    @property
    def awaited_tag(self) -> str:
        """The tag that ends the reasoning at hand, "" outside."""
        return self._awaited

    def skip_block(self) -> None:
        """Continue behind the next closing fence: the block at hand is not JSON."""
        self._code = ""

    def leave_block(self) -> None:
        """Continue in prose: the fence at hand needs no closing."""
        self._fence = self._code = ""

    def enter(self, depth: int, *, at_line_start: bool) -> None:
        """Continue inside ``depth`` brackets, in which no JSON is looked for."""
        self._depth += depth
        self._last = "\n" if at_line_start else "x"

    def feed(self, text: str) -> Found | None:
        """Take the next piece; return the place where JSON may start, if it has come."""
        text, self._pending = self._pending + text, ""
        while text:
            if self._awaited:
                end = find_closing_tag(_closing, self._awaited, text)
                if end < 0:
                    self._pending = text[find_unfinished_tag(_unfinished_tag, text) :]
                    return None
                self._restart()
                text = text[end:]
            if self._at_start:
                found = self._look_at_start(text)
                if isinstance(found, Found):
                    return found
                text = found
            if self._fence:
                found = self._skip_fenced(text)
            elif text and not self._at_start:
                found = self._search(text)
            else:
                return None
            if isinstance(found, Found):
                return found
            text = found
        return None

    def _restart(self) -> None:
        self._awaited = self._fence = self._code = ""
        self._at_start, self._in_ticks = True, False
        self._depth = 0
        self._last = "\n"

    def _look_at_start(self, text: str) -> Found | str:
        text = text.lstrip(_SPACE)
        if text.startswith("`") and not text.startswith("```"):
            if len(text) < 3 and not text.strip("`"):
                self._pending = text
                return ""
            text = text.lstrip("`")  # inline code
        if not text:
            return ""
        self._at_start = False
        return Found(text, "bare") if text[0] in _VALUE_STARTS and self.level == 2 else text

    def _search(self, text: str) -> Found | str:
        """Look at each mark of the text; return what is left of it where another way of reading starts."""
        end = find_unfinished_tag(_unfinished_tag, text)
        if text[-1] == "~" and not text.endswith("~~~"):
            end = min(end, len(text.rstrip("~")))
        position = 0
        for mark in _mark.finditer(text, 0, end):
            self._note(text[position : mark.start()])
            kind, start, position = mark.lastgroup, mark.start(), mark.end()
            if kind == "line":
                self._depth = 0 if self._last == "\n" else self._depth
                self._in_ticks, self._last = False, "\n"
                continue
            if kind in ("fence", "tick"):
                if position == len(text) and position - start < _LONGEST_RUN:
                    self._pending = text[start:]
                    return ""
                if kind == "tick":
                    self._in_ticks, self._depth = not self._in_ticks, 0
                elif self.level:
                    return self._open_fence(text, start, position)
            elif kind == "opening":
                if self._last == "\n":
                    if not mark[0].endswith("/>"):
                        self._awaited = closing_tag_for(mark[0])
                    return text[position:]
                self._mentions_tags = True
            elif kind == "closing":
                if not (self._mentions_tags or self._in_ticks):
                    self._restart()
                    return Found(text[position:], "reasoning")
            elif kind == "end":
                self._depth = max(0, self._depth - 1)
            elif self.level == 2:
                if self._depth == 0 and _opens_json(text, start):
                    return Found(text[start:], "prose", self._last in "\n:=：", self._in_ticks)
                if self._depth == 0 and _may_open_json(text, start):
                    self._pending = text[start:]
                    return ""
                self._depth += 1
            self._last = mark[0][-1]
        self._note(text[position:end])
        self._pending = text[end:]
        return ""

    def _note(self, prose: str) -> None:
        if prose := prose.rstrip(" \t\r"):
            self._last = prose[-1]

    def _open_fence(self, text: str, start: int, end: int) -> Found | str:
        if _label_may_go_on(text, end):
            self._pending = text[start:]
            return ""
        found = _label(text, end)
        assert found is not None
        word = found[1] or found[2] or found[3] or ""
        self._fence, self._code = text[start:end], ""
        self._in_ticks, self._last = False, "x"
        if word.lower() in _JSON_LABELS:
            return Found(text[found.end() :], "json")
        if not word:
            return Found(text[end:], "plain")
        if word in LITERALS:
            return Found(text[found.start(1) :], "plain")
        self._code = "label" if self.level == 2 else ""
        return text[found.end() :]

    def _skip_fenced(self, text: str) -> Found | str:
        """Skip the block of another language, unless a bracket starts it."""
        fence = self._fence
        if self._code == "body":
            text = text.lstrip(_SPACE)
            if not text:
                return ""
            self._code = ""
            if text[0] in "[{":
                return Found(text, "code")
        end = text.find(fence)
        if self._code == "label":
            line = text.find("\n", 0, end if end >= 0 else len(text))
            if line >= 0:
                self._code = "body"
                return text[line + 1 :]
        if end < 0:
            self._pending = text[len(text.rstrip(fence[0])) :]
            return ""
        self._fence = self._code = ""
        return text[end + len(fence) :]
