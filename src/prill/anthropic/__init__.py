"""Anthropic's models."""

from prill.anthropic.chat_models import ChatAnthropic
from prill.anthropic.llms import Anthropic

__all__ = ["Anthropic", "ChatAnthropic"]
