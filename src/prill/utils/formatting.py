"""f-string templates, filled by names only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import Any

from prill.errors import PromptError
from prill.prompts.f_string import missing_variables, parse_f_string

__all__ = ["StrictFormatter", "formatter"]


class StrictFormatter(Formatter):
    """Fills a template as prompts do: values by name, none of whose attributes or items a template can read."""

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Fill the template.

        Raises ``PromptError`` for a broken template or values without a name, ``MissingVariableError`` (a
        ``KeyError``) for a variable that has no value.
        """
        if args:
            raise PromptError("a template is filled by name: write formatter.format(template, name=value)")
        return parse_f_string(format_string).render(kwargs)

    def validate_input_variables(self, format_string: str, input_variables: Iterable[str]) -> None:
        """Raise ``MissingVariableError`` if the template needs a variable that is not among ``input_variables``."""
        given = list(input_variables)
        missing = [name for name in parse_f_string(format_string).names if name not in given]
        if missing:
            raise missing_variables("the template", missing, dict.fromkeys(given))


formatter = StrictFormatter()
