"""The state machine that reads one JSON value from a text that arrives in pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from prill.transducers.json_values import LONG_FROM, LongString, OpenDict, OpenList

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[["JSONScanner", str, int], int]


class Nothing:
    """The type of ``NOTHING``: no value can be shown yet (``None`` is a value: ``null``)."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Final = Nothing()


class JSONSyntaxError(Exception):
    """The text is not JSON at ``position``, where ``expected`` would have been."""

    def __init__(self, expected: str, position: int) -> None:
        super().__init__(expected, position)
        self.expected = expected
        self.position = position


_SPACE: Final = " \n\r\t"
_skip_space = re.compile(r"[ \n\r\t]*").match
_plain = re.compile(r'[^"\\]*').match
_escape = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))').match
_escape_started = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?").fullmatch
_low_half = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match
_low_half_started = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?").fullmatch
_number_run = re.compile(r"[-+.0-9eE]+").match
_number = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)").match
_number_started = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:(?:\.[0-9]+)?[eE][-+]?[0-9]*|\.[0-9]*)?)?").fullmatch
_UNESCAPED: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_LITERALS: Final[dict[str, tuple[str, Any]]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
    "N": ("NaN", float("nan")),
    "I": ("Infinity", float("inf")),
    "-": ("-Infinity", float("-inf")),
}
LITERALS: Final = frozenset(word for word, _ in _LITERALS.values())
_LONGEST_NUMBER: Final = 4300  # Python's own limit for int(); a number is read again for each of its pieces


