"""Prompts that show examples before they ask."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, SerializeAsAny

from prill.io import drive
from prill.messages import BaseMessage
from prill.prompts.chat import BaseChatPromptTemplate
from prill.prompts.examples import ExampleSelector, check_examples, choose_examples, of_prompt
from prill.prompts.message import BaseMessagePromptTemplate
from prill.prompts.prompt import PromptTemplate
from prill.prompts.string import StringPromptTemplate, check_valid_template
from prill.prompts.template import parse_template


class FewShotPromptTemplate(StringPromptTemplate):
    """A text: ``prefix``, then each example filled into ``example_prompt``, then ``suffix``.

    The pieces that are not empty are joined by ``example_separator``. ``prefix`` and ``suffix`` are templates; the
    examples' values are not, so braces in them are safe. Examples come from the list ``examples`` or from
    ``example_selector``, which is given the variables.

    Raises ``PromptError`` unless there is one of the two, and only one.
    """

    examples: list[dict[str, Any]] | None = None
    example_selector: ExampleSelector | None = None
    validate_template: bool = False
    example_prompt: PromptTemplate
    suffix: str
    example_separator: str = "\n\n"
    prefix: str = ""
    template_format: Literal["f-string", "mustache", "jinja2"] = "f-string"

    def __init__(self, **data: Any) -> None:
        check_examples(data.get("examples"), data.get("example_selector"))
        given = data.pop("input_variables", [])
        super().__init__(**data)
        self.input_variables = [name for name in self._names() if name not in self.partial_variables]
        self.validate_variable_names()
        if self.validate_template:
            self.template_is_valid(given)

    def _names(self) -> list[str]:
        texts = (self.prefix, self.suffix)
        return sorted({name for text in texts for name in parse_template(text, self.template_format).names})

    def template_is_valid(self, input_variables: list[str] | None = None) -> Self:
        """Raise ``PromptError`` if ``input_variables`` and the partial ones do not fill ``prefix`` and ``suffix``."""
        known = self.input_variables if input_variables is None else input_variables
        check_valid_template(self.prefix + self.suffix, self.template_format, [*known, *self.partial_variables])
        return self

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
        prefix, suffix = (
            parse_template(text, self.template_format).render(values) for text in (self.prefix, self.suffix)
        )
        return self.example_separator.join([piece for piece in (prefix, *shown, suffix) if piece])

    @property
    def _prompt_type(self) -> str:
        return "few_shot"


class FewShotChatMessagePromptTemplate(BaseChatPromptTemplate):
    """Messages: those that ``example_prompt`` makes of each example. It stands among the messages of a chat prompt.

    Examples come from the list ``examples`` or from ``example_selector``, which is given the variables; name those
    in ``input_variables``. Raises ``PromptError`` unless there is one of the two, and only one.
    """

    examples: list[dict[str, Any]] | None = None
    example_selector: ExampleSelector | None = None
    input_variables: list[str] = Field(default_factory=list)
    example_prompt: SerializeAsAny[BaseMessagePromptTemplate | BaseChatPromptTemplate]

    def __init__(self, **data: Any) -> None:
        check_examples(data.get("examples"), data.get("example_selector"))
        super().__init__(**data)

    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages of all examples."""
        return drive(self._messages(kwargs, True))

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages of all examples."""
        return await self._messages(kwargs, False)

    async def _messages(self, given: dict[str, Any], blocking: bool) -> list[BaseMessage]:
        values = self._with_partials(given)
        examples = await choose_examples(self.examples, self.example_selector, values, blocking)
        prompt = self.example_prompt
        own = [of_prompt(example, prompt.input_variables) for example in examples]
        return [message for example in own for message in prompt.format_messages(**example)]

    def pretty_repr(self, html: bool = False) -> str:
        """The template of each example, as a person reads it."""
        return self.example_prompt.pretty_repr(html)
