"""Language models: what they have in common, and fakes to test with."""

from prill.language_models.base import (
    BaseLanguageModel,
    LangSmithParams,
    LanguageModelInput,
    LanguageModelLike,
    LanguageModelOutput,
)
from prill.language_models.chat_models import BaseChatModel, SimpleChatModel
from prill.language_models.fake import FakeListLLM, FakeStreamingListLLM
from prill.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
)
from prill.language_models.llms import LLM, BaseLLM
from prill.messages.data_blocks import is_openai_data_block

__all__ = [
    "LLM",
    "BaseChatModel",
    "BaseLLM",
    "BaseLanguageModel",
    "FakeListChatModel",
    "FakeListLLM",
    "FakeMessagesListChatModel",
    "FakeStreamingListLLM",
    "GenericFakeChatModel",
    "LangSmithParams",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "ParrotFakeChatModel",
    "SimpleChatModel",
    "is_openai_data_block",
]
