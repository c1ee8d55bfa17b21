"""Anthropic's models. They need the package ``anthropic``: ``pip install 'runlet[anthropic]'``."""

from runlet.anthropic.chat_models import ChatAnthropic
from runlet.anthropic.llms import Anthropic

__all__ = ["Anthropic", "ChatAnthropic"]
