"""Docstrings as the pages of the reference show them: their doctests are blocks of code."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_DOCTEST = re.compile(r"(?:^|(?<=\n\n))( *)>>> .*(?:\n\1.+)*")
_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_FLAGS = re.compile(r" *# doctest: .*$", re.MULTILINE)


class Doctests(Extension):
    """Fences the doctests in the text of docstrings, which Markdown would take for quotations."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of a module, a class, a function or an attribute."""
        if obj.docstring is not None:
            text = _EXAMPLE.sub("Examples:", _FLAGS.sub("", obj.docstring.value))
            obj.docstring.value = _DOCTEST.sub(lambda match: f"```pycon\n{dedent(match[0])}\n```", text)
