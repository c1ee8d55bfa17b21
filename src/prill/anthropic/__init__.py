"""Anthropic's models. They need the package ``anthropic``: ``pip install 'prill[anthropic]'``."""

from prill.errors import MissingDependencyError as _MissingDependencyError

try:
    from prill.anthropic.chat_models import ChatAnthropic
    from prill.anthropic.llms import Anthropic
except ModuleNotFoundError as error:
    if error.name != "httpx2":  # the HTTP client that comes with the SDK, and is imported before it
        raise
    raise _MissingDependencyError(
        "the models of prill.anthropic need the package anthropic, 2.0 or newer (httpx2, which comes with it, is "
        "missing): pip install 'prill[anthropic]'"
    ) from error

__all__ = ["Anthropic", "ChatAnthropic"]
