"""Prompts that are text, and functions that work on the text of templates."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prill.errors import PromptError
from prill.lazy import lazy_names
from prill.prompt_values import StringPromptValue, string_prompt_value
from prill.prompts.base import BasePromptTemplate, Shown
from prill.prompts.template import PromptTemplateFormat, parse_template

if TYPE_CHECKING:
    from prill.prompts.mustache_schema import mustache_schema as mustache_schema

__all__ = [
    "BasePromptTemplate",
    "PromptTemplateFormat",
    "StringPromptTemplate",
    "check_valid_template",
    "get_template_variables",
    "is_subsequence",
    "jinja2_formatter",
    "mustache_formatter",
    "mustache_schema",
    "mustache_template_vars",
    "validate_f_string_template",
    "validate_jinja2",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__, _ = lazy_names(__name__, {"prill.prompts.mustache_schema": "mustache_schema"})


class StringPromptTemplate(BasePromptTemplate[str]):
    """A prompt that is text; a subclass makes it in ``format``."""

    def format_prompt(self, /, **kwargs: Any) -> StringPromptValue:
        """The prompt filled in, as models take it."""
        return string_prompt_value(self.format(**kwargs))

    async def aformat_prompt(self, /, **kwargs: Any) -> StringPromptValue:
        """The prompt filled in, as models take it."""
        return string_prompt_value(await self.aformat(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:
        """The prompt with its variables in braces; ``html`` colours them in a terminal."""
        return self.format(**{name: Shown.of(name, html) for name in self.input_variables})

    def pretty_print(self) -> None:
        """Print the prompt with its variables in braces."""
        print(self.pretty_repr())


def jinja2_formatter(template: str, /, **kwargs: Any) -> str:
    """Fill a jinja2 template, in a sandbox; a variable that is not given is empty text."""
    return parse_template(template, "jinja2").render(kwargs)


def mustache_formatter(template: str, /, **kwargs: Any) -> str:
    """Fill a mustache template; a variable that is not given is empty text."""
    return parse_template(template, "mustache").render(kwargs)


def get_template_variables(template: str, template_format: str) -> list[str]:
    """The variables of a template, sorted. Raises ``PromptError`` if it is broken."""
    return list(parse_template(template, template_format).names)


def mustache_template_vars(template: str) -> set[str]:
    """The variables that a mustache template is filled with; those within its sections are not among them."""
    return set(parse_template(template, "mustache").names)


def validate_f_string_template(template: str) -> list[str]:
    """Check an f-string template and return its variables, sorted. Raises ``PromptError`` if it is broken."""
    return list(parse_template(template, "f-string").names)


def validate_jinja2(template: str, input_variables: list[str]) -> None:
    """Warn if ``input_variables`` are not just the variables of a jinja2 template."""
    found, given = set(parse_template(template, "jinja2").names), set(input_variables)
    if found != given:
        warnings.warn(
            f"variables of the template that are not given: {sorted(found - given)}; "
            f"given that are not in the template: {sorted(given - found)}",
            stacklevel=2,
        )


def check_valid_template(template: str, template_format: str, input_variables: list[str]) -> None:
    """Check that ``input_variables`` are enough to fill a template.

    Raises ``PromptError`` if they are not, if the template is broken, or if it is a mustache template: the variables
    that such a template needs depend on the values. A mismatch of a jinja2 template is only a warning.
    """
    if template_format == "mustache":
        raise PromptError("mustache templates cannot be checked: their variables depend on the values")
    if template_format == "jinja2":
        validate_jinja2(template, input_variables)
    elif missing := sorted(set(get_template_variables(template, template_format)) - set(input_variables)):
        raise PromptError(f"the template has variables that are not in input_variables: {missing}")


def is_subsequence(child: Sequence[Any], parent: Sequence[Any]) -> bool:
    """Whether the non-empty ``child`` is the start of ``parent``."""
    return 0 < len(child) <= len(parent) and list(child) == list(parent[: len(child)])
