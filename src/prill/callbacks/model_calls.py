"""What governs the calls of all models in a piece of work: when they are made, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from prill.io import ExecutionMode
from prill.rate_limiters import Permit

Estimate = Callable[[], tuple[int, int]]
"""How many tokens a request is expected to take: of input, and of output."""


class CallGovernor:
    """Governs the calls of models inside the context in which it is set (``GOVERNOR``); this one lets all pass.

    Where there is one, models and ``with_retry`` ask once: whoever set it decides what is tried again. A model's cache
    is asked before it, so answers out of a cache are neither delayed nor counted.
    """

    async def admit(self, io: ExecutionMode, estimate: Estimate) -> Permit:
        """Wait until a model may be called; what it used is given to the permit."""
        return _FREE

    def note_answer(self, model: str, generations: Sequence[Any], usage: Mapping[str, Any] | None) -> None:
        """Note the answer of a model, as far as it came."""

    def note_headers(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the status and the headers of an answer from a provider; names are in lower case."""

    def answer(self, request: Any) -> Any:
        """The answer to a provider's ``Request`` that is already there; ``None`` sends it."""
        return None


_FREE = Permit()

GOVERNOR: ContextVar[CallGovernor | None] = ContextVar("prill_call_governor", default=None)
"""What governs the calls of models in this context."""
