"""Models of OpenAI, and of servers that speak its protocols. They need ``pip install 'runlet[openai]'``."""

from runlet.errors import MissingDependencyError as _MissingDependencyError

try:
    from runlet.openai.chat_models import ChatOpenAI
    from runlet.openai.embeddings import OpenAIEmbeddings
    from runlet.openai.llms import OpenAI
except ModuleNotFoundError as error:
    if error.name != "httpx2":  # the HTTP client that comes with the SDK, and is imported before it
        raise
    raise _MissingDependencyError(
        "the models of runlet.openai need the package openai, 3.0 or newer (httpx2, which comes with it, is missing): "
        "pip install 'runlet[openai]'"
    ) from error

__all__ = ["ChatOpenAI", "OpenAI", "OpenAIEmbeddings"]
