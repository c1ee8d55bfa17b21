"""Counting the tokens of all models that a run uses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from prill.callbacks.base import BaseCallbackHandler
from prill.callbacks.run import CONTEXT_CALLBACKS, GLOBAL_CALLBACKS, UsageCounter, get_model_name, get_usage
from prill.messages.usage import UsageMetadata


class UsageMetadataCallbackHandler(BaseCallbackHandler):
    """Adds up ``usage_metadata`` by the models' names; ``usage_metadata`` is the sum so far."""

    def __init__(self) -> None:
        self._counter = UsageCounter()

    @property
    def usage_metadata(self) -> dict[str, UsageMetadata]:
        return self._counter.by_model

    def __repr__(self) -> str:
        return str(self.usage_metadata)

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        for generations in response.generations:
            for generation in generations[:1]:
                self._add(getattr(generation, "message", None))

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self._add(getattr(error, "partial", None))

    def _add(self, message: Any) -> None:
        if usage := get_usage(message):
            self._counter.add(get_model_name(message) or "unknown", usage)


@contextlib.contextmanager
def get_usage_metadata_callback(name: str = "usage_metadata_callback") -> Iterator[UsageMetadataCallbackHandler]:
    """Count the tokens of every model that is used inside the ``with`` block.

    >>> with get_usage_metadata_callback() as usage:
    ...     print(usage.usage_metadata)
    {}
    """
    handler = UsageMetadataCallbackHandler()
    with ambient(handler):
        yield handler


@contextlib.contextmanager
def ambient(*callbacks: Any) -> Iterator[None]:
    """Watch every run started inside the ``with`` block, in this task or thread and those it starts."""
    outer = CONTEXT_CALLBACKS.get()
    token = CONTEXT_CALLBACKS.set(callbacks if outer is GLOBAL_CALLBACKS else (*outer, *callbacks))
    try:
        yield
    finally:
        CONTEXT_CALLBACKS.reset(token)
