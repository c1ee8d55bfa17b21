"""JSON that can be seen while it arrives: pieces of a model's text in, growing values out."""

from __future__ import annotations

from typing import Any, Final, Literal

from prill.errors import OutputParserException
from prill.transducers.json_diff import diff
from prill.transducers.json_fence import FenceFinder
from prill.transducers.json_scanner import NOTHING, JSONScanner, JSONSyntaxError

__all__ = ["NOTHING", "PartialJSON", "parse_partial", "parse_strict"]

_State = Literal["find", "read", "behind", "ignore", "failed"]
_MAX_DEPTH: Final = 256
_SPACE: Final = " \n\r\t"
_MORE_JSON: Final = frozenset('{}[],:"0123456789')


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

    With ``markdown`` (the default) the JSON may stand behind a fence (three backticks, alone or with the word
    ``json``), with prose before and behind it; without a fence the text must begin with the JSON. A broken bare
    value, or a fence that turns out to hold something else, gives way to the next fence. Text behind the value is
    ignored, unless it starts like more JSON. Without ``markdown`` the text must be the value and nothing else.

    The text is read by the rules of RFC 8259 with what ``json.loads`` adds (``NaN``, ``Infinity``, ``-Infinity``,
    last of equal keys wins) and line ends and tabs inside strings, which models write. A number may have 4300
    characters, a value ``max_depth`` levels.

    Cost: reading is linear in the text. A view costs what is open only: small containers and short strings are copied,
    big and long ones are taken from the views that nobody holds any more and brought up to date. A consumer that
    keeps more than 64 views of a very long string pays for copies of it.
    """

    __slots__ = (
        "_begun",
        "_error",
        "_finder",
        "_label",
        "_length",
        "_markdown",
        "_max_depth",
        "_patched",
        "_pieces",
        "_restarted",
        "_scanner",
        "_state",
        "_value",
    )

    def __init__(self, *, markdown: bool = True, max_depth: int = _MAX_DEPTH) -> None:
        self._markdown = markdown
        self._max_depth = max_depth
        self._pieces: list[str] = []
        self._length = 0
        self._finder = FenceFinder()
        self._scanner: JSONScanner | None = None
        self._label = ""
        self._restarted = False
        self._begun = 0
        self._error: JSONSyntaxError | None = None
        self._value: Any = NOTHING
        self._patched: tuple[Any, tuple[str | int, ...]] = (NOTHING, ())
        self._state: _State = "find"
        if not markdown:
            self._begin("json", 0)

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
        return self._state in ("behind", "ignore")

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
        self._length += len(text)
        while text:
            text = self._advance(text)
        scanner = self._scanner
        if scanner is None or not scanner.dirty:
            return False
        return self._differs(scanner) if scanner.repeated or self._restarted else True

    def patch(self) -> list[dict[str, Any]]:
        """Return the JSON Patch from the value at the last call (at first: from nothing) to the value now.

        The first one replaces the whole document (path ``""``). Its cost does not grow with what was there before.
        """
        old, edge = self._patched
        new = self.value
        scanner = self._scanner
        if scanner is None or scanner.ever_repeated or self._begun > 1:
            edge = ()  # what was complete may have changed all the same
        self._patched = (new, scanner.edge() if scanner is not None else ())
        return diff(old, new, edge=edge)

    def finish(self) -> Any:
        """End the text and return the value.

        Raises:
            OutputParserException: the text is not JSON, or ends before its JSON does. The message names the place and
                what was expected there; ``llm_output`` is the text.
        """
        if self._state == "read" and self._scanner is not None:
            try:
                self._scanner.finish()
                self._state = "behind"
            except JSONSyntaxError as error:
                self._state, self._error = "failed", error
        elif self._state == "find":
            self._state = "failed"
            self._error = self._error or JSONSyntaxError("a JSON value, bare or behind a ``` fence", 0)
        if self._state == "failed" and self._error is not None:
            raise self._exception(self._error)
        return self.value

    def _begin(self, label: str, position: int) -> None:
        if self._scanner is not None:
            self._restarted = self.value is not NOTHING
        self._scanner = JSONScanner(max_depth=self._max_depth, position=position)
        self._begun += 1
        self._label = label
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
        if self._state != "find" or (found := self._finder.feed(text)) is None:
            return ""
        self._begin(found.label, self._length - len(found.rest))
        return found.rest

    def _look_behind(self, text: str) -> str:
        rest = text.lstrip(_SPACE)
        if not rest:
            return ""
        assert self._scanner is not None
        may_follow = rest[0] not in _MORE_JSON if self._scanner.is_container else rest[0] == "`"
        if may_follow and self._markdown:
            self._state = "ignore"
            return ""
        error = JSONSyntaxError("nothing more behind the JSON value", self._length - len(rest))
        if not self._scanner.is_container:
            return self._give_up(error, rest)
        self._state, self._error = "failed", error
        return ""

    def _give_up(self, error: JSONSyntaxError, text: str) -> str:
        """The value at hand is broken: return the text in which the next fence is to be found."""
        if self._label == "json":
            self._state, self._error = "failed", error
            return ""
        if self._label == "plain":
            self._finder.skip_block()
        if self._error is None or self._label == "plain":
            self._error = error
        self._state = "find"
        return text[max(0, error.position - (self._length - len(text))) :]

    def _differs(self, scanner: JSONScanner) -> bool:
        # An equal value may have come again. ``repr`` tells 1, 1.0 and True apart, which ``==`` does not.
        if scanner.stale:
            return True
        old = repr(self._value)
        if not scanner.between_key_and_value:
            scanner.repeated = False
        self._restarted = False
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
