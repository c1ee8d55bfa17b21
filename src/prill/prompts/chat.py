"""Prompts that are messages."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Self, overload

from pydantic import Field, PrivateAttr, SerializeAsAny, SkipValidation

from prill.callbacks.run import Run
from prill.errors import PromptError
from prill.io import drive
from prill.messages import AnyMessage, BaseMessage, get_buffer_string
from prill.prompt_values import ChatPromptValue, PromptValue, chat_prompt_value
from prill.prompts.base import BasePromptTemplate
from prill.prompts.message import BaseMessagePromptTemplate
from prill.prompts.placeholder import MessagesPlaceholder
from prill.prompts.roles import (
    AIMessagePromptTemplate,
    BaseStringMessagePromptTemplate,
    ChatMessagePromptTemplate,
    HumanMessagePromptTemplate,
    MessagePromptTemplateT,
    RoleMessagePromptTemplate,
    SystemMessagePromptTemplate,
)
from prill.prompts.template import PromptTemplateFormat

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BaseMessagePromptTemplate",
    "BaseStringMessagePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "HumanMessagePromptTemplate",
    "MessageLike",
    "MessageLikeRepresentation",
    "MessagePromptTemplateT",
    "MessagesPlaceholder",
    "SystemMessagePromptTemplate",
]


class BaseChatPromptTemplate(BasePromptTemplate[str]):
    """A prompt that is messages; a subclass makes them in ``format_messages``."""

    @abstractmethod
    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""
        return self.format_messages(**kwargs)

    def format(self, /, **kwargs: Any) -> str:
        """The messages as text, one line for each, after the name of its role."""
        return get_buffer_string(self.format_messages(**kwargs))

    async def aformat(self, /, **kwargs: Any) -> str:
        """The messages as text, one line for each, after the name of its role."""
        return get_buffer_string(await self.aformat_messages(**kwargs))

    def format_prompt(self, /, **kwargs: Any) -> ChatPromptValue:
        """The prompt filled in, as models take it."""
        return chat_prompt_value(self.format_messages(**kwargs))

    async def aformat_prompt(self, /, **kwargs: Any) -> ChatPromptValue:
        """The prompt filled in, as models take it."""
        return chat_prompt_value(await self.aformat_messages(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:
        """The messages as a person reads them; ``html`` colours them for a terminal."""
        return repr(self)

    def pretty_print(self) -> None:
        """Print the messages as a person reads them."""
        print(self.pretty_repr())


MessageLike = BaseMessagePromptTemplate | BaseMessage | BaseChatPromptTemplate
MessageLikeRepresentation = (
    MessageLike | tuple[str | type[Any], str | Sequence[dict[str, Any]] | Sequence[object]] | str | dict[str, Any]
)


class ChatPromptTemplate(BaseChatPromptTemplate):
    """A prompt of messages with variables.

    >>> prompt = ChatPromptTemplate([("system", "Answer in {language}."), ("placeholder", "{history}"), "{question}"])
    >>> prompt.invoke({"language": "French", "question": "Who are you?"}).to_messages()[1]
    HumanMessage(content='Who are you?', additional_kwargs={}, response_metadata={})

    Each of ``messages`` is a ``(role, template)`` pair, where the role is human or user, ai or assistant, system, or
    placeholder (the template is the name of a variable that holds messages, ``"{history}"``); a text, for a person's
    message; a dictionary with ``role`` and ``content``; a message, which is taken as it is; a message template; or
    another chat prompt. Prompts, and anything that can stand for a message, are added with ``+``.

    Raises ``PromptError`` if one of them is none of these, or holds a broken template.
    """

    messages: SkipValidation[list[SerializeAsAny[MessageLike]]] = Field(default_factory=list)
    validate_template: bool = False
    _template_format: PromptTemplateFormat = PrivateAttr("f-string")  # of messages that are appended
    _written_arguments: ClassVar[dict[str, str]] = {"template_format": "_template_format"}

    def __init__(
        self,
        messages: Sequence[MessageLikeRepresentation],
        *,
        template_format: PromptTemplateFormat = "f-string",
        **kwargs: Any,
    ) -> None:
        parts = [_as_part(message, template_format) for message in messages]
        given = kwargs.get("input_variables")
        super().__init__(**self.validate_input_variables({"messages": parts, **kwargs}))
        self._template_format = template_format
        if self.validate_template and given is not None and set(given) != set(self.input_variables):
            raise PromptError(f"the messages have the variables {self.input_variables}, not {given}")

    @classmethod
    def validate_input_variables(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Find the variables of ``messages``; the other fields in ``values`` stay as they are."""
        return {**values, **_variables(values["messages"], values.get("partial_variables") or {}, values)}

    @classmethod
    def from_template(cls, template: str, **kwargs: Any) -> Self:
        """Make a prompt of one person's message."""
        message = HumanMessagePromptTemplate.from_template(template, **kwargs)
        return cls([message], template_format=kwargs.get("template_format", "f-string"))

    @classmethod
    def from_messages(
        cls, messages: Sequence[MessageLikeRepresentation], template_format: PromptTemplateFormat = "f-string"
    ) -> Self:
        """Make a prompt of messages; see the class."""
        return cls(messages, template_format=template_format)

    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""
        return drive(self._fill(kwargs, True))

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""
        return await self._fill(kwargs, False)

    async def _work(self, input: Any, run: Run, **kwargs: Any) -> PromptValue:
        if type(self) is not ChatPromptTemplate:
            return await super()._work(input, run, **kwargs)  # a user's own may override what is public
        return chat_prompt_value(await self._fill(self._read(input), run.io.blocking))

    async def _fill(self, given: dict[str, Any], blocking: bool) -> list[BaseMessage]:
        values = self._with_partials(given) if self.partial_variables else given
        messages: list[BaseMessage] = []
        each: Any  # a kind that the checker cannot distinguish by ``_is_message``
        for each in self.messages:
            kind = each.__class__
            if kind in _OWN:
                messages.append(each._one(values))
            elif _is_message(kind):
                messages.append(each)
            else:
                messages += each.format_messages(**values) if blocking else await each.aformat_messages(**values)
        return messages

    def partial(self, **kwargs: Any) -> Self:
        """A copy in which some variables are filled: with values, or with functions that are called each time."""
        copy = super().partial(**kwargs)
        copy.messages = list(self.messages)  # so that what is appended to one is not appended to both
        return copy

    def append(self, message: MessageLikeRepresentation) -> None:
        """Add a message at the end."""
        self.extend([message])

    def extend(self, messages: Sequence[MessageLikeRepresentation]) -> None:
        """Add messages at the end."""
        self.messages.extend([_as_part(message, self._template_format) for message in messages])
        for name, value in _variables(self.messages, self.partial_variables, self.__dict__).items():
            setattr(self, name, value)

    def __add__(self, other: Any) -> ChatPromptTemplate:
        partials = dict(self.partial_variables)
        if isinstance(other, ChatPromptTemplate):
            added: Sequence[Any] = other.messages
            partials.update(other.partial_variables)
        elif isinstance(other, list):
            added = other
        elif isinstance(other, BaseMessagePromptTemplate | BaseMessage | BaseChatPromptTemplate | str | tuple | dict):
            added = [other]
        else:
            return NotImplemented
        messages = [*self.messages, *added]
        return ChatPromptTemplate(messages, template_format=self._template_format, partial_variables=partials)

    def __radd__(self, other: Any) -> ChatPromptTemplate:
        if not isinstance(other, BaseMessage | str):
            return NotImplemented
        messages = [other, *self.messages]
        return ChatPromptTemplate(
            messages, template_format=self._template_format, partial_variables=self.partial_variables
        )

    @overload
    def __getitem__(self, index: int) -> MessageLike: ...
    @overload
    def __getitem__(self, index: slice) -> ChatPromptTemplate: ...
    def __getitem__(self, index: int | slice) -> MessageLike | ChatPromptTemplate:
        if not isinstance(index, slice):
            return self.messages[index]
        messages = self.messages[index]
        names = {name for each in messages for name in _names(each)}
        partials = {name: value for name, value in self.partial_variables.items() if name in names}
        return ChatPromptTemplate(messages, template_format=self._template_format, partial_variables=partials)

    def __len__(self) -> int:
        return len(self.messages)

    def pretty_repr(self, html: bool = False) -> str:
        """The messages as a person reads them; ``html`` colours them for a terminal."""
        return "\n\n".join(each.pretty_repr(html=html) for each in self.messages)

    @property
    def _prompt_type(self) -> str:
        return "chat"


