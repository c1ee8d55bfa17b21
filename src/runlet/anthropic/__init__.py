"""Anthropic's models. They need the package ``anthropic``: ``pip install 'runlet[anthropic]'``."""

from runlet.anthropic.chat_models import ChatAnthropic
from runlet.anthropic.llms import Anthropic, AnthropicLLM
from runlet.anthropic.tools import convert_to_anthropic_tool

__all__ = ["Anthropic", "AnthropicLLM", "ChatAnthropic", "convert_to_anthropic_tool"]
