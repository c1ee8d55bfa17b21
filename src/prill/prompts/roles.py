"""Templates of one message each, for the roles human, ai, system and others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast

from pydantic import Field, SerializeAsAny

from prill.errors import PromptError
from prill.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage
from prill.messages.base import get_msg_title_repr, set_extra, set_fields_set, set_private, set_values
from prill.prompts.dict import DictPromptTemplate
from prill.prompts.image import ImagePromptTemplate
from prill.prompts.message import BaseMessagePromptTemplate
from prill.prompts.prompt import PromptTemplate
from prill.prompts.string import StringPromptTemplate
from prill.prompts.template import PromptTemplateFormat

BlockTemplate = StringPromptTemplate | ImagePromptTemplate | DictPromptTemplate
MessagePromptTemplateT = TypeVar("MessagePromptTemplateT", bound="BaseStringMessagePromptTemplate")


class OneMessagePromptTemplate(BaseMessagePromptTemplate):
    """Makes one message; a subclass does so in ``format``."""

    additional_kwargs: dict[str, Any] = Field(default_factory=dict)

    @abstractmethod
    def format(self, /, **kwargs: Any) -> BaseMessage:
        """The message, with the variables filled in."""

    async def aformat(self, /, **kwargs: Any) -> BaseMessage:
        """The message, with the variables filled in."""
        return self.format(**kwargs)

    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [self.format(**kwargs)]

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The message, in a list."""
        return [await self.aformat(**kwargs)]

    def _check_variables(self, given: Sequence[str] | None) -> Self:
        if given is not None and set(given) != set(self.input_variables):
            raise PromptError(f"the template has the variables {self.input_variables}, not {list(given)}")
        return self

    def _titled(self, body: str, html: bool) -> str:
        title = type(self).__name__.replace("MessagePromptTemplate", " Message")
        return f"{get_msg_title_repr(title, bold=html)}\n\n{body}"


