"""A prompt made of one template."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from prill.callbacks.config import Config
from prill.errors import PromptError
from prill.prompts.string import StringPromptTemplate, check_valid_template
from prill.prompts.template import PromptTemplateFormat, parse_template


class PromptTemplate(StringPromptTemplate):
    """A prompt that is a text with variables.

    >>> PromptTemplate.from_template("Tell me about {topic}.").format(topic="bears")
    'Tell me about bears.'

    ``template_format`` is the syntax of variables: ``"f-string"`` (the default), ``"mustache"`` or ``"jinja2"``
    (in a sandbox; needs ``prill[jinja2]``). The template is parsed when the prompt is made; ``input_variables`` are
    found in it. With ``validate_template`` those given are checked. Prompts of one format, and texts, are joined
    with ``+``.

    Raises ``PromptError`` if the template is broken, ``MissingVariableError`` on filling it without a variable.
    """

    template: str
    template_format: PromptTemplateFormat = "f-string"
    validate_template: bool = False

    def __init__(self, **data: Any) -> None:
        self.pre_init_validation(data)
        super().__init__(**data)

    @classmethod
    def pre_init_validation(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Parse the template in ``values`` and put its ``input_variables`` there."""
        template, template_format = values.get("template"), values.get("template_format", "f-string")
        if not isinstance(template, str):
            return values  # the validation of the field reports it
        partials = values.get("partial_variables") or {}
        if optional := [name for name in values.get("optional_variables") or () if name not in partials]:
            partials = values["partial_variables"] = {**dict.fromkeys(optional, ""), **partials}
        names = parse_template(template, template_format).names
        if values.get("validate_template"):
            check_valid_template(template, template_format, [*values.get("input_variables", ()), *partials])
        values["input_variables"] = [name for name in names if name not in partials]
        return values

    def get_input_schema(self, config: Config | None = None) -> type[BaseModel]:
        """The variables as a pydantic model; those of a mustache template are optional, and its sections objects."""
        if self.template_format != "mustache":
            return super().get_input_schema(config)
        from prill.prompts.mustache_schema import mustache_schema  # noqa: PLC0415 - few programs ask for schemas

        return mustache_schema(self.template, known=frozenset(self.partial_variables))

    def format(self, /, **kwargs: Any) -> str:
        """The text, with the variables filled in."""
        return self._text(kwargs)

    def _text(self, given: dict[str, Any]) -> str:
        values = self._with_partials(given) if self.partial_variables else given
        return parse_template(self.template, self.template_format).render(values)

    @classmethod
    def from_template(
        cls,
        template: str,
        *,
        template_format: PromptTemplateFormat = "f-string",
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a prompt of a text with variables."""
        if not isinstance(template, str):
            raise PromptError(f"a template is a text, not {type(template).__name__} ({template!r:.80})")
        return cls(
            template=template, template_format=template_format, partial_variables=partial_variables or {}, **kwargs
        )

    @classmethod
    def from_file(cls, template_file: str | Path, encoding: str | None = None, **kwargs: Any) -> Self:
        """Make a prompt of the text in a file; ``encoding`` is UTF-8 if not given."""
        return cls.from_template(Path(template_file).read_text(encoding or "utf-8"), **kwargs)

    @classmethod
    def from_examples(
        cls,
        examples: list[str],
        suffix: str,
        input_variables: list[str],
        example_separator: str = "\n\n",
        prefix: str = "",
        **kwargs: Any,
    ) -> Self:
        """Make a prompt of examples between two texts; all of them are parts of one template."""
        template = example_separator.join([prefix, *examples, suffix])
        return cls(template=template, input_variables=input_variables, **kwargs)

    def __add__(self, other: Any) -> PromptTemplate:
        if isinstance(other, str):
            other = PromptTemplate.from_template(other, template_format=self.template_format)
        if not isinstance(other, PromptTemplate):
            return NotImplemented
        if self.template_format != other.template_format:
            raise PromptError(f"cannot add a {other.template_format} template to one of {self.template_format}")
        if twice := set(self.partial_variables) & set(other.partial_variables):
            raise PromptError(f"both prompts have partial variables of these names: {sorted(twice)}")
        return PromptTemplate(
            template=self.template + other.template,
            template_format=self.template_format,
            partial_variables={**self.partial_variables, **other.partial_variables},
            validate_template=self.validate_template and other.validate_template,
            input_variables=[*self.input_variables, *other.input_variables],
        )

    def pretty_repr(self, html: bool = False) -> str:
        """The prompt with its variables in braces; templates of other formats than f-string stay as they are."""
        return super().pretty_repr(html) if self.template_format == "f-string" else self.template

    @property
    def _prompt_type(self) -> str:
        return "prompt"
