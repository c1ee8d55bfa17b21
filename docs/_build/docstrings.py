"""Docstrings as the pages of the reference show them: their doctests are blocks of code."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_DOCTEST = re.compile(r"(?:^|(?<=\n\n))( *)>>> .*(?:\n\1.+)*")
_GROUP = re.compile(r"^(?!(?:Args|Attributes|Returns|Raises|Yields|Examples?):)([A-Z][\w ]*):\n((?: {4}.*\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): ", re.MULTILINE)
_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_FLAGS = re.compile(r" *# doctest: .*$", re.MULTILINE)


class Doctests(Extension):
    """Fences the doctests in docstrings, which Markdown would take for quotations, and lists grouped settings."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of a module, a class, a function or an attribute."""
        if obj.docstring is not None:
            text = _EXAMPLE.sub("Examples:", _FLAGS.sub("", obj.docstring.value))
            text = _GROUP.sub(_list_entries, text)
            obj.docstring.value = _DOCTEST.sub(lambda match: f"```pycon\n{dedent(match[0])}\n```", text)


def _list_entries(group: re.Match[str]) -> str:
    """A group of settings under a title of its own, as a list; anything else unchanged."""
    entries, count = _ENTRY.subn(r"- `\1`: ", group[2])
    return f"**{group[1]}**\n\n{entries}" if count and entries.startswith("- ") else group[0]
