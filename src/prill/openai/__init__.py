"""Models of OpenAI, and of servers that speak its protocols. They need ``pip install 'prill[openai]'``."""

from prill.errors import MissingDependencyError as _MissingDependencyError

try:
    from prill.openai.chat_models import ChatOpenAI
    from prill.openai.embeddings import OpenAIEmbeddings
    from prill.openai.llms import OpenAI
except ModuleNotFoundError as error:
    if error.name != "httpx2":  # the HTTP client that comes with the SDK, and is imported before it
        raise
    raise _MissingDependencyError(
        "the models of prill.openai need the package openai, 3.0 or newer (httpx2, which comes with it, is missing): "
        "pip install 'prill[openai]'"
    ) from error

__all__ = ["ChatOpenAI", "OpenAI", "OpenAIEmbeddings"]
