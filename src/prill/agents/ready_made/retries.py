"""Calls of models and tools that are made again when they fail."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from prill.agents.history import make_answer
from prill.agents.interrupts import ACTIVE
from prill.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ToolCallRequest
from prill.errors import Cancelled, ConfigError
from prill.messages import AIMessage

RetryOn = tuple[type[Exception], ...] | type[Exception] | Callable[[Exception], bool]
OnFailure = Literal["continue", "error"] | Callable[[Exception], str]


class _Retries(AgentMiddleware):
    """What both kinds of retries have in common; see ``ToolRetryMiddleware``."""

    _awaits_only_handlers = True

    def __init__(
        self,
        max_retries: int,
        retry_on: RetryOn,
        on_failure: OnFailure,
        backoff_factor: float,
        initial_delay: float,
        max_delay: float,
        jitter: bool,
    ) -> None:
        if max_retries < 0 or initial_delay < 0 or max_delay < 0 or backoff_factor < 0:
            raise ConfigError(f"the numbers of {type(self).__name__} are 0 or more")
        if on_failure not in ("continue", "error") and not callable(on_failure):
            raise ConfigError(f"on_failure is 'continue', 'error' or a function, not {on_failure!r}")
        self.max_retries = max_retries
        self.retry_on = retry_on
        self.on_failure = on_failure
        self.backoff_factor = backoff_factor
        self.initial_delay = initial_delay
        self.max_delay = max_delay
        self.jitter = jitter

    def _is_retried(self, error: Exception) -> bool:
        if isinstance(error, Cancelled):
            return False
        if isinstance(self.retry_on, type | tuple):
            # A wrong key stays wrong; providers' errors know that.
            permanent = self.retry_on in (Exception, (Exception,)) and getattr(error, "retryable", True) is False
            return isinstance(error, self.retry_on) and not permanent
        return self.retry_on(error)

    def _delay(self, attempt: int, error: Exception) -> float:
        delay = min(self.max_delay, self.initial_delay * self.backoff_factor**attempt)
        if self.jitter:
            delay *= 0.75 + random.random() / 2
        return max(delay, getattr(error, "retry_after", None) or 0)

    async def _try(self, call: Callable[[], Awaitable[Any]], what: str, give_up: Callable[[str], Any]) -> Any:
        """Call until it works; what it gives then, or what ``give_up`` makes of the words about the failure."""
        attempt = 0
        while True:
            try:
                return await call()
            except Exception as error:
                is_retried = self._is_retried(error)
                if is_retried and attempt < self.max_retries:
                    active = ACTIVE.get()
                    if active is not None and (delay := self._delay(attempt, error)):
                        await active.turn.run.io.sleep(delay)
                    attempt += 1
                    continue
                if not is_retried or self.on_failure == "error":
                    raise
                if callable(self.on_failure):
                    return give_up(self.on_failure(error))
                times = f"{attempt + 1} attempt" + "s" * (attempt > 0)
                text = getattr(error, "message", None) or str(error)
                return give_up(f"{what} failed after {times} with {type(error).__name__}: {text}")


class ToolRetryMiddleware(_Retries):
    """Runs a tool again when it fails, up to ``max_retries`` times.

    Args:
        max_retries: how many times.
        tools: the tools, or their names; all by default.
        retry_on: types of exceptions, or a function that says whether one is retried.
        on_failure: what happens in the end: ``"continue"`` tells the model, ``"error"`` raises, a function makes the
            words for the model of the error.
        backoff_factor: by how much the wait grows.
        initial_delay: the first wait in seconds, with ``jitter`` a quarter more or less.
        max_delay: the longest wait in seconds.
        jitter: whether waits vary.
    """

    def __init__(
        self,
        *,
        max_retries: int = 2,
        tools: Sequence[Any] | None = None,
        retry_on: RetryOn = (Exception,),
        on_failure: OnFailure = "continue",
        backoff_factor: float = 2.0,
        initial_delay: float = 1.0,
        max_delay: float = 60.0,
        jitter: bool = True,
    ) -> None:
        super().__init__(max_retries, retry_on, on_failure, backoff_factor, initial_delay, max_delay, jitter)
        self._names = None if tools is None else {each if isinstance(each, str) else each.name for each in tools}

    async def wrap_tool_call(self, request: ToolCallRequest, handler: Any) -> Any:
        name = request.tool_call["name"]
        if self._names is not None and name not in self._names:
            return await handler(request)
        return await self._try(
            lambda: handler(request), f"Tool '{name}'", lambda text: make_answer(request.tool_call, text)
        )


class ModelRetryMiddleware(_Retries):
    """Calls the model again when it fails, up to ``max_retries`` times; arguments as of ``ToolRetryMiddleware``.

    With ``on_failure="continue"`` the run ends with a message that says what failed.
    """

    def __init__(
        self,
        *,
        max_retries: int = 2,
        retry_on: RetryOn = (Exception,),
        on_failure: OnFailure = "continue",
        backoff_factor: float = 2.0,
        initial_delay: float = 1.0,
        max_delay: float = 60.0,
        jitter: bool = True,
    ) -> None:
        super().__init__(max_retries, retry_on, on_failure, backoff_factor, initial_delay, max_delay, jitter)

    async def wrap_model_call(self, request: ModelRequest, handler: Any) -> Any:
        return await self._try(
            lambda: handler(request), "Model call", lambda text: ModelResponse([AIMessage(content=text)])
        )
