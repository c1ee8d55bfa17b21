"""Docstrings of functions that become tools: what the function does, and what its arguments are.

Arguments are described in the style of https://google.github.io/styleguide/pyguide.html#383-functions-and-methods.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

_SECTION = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Raises|Yields?|Examples?|Notes?|Attributes|See Also|Todo|Warnings?):\s*$"
)
_ARGUMENT = re.compile(r"(?P<name>\*{0,2}\w+)\s*(\([^)]*\))?\s*:\s*(?P<text>.*)$")


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """The description (its paragraphs in one line each), and that of each argument."""
    description: list[str] = []
    section: str | None = None
    inside: list[str] = []
    for line in inspect.cleandoc(text or "").splitlines():
        if head := _SECTION.match(line):
            section = head[1]
        elif section in ("Args", "Arguments", "Parameters"):
            inside.append(line)
        elif section is None:
            description.append(line)
    return _paragraphs(description), _arguments(inside)


def _paragraphs(lines: Iterable[str]) -> str:
    blocks = "\n".join(lines).strip().split("\n\n")
    return " ".join(block.strip() for block in blocks if block.strip())


def _arguments(lines: list[str]) -> dict[str, str]:
    told = [line for line in lines if line.strip()]
    margin = min((_indent(line) for line in told), default=0)
    arguments: dict[str, str] = {}
    name = None
    for line in told:
        found = _ARGUMENT.match(line.strip()) if _indent(line) == margin else None
        if found:
            name = found["name"].lstrip("*")
            arguments[name] = found["text"].strip()
        elif name is not None:
            arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return arguments


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
