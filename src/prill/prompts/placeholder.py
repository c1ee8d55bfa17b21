"""Where messages that exist already go into a chat prompt."""

from __future__ import annotations

from typing import Any

from pydantic import PositiveInt

from prill.errors import PromptError
from prill.messages import BaseMessage, convert_to_messages
from prill.messages.base import get_msg_title_repr
from prill.prompts.base import Shown
from prill.prompts.f_string import missing_variables
from prill.prompts.message import BaseMessagePromptTemplate


class MessagesPlaceholder(BaseMessagePromptTemplate):
    """The messages of a variable: a list of messages, or of values that can be converted to them (``("human", "Hi")``).

    With ``optional`` the variable may be missing; ``n_messages`` takes only the last ones.
    Raises ``PromptError`` if the variable holds no list.
    """

    variable_name: str
    optional: bool = False
    n_messages: PositiveInt | None = None

    def __init__(self, variable_name: str, *, optional: bool = False, **kwargs: Any) -> None:
        data: dict[str, Any] = {"variable_name": variable_name, "optional": optional, **kwargs}
        super().__init__(**data)
        if not self.variable_name or set("{}") & set(self.variable_name):
            raise PromptError(
                f"a placeholder has the name of a variable, without braces: MessagesPlaceholder('history'), "
                f"not {self.variable_name!r}"
            )

    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        """The messages of the variable."""
        name = self.variable_name
        if name not in kwargs:
            if self.optional:
                return []
            raise missing_variables("the placeholder", [name], kwargs)
        value = kwargs[name]
        if not isinstance(value, list):
            raise PromptError(
                f"the variable {name!r} must be a list of messages, not {type(value).__name__} ({value!r:.80})"
            )
        messages = convert_to_messages(value)
        return messages if self.n_messages is None else messages[-self.n_messages :]

    @property
    def input_variables(self) -> list[str]:
        """The name of the variable, unless it is optional."""
        return [] if self.optional else [self.variable_name]

    def pretty_repr(self, html: bool = False) -> str:
        """The variable's name, under a title."""
        return f"{get_msg_title_repr('Messages Placeholder', bold=html)}\n\n{Shown.of(self.variable_name, html)}"
