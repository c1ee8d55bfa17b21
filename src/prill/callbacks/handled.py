"""A user's handler as an observer: the facts of a run, reported by the hooks that users know."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

from prill.callbacks.base import BaseCallbackHandler
from prill.callbacks.run import ChunkCallback, MaybeAwaitable, Observer, Run
from prill.errors import Cancelled
from prill.messages import BaseMessage, BaseMessageChunk, get_buffer_string
from prill.outputs import (
    ChatGeneration,
    ChatResult,
    Generation,
    LLMResult,
    chat_generation_chunk,
    generation_chunk,
)

logger = logging.getLogger("prill.callbacks")

_HOOKS = {"chat_model": "llm", "llm": "llm", "tool": "tool", "retriever": "retriever"}
_IGNORED_BY = {"llm": "ignore_llm", "tool": "ignore_agent", "retriever": "ignore_retriever", "chain": "ignore_chain"}


class _NotForChatModels(Exception):
    """A handler's ``on_chat_model_start`` is not implemented."""


class HandlerObserver(Observer):
    """Calls a handler's hooks."""

    def __init__(self, handler: BaseCallbackHandler) -> None:
        self.handler = handler
        self.streams_models = handler.streams_models
        # Making a chunk for a hook that does nothing would cost every token a microsecond.
        self._wants_tokens = type(handler).on_llm_new_token is not BaseCallbackHandler.on_llm_new_token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HandlerObserver) and self.handler is other.handler

    def __hash__(self) -> int:
        return id(self.handler)

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        facts = {"tags": run.tags, "metadata": run.metadata, "name": run.name}
        serialized = self._describe(run)
        if run.kind == "chat_model":
            return self._start_chat_model(run, input, serialized, facts)
        if run.kind == "llm":
            prompts = input.get("prompts", []) if isinstance(input, dict) else []
            return self._call(run, "llm", "on_llm_start", serialized, prompts, **model_arguments(run), **facts)
        if run.kind == "tool":
            about = {"inputs": input if isinstance(input, dict) else None, "tool_call_id": call_id(run)}
            return self._call(run, "tool", "on_tool_start", serialized, str(input), **about, **facts)
        if run.kind == "retriever":
            query = input["query"] if isinstance(input, dict) and "query" in input else input
            return self._call(run, "retriever", "on_retriever_start", serialized, query, **facts)
        inputs = {"input": ""} if input is None and run.streamed else input
        run_type = {} if run.kind == "chain" else {"run_type": run.kind}
        return self._call(run, "chain", "on_chain_start", serialized, inputs, **run_type, **facts)

    def _describe(self, run: Run) -> dict[str, Any]:
        """What a handler is told of the step that runs, as ``serialized``."""
        return {"name": run.name}

    def _start_chat_model(
        self, run: Run, input: Any, serialized: dict[str, Any], facts: dict[str, Any]
    ) -> MaybeAwaitable:
        if self.handler.ignore_chat_model:
            return None
        messages = input.get("messages", [[]]) if isinstance(input, dict) else [[]]
        if type(self.handler).on_chat_model_start is not BaseCallbackHandler.on_chat_model_start:
            try:
                return self._call(
                    run, None, "on_chat_model_start", serialized, messages, **model_arguments(run), **facts
                )
            except _NotForChatModels:
                pass  # it wants them as text models
        prompts = [get_buffer_string(each) for each in messages]
        return self._call(run, "llm", "on_llm_start", serialized, prompts, **model_arguments(run), **facts)

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        return self.on_chunk if self._wants_tokens and run.kind in ("chat_model", "llm") else None

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        if self.chunk_callback(run) is None:
            return None
        if isinstance(chunk, BaseMessageChunk):
            made: Any = chat_generation_chunk(chunk)
            token: Any = chunk.content
        elif isinstance(chunk, str):
            made, token = generation_chunk(chunk), chunk
        else:
            return None  # a whole message from a model that does not stream
        return self._call(run, "llm", "on_llm_new_token", token, chunk=made, tags=run.tags)

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        return self.on_other(run, "on_retry", marker)

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        hooks = _HOOKS.get(run.kind, "chain")
        if hooks == "llm":
            output = get_llm_result(run, output)
        more = {"inputs": run.input} if hooks == "chain" and run.streamed else {}
        return self._call(run, hooks, f"on_{hooks}_end", output, tags=run.tags, name=run.name, **more)

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        hooks = _HOOKS.get(run.kind, "chain")
        more: dict[str, Any] = {"tool_call_id": call_id(run)} if hooks == "tool" else {}
        if hooks == "llm":
            more["response"] = partial_result(run, error)
        return self._call(run, hooks, f"on_{hooks}_error", error, tags=run.tags, **more)

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        stopped = run.state.get("stopped")
        if not isinstance(stopped, Cancelled):
            stopped = Cancelled(f"{run.name} was left before its end", partial=partial)
        return self.on_error(run, stopped)

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        if self.handler.ignore_custom_event:
            return None
        return self._guard(run, "on_custom_event", (name, data), {"tags": run.tags, "metadata": run.metadata}, False)

    def on_other(self, run: Run, hook: str, *args: Any, **more: Any) -> MaybeAwaitable:
        """A hook that is called by name: ``on_text``, ``on_retry``, ``on_agent_action``, ``on_agent_finish``."""
        if hook == "on_retry" and self.handler.ignore_retry:
            return None
        return self._call(run, "tool" if hook.startswith("on_agent") else None, hook, *args, **more)

    def _call(self, run: Run, hooks: str | None, hook: str, *args: Any, **more: Any) -> MaybeAwaitable:
        if hooks is not None and getattr(self.handler, _IGNORED_BY[hooks]):
            return None
        return self._guard(run, hook, args, more, True)

    def _guard(self, run: Run, hook: str, facts: tuple[Any, ...], more: dict[str, Any], parent: bool) -> MaybeAwaitable:
        if parent:
            more["parent_run_id"] = run.parent.id if run.parent is not None else None
        try:
            answer = getattr(self.handler, hook)(*facts, run_id=run.id, **more)
        except Exception as error:
            if hook == "on_chat_model_start" and isinstance(error, NotImplementedError):
                raise _NotForChatModels from error
            if self.handler.raise_error:
                raise
            self._log(hook)
            return None
        if inspect.isawaitable(answer):
            return run.io.await_on_loop(self._await(hook, answer))
        return None

    async def _await(self, hook: str, answer: Awaitable[Any]) -> None:
        try:
            await answer
        except Exception:
            if self.handler.raise_error:
                raise
            self._log(hook)

    def _log(self, hook: str) -> None:
        logger.warning("the callback handler %s failed in %s", type(self.handler).__name__, hook, exc_info=True)


