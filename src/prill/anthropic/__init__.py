"""Anthropic's models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.anthropic.chat_models import ChatAnthropic as ChatAnthropic
    from prill.anthropic.llms import Anthropic as Anthropic
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "chat_models": "ChatAnthropic",
            "llms": "Anthropic",
        },
    )
