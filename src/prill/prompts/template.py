"""The formats of templates, and their parsers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Protocol

from prill.errors import PromptError
from prill.prompts.f_string import parse_f_string
from prill.prompts.jinja import Jinja

PromptTemplateFormat = Literal["f-string", "mustache", "jinja2"]


class Template(Protocol):
    """A parsed template."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it is filled with, sorted."""

    def render(self, values: Mapping[str, Any]) -> str:
        """The text, filled in."""


def _parse_mustache(text: str) -> Template:
    from prill.transducers.mustache import parse_mustache  # noqa: PLC0415 - few prompts are written in it

    return parse_mustache(text)


_PARSERS: dict[str, Callable[[str], Template]] = {
    "f-string": parse_f_string,
    "mustache": _parse_mustache,
    "jinja2": Jinja,
}


@lru_cache(maxsize=1024)
def parse_template(text: str, template_format: str) -> Template:
    """Parse a template; the same text is parsed once.

    Raises ``PromptError`` if the format is unknown or the template is broken.
    """
    try:
        parse = _PARSERS[template_format]
    except KeyError:
        raise PromptError(
            f"unknown template format {template_format!r}; the formats are: {', '.join(_PARSERS)}"
        ) from None
    return parse(text)