def model_arguments(run: Run) -> dict[str, Any]:
    """The settings of a model and the arguments of the call; those with a name ending in an underscore are ours."""
    asked = {key: value for key, value in run.kwargs.items() if not key.endswith("_")}
    stop = asked.pop("stop", None)
    describe = getattr(run.step, "_get_invocation_params", None)
    if describe is not None:
        params = describe(stop=stop, **asked)
    else:  # a run that user code has started
        params = asked if stop is None else {**asked, "stop": stop}
    return {"invocation_params": params, "options": {"stop": stop}, "batch_size": run.kwargs.get("batch_size_", 1)}


def call_id(run: Run) -> str | None:
    """The id of the tool call that a run answers, if it does."""
    given = run.raw_input
    is_call = isinstance(given, Mapping) and given.get("type") == "tool_call"
    return given.get("id") if is_call else run.kwargs.get("tool_call_id")


def partial_result(run: Run, error: BaseException) -> LLMResult:
    """The output of a model before it failed."""
    partial = run.state.get("partial", getattr(error, "partial", None))
    return LLMResult(generations=[]) if partial is None else get_llm_result(run, partial)


def get_llm_result(run: Run, output: Any) -> LLMResult:
    """The output of a model as an ``LLMResult``."""
    result = run.state.get("result")
    if isinstance(result, LLMResult):
        return result
    if isinstance(result, ChatResult):
        return LLMResult(generations=[list(result.generations)], llm_output=result.llm_output)
    if isinstance(output, BaseMessageChunk):
        return LLMResult(generations=[[chat_generation_chunk(output)]])
    if isinstance(output, BaseMessage):
        return LLMResult(generations=[[ChatGeneration(message=output)]])
    return LLMResult(generations=[[Generation(text=output if isinstance(output, str) else str(output or ""))]])
