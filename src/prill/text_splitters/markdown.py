"""Where Markdown's headings are: the block structure of CommonMark, as far as headings depend on it.

After https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy. A heading inside a list or a quotation is part of
it, and is not returned; nor is what only looks like one, in code, HTML or a paragraph.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\n|\r")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:(?:^|[ \t]+)#+)?[ \t]*$", re.DOTALL)
_SETEXT = re.compile(r" {0,3}(=+|-+) *$")
# Of backticks, what follows on the line holds none: else it is inline code (https://spec.commonmark.org/0.31.2/#info-string).
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3})([-+*]|(\d{1,9})[.)])( +|$)")
_TITLE = r"""(?:"[^"]*"|'[^']*'|\([^()]*\))"""
_DEFINITION = re.compile(rf" {{0,3}}\[(?:[^][\\]|\\.)+\]:\s*(?:<[^<>]*>|\S+)(?:\s+{_TITLE})?[ \t]*(?:\n|\Z)")
"""The definition of a link, which may take several lines."""

_ATTRIBUTE = r"""\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_RAW = "(?:script|pre|style|textarea)"
# How a block of HTML starts and ends; those without an end last until an empty line.
_HTML = [
    (re.compile(rf" {{0,3}}<{_RAW}(?:\s|>|$)", re.IGNORECASE), re.compile(f"</{_RAW}>", re.IGNORECASE)),
    (re.compile(" {0,3}<!--"), re.compile("-->")),
    (re.compile(r" {0,3}<\?"), re.compile(r"\?>")),
    (re.compile(" {0,3}<![A-Za-z]"), re.compile(">")),
    (re.compile(r" {0,3}<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(rf" {{0,3}}</?(?:{_TAGS})(?:\s|/?>|$)", re.I), None),
]
_ANY_TAG = re.compile(rf" {{0,3}}<(?:[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?|/[A-Za-z][A-Za-z0-9-]*\s*)>\s*$")
"""A tag alone on its line; it starts a block of HTML too, but not within a paragraph."""


_MARKS = frozenset(" \t#>-+*_=`~<0123456789")
"""With what a line starts that is not simply text; most are."""


_DEEPEST = 50
"""How deep lists and quotations are; what is deeper is text, so that a hostile text does not take hours."""


class Heading(NamedTuple):
    """A heading: its level, 1 to 6; its text; and its lines, from the first to the one behind the last."""

    level: int
    title: str
    start: int
    end: int


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, without the byte order mark at its start."""
    text = text.removeprefix("\ufeff")
    return _LINE_END.split(text) if "\r" in text else text.split("\n")


def find_headings(lines: list[str]) -> list[Heading]:
    """Return the headings of a Markdown text that are in no list, quotation, code or HTML.

    >>> find_headings(["Sky", "===", "    # code"])
    [Heading(level=1, title='Sky', start=0, end=2)]
    """
    reader = _Reader()
    for number, line in enumerate(lines):
        reader.read(number, line)
    return reader.found


class _Item:
    """An open item of a list: how far its content is indented, and whether there is none yet."""

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.empty = True


_Container = _Item | None
"""``None`` is a quotation."""


