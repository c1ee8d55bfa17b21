"""Two recorded runs side by side, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

Line = dict[str, Any]

_MOST_LINES = 2_000
_LONGEST_LINE = 2_000
_AROUND = 3
"""How many equal lines are shown before and after a difference."""

_PARTS = ("input", "output", "request", "error")


def compare_runs(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, list[Line]]:
    """The lines of what two runs of ``TraceFile.read_run`` were given and put out; see ``compare_texts``."""
    texts = {part: (_make_text(left.get(part)), _make_text(right.get(part))) for part in _PARTS}
    return {part: compare_texts(*both) for part, both in texts.items() if any(both)}


def compare_texts(left: str, right: str) -> list[Line]:
    """The lines of two texts, each with ``kind``: ``equal``, ``changed`` or ``skipped`` (``count`` equal lines).

    >>> compare_texts("same\\nold", "same\\nnew")[1]
    {'kind': 'changed', 'left': 'old', 'right': 'new'}
    """
    lines = [text.splitlines()[:_MOST_LINES] for text in (left, right)]
    first, second = ([line[:_LONGEST_LINE] for line in each] for each in lines)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    compared: list[Line] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            compared += _shorten(first[a:b], at_start=a == 0, at_end=b == len(first))
        else:
            compared += [_line("changed", *pair) for pair in zip_longest(first[a:b], second[c:d])]
    return compared


def _shorten(lines: Sequence[str], *, at_start: bool, at_end: bool) -> Iterator[Line]:
    """Equal lines, of which only those next to a difference are shown."""
    before, after = (0 if at_start else _AROUND), (0 if at_end else _AROUND)
    if at_start and at_end:
        before = _AROUND
    hidden = len(lines) - before - after
    if hidden < _AROUND:
        yield from (_line("equal", line, line) for line in lines)
        return
    yield from (_line("equal", line, line) for line in lines[:before])
    yield {"kind": "skipped", "count": hidden}
    yield from (_line("equal", line, line) for line in lines[len(lines) - after :])


def _line(kind: str, left: str | None, right: str | None) -> Line:
    return {"kind": kind, "left": left, "right": right}


def _make_text(value: Any) -> str:
    """A value as lines that people read: of messages, who said what."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and value and all(map(_is_message, value)):
        return "\n\n".join(map(_make_text, value))
    if _is_message(value):
        calls = "".join(f"\n→ {call.get('name')} {_dump(call.get('args'))}" for call in value.get("tool_calls") or ())
        return f"{value['type']}:\n{_make_text(value['content'])}{calls}"
    return _dump(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "content" in value and isinstance(value.get("type"), str)