BaseMessagePromptTemplate._chat_prompt = ChatPromptTemplate


@lru_cache(maxsize=256)
def _is_message(kind: type[Any]) -> bool:
    # Asking a pydantic class with isinstance takes half a microsecond, each time.
    return issubclass(kind, BaseMessage)


def _names(each: MessageLike) -> list[str]:
    if isinstance(each, BaseMessage):
        return []
    return [each.variable_name] if isinstance(each, MessagesPlaceholder) else each.input_variables


def _variables(parts: Iterable[MessageLike], partials: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that describe the variables of ``parts``, sorted by name."""
    placeholders = [each for each in parts if isinstance(each, MessagesPlaceholder)]
    needed = {name for each in parts if not isinstance(each, BaseMessage) for name in each.input_variables}
    texts = needed & set(fields.get("optional_variables") or ())  # empty unless they are given
    needed -= texts
    optional = {each.variable_name for each in placeholders if each.optional} - needed
    lists = {each.variable_name: list[AnyMessage] for each in placeholders}
    return {
        "input_variables": sorted(needed - set(partials)),
        "optional_variables": sorted(optional | texts),
        "partial_variables": {**{name: "" if name in texts else [] for name in sorted(optional | texts)}, **partials},
        "input_types": {**lists, **(fields.get("input_types") or {})},
    }


_ROLES: dict[str, type[RoleMessagePromptTemplate]] = {
    "human": HumanMessagePromptTemplate,
    "user": HumanMessagePromptTemplate,
    "ai": AIMessagePromptTemplate,
    "assistant": AIMessagePromptTemplate,
    "system": SystemMessagePromptTemplate,
}

_OWN = frozenset(_ROLES.values())  # these very classes; a user's subclass may override what is public


def _as_part(message: Any, template_format: PromptTemplateFormat) -> MessageLike:
    """Convert a value to a part of a chat prompt."""
    if isinstance(message, BaseMessagePromptTemplate | BaseMessage | BaseChatPromptTemplate):
        return message
    if isinstance(message, str):
        return _from_role("human", message, template_format)
    if isinstance(message, dict):
        if set(message) != {"role", "content"}:
            raise PromptError(f"a dictionary in a chat prompt has 'role' and 'content', this one has {list(message)}")
        return _from_role(message["role"], message["content"], template_format)
    if isinstance(message, tuple) and len(message) == 2:
        return _from_role(*message, template_format)
    raise PromptError(
        f"{message!r:.80} ({type(message).__name__}) cannot be a message of a chat prompt. It takes (role, template) "
        "pairs, texts, dictionaries with 'role' and 'content', messages, message templates and other chat prompts."
    )


def _from_role(role: Any, template: Any, template_format: PromptTemplateFormat) -> MessageLike:
    if isinstance(role, type):
        if issubclass(role, BaseStringMessagePromptTemplate | RoleMessagePromptTemplate):
            return role.from_template(template, template_format)
        if issubclass(role, BaseMessage):
            role = role.model_fields["type"].default
    if role == "placeholder":
        return _placeholder(template, template_format)
    if role not in _ROLES:
        roles = ", ".join(map(repr, _ROLES))
        raise PromptError(
            f"unknown role {role!r}; the roles are: {roles}, 'placeholder'. "
            "For another role use ChatMessagePromptTemplate.from_template(..., role=...)"
        )
    return _ROLES[role].from_template(template, template_format)


_PLACEHOLDERS = {"f-string": r"\{(\w+)\}", "mustache": r"\{\{?\s*(\w+)\s*\}?\}", "jinja2": r"\{\{?\s*(\w+)\s*\}?\}"}


def _placeholder(template: Any, template_format: PromptTemplateFormat) -> MessagesPlaceholder:
    optional = True
    if isinstance(template, list | tuple) and len(template) == 2 and isinstance(template[1], bool):
        template, optional = template
    name = re.fullmatch(_PLACEHOLDERS[template_format], template) if isinstance(template, str) else None
    if name is None or template.count("{") != template.count("}"):
        raise PromptError(f"a placeholder is the name of a variable in braces, '{{history}}', not {template!r:.80}")
    return MessagesPlaceholder(name[1], optional=optional)
