"""Jinja2 templates, in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from prill.errors import MissingDependencyError, PromptError


class Jinja:
    """A compiled template: ``names`` are the variables that it is filled with, sorted.

    Raises ``PromptError`` if it is broken, ``MissingDependencyError`` if jinja2 is not installed.
    """

    __slots__ = ("_template", "names")

    def __init__(self, text: str) -> None:
        jinja2, environment = _environment()
        try:
            tree = environment.parse(text)
            self._template = environment.from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise PromptError(f"the jinja2 template is broken at line {error.lineno}: {error.message}") from error
        self.names = tuple(sorted(jinja2.meta.find_undeclared_variables(tree)))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text; a variable that is not there is empty text."""
        jinja2, _ = _environment()
        try:
            return self._template.render(values)  # type: ignore[no-any-return]  # jinja2 is imported late, untyped
        except jinja2.TemplateError as error:
            raise PromptError(f"the jinja2 template cannot be filled: {error}") from error


@cache
def _environment() -> tuple[Any, Any]:
    try:
        import jinja2  # noqa: PLC0415 - an optional dependency
        import jinja2.meta  # noqa: PLC0415 - as above
        import jinja2.sandbox  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingDependencyError(
            "templates of the format 'jinja2' need the package jinja2: pip install 'prill[jinja2]'"
        ) from error

    class Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
        def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
            # The sandbox's own answer prints as nothing; a template that reaches out of it must not pass quietly.
            raise jinja2.exceptions.SecurityError(f"access to {attribute!r} of a {type(obj).__name__} is not safe")

    return jinja2, Environment()
