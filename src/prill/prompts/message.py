"""The base of the parts of a chat prompt that make messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from prill.messages import BaseMessage


class BaseMessagePromptTemplate(BaseModel, ABC):
    """Makes one or more messages of a chat prompt; a subclass does so in ``format_messages``."""

    _chat_prompt: ClassVar[type[Any]]
    """Makes a chat prompt; set by ``prill.prompts.chat``, which imports this file."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", defer_build=True)  # built when first used

    @abstractmethod
    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages, with the variables filled in."""
        return self.format_messages(**kwargs)

    @property
    @abstractmethod
    def input_variables(self) -> list[str]:
        """The variables that must be given."""

    def pretty_repr(self, html: bool = False) -> str:
        """The messages, under a title; ``html`` makes the title bold and the variables coloured in a terminal."""
        return repr(self)

    def pretty_print(self) -> None:
        """Print the messages, under a title."""
        print(self.pretty_repr())

    def __add__(self, other: Any) -> Any:
        """The chat prompt of this and ``other``."""
        return self._chat_prompt([self]) + other

    def __radd__(self, other: Any) -> Any:
        if not isinstance(other, BaseMessage):
            return NotImplemented
        return self._chat_prompt([other, self])

    def __repr_args__(self) -> Any:
        for name, value in super().__repr_args__():
            if value not in (None, {}, False):
                yield name, value
