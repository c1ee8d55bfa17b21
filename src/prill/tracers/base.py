"""Tracers that users write: hooks that are given the whole tree of a run."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

from prill.callbacks.base import BaseCallbackHandler
from prill.callbacks.handled import HandlerObserver
from prill.callbacks.run import MaybeAwaitable, Run
from prill.tracers.recorded import MODELS
from prill.tracers.tree import Recorder, TracedRun

logger = logging.getLogger("prill.tracers")

_PUBLIC_HOOKS = tuple(name for name in dir(BaseCallbackHandler) if name.startswith("on_"))

_HOOKS = {"chat_model": "llm", "llm": "llm", "tool": "tool", "retriever": "retriever"}


def _nothing(self: BaseTracer, run: TracedRun) -> Any:
    return None


class BaseTracer(Recorder, BaseCallbackHandler):
    """Records runs as trees: override ``_persist_run``, which is given each root when it has ended, and the hooks
    that you need; give an instance as ``config={"callbacks": [tracer]}``.

    The hooks are ``_on_run_create`` and ``_on_run_update`` for every run, then ``_on_chain_start``, ``_on_chain_end``,
    ``_on_chain_error`` and the same for ``llm``, ``chat_model`` (its start alone), ``tool`` and ``retriever``; each is
    given the run. ``_on_llm_new_token`` is given the run, the token and the chunk. An exception in a hook is logged
    and does no harm to the run, unless ``raise_error`` is true.

    A tracer is a ``BaseCallbackHandler``, too: those of its hooks that you override (``on_chat_model_start`` …) are
    called as well, after the run has been recorded. Calling them with ``super()`` does nothing.
    """

    raise_error: bool = False
    _has_public_hooks: ClassVar[bool] = False
    """Whether a subclass overrides hooks of ``BaseCallbackHandler``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._has_public_hooks = any(getattr(cls, name) is not getattr(BaseTracer, name) for name in _PUBLIC_HOOKS)

    _persist_run: Callable[..., Any] = _nothing
    _on_run_create: Callable[..., Any] = _nothing
    _on_run_update: Callable[..., Any] = _nothing
    _on_chain_start: Callable[..., Any] = _nothing
    _on_chain_end: Callable[..., Any] = _nothing
    _on_chain_error: Callable[..., Any] = _nothing
    _on_llm_start: Callable[..., Any] = _nothing
    _on_llm_end: Callable[..., Any] = _nothing
    _on_llm_error: Callable[..., Any] = _nothing
    _on_tool_start: Callable[..., Any] = _nothing
    _on_tool_end: Callable[..., Any] = _nothing
    _on_tool_error: Callable[..., Any] = _nothing
    _on_retriever_start: Callable[..., Any] = _nothing
    _on_retriever_end: Callable[..., Any] = _nothing
    _on_retriever_error: Callable[..., Any] = _nothing

    def _on_chat_model_start(self, run: TracedRun) -> Any:
        return self._on_llm_start(run)

    def _on_llm_new_token(self, run: TracedRun, token: Any, chunk: Any) -> Any:
        return None

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[Any]], **kwargs: Any) -> Any:
        """A chat model starts; without this method, it would be reported to ``on_llm_start``."""

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        return self._and_hooks(super().on_start(run, input), "on_start", run, input)

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        return self._and_hooks(super().on_end(run, output), "on_end", run, output)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        return self._and_hooks(super().on_error(run, error), "on_error", run, error)

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        return self._and_hooks(super().on_cancel(run, partial), "on_cancel", run, partial)

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        return self._and_hooks(None, "on_custom", run, name, data)

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        return self._and_hooks(None, "on_restart", run, marker)

    def on_other(self, run: Run, hook: str, *args: Any, **more: Any) -> MaybeAwaitable:
        """A hook that is called by name: ``on_text``, ``on_retry``, ``on_agent_action``, ``on_agent_finish``."""
        return self._and_hooks(None, "on_other", run, hook, *args, **more)

    def _and_hooks(self, first: MaybeAwaitable, fact: str, run: Run, *facts: Any, **more: Any) -> MaybeAwaitable:
        """Report a fact to the public hooks too, when ``first`` has been waited for."""
        if not self._has_public_hooks:
            return first
        report = partial(getattr(HandlerObserver(self), fact), run, *facts, **more)
        return report() if first is None else _in_turn(first, report)

    def opened(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        hook = "chat_model" if traced.kind == "chat_model" else _HOOKS.get(traced.kind, "chain")
        return self._report(run, ["_on_run_create", f"_on_{hook}_start"], traced)

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        super().on_chunk(run, chunk)
        if run.kind not in MODELS:
            return None
        token = getattr(chunk, "content", chunk)
        notice = self._report(run, ["_on_llm_new_token"], run.state[self], token, chunk)
        return self._and_hooks(notice, "on_chunk", run, chunk)

    def closed(self, run: Run, traced: TracedRun) -> MaybeAwaitable:
        ending = "end" if traced.status == "ok" else "error"
        hooks = ["_on_run_update", f"_on_{_HOOKS.get(traced.kind, 'chain')}_{ending}"]
        return self._report(run, ["_persist_run", *hooks] if traced.parent_run_id is None else hooks, traced)

    def _report(self, run: Run, hooks: list[str], *facts: Any) -> MaybeAwaitable:
        waiting = []
        for hook in hooks:
            try:
                answer = getattr(self, hook)(*facts)
            except Exception:
                self._failed(hook)
            else:
                if inspect.isawaitable(answer):
                    waiting.append((hook, answer))
        return run.io.await_on_loop(self._await(waiting)) if waiting else None

    async def _await(self, waiting: list[tuple[str, Awaitable[Any]]]) -> None:
        for hook, answer in waiting:
            try:
                await answer
            except Exception:
                self._failed(hook)

    def _failed(self, hook: str) -> None:
        if self.raise_error:
            raise
        logger.warning("the tracer %s failed in %s", type(self).__name__, hook, exc_info=True)

    def _guard(self, hook: str, run: Run, traced: TracedRun) -> MaybeAwaitable:
        notice: MaybeAwaitable = getattr(self, hook)(run, traced)  # each hook is guarded by itself
        return notice


async def _in_turn(first: Awaitable[None], then: Callable[[], MaybeAwaitable]) -> None:
    await first
    if (second := then()) is not None:
        await second


class AsyncBaseTracer(BaseTracer):
    """A tracer whose hooks are ``async def``; each is awaited before the run goes on."""
