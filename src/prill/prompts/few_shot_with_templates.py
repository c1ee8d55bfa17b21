"""Prompts that show examples between two prompts."""

from __future__ import annotations

from typing import Any, Self

from pydantic import SerializeAsAny

from prill.errors import PromptError
from prill.io import drive
from prill.prompts.examples import ExampleSelector, check_examples, choose_examples, of_prompt
from prill.prompts.prompt import PromptTemplate
from prill.prompts.string import StringPromptTemplate
from prill.prompts.template import PromptTemplateFormat


class FewShotPromptWithTemplates(StringPromptTemplate):
    """A text as ``FewShotPromptTemplate`` makes it, where ``prefix`` and ``suffix`` are prompts of their own.

    Raises ``PromptError`` unless there is one of ``examples`` and ``example_selector``, and only one.
    """

    examples: list[dict[str, Any]] | None = None
    example_selector: ExampleSelector | None = None
    example_prompt: PromptTemplate
    suffix: SerializeAsAny[StringPromptTemplate]
    example_separator: str = "\n\n"
    prefix: SerializeAsAny[StringPromptTemplate] | None = None
    template_format: PromptTemplateFormat = "f-string"
    validate_template: bool = False

    def __init__(self, **data: Any) -> None:
        self.check_examples_and_selector(data)
        given = data.pop("input_variables", [])
        super().__init__(**data)
        self.input_variables = [name for name in self._names() if name not in self.partial_variables]
        self.validate_variable_names()
        if self.validate_template:
            self.template_is_valid(given)

    @classmethod
    def check_examples_and_selector(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Raise ``PromptError`` unless there is one of ``examples`` and ``example_selector``, and only one."""
        check_examples(values.get("examples"), values.get("example_selector"))
        return values

    def template_is_valid(self, input_variables: list[str] | None = None) -> Self:
        """Raise ``PromptError`` if ``input_variables`` and the partial ones are not those of the two prompts."""
        known = {*(self.input_variables if input_variables is None else input_variables), *self.partial_variables}
        if missing := [name for name in self._names() if name not in known]:
            raise PromptError(f"prefix or suffix have variables that are not in input_variables: {missing}")
        return self

    def _names(self) -> list[str]:
        prompts = [self.suffix] if self.prefix is None else [self.prefix, self.suffix]
        return sorted({name for prompt in prompts for name in prompt.input_variables})

    def format(self, /, **kwargs: Any) -> str:
        """The text, with the variables filled in."""
        return drive(self._text(kwargs, True))

    async def aformat(self, /, **kwargs: Any) -> str:
        """The text, with the variables filled in."""
        return await self._text(kwargs, False)

    async def _text(self, given: dict[str, Any], blocking: bool) -> str:
        values = self._with_partials(given)
        examples = await choose_examples(self.examples, self.example_selector, values, blocking)
        names = self.example_prompt.input_variables
        shown = [self.example_prompt.format(**of_prompt(example, names)) for example in examples]
        prefix = [] if self.prefix is None else [self.prefix]
        around = [
            prompt.format(**of_prompt(values, prompt.input_variables))
            if blocking
            else await prompt.aformat(**of_prompt(values, prompt.input_variables))
            for prompt in (*prefix, self.suffix)
        ]
        return self.example_separator.join([piece for piece in (*around[:-1], *shown, around[-1]) if piece])

    @property
    def _prompt_type(self) -> str:
        return "few_shot_with_templates"
