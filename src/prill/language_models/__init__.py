"""Language models: what they have in common, and fakes to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.language_models.base import (
        BaseLanguageModel as BaseLanguageModel,
        LangSmithParams as LangSmithParams,
        LanguageModelInput as LanguageModelInput,
        LanguageModelLike as LanguageModelLike,
        LanguageModelOutput as LanguageModelOutput,
    )
    from prill.language_models.chat_models import (
        BaseChatModel as BaseChatModel,
        SimpleChatModel as SimpleChatModel,
    )
    from prill.language_models.fake import (
        FakeListLLM as FakeListLLM,
        FakeStreamingListLLM as FakeStreamingListLLM,
    )
    from prill.language_models.fake_chat_models import (
        FakeListChatModel as FakeListChatModel,
        FakeMessagesListChatModel as FakeMessagesListChatModel,
        GenericFakeChatModel as GenericFakeChatModel,
        ParrotFakeChatModel as ParrotFakeChatModel,
    )
    from prill.language_models.llms import (
        LLM as LLM,
        BaseLLM as BaseLLM,
    )
    from prill.messages.data_blocks import is_openai_data_block as is_openai_data_block
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base": "BaseLanguageModel LangSmithParams LanguageModelInput LanguageModelLike LanguageModelOutput",
            "chat_models": "BaseChatModel SimpleChatModel",
            "fake": "FakeListLLM FakeStreamingListLLM",
            "fake_chat_models": "FakeListChatModel FakeMessagesListChatModel GenericFakeChatModel ParrotFakeChatModel",
            "llms": "LLM BaseLLM",
            "prill.messages.data_blocks": "is_openai_data_block",
        },
    )
