"""Histories: the messages of a conversation, kept between its turns."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from prill.errors import CompositionError, ConfigError
from prill.io import get_asyncio_mode
from prill.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    get_buffer_string,
    message_chunk_to_message,
)
from prill.messages.kinds import Message, message_of_type
from prill.sqlite_file import SQLiteFile

__all__ = ["BaseChatMessageHistory", "InMemoryChatMessageHistory", "SQLiteChatMessageHistory"]


class BaseChatMessageHistory(ABC):
    """The messages of one conversation.

    Your own is a subclass with ``messages`` (a field or a property), ``add_messages`` or ``add_message``, and
    ``clear``. Asyncio runs use ``aget_messages``, ``aadd_messages`` and ``aclear``, which call the plain ones in a
    worker thread until you write them.
    """

    messages: list[BaseMessage]

    def add_message(self, message: BaseMessage) -> None:
        """Add one message at the end."""
        if type(self).add_messages is BaseChatMessageHistory.add_messages:
            raise CompositionError(f"{type(self).__name__} cannot store: write its add_messages or its add_message")
        self.add_messages([message])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages at the end."""
        for message in messages:
            self.add_message(message)

    @abstractmethod
    def clear(self) -> None:
        """Forget all messages."""

    async def aget_messages(self) -> list[BaseMessage]:
        """The messages."""
        return await get_asyncio_mode().call(lambda: list(self.messages))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages at the end."""
        await get_asyncio_mode().call(self.add_messages, messages)

    async def aclear(self) -> None:
        """Forget all messages."""
        await get_asyncio_mode().call(self.clear)

    def add_user_message(self, message: HumanMessage | str) -> None:
        """Add a message of the user."""
        self.add_message(message if isinstance(message, HumanMessage) else HumanMessage(content=message))

    def add_ai_message(self, message: AIMessage | str) -> None:
        """Add a message of the model."""
        self.add_message(message if isinstance(message, AIMessage) else AIMessage(content=message))

    def __str__(self) -> str:
        return get_buffer_string(self.messages)


class InMemoryChatMessageHistory(BaseChatMessageHistory, BaseModel):
    """Keeps the messages as long as the object lives."""

    messages: list[Message] = Field(default_factory=list)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self.messages.extend(messages)

    def clear(self) -> None:
        self.messages.clear()

    # Nothing here blocks, so a worker thread would be a waste.

    async def aget_messages(self) -> list[BaseMessage]:
        return list(self.messages)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        self.add_messages(messages)

    async def aclear(self) -> None:
        self.clear()


_TABLE = """
CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY, session TEXT NOT NULL, message BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS message_session ON message (session, number);
"""


class SQLiteChatMessageHistory(BaseChatMessageHistory):
    """Keeps the messages of a session in a SQLite file, as JSON; threads and processes may share it.

    ``session_id`` is the key of the conversation in the file. Messages that are added at once are all written, or none.

    Raises ``ConfigError``, which names the file, where it is damaged or cannot be used.
    """

    def __init__(self, session_id: str, path: str | os.PathLike[str] = "chat-history.db") -> None:
        self.session_id = session_id
        self._file = SQLiteFile(path, _TABLE)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # in a file, a list that could be set means nothing
        """The messages, read from the file."""
        query = "SELECT message FROM message WHERE session = ? ORDER BY number"
        return [self._read(row[0]) for row in self._file.read(query, self.session_id)]

    def _read(self, kept: bytes) -> BaseMessage:
        try:
            values: Any = from_json(kept)
            return message_of_type(values)
        except (ValueError, AttributeError) as error:  # ValidationError and ConfigError are ValueErrors
            raise self._file.damaged(error) from error

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self._file.write(
            "INSERT INTO message (session, message) VALUES (?, ?)",
            [(self.session_id, self._written(message)) for message in messages],
        )

    def _written(self, message: BaseMessage) -> bytes:
        try:
            return message_chunk_to_message(message).model_dump_json().encode()
        except (PydanticSerializationError, ValidationError) as error:
            raise ConfigError(
                f"a message cannot be written to {self._file.path!r}, which holds JSON: {error}"
            ) from error

    def clear(self) -> None:
        self._file.write("DELETE FROM message WHERE session = ?", [(self.session_id,)])

    def close(self) -> None:
        """Close the file now; it is closed by itself when the history is gone."""
        self._file.close()

    def __repr__(self) -> str:
        return f"SQLiteChatMessageHistory({self.session_id!r}, {self._file.path!r})"
