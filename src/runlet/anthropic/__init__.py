"""Anthropic's models. Needs the package ``anthropic``: ``pip install 'runlet[anthropic]'``."""

from runlet.anthropic.chat_models import ChatAnthropic

__all__ = ["ChatAnthropic"]
