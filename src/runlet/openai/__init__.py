"""Models of OpenAI, and of the servers that speak its protocols."""

from runlet.openai.chat_models import ChatOpenAI
from runlet.openai.embeddings import OpenAIEmbeddings
from runlet.openai.llms import OpenAI

__all__ = ["ChatOpenAI", "OpenAI", "OpenAIEmbeddings"]
