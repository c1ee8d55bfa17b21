"""Models of OpenAI, and of servers that speak its protocols."""

from prill.openai.chat_models import ChatOpenAI
from prill.openai.embeddings import OpenAIEmbeddings
from prill.openai.llms import OpenAI

__all__ = ["ChatOpenAI", "OpenAI", "OpenAIEmbeddings"]
