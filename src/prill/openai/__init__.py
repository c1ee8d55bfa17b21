"""Models of OpenAI, also in Azure, and of servers that speak its protocols.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.openai.azure import AzureChatOpenAI as AzureChatOpenAI
    from prill.openai.azure import AzureOpenAI as AzureOpenAI
    from prill.openai.azure import AzureOpenAIEmbeddings as AzureOpenAIEmbeddings
    from prill.openai.chat_models import ChatOpenAI as ChatOpenAI
    from prill.openai.embeddings import OpenAIEmbeddings as OpenAIEmbeddings
    from prill.openai.llms import OpenAI as OpenAI
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "azure": "AzureChatOpenAI AzureOpenAI AzureOpenAIEmbeddings",
            "chat_models": "ChatOpenAI",
            "embeddings": "OpenAIEmbeddings",
            "llms": "OpenAI",
        },
    )
