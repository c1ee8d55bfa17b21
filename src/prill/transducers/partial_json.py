"""JSON that can be seen while it arrives: pieces of a model's text in, growing values out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from prill.errors import OutputParserException
from prill.transducers.json_diff import diff
from prill.transducers.json_scanner import NOTHING, JSONScanner, JSONSyntaxError
from prill.transducers.reasoning import PIECE

if TYPE_CHECKING:
    from prill.transducers.json_finder import Found

__all__ = ["NOTHING", "PartialJSON", "parse_partial", "parse_strict"]

_State = Literal["find", "read", "behind", "ignore", "failed"]
_MAX_DEPTH: Final = 256
_SPACE: Final = " \n\r\t"
_MORE_JSON: Final = frozenset('{}[]"0123456789')
_VALUE_STARTS: Final = frozenset('{["-0123456789')


class _Candidate(NamedTuple):
    """A whole value that is the answer unless a better one follows.

    ``rank``: 2 for one that is final, 1 for one in prose, 0 for one that is mentioned rather than given (inline code,
    code of a language, a list of numbers in prose), -1 for one in what turned out to be reasoning.
    """

    scanner: JSONScanner
    rank: int


class PartialJSON:
    """Read JSON from a text that arrives in pieces, and show at any time as much of the value as has come.

    ``feed(piece)`` says whether the value that can be seen has changed, ``value`` is that value, ``finish()`` ends
    the text and returns the whole value or raises. What is seen of an open value: strings as far as they have come
    (an escape once it is whole), numbers by their longest valid start, ``true false null`` once they are whole, a
    key once its value can be seen. Nothing can be seen at first: ``value`` is ``NOTHING``, which is not ``None``.

        >>> parser = PartialJSON()
        >>> for piece in ['{"name": "Fr', 'ance", "popu', 'lation": 67', '000}']:
        ...     if parser.feed(piece):
        ...         print(parser.value)
        {'name': 'Fr'}
        {'name': 'France'}
        {'name': 'France', 'population': 67}
        {'name': 'France', 'population': 67000}

    Values are plain dicts and lists, and one that was handed out never changes. They share their finished parts:
    read them; to change one, copy it first (``copy.deepcopy``).

    With ``markdown`` (the default) the value is found in what models write around it:

    - The text starts with it; or it stands behind a fence of at least three backticks or tildes, alone or with the
      word ``json``; or it is an object or a list within prose. A fenced value goes before one in prose, that before
      one in inline code or in a fence of another language, and the first of its kind before the others.
    - Reasoning is not part of the answer: what stands between ``<think>`` and ``</think>`` (or ``<thinking>``,
      ``<reasoning>``, ``[THINK]`` ...) is skipped. If ``</think>`` comes alone, a value behind it goes before all
      that came earlier.
    - A single number in brackets within a sentence is a mark of a source, not a value.
    - Text behind the value is ignored, unless it starts like more JSON.
    - A broken value gives way to a fence that follows it, except for one behind a fence with the word ``json``.

    Without ``markdown`` the text must be the value and nothing else.

    The text is read by the rules of RFC 8259 with what ``json.loads`` adds (``NaN``, ``Infinity``, ``-Infinity``,
    last of equal keys wins) and line ends and tabs inside strings, which models write. A number may have 4300
    characters, a value ``max_depth`` levels.

    Cost: reading is linear in the text. A view costs what is open only: small containers and short strings are copied,
    big and long ones are taken from the views that nobody holds any more and brought up to date. A consumer that
    keeps more than 64 views of a very long string pays for copies of it.
    """

    __slots__ = (
        "_comma",
        "_error",
        "_finder",
        "_found",
        "_kept",
        "_length",
        "_markdown",
        "_max_depth",
        "_patched",
        "_pieces",
        "_replaced",
        "_scanner",
        "_shown",
        "_start",
        "_state",
        "_value",
        "replaced_at_end",
        "starts",
    )

    def __init__(self, *, markdown: bool = True, max_depth: int = _MAX_DEPTH) -> None:
        from prill.transducers.json_finder import Found, JSONFinder  # noqa: PLC0415 - its patterns take 5 ms to compile

        self._markdown = markdown
        self._max_depth = max_depth
        self._pieces: list[str] = []
        self._length = 0
        self._finder = JSONFinder()
        self._found = Found("", "bare")
        self._start = 0
        self._scanner: JSONScanner | None = None
        self._kept: _Candidate | None = None
        self._comma = -1  # where a comma or colon stands directly behind the value
        self._replaced = False  # whether another value may be seen than was, though it did not grow
        self.replaced_at_end = False
        self.starts = 0  # how often reading a value started
        self._shown = False  # whether a value has been seen
        self._error: JSONSyntaxError | None = None
        self._value: Any = NOTHING
        self._patched: tuple[Any, tuple[str | int, ...]] = (NOTHING, ())
        self._state: _State = "find"
        if not markdown:
            self._read_from(Found("", "json"))

    @property
    def value(self) -> Any:
        """The value as far as it can be seen now, ``NOTHING`` where nothing can."""
        scanner = self._scanner
        if scanner is not None and (scanner.dirty or scanner.stale):
            self._value = NOTHING  # so that big containers of the last one may be used again
            self._value = scanner.view()
        return self._value

    @property
    def text(self) -> str:
        """All of the text so far."""
        return "".join(self._pieces)

    @property
    def complete(self) -> bool:
        """Whether the end of the value has come (that of a bare number comes with ``finish()``)."""
        return self._state in ("behind", "ignore") or (self._state == "find" and self._kept is not None)

    @property
    def provisional(self) -> bool:
        """Whether the value that is seen now may give way to another one that follows it."""
        return self._found.label in ("prose", "code")

    @property
    def closed(self) -> int:
        """How many values within it have come to their end."""
        return 0 if self._scanner is None else self._scanner.closed

    @property
    def repeated(self) -> bool:
        """Whether a key came again in its object, so that a part that was complete may have changed."""
        return self._scanner is not None and self._scanner.ever_repeated

    @property
    def error(self) -> OutputParserException | None:
        """Why this text can no longer become JSON, if that is so; ``finish()`` raises it."""
        return self._exception(self._error) if self._state == "failed" and self._error else None

    def open_path(self) -> tuple[str | int, ...] | None:
        """Return the keys and indices down to the innermost value that is still open, ``None`` if all is complete.

        Everything that is not on this path is complete: in ``{"a": [1], "b": [2, 3`` it is ``("b", 1)``, so ``b`` and
        its item 1 may still grow.
        """
        return () if self._scanner is None else self._scanner.open_path()

    def feed(self, text: str) -> bool:
        """Take the next piece of the text; return whether the value that can be seen has changed."""
        if not text:
            return False
        scanner = self._scanner
        if scanner is not None and scanner.dirty:
            scanner.dirty, scanner.stale = False, True
        self._pieces.append(text)
        for start in range(0, len(text), PIECE):
            piece = text[start : start + PIECE]
            self._length += len(piece)
            while piece:
                piece = self._advance(piece)
        scanner = self._scanner
        if scanner is None:  # a value that was seen was none
            was_shown, self._shown = self._shown, False
            return was_shown
        if not scanner.dirty:
            return False
        self._shown = True
        return self._differs(scanner) if scanner.repeated or self._replaced else True

    def patch(self) -> list[dict[str, Any]]:
        """Return the JSON Patch from the value at the last call (at first: from nothing) to the value now.

        The first one replaces the whole document (path ``""``). Its cost does not grow with what was there before.
        """
        old, edge = self._patched
        new = self.value
        scanner = self._scanner
        if scanner is None or scanner.ever_repeated or self.starts > 1:
            edge = ()  # what was complete may have changed all the same
        self._patched = (new, scanner.edge() if scanner is not None else ())
        return diff(old, new, edge=edge)

    def finish(self) -> Any:
        """End the text and return the value.

        Only the end of the text can show that a value was a mere mention: ``value`` may then be an earlier one again,
        and ``replaced_at_end`` is true.

        Raises:
            OutputParserException: the text is not JSON, or ends before its JSON does. The message names the place and
                what was expected there; ``llm_output`` is the text.
        """
        seen = self._scanner
        if self._state == "read" and self._scanner is not None:
            try:
                self._scanner.finish()
                self._state = "behind"
            except JSONSyntaxError as error:
                self._fail(error)
        if self._state == "behind":
            self._end_behind()
        if self._state == "find" and self._kept is None:
            self._fail(self._error or self._missing())
        if self._state == "failed" and self._error is not None:
            raise self._exception(self._error)
        self.replaced_at_end = self._scanner is not seen
        return self.value

    def _missing(self) -> JSONSyntaxError:
        if tag := self._finder.awaited_tag:
            return JSONSyntaxError(
                f"the end of the reasoning ({tag}) and JSON behind it, but the text ends", self._length
            )
        return JSONSyntaxError("a JSON value, bare or behind a ``` fence", 0)

    def _read_from(self, found: Found) -> None:
        if self._scanner is not None:
            self._replaced = self.value is not NOTHING
        self._found = found
        self._start = self._length - len(found.rest)
        self._scanner = JSONScanner(max_depth=self._max_depth, position=self._start)
        self.starts += 1
        self._state = "read"

    def _advance(self, text: str) -> str:
        """Do one step on ``text``; return what the next step has to read."""
        if self._state == "read" and self._scanner is not None:
            try:
                left = self._scanner.feed(text)
            except JSONSyntaxError as error:
                return self._give_up(error, text)
            if self._scanner.complete:
                self._state = "behind"
            return text[len(text) - left :] if left else ""
        if self._state == "behind":
            return self._look_behind(text)
        if not self._markdown or (found := self._finder.feed(text)) is None:
            return ""
        if found.label == "reasoning":
            self._discard()
        else:
            self._read_from(found)
        return found.rest

    def _discard(self) -> None:
        """Return all text so far was reasoning: keep its value only in case that no other follows."""
        scanner = self._scanner
        if self._kept is not None:
            self._kept = self._kept._replace(rank=-1)
        elif self._state == "ignore" and scanner is not None:
            self._kept = _Candidate(scanner, -1)
        self._error = None
        self._state, self._finder.level = "find", 2

    def _look_behind(self, text: str) -> str:
        rest = text.lstrip(_SPACE)
        if not rest:
            return ""
        scanner, label, at = self._scanner, self._found.label, self._length - len(rest)
        assert scanner is not None
        if label == "code":
            if rest[0] not in "`~":
                return self._give_up(JSONSyntaxError("the end of the block behind the JSON value", at), rest)
            self._accept()
            return rest
        if not self._markdown or (not scanner.is_container and rest[0] != "`"):
            return self._refuse_more(at, rest)
        if self._comma >= 0:
            if rest[0] in _VALUE_STARTS:
                return self._refuse_more(self._comma, rest)
        elif rest[0] in ",:":
            self._comma = at
            return rest[1:]
        elif rest[0] in _MORE_JSON:
            return self._refuse_more(at, rest)
        self._comma = -1
        self._accept()
        return rest

    def _refuse_more(self, position: int, text: str) -> str:
        """More JSON follows the value."""
        self._comma = -1
        error = JSONSyntaxError("nothing more behind the JSON value", position)
        assert self._scanner is not None
        if self._markdown and (self._found.label == "prose" or not self._scanner.is_container):
            return self._give_up(error, text)
        self._fail(error)
        return text if self._markdown else ""

    def _end_behind(self) -> None:
        """End the text behind a whole value."""
        if self._comma >= 0:
            self._refuse_more(self._comma, "")
        elif self._found.label in ("prose", "code"):
            self._accept()

    def _accept(self) -> None:
        """Return the value at hand is whole: it is the answer, or a candidate for it."""
        scanner, finder, found = self._scanner, self._finder, self._found
        assert scanner is not None
        if found.label not in ("prose", "code"):
            finder.leave_block()
            self._kept = _Candidate(scanner, 2)
            self._state, finder.level = "ignore", 0
            return
        self._state = "find"
        rank = self._rank(scanner.leaf)
        if rank is None or (self._kept is not None and self._kept.rank >= rank):
            self._restore()
            return
        self._kept = _Candidate(scanner, rank)
        if rank:
            finder.level = 1

    def _rank(self, value: Any) -> int | None:
        found = self._found
        few = not value or (isinstance(value, list) and all(type(item) in (int, float) for item in value))
        if found.label == "prose" and few and len(value) < 2 and not found.introduced:
            return None
        return 0 if few or found.quoted or found.label == "code" else 1

    def _restore(self) -> None:
        """Show the value again that was kept, if there is one."""
        self._replaced = True
        if self._kept is not None:
            self._scanner = self._kept.scanner
            self._scanner.dirty = True
        else:
            self._scanner, self._value = None, NOTHING

    def _fail(self, error: JSONSyntaxError) -> None:
        self._state, self._error = "failed", error
        self._kept, self._finder.level = None, 0
        self._finder.leave_block()

    def _give_up(self, error: JSONSyntaxError, text: str) -> str:
        """Return the value at hand is broken: return the text in which the next one is to be found."""
        found, scanner, finder = self._found, self._scanner, self._finder
        assert scanner is not None
        if found.label == "json":
            self._fail(error)
            return text[max(0, error.position - (self._length - len(text))) :] if self._markdown else ""
        text = text[max(0, error.position - (self._length - len(text))) :]
        depth = 0 if scanner.complete else scanner.depth
        may_be_tag = False
        if found.label in ("plain", "code"):
            finder.skip_block()
        elif scanner.is_container and (scanner.closed or scanner.complete):
            finder.level = 1
        elif error.position == self._start + 1 and found.rest[0] == "[" and text[:1] in ("T", "/"):
            text, depth, may_be_tag = "[" + text, depth - 1, True  # "[THINK]"
        if self._error is None or found.label == "plain":
            self._error = error
        finder.enter(depth, at_line_start=may_be_tag)
        self._state = "find"
        if self._kept is not None:
            self._restore()
        return text

    def _differs(self, scanner: JSONScanner) -> bool:
        # An equal value may have come again. ``repr`` distinguishes 1, 1.0 and True, which ``==`` does not.
        if scanner.stale:
            return True
        old = repr(self._value)
        if not scanner.between_key_and_value:
            scanner.repeated = False
        self._replaced = False
        return old != repr(self.value)

    def _exception(self, error: JSONSyntaxError) -> OutputParserException:
        text, at = self.text, error.position
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        found = f"found {text[at : at + 20]!r}" if at < len(text) else "the text ends"
        expected = error.expected
        if "the text ends" not in expected:
            expected = f"{expected}, but {found}"
        before = f" after {text[max(0, at - 40) : at]!r}" if at else ""
        message = f"invalid JSON at character {at} (line {line}, column {column}): expected {expected}{before}"
        return OutputParserException(message, llm_output=text)


def parse_partial(text: str, *, markdown: bool = True, max_depth: int = _MAX_DEPTH) -> Any:
    """Return what can be seen of the JSON in ``text``, which may end anywhere (``NOTHING`` where nothing can).

    Raises:
        OutputParserException: the text cannot be the beginning of JSON.
    """
    parser = PartialJSON(markdown=markdown, max_depth=max_depth)
    parser.feed(text)
    if parser.error is not None:
        raise parser.error
    return parser.value


def parse_strict(text: str, *, markdown: bool = True, max_depth: int = _MAX_DEPTH) -> Any:
    """Return the JSON value in ``text``, which must be whole.

    Raises:
        OutputParserException: the text is not JSON, or not all of it.
    """
    parser = PartialJSON(markdown=markdown, max_depth=max_depth)
    parser.feed(text)
    return parser.finish()
