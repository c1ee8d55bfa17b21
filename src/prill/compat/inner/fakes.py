"""``langchain_core.language_models.fake_chat_models``: fakes with a ``profile`` and the like."""

from __future__ import annotations

from prill.compat.inner.chat_models import BaseChatModel
from prill.language_models import fake_chat_models


class FakeMessagesListChatModel(fake_chat_models.FakeMessagesListChatModel, BaseChatModel):
    """Answers with messages from a list."""


class FakeListChatModel(fake_chat_models.FakeListChatModel, BaseChatModel):
    """Answers with texts from a list."""


class FakeChatModel(fake_chat_models.FakeChatModel, BaseChatModel):
    """Answers with one text."""


class ParrotFakeChatModel(fake_chat_models.ParrotFakeChatModel, BaseChatModel):
    """Answers with the last message."""


class GenericFakeChatModel(fake_chat_models.GenericFakeChatModel, BaseChatModel):
    """Answers with the messages of an iterator, also in pieces."""
