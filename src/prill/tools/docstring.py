"""Docstrings of functions that become tools: what the function does, and what its arguments are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docstring_parser import Docstring


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """The description (its paragraphs behind each other), and that of each argument (in one line).

    Arguments are described in the style of Google, of NumPy, or of Sphinx (reST):
    https://google.github.io/styleguide/pyguide.html#383-functions-and-methods,
    https://numpydoc.readthedocs.io/en/latest/format.html,
    https://www.sphinx-doc.org/en/master/usage/domains/python.html#info-field-lists
    """
    description, arguments = _read(inspect.cleandoc(text or "").replace("\r\n", "\n"))
    return description, dict(arguments)


def find_unknown(documented: Iterable[str], parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """The arguments that a docstring describes and that are not among the parameters."""
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return []
    return [name for name in documented if name not in parameters and name != "self"]


@functools.lru_cache(maxsize=1024)
def _read(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parsed = _parsed(text)
    if parsed is None:
        return _paragraphs(text), ()
    description = f"{parsed.short_description or ''}\n\n{parsed.long_description or ''}"
    documented = [
        (name.strip().lstrip("*"), " ".join(each.description.split()))
        for each in parsed.params
        if each.description
        for name in each.arg_name.split(",")  # NumPy's style describes several at once
    ]
    return _paragraphs(description), tuple(documented)


def _parsed(text: str) -> Docstring | None:
    """The docstring in the style of which most is found in it; ``None`` where it has none."""
    import docstring_parser  # noqa: PLC0415 - loaded with the first docstring, as most programs have no tools

    best = None
    for style in ("GOOGLE", "NUMPYDOC", "REST"):
        try:
            found = docstring_parser.parse(text, docstring_parser.DocstringStyle[style])
        except Exception:  # what it stumbles over is not in this style
            continue
        if found.meta and (best is None or len(found.meta) > len(best.meta)):
            best = found
    return best


def _paragraphs(text: str) -> str:
    return " ".join(block.strip() for block in text.split("\n\n") if block.strip())
