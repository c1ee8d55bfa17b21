"""Models in Amazon Bedrock, through its Converse API.

Names are loaded when they are first used. The extra ``bedrock`` has what requests are signed with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.bedrock.chat_models import ChatBedrockConverse as ChatBedrockConverse
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(__name__, {"chat_models": "ChatBedrockConverse"})
