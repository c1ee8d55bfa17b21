"""Google's models, through the Gemini API.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.google.chat_models import ChatGoogleGenerativeAI as ChatGoogleGenerativeAI
    from prill.google.embeddings import GoogleGenerativeAIEmbeddings as GoogleGenerativeAIEmbeddings
    from prill.google.safety import HarmBlockThreshold as HarmBlockThreshold
    from prill.google.safety import HarmCategory as HarmCategory
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "chat_models": "ChatGoogleGenerativeAI",
            "embeddings": "GoogleGenerativeAIEmbeddings",
            "safety": "HarmBlockThreshold HarmCategory",
        },
    )