class BaseStringMessagePromptTemplate(OneMessagePromptTemplate):
    """Makes one message whose content is a text."""

    prompt: SerializeAsAny[StringPromptTemplate]

    @classmethod
    def from_template(
        cls,
        template: str,
        template_format: PromptTemplateFormat = "f-string",
        partial_variables: dict[str, Any] | None = None,
        input_variables: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make it of a text with variables.

        Raises ``PromptError`` if the text has other variables than ``input_variables``, if those are given.
        """
        prompt = PromptTemplate.from_template(
            template, template_format=template_format, partial_variables=partial_variables
        )
        return cls(prompt=prompt, **kwargs)._check_variables(input_variables)

    @classmethod
    def from_template_file(cls, template_file: str | Path, **kwargs: Any) -> Self:
        """Make it of a text in a file."""
        return cls(prompt=PromptTemplate.from_file(template_file), **kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The variables of the text."""
        return self.prompt.input_variables

    def pretty_repr(self, html: bool = False) -> str:
        """The text, under a title."""
        return self._titled(self.prompt.pretty_repr(html), html)


class ChatMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """Makes a ``ChatMessage``: a message of any ``role``."""

    role: str

    def format(self, /, **kwargs: Any) -> BaseMessage:
        """The message, with the variables filled in."""
        text = self.prompt.format(**kwargs)
        return ChatMessage(content=text, role=self.role, additional_kwargs=self.additional_kwargs)


class RoleMessagePromptTemplate(OneMessagePromptTemplate):
    """Makes one message of a fixed role, whose content is a text or a list of content blocks."""

    _message_class: ClassVar[type[BaseMessage]]

    prompt: SerializeAsAny[StringPromptTemplate] | list[SerializeAsAny[BlockTemplate]]

    @classmethod
    def from_template(
        cls,
        template: str | list[Any] | dict[str, Any],
        template_format: PromptTemplateFormat = "f-string",
        *,
        partial_variables: dict[str, Any] | None = None,
        input_variables: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make it of a text with variables, or of content blocks.

        A block is a text, ``{"type": "text", "text": ...}``, ``{"type": "image_url", "image_url": ...}``, or any
        other dictionary, in which every text is a template. ``input_variables`` may be given to check the template.

        Raises ``PromptError`` if the template is something else, or has other variables than ``input_variables``.
        """
        if isinstance(template, str):
            prompt: Any = PromptTemplate.from_template(
                template, template_format=template_format, partial_variables=partial_variables
            )
        elif not isinstance(template, list | dict):
            raise PromptError(
                f"the template of a message is a text or a list of content blocks, not {type(template).__name__} "
                f"({template!r:.80}). A prompt that exists already is given as {cls.__name__}(prompt=...)"
            )
        elif partial_variables:
            raise PromptError("partial_variables go with a text, not with a list of content blocks")
        else:
            blocks = [template] if isinstance(template, dict) else template
            prompt = [_block_template(block, template_format) for block in blocks]
        return cls(prompt=prompt, **kwargs)._check_variables(input_variables)

    @classmethod
    def from_template_file(cls, template_file: str | Path, input_variables: list[str], **kwargs: Any) -> Self:
        """Make it of a text in a file; ``input_variables`` are found in the text."""
        return cls.from_template(Path(template_file).read_text("utf-8"), **kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The variables of the text, or of all blocks in their order."""
        prompts = self.prompt if isinstance(self.prompt, list) else [self.prompt]
        return list(dict.fromkeys(name for prompt in prompts for name in prompt.input_variables))

    def format(self, /, **kwargs: Any) -> BaseMessage:
        """The message, with the variables filled in. A text block that comes out empty is left out."""
        return self._one(kwargs)

    def _one(self, values: dict[str, Any]) -> BaseMessage:
        prompt = self.prompt
        if prompt.__class__ is PromptTemplate:
            return self._message(prompt._text(values))
        if not isinstance(prompt, list):
            return self._message(prompt.format(**values))
        return self._message([block for part in prompt if (block := _fill_block(part, values))])

    def _message(self, content: Any) -> BaseMessage:
        cls = self._message_class
        if self.additional_kwargs or cls not in _KINDS:
            return cls(content=content, additional_kwargs=self.additional_kwargs)
        # Filled in by hand: the content is known to be right, and validating it costs more than all the rest.
        values = {
            "content": content,
            "additional_kwargs": {},
            "response_metadata": {},
            "type": _KINDS[cls],
            "name": None,
            "id": None,
        }
        if cls is AIMessage:
            values.update(tool_calls=[], invalid_tool_calls=[], usage_metadata=None)
        message = cls.__new__(cls)
        set_values(message, values)
        set_fields_set(message, {"content"})
        set_extra(message, {})
        set_private(message, None)
        return message

    def pretty_repr(self, html: bool = False) -> str:
        """The text or the blocks, under a title."""
        prompts = self.prompt if isinstance(self.prompt, list) else [self.prompt]
        return self._titled("\n\n".join(prompt.pretty_repr(html=html) for prompt in prompts), html)


class HumanMessagePromptTemplate(RoleMessagePromptTemplate):
    """Makes a ``HumanMessage``: ``HumanMessagePromptTemplate.from_template("Tell me about {topic}")``."""

    _message_class = HumanMessage


class AIMessagePromptTemplate(RoleMessagePromptTemplate):
    """Makes an ``AIMessage``."""

    _message_class = AIMessage


class SystemMessagePromptTemplate(RoleMessagePromptTemplate):
    """Makes a ``SystemMessage``."""

    _message_class = SystemMessage


_KINDS = {HumanMessage: "human", AIMessage: "ai", SystemMessage: "system"}


def _block_template(block: Any, template_format: PromptTemplateFormat) -> BlockTemplate:
    if isinstance(block, str):
        return PromptTemplate.from_template(block, template_format=template_format)
    if not isinstance(block, dict):
        raise PromptError(f"a content block is a text or a dictionary, not {type(block).__name__} ({block!r:.80})")
    if "text" in block and set(block) <= {"type", "text"} and block.get("type", "text") == "text":
        return PromptTemplate.from_template(block["text"], template_format=template_format)
    if "image_url" in block and set(block) <= {"type", "image_url"}:
        return _image_template(block["image_url"], template_format)
    return DictPromptTemplate(template=block, template_format=template_format)


def _image_template(image: Any, template_format: PromptTemplateFormat) -> ImagePromptTemplate:
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, dict):
        raise PromptError(f"an image_url is a text or a dictionary with 'url', not {image!r:.80}")
    return ImagePromptTemplate(template=image, template_format=template_format)


def _fill_block(part: BlockTemplate, values: dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(part, DictPromptTemplate):
        return part.format(**values)
    own = {name: values[name] for name in part.input_variables if name in values}
    if isinstance(part, ImagePromptTemplate):
        return {"type": "image_url", "image_url": cast("dict[str, Any]", part.format(**own))}
    text = part.format(**own)
    return {"type": "text", "text": text} if text else None
