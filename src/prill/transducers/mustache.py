"""Mustache templates: parsed once, filled in from plain data.

The language is https://mustache.github.io/mustache.5.html without partials and lambdas. Names are looked up in
dictionaries and lists only: a template can neither read an object's attributes nor call anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prill.errors import PromptError

_REST_OF_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_ALONE = frozenset("#^/!=")  # tags that take their whole line with them when nothing else is on it
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Value:
    """``{{a.b}}``, or ``{{{a.b}}}`` where the text is not to be escaped for HTML."""

    path: tuple[str, ...]
    escaped: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """``{{#a}}…{{/a}}``, or ``{{^a}}…{{/a}}`` for what stands there when ``a`` is empty."""

    path: tuple[str, ...]
    inverted: bool = False
    nodes: list[str | Value | Section] = field(default_factory=list)


Node = str | Value | Section


class Mustache:
    """A parsed template: ``names`` are the variables that it is filled with, sorted."""

    __slots__ = ("names", "nodes")

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.names = tuple(sorted({node.path[0] for node in nodes if not isinstance(node, str) and node.path}))

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text; a variable that is not there is empty text."""
        return "".join(_render(self.nodes, (values,)))


def parse_mustache(text: str) -> Mustache:
    """Parse a template.

    Raises ``PromptError``, with the line, if a tag or a section is not closed, or if the template has partials.
    """
    return Mustache(_Parser(text).nodes)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.open, self.close = "{{", "}}"
        self.nodes: list[Node] = []
        self.sections: list[tuple[Section, int]] = []
        self.here = self.nodes
        position = 0
        while (start := text.find(self.open, position)) >= 0:
            position = self._tag(position, start)
        self._add_text(position, len(text))
        if self.sections:
            section, start = self.sections[-1]
            raise self._error(f"the section {'.'.join(section.path)!r} is not closed", start)

    def _tag(self, position: int, start: int) -> int:
        """Take the text from ``position`` and the tag at ``start``; return where to go on."""
        text = self.text
        inside = start + len(self.open)
        kind = text[inside : inside + 1]
        closing = {"{": "}" + self.close, "=": "=" + self.close}.get(kind, self.close)
        end = text.find(closing, inside + 1)
        if kind and text.startswith(self.close, inside):
            raise self._error("the tag is empty", start)
        if end < 0:
            raise self._error(f"the tag is not closed with {closing!r}", start)
        name = text[inside + (kind in "#^/!={&>") : end].strip()
        after = end + len(closing)
        line = text.rfind("\n", 0, start) + 1
        rest = _REST_OF_LINE.match(text, after)
        if kind in _ALONE and rest and not text[line:start].strip(" \t"):
            self._add_text(position, line)
            after = rest.end()
        else:
            self._add_text(position, start)
        self._take(kind, name, start)
        return after

    def _take(self, kind: str, name: str, start: int) -> None:
        if kind == "!":
            return
        if kind == "=":
            self._delimit(name, start)
        elif kind == ">":
            raise self._error(f"partials ({{{{>{name}}}}}) are not supported", start)
        elif not name:
            raise self._error("the tag is empty", start)
        elif kind == "/":
            self._end_section(name, start)
        elif kind in "#^":
            section = Section(_path(name), kind == "^")
            self.here.append(section)
            self.sections.append((section, start))
            self.here = section.nodes
        else:
            self.here.append(Value(_path(name), kind not in "{&"))

    def _end_section(self, name: str, start: int) -> None:
        if not self.sections or self.sections[-1][0].path != _path(name):
            opened = f"the open one is {'.'.join(self.sections[-1][0].path)!r}" if self.sections else "none is open"
            raise self._error(f"the section {name!r} is closed here, but {opened}", start)
        self.sections.pop()
        self.here = self.sections[-1][0].nodes if self.sections else self.nodes

    def _delimit(self, delimiters: str, start: int) -> None:
        pair = delimiters.split()
        if len(pair) != 2:
            raise self._error("new delimiters are written {{=<% %>=}}", start)
        self.open, self.close = pair

    def _add_text(self, start: int, end: int) -> None:
        if end > start:
            self.here.append(self.text[start:end])

    def _error(self, problem: str, position: int) -> PromptError:
        line = self.text.count("\n", 0, position) + 1
        column = position - self.text.rfind("\n", 0, position)
        return PromptError(f"the mustache template is broken at line {line}, column {column}: {problem}")


def _path(name: str) -> tuple[str, ...]:
    return () if name == "." else tuple(name.split("."))


def _render(nodes: list[Node], scopes: tuple[Any, ...]) -> Iterator[str]:
    """``scopes`` are the values in which names are looked up, the innermost last."""
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Value):
            value = _look_up(node.path, scopes)
            text = "" if value is _MISSING or value is None or value == [] or value == {} else str(value)
            yield _escape(text) if node.escaped else text
        else:
            for scope in _scopes(node, _look_up(node.path, scopes)):
                yield from _render(node.nodes, (*scopes, scope))


def _scopes(section: Section, value: Any) -> Iterable[Any]:
    """Return what a section is repeated for."""
    filled = value is not _MISSING and bool(value)
    if section.inverted:
        return () if filled else ({},)
    if not filled:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _look_up(path: tuple[str, ...], scopes: tuple[Any, ...]) -> Any:
    if not path:
        return scopes[-1]
    first, *rest = path
    for scope in reversed(scopes):
        value = _item(scope, first)
        if value is not _MISSING:
            break
    else:
        return _MISSING
    for name in rest:
        value = _item(value, name)
    return value


def _item(holder: Any, name: str) -> Any:
    if isinstance(holder, Mapping):
        return holder.get(name, _MISSING)
    if isinstance(holder, list | tuple) and name.isdecimal() and int(name) < len(holder):
        return holder[int(name)]
    return _MISSING


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