class JSONScanner:
    """Read one JSON value piece by piece, and show what there is of it at any time.

    ``feed`` returns how many characters were left over after the value's end (0 while it is open), and raises
    ``JSONSyntaxError``. ``dirty`` says that what can be seen changed in this piece, ``stale`` that it did in an
    earlier one and nobody looked. ``repeated`` is set when a key comes again in its object: only then may a "change"
    bring back an equal value.
    """

    __slots__ = (
        "_base",
        "_held",
        "_is_key",
        "_leaf",
        "_long",
        "_max_depth",
        "_node",
        "_parts",
        "_seen",
        "_stack",
        "_step",
        "closed",
        "dirty",
        "ever_repeated",
        "repeated",
        "stale",
    )

    def __init__(self, *, max_depth: int, position: int = 0) -> None:
        self.closed = 0  # how many values have come to their end
        self.dirty = False
        self.stale = False
        self.repeated = False
        self.ever_repeated = False
        self._max_depth = max_depth
        self._base = position  # where in the whole text the current piece starts
        self._held = ""  # the start of a token whose end is needed to read it
        self._stack: list[OpenList | OpenDict] = []
        self._node: OpenList | OpenDict | None = None
        self._leaf: Any = NOTHING  # the open number, or the whole value once it is complete
        self._parts: list[str] | None = None  # the open string; of a long one, what was not seen yet
        self._long: LongString | None = None
        self._is_key = False
        self._seen: Any = NOTHING
        self._step: Step | None = _read_value

    @property
    def complete(self) -> bool:
        return self._step is None

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return len(self._stack)

    @property
    def is_container(self) -> bool:
        return bool(self._stack) or isinstance(self._leaf, (dict, list))

    @property
    def between_key_and_value(self) -> bool:
        return self._step in (_read_colon, _read_value)

    def feed(self, text: str) -> int:
        """Read ``text``; return how much of its end lies behind the value."""
        if self._held:
            text, self._base, self._held = self._held + text, self._base - len(self._held), ""
        position, end = 0, len(text)
        step = self._step
        while position < end and step is not None:
            position = step(self, text, position)
            step = self._step
        self._base += position
        return end - position

    def hold(self, text: str, position: int) -> int:
        """Keep the rest of ``text`` until more of it is there."""
        self._held = text[position:]
        return len(text)

    def fail(self, expected: str, position: int) -> JSONSyntaxError:
        return JSONSyntaxError(expected, self._base + position)

    def finish(self) -> None:
        """End the text; raise ``JSONSyntaxError`` where the value has not ended with it."""
        if self._leaf is not NOTHING and _number_is_whole(self._held):
            self._base, self._held = self._base + len(self._held), ""
            self.settle(self._leaf)
        if self._step is not None:
            raise self.fail(f"{self.expected()}, but the text ends", 0)

    def view(self) -> Any:
        """Return the value as far as it can be seen, ``NOTHING`` where nothing can."""
        if not (self.dirty or self.stale):
            return self._seen
        self._seen = NOTHING  # let go of the last one: if nobody else has it, its big containers are used again
        self.dirty = self.stale = False
        if self._node is None:
            self._seen = self._open_leaf()
            return self._seen
        # From the outside in: an outer view that is used again lets go of the inner ones, which are then free too.
        inside: Any = None
        parent: Any = None
        for node in self._stack:
            view: Any = node.view()
            if parent is None:
                self._seen = view
            else:
                parent.attach(inside, view)
            parent, inside = node, view
        # Last, as a long string is used again once the containers have let go of it.
        if (leaf := self._open_leaf()) is not NOTHING:
            parent.attach(inside, leaf)
        return self._seen

    def _open_leaf(self) -> Any:
        """Return the open string as far as it has come, or the open number."""
        return self._leaf if self._parts is None or self._is_key else self._string_so_far(self._parts)

    def edge(self) -> tuple[str | int, ...]:
        """Return the keys and indices at which the open containers grow: all before them is finished."""
        return tuple([node.open_key() for node in self._stack])

    def open_path(self) -> tuple[str | int, ...] | None:
        """Return the keys and indices down to the innermost value that is still open."""
        if self._step is None:
            return None
        edge = self.edge()
        if self._is_key or (self._parts is None and self._leaf is NOTHING):
            return edge[:-1]
        return edge

    def settle(self, child: Any) -> None:
        """Put the finished ``child`` into the innermost container; with none, it is the value."""
        node = self._node
        self.closed += 1
        if node is None:
            self._leaf = child
            self._step = None
        else:
            self._leaf = NOTHING
            node.put(child)
            self._step = _read_comma

    def open(self, node: OpenList | OpenDict, step: Step) -> None:
        self._stack.append(node)
        self._node = node
        self._step = step
        self.dirty = True

    def close(self) -> None:
        node = self._stack.pop()
        self._node = self._stack[-1] if self._stack else None
        self.settle(node.close(seen=not (self.dirty or self.stale)))

    def check_depth(self, position: int) -> None:
        if len(self._stack) >= self._max_depth:
            raise self.fail(f"a value nested no deeper than {self._max_depth}", position)

    def open_string(self, *, is_key: bool) -> None:
        self._parts = []
        self._is_key = is_key
        self._step = _read_string
        if not is_key:
            self.dirty = True

    def add_to_string(self, part: str) -> None:
        assert self._parts is not None
        self._parts.append(part)
        if not self._is_key:
            self.dirty = True

    def close_string(self) -> None:
        assert self._parts is not None
        string = self._string_so_far(self._parts)
        self._parts = self._long = None
        if not self._is_key:
            self.settle(string)
            return
        self._is_key = False
        node = self._node
        assert isinstance(node, OpenDict)
        node.key = string
        if string in node.items:
            self.repeated = self.ever_repeated = True
        self._step = _read_colon

    def show(self, number: int | float) -> None:
        """Let the open number be seen as ``number``."""
        leaf = self._leaf
        if leaf is NOTHING or leaf != number or type(leaf) is not type(number):
            self._leaf = number
            self.dirty = True

    @property
    def leaf(self) -> Any:
        return self._leaf

    @property
    def in_object(self) -> bool:
        return isinstance(self._node, OpenDict)

    def go_on(self, step: Step) -> None:
        self._step = step

    def _string_so_far(self, parts: list[str]) -> str:
        # One piece replaces many, so that a string looked at after each of its pieces holds two pieces at most.
        if self._long is None and len(parts) == 1:
            return parts[0]
        text = "".join(parts)
        if self._long is not None:
            parts.clear()
            return self._long.view(text)
        if len(text) < LONG_FROM:
            parts[:] = (text,)
            return text
        parts.clear()
        self._long = LongString(text)
        return text

    def expected(self) -> str:
        """Say what the text has to go on with."""
        if self._parts is not None:
            return "the rest of a key" if self._is_key else "the rest of a string"
        if self._held:
            return "the rest of a number or literal"
        assert self._step is not None
        return _EXPECTED.get(self._step) or ("',' or '}'" if self.in_object else "',' or ']'")


def _read_value(scanner: JSONScanner, text: str, position: int) -> int:
    char = text[position]
    if char in _SPACE:
        position = _space_end(text, position)
        if position == len(text):
            return position
        char = text[position]
    if char == '"':
        scanner.open_string(is_key=False)
        return position + 1
    if char == "{":
        scanner.check_depth(position)
        scanner.open(OpenDict(), _read_first_key)
        return position + 1
    if char == "[":
        scanner.check_depth(position)
        scanner.open(OpenList(), _read_first_item)
        return position + 1
    if char in "-0123456789" and text[position + 1 : position + 2] != "I":
        return _read_number(scanner, text, position)
    return _read_literal(scanner, text, position)