class _Reader:
    """Reads line after line; what is open is a chain of containers, and in the last of them perhaps a leaf."""

    def __init__(self) -> None:
        self.found: list[Heading] = []
        self._open: list[_Container] = []
        self._leaf = ""  # "paragraph", "fence", "html", "code", or nothing
        self._fence = ""
        self._html_end: re.Pattern[str] | None = None
        self._paragraph: list[str] = []

    def read(self, number: int, line: str) -> None:
        """Take the next line; most are plain text or code, and soon done with."""
        leaf = self._leaf
        if self._open:
            self._read_any(number, line)
        elif leaf == "fence":
            if self._fence in line:
                self._read_any(number, line)
        elif (leaf and leaf != "paragraph") or line[:1] in _MARKS:
            self._read_any(number, line)
        elif not line:
            self._leaf = ""
        elif leaf:
            self._paragraph.append(line)
        else:
            self._leaf, self._paragraph = "paragraph", [line]

    def _read_any(self, number: int, line: str) -> None:
        rest, matched = self._match(line.expandtabs(4))
        whole = matched == len(self._open)
        if whole and self._goes_on(rest):
            return
        if self._leaf != "paragraph":
            self._leaf = ""
        rest, matched, opened = self._start_containers(rest, matched)
        if not rest.strip(" "):
            self._close(matched)
            return
        lazy = self._leaf == "paragraph" and not opened
        if self._start_leaf(number, line, rest, matched, inside=lazy and whole, lazy=lazy):
            return
        if lazy:
            self._paragraph.append(line)
            return
        self._close(matched)
        if _measure_indent(rest) >= 4:
            self._leaf = "code"
        else:
            self._leaf, self._paragraph = "paragraph", [line]

    def _close(self, matched: int) -> None:
        """Close the leaf, and the containers that this line is not in."""
        del self._open[matched:]
        self._leaf = ""

    def _match(self, rest: str) -> tuple[str, int]:
        """Return what is left of a line within the open containers that it belongs to, and their number."""
        for number, container in enumerate(self._open):
            if container is None:
                mark = _QUOTE.match(rest)
                if mark is None:
                    return rest, number
                rest = rest[mark.end() :]
            elif not rest.strip(" "):
                if container.empty:
                    return rest, number
            elif _measure_indent(rest) < container.indent:
                return rest, number
            else:
                rest = rest[container.indent :]
                container.empty = False
        return rest, len(self._open)

    def _goes_on(self, rest: str) -> bool:
        """Whether a line belongs to the code or HTML that is open."""
        if self._leaf == "fence":
            found = _FENCE.match(rest)
            closes = found is not None and found[1][0] == self._fence[0] and len(found[1]) >= len(self._fence)
            if closes and not rest.strip(" ").strip(self._fence[0]):
                self._leaf = ""
            return True
        if self._leaf == "html":
            ends = self._html_end.search(rest) if self._html_end else not rest.strip(" ")
            self._leaf = "" if ends else "html"
            return True
        return self._leaf == "code" and (_measure_indent(rest) >= 4 or not rest.strip(" "))

    def _start_containers(self, rest: str, matched: int) -> tuple[str, int, bool]:
        """Open the quotations and lists that start on a line; return what is left, and whether there was one."""
        opened = False
        while matched < _DEEPEST and _measure_indent(rest) < 4 and rest.strip(" "):
            inside = self._leaf == "paragraph" and not opened and matched == len(self._open)
            if quote := _QUOTE.match(rest):
                container: _Container = None
                rest = rest[quote.end() :]
            elif _RULE.match(rest) is None and (item := _ITEM.match(rest)) and not (inside and _is_text(item, rest)):
                spaces = len(item[4]) if rest[item.end() :] and len(item[4]) < 5 else 1
                container = _Item(len(item[1]) + len(item[2]) + spaces)
                rest = rest[container.indent :]
                container.empty = not rest.strip(" ")
            else:
                break
            self._close(matched)
            self._open.append(container)
            matched, opened = matched + 1, True
        return rest, matched, opened

    def _start_leaf(self, number: int, line: str, rest: str, matched: int, *, inside: bool, lazy: bool) -> bool:
        """Whether a heading, a rule, or a block of code or HTML starts; ``inside``: after a paragraph's line."""
        if _measure_indent(rest) >= 4:
            return False
        if inside and (underline := _SETEXT.match(rest)) and (title := self._title()):
            level = 1 if underline[1][0] == "=" else 2
            self._add(Heading(level, "\n".join(title), number - len(title), number + 1), matched)
        elif atx := _ATX.match(line if not self._open[:matched] else rest):
            self._add(Heading(len(atx[1]), (atx[2] or "").strip(), number, number + 1), matched)
        elif fence := _FENCE.match(rest):
            self._close(matched)
            self._leaf, self._fence = "fence", fence[1]
        elif _RULE.match(rest):
            self._close(matched)
        else:
            return self._start_html(rest, matched, lazy)
        return True

    def _start_html(self, rest: str, matched: int, lazy: bool) -> bool:
        ends = [end for start, end in _HTML if start.match(rest)]
        if not ends and (lazy or not _ANY_TAG.match(rest)):
            return False
        end = ends[0] if ends else None
        self._close(matched)
        self._leaf = "" if end and end.search(rest) else "html"
        self._html_end = end
        return True

    def _title(self) -> list[str]:
        """The lines of a paragraph that is in no container, without the definitions of links at its start."""
        text = "\n".join(self._paragraph)
        while definition := _DEFINITION.match(text):
            text = text[definition.end() :]
        return [line.strip() for line in text.split("\n")] if text else []

    def _add(self, heading: Heading, matched: int) -> None:
        self._close(matched)
        if not self._open:
            self.found.append(heading)


def _is_text(item: re.Match[str], rest: str) -> bool:
    """Whether what looks like an item is text where it follows a paragraph: it is empty, or its number is not 1."""
    return not rest[item.end() :].strip(" ") or (item[3] is not None and int(item[3]) != 1)


def _measure_indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
