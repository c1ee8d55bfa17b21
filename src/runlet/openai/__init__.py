"""Models of OpenAI, and of the servers that speak its protocols."""

from runlet.openai.chat_models import ChatOpenAI

__all__ = ["ChatOpenAI"]