def _read_first_item(scanner: JSONScanner, text: str, position: int) -> int:
    position = _space_end(text, position)
    if position == len(text):
        return position
    if text[position] == "]":
        scanner.close()
        return position + 1
    return _read_value(scanner, text, position)


def _read_first_key(scanner: JSONScanner, text: str, position: int) -> int:
    position = _space_end(text, position)
    if position == len(text):
        return position
    if text[position] == "}":
        scanner.close()
        return position + 1
    return _read_key(scanner, text, position)


def _read_key(scanner: JSONScanner, text: str, position: int) -> int:
    position = _space_end(text, position)
    if position == len(text):
        return position
    if text[position] != '"':
        raise scanner.fail(scanner.expected(), position)
    scanner.open_string(is_key=True)
    return position + 1


def _read_colon(scanner: JSONScanner, text: str, position: int) -> int:
    position = _space_end(text, position)
    if position == len(text):
        return position
    if text[position] != ":":
        raise scanner.fail(scanner.expected(), position)
    scanner.go_on(_read_value)
    return position + 1


def _read_comma(scanner: JSONScanner, text: str, position: int) -> int:
    position = _space_end(text, position)
    if position == len(text):
        return position
    char = text[position]
    if char == ",":
        scanner.go_on(_read_key if scanner.in_object else _read_value)
        return position + 1
    if char != ("}" if scanner.in_object else "]"):
        raise scanner.fail(scanner.expected(), position)
    scanner.close()
    return position + 1


def _read_string(scanner: JSONScanner, text: str, position: int) -> int:
    found = _plain(text, position)
    assert found is not None
    end = found.end()
    if end > position:
        scanner.add_to_string(text[position:end])
    if end == len(text):
        return end
    if text[end] == '"':
        scanner.close_string()
        return end + 1
    return _read_escape(scanner, text, end)


def _read_escape(scanner: JSONScanner, text: str, position: int) -> int:
    found = _escape(text, position)
    if found is None:
        if _escape_started(text, position):
            return scanner.hold(text, position)
        raise scanner.fail("an escape of JSON", position)
    end = found.end()
    simple, code = found.groups()
    if simple:
        scanner.add_to_string(_UNESCAPED[simple])
        return end
    point = int(code, 16)
    if 0xD800 <= point < 0xDC00:
        low = _low_half(text, end)
        if low is not None:
            point = 0x10000 + ((point - 0xD800) << 10 | (int(low[1], 16) - 0xDC00))
            end = low.end()
        elif len(text) - end < 6 and _low_half_started(text, end):
            return scanner.hold(text, position)
    scanner.add_to_string(chr(point))
    return end


def _read_number(scanner: JSONScanner, text: str, position: int) -> int:
    run = _number_run(text, position)
    assert run is not None
    end = run.end()
    found = _number(text, position, position + _LONGEST_NUMBER)
    if found is not None:
        scanner.show(_to_number(found))
    if end - position > _LONGEST_NUMBER:
        raise scanner.fail(f"a number of at most {_LONGEST_NUMBER} characters", position)
    if end < len(text):
        if found is None or found.end() != end:
            raise scanner.fail("a number", position)
        scanner.settle(scanner.leaf)
        return end
    if not _number_started(text, position):
        raise scanner.fail("a number", position)
    return scanner.hold(text, position)


def _read_literal(scanner: JSONScanner, text: str, position: int) -> int:
    word, value = _LITERALS.get(text[position], ("", None))
    if word and text.startswith(word, position):
        scanner.dirty = True
        scanner.settle(value)
        return position + len(word)
    if word and len(text) - position < len(word) and word.startswith(text[position:]):
        return scanner.hold(text, position)
    raise scanner.fail(scanner.expected(), position)


def _space_end(text: str, position: int) -> int:
    if text[position] not in _SPACE:
        return position
    found = _skip_space(text, position)
    assert found is not None
    return found.end()


def _to_number(found: re.Match[str]) -> int | float:
    return float(found[0]) if found[1] else int(found[0])


def _number_is_whole(held: str) -> bool:
    found = _number(held)
    return found is not None and found.end() == len(held)


_EXPECTED: Final[dict[Step, str]] = {
    _read_value: "a value",
    _read_first_item: "a value or ']'",
    _read_first_key: "a key in double quotes or '}'",
    _read_key: "a key in double quotes",
    _read_colon: "':'",
}
