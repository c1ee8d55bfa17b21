"""``langchain_core.chat_sessions`` and ``chat_loaders``: classes that packages derive from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from typing_extensions import TypedDict

from prill.messages import BaseMessage


class ChatSession(TypedDict, total=False):
    """A conversation: its messages, and the functions that the model could call."""

    messages: Sequence[BaseMessage]
    functions: Sequence[dict[str, object]]


class BaseChatLoader(ABC):
    """Reads conversations: a subclass writes ``lazy_load``.

    >>> class Greetings(BaseChatLoader):
    ...     def lazy_load(self):
    ...         yield {"messages": [HumanMessage("Hello")]}
    """

    @abstractmethod
    def lazy_load(self) -> Iterator[ChatSession]:
        """Read the conversations, one by one."""

    def load(self) -> list[ChatSession]:
        """Read all conversations.

        Returns:
            The conversations, in the order in which ``lazy_load`` yields them.
        """
        return list(self.lazy_load())
