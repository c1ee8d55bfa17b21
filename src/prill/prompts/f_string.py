"""Templates in the form of f-strings: ``"Tell me about {topic}"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

from prill.errors import MissingVariableError, PromptError

LITERAL_BRACES = "In an f-string template a literal brace is written twice: {{ or }}."
MOST_WIDTH = 10_000
"""The greatest width or precision of a format spec, in characters."""
_SPOT = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")


class FString:
    """A checked template: ``names`` are its variables, sorted.

    It is filled with ``str.format_map``, which is safe here: names with attribute or index access were refused.
    """

    __slots__ = ("names", "text")

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text = text
        self.names = names

    def render(self, values: Mapping[str, Any]) -> str:
        """The text. Raises ``MissingVariableError`` where a variable is not in ``values``."""
        try:
            return self.text.format_map(values)
        except KeyError:
            if missing := [name for name in self.names if name not in values]:
                raise missing_variables("the template", missing, values) from None
            raise
        except (TypeError, ValueError) as error:
            error.add_note(f"while filling the template {self.text!r:.200}")
            raise


def missing_variables(
    what: str, missing: list[str], given: Mapping[str, Any], template_format: str = "f-string"
) -> MissingVariableError:
    """The error for variables of ``what`` that were not given."""
    advice = f" {LITERAL_BRACES}" if template_format == "f-string" else ""
    plural = "s" if len(missing) > 1 else ""
    return MissingVariableError(
        f"{what} needs the variable{plural} {', '.join(map(repr, missing))}; "
        f"given: {', '.join(map(repr, given)) or 'nothing'}.{advice}"
    )


def parse_f_string(text: str) -> FString:
    """Check a template.

    Variables are plain names, with a conversion or a format spec if need be: ``{price:.2f}``, ``{name!r}``.
    Raises ``PromptError`` for anything else, and for a brace that has no partner.
    """
    names = set()
    try:
        for _, name, spec, conversion in Formatter().parse(text):
            if name is not None:
                _check_field(text, name, spec or "", conversion)
                names.add(name)
    except PromptError:
        raise
    except ValueError as error:
        raise PromptError(f"the template is broken{_where(text)}: {error}. {LITERAL_BRACES}") from None
    return FString(text, tuple(sorted(names)))


def _check_field(text: str, name: str, spec: str, conversion: str | None) -> None:
    if problem := _problem(name, spec, conversion):
        position = text.find("{" + name)
        raise PromptError(f"the template cannot be used{_at(text, position)}: {problem}. {LITERAL_BRACES}")


def _problem(name: str, spec: str, conversion: str | None) -> str | None:
    if not name or name.isdigit():
        return f"{{{name}}} does not name a variable; variables are filled by name only"
    if "." in name or "[" in name or "]" in name:
        return f"{{{name}}} reads an attribute or an item, which templates may not do; give the value as a variable"
    if not name.isidentifier():
        return f"{{{name}}} is not the name of a variable (letters, digits and _)"
    if "{" in spec or "}" in spec:
        return f"the format spec of {{{name}}} holds a variable, which is not supported"
    if is_too_wide(spec):
        return f"the format spec of {{{name}}} has a number over {MOST_WIDTH}, which could fill the memory"
    if conversion is not None and conversion not in ("r", "s", "a"):
        return f"the conversion of {{{name}}} is !{conversion}; there are !r, !s and !a"
    return None


def is_too_wide(spec: str) -> bool:
    """Whether a format spec has a number that is over ``MOST_WIDTH``."""
    return any(len(number) > 9 or int(number) > MOST_WIDTH for number in re.findall(r"\d+", spec))


def _where(text: str) -> str:
    """Where the brace stands that has no partner."""
    lone = [spot.start() for spot in _SPOT.finditer(text) if spot[0] in ("{", "}")]
    return _at(text, lone[0]) if lone else ""


def _at(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f" at line {line}, column {position - text.rfind(chr(10), 0, position)}"
