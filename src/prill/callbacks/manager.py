"""Callbacks as user code is handed them: managers that know the run which they belong to.

A manager handed on in a config (``chain.invoke(x, {"callbacks": run_manager.get_child()})``) makes what it configures
a child of that run. Its ``on_…`` methods report to the run's observers what the user's own code says.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Self

from prill.callbacks.base import BaseCallbackHandler, Callbacks
from prill.callbacks.config import Config
from prill.callbacks.handled import HandlerObserver
from prill.callbacks.run import (
    CURRENT_RUN,
    CallbacksWithParent,
    MaybeAwaitable,
    Observer,
    Run,
    join_observers,
)
from prill.callbacks.started_runs import model_output, prepare_run
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.lazy import lazy_names


async def notify(run: Run, mode: ExecutionMode | None, hook: str, *facts: Any, **more: Any) -> None:
    """Report a fact about a run to its observers, those that have the hook for it."""
    for observer in run.observers or ():
        method = getattr(observer, hook, None)
        waiting: MaybeAwaitable = method(run, *facts, **more) if method is not None else None
        if waiting is not None:
            await (waiting if mode is None else mode.await_on_loop(waiting))


class BaseRunManager(CallbacksWithParent):
    """The run that user code is part of: it reports events of the run and passes callbacks on to child runs."""

    def __init__(self, run: Run, tag: str | None = None) -> None:
        self.run = run
        self.tag = tag
        self._handlers: list[Any] | None = None

    @property
    def run_id(self) -> uuid.UUID:
        assert self.run is not None  # made for a run …
        return self.run.id or uuid.uuid4()  # a run that nobody watches has none

    @property
    def parent_run_id(self) -> uuid.UUID | None:
        return self.run.parent.id if self.run is not None and self.run.parent is not None else None

    @property
    def handlers(self) -> list[Any]:
        """The handlers that watch; those that are added to the list watch the runs that are started with this."""
        if self._handlers is None:
            self._handlers = _handlers(self.observers())
        return self._handlers

    @handlers.setter
    def handlers(self, handlers: list[Any]) -> None:
        self._handlers = list(handlers)

    inheritable_handlers = handlers

    @classmethod
    def get_noop_manager(cls) -> Self:
        """A manager of a run that nobody watches, for code that needs one and has none."""
        run = Run(BLOCKING, {})
        run.start("nothing", "chain")
        return cls(run)

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """Callbacks for a run that this one starts; ``tag`` is one for that run alone."""
        config: Config = self.run.config if self.run is not None else {}
        manager = (CallbackManager if isinstance(self, RunManager) else AsyncCallbackManager)(
            self.handlers,
            self.handlers,
            self.run_id,
            tags=[tag] if tag else None,
            inheritable_tags=config.get("tags"),
            inheritable_metadata=config.get("metadata"),
            run=self.run,
        )
        manager.tag = tag
        return manager

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseRunManager) and self.run is other.run

    __hash__ = None  # type: ignore[assignment]  # as for every class with __eq__


def _reports_chunks(run: Run) -> bool:
    """Whether the chunks that a model's code yields are reported anyway."""
    return run.streamed or "chunks_reported" in run.state


class RunManager(BaseRunManager):
    """The manager of a run whose user code is plain."""

    def _report(self, hook: str, *facts: Any, **more: Any) -> None:
        if self.run is not None:
            drive(notify(self.run, BLOCKING, hook, *facts, **more))

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        """Report a chunk of a model; no effect in a stream, where each yielded chunk is reported."""
        if self.run is not None and not _reports_chunks(self.run):
            self._report("on_chunk", _piece(token, chunk))

    def on_text(self, text: str, **kwargs: Any) -> None:
        self._report("on_other", "on_text", text, **kwargs)

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self._report("on_other", "on_retry", retry_state, **kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self._report("on_custom", name, data)

    def on_agent_action(self, action: Any, **kwargs: Any) -> None:
        self._report("on_other", "on_agent_action", action, **kwargs)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> None:
        self._report("on_other", "on_agent_finish", finish, **kwargs)


class AsyncRunManager(BaseRunManager):
    """The manager of a run whose user code is ``async``: its methods are awaited."""

    def get_sync(self) -> RunManager:
        """The same for plain code."""
        assert self.run is not None
        return RunManager(self.run, self.tag)

    def _report(self, hook: str, *facts: Any, **more: Any) -> Awaitable[None]:
        assert self.run is not None
        return notify(self.run, None, hook, *facts, **more)

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        """Report a chunk of a model; no effect in a stream, where each yielded chunk is reported."""
        if self.run is not None and not _reports_chunks(self.run):
            await self._report("on_chunk", _piece(token, chunk))

    def on_text(self, text: str, **kwargs: Any) -> Awaitable[None]:
        return self._report("on_other", "on_text", text, **kwargs)

    def on_retry(self, retry_state: Any, **kwargs: Any) -> Awaitable[None]:
        return self._report("on_other", "on_retry", retry_state, **kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> Awaitable[None]:
        return self._report("on_custom", name, data)

    def on_agent_action(self, action: Any, **kwargs: Any) -> Awaitable[None]:
        return self._report("on_other", "on_agent_action", action, **kwargs)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> Awaitable[None]:
        return self._report("on_other", "on_agent_finish", finish, **kwargs)


class StartedRunManager(RunManager):
    """The manager of a run that user code started with ``CallbackManager.on_…_start``, and ends with one of these."""

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        """The run ended; ``outputs`` is its output."""
        self._report("on_end", outputs)

    on_tool_end = on_retriever_end = on_chain_end

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        """The run of a model ended; ``response`` is an ``LLMResult``."""
        assert self.run is not None
        self._report("on_end", model_output(self.run, response))

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """The run failed."""
        self._report("on_error", error)

    on_llm_error = on_tool_error = on_retriever_error = on_chain_error


class AsyncStartedRunManager(AsyncRunManager):
    """The same for asyncio."""

    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        """The run ended; ``outputs`` is its output."""
        await self._report("on_end", outputs)

    on_tool_end = on_retriever_end = on_chain_end

    async def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        """The run of a model ended; ``response`` is an ``LLMResult``."""
        assert self.run is not None
        await self._report("on_end", model_output(self.run, response))

    async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """The run failed."""
        await self._report("on_error", error)

    on_llm_error = on_tool_error = on_retriever_error = on_chain_error


ParentRunManager = CallbackManagerForChainRun = CallbackManagerForLLMRun = RunManager
CallbackManagerForToolRun = CallbackManagerForRetrieverRun = RunManager
AsyncParentRunManager = AsyncCallbackManagerForChainRun = AsyncCallbackManagerForLLMRun = AsyncRunManager
AsyncCallbackManagerForToolRun = AsyncCallbackManagerForRetrieverRun = AsyncRunManager


class BaseCallbackManager(CallbacksWithParent):
    """Handlers, with tags and metadata for the runs that they watch; given as ``callbacks`` like a list of handlers."""

    def __init__(
        self,
        handlers: list[BaseCallbackHandler],
        inheritable_handlers: list[BaseCallbackHandler] | None = None,
        parent_run_id: uuid.UUID | None = None,
        *,
        tags: list[str] | None = None,
        inheritable_tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
        run: Run | None = None,
    ) -> None:
        self.handlers = list(handlers)
        self.inheritable_handlers = list(inheritable_handlers or [])
        self.parent_run_id = parent_run_id
        self.inheritable_tags = list(inheritable_tags or [])
        self.tags = [*(tags or []), *(tag for tag in self.inheritable_tags if tag not in (tags or []))]
        self.inheritable_metadata = {**(inheritable_metadata or {})}
        self.metadata = {**(metadata or {}), **self.inheritable_metadata}
        self.run = run

    def observers(self) -> tuple[Observer, ...]:
        own = join_observers(None, [*self.handlers, *self.inheritable_handlers]) or ()
        return join_observers(super().observers(), list(own)) or ()

    @property
    def is_async(self) -> bool:
        return False

    def add_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        """Add a handler; with ``inherit`` child runs get it too."""
        if handler not in self.handlers:
            self.handlers.append(handler)
        if inherit and handler not in self.inheritable_handlers:
            self.inheritable_handlers.append(handler)

    def remove_handler(self, handler: BaseCallbackHandler) -> None:
        """Remove a handler, if it is there."""
        self.handlers = [each for each in self.handlers if each is not handler]
        self.inheritable_handlers = [each for each in self.inheritable_handlers if each is not handler]

    def set_handlers(self, handlers: list[BaseCallbackHandler], inherit: bool = True) -> None:
        """Replace the handlers; with ``inherit`` child runs get them too."""
        self.handlers, self.inheritable_handlers = [], []
        for handler in handlers:
            self.add_handler(handler, inherit)

    def set_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        self.set_handlers([handler], inherit)

    def add_tags(self, tags: list[str], inherit: bool = True) -> None:
        """Add labels for the runs that are started with this; with ``inherit`` also for what these start."""
        for known in (self.tags, self.inheritable_tags) if inherit else (self.tags,):
            known += [tag for tag in tags if tag not in known]

    def remove_tags(self, tags: list[str]) -> None:
        """Remove labels, where they are there."""
        self.tags = [tag for tag in self.tags if tag not in tags]
        self.inheritable_tags = [tag for tag in self.inheritable_tags if tag not in tags]

    def add_metadata(self, metadata: dict[str, Any], inherit: bool = True) -> None:
        """Add facts about the runs that are started with this; with ``inherit`` also about what these start."""
        self.metadata.update(metadata)
        if inherit:
            self.inheritable_metadata.update(metadata)

    def remove_metadata(self, keys: list[str]) -> None:
        """Remove facts, where they are there."""
        for key in keys:
            self.metadata.pop(key, None)
            self.inheritable_metadata.pop(key, None)

    def copy(self) -> Self:
        """A manager of the same that can be changed by itself."""
        copied = type(self)(
            self.handlers,
            self.inheritable_handlers,
            self.parent_run_id,
            tags=self.tags,
            inheritable_tags=self.inheritable_tags,
            metadata=self.metadata,
            inheritable_metadata=self.inheritable_metadata,
            run=self.run,
        )
        copied.tag = self.tag
        return copied

    def merge(self, other: BaseCallbackManager) -> Self:
        """A manager of what either has."""
        merged = self.copy()
        merged.handlers += [each for each in other.handlers if each not in merged.handlers]
        more = [each for each in other.inheritable_handlers if each not in merged.inheritable_handlers]
        merged.inheritable_handlers += more
        for inherit in (True, False):
            merged.add_tags(other.inheritable_tags if inherit else other.tags, inherit)
            merged.add_metadata(other.inheritable_metadata if inherit else other.metadata, inherit)
        return merged


class CallbackManager(BaseCallbackManager):
    """Handlers as one object, for programs that hand managers about."""

    @classmethod
    def configure(
        cls,
        inheritable_callbacks: Callbacks = None,
        local_callbacks: Callbacks = None,
        verbose: bool = False,
        inheritable_tags: list[str] | None = None,
        local_tags: list[str] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
        local_metadata: dict[str, Any] | None = None,
        **langsmith: Any,
    ) -> Self:
        """A manager of all that is given; each callback is a list of handlers or a manager.

        What else is given by name concerns LangSmith's tracer, which there is not.
        """
        observers = join_observers(join_observers(None, inheritable_callbacks), local_callbacks) or ()
        given = [each for each in (local_callbacks, inheritable_callbacks) if isinstance(each, CallbacksWithParent)]
        run = next((each.run for each in given if each.run is not None), None)
        manager = cls(
            _handlers(observers),
            _handlers(join_observers(None, inheritable_callbacks) or ()),
            run.id if run is not None else None,
            run=run,
        )
        for each in given:
            if isinstance(each, BaseCallbackManager):
                manager.add_tags(each.tags, False)
                manager.add_tags(each.inheritable_tags)
                manager.add_metadata(each.metadata, False)
                manager.add_metadata(each.inheritable_metadata)
        manager.add_tags(inheritable_tags or [])
        manager.add_tags(local_tags or [], False)
        manager.add_metadata(inheritable_metadata or {})
        manager.add_metadata(local_metadata or {}, False)
        return manager

    def _prepare(self, io: ExecutionMode, kind: str, serialized: Any, input: Any, kwargs: dict[str, Any]) -> Run:
        more = {"tags": self.inheritable_tags, "metadata": self.inheritable_metadata, **kwargs}
        run = prepare_run(io, self.run, self.observers(), kind, serialized, input, **more)
        run.tags = [*self.tags, *(tag for tag in run.tags if tag not in self.tags)]
        run.metadata = {**self.metadata, **run.metadata}
        return run

    def _start(self, kind: str, serialized: Any, input: Any, **kwargs: Any) -> Any:
        run = self._prepare(BLOCKING, kind, serialized, input, kwargs)
        drive(notify(run, BLOCKING, "on_start", input))
        return StartedRunManager(run)

    def on_chain_start(self, serialized: Any, inputs: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> Any:
        """Start and report a run of your own code; ``name`` in ``kwargs`` names it.

        Returns a run manager: ``on_chain_end(outputs)`` or ``on_chain_error(error)`` ends the run, ``get_child()`` are
        callbacks for what it calls.

        >>> run_manager = manager.on_chain_start({"name": "mine"}, {"x": 1})  # doctest: +SKIP
        >>> result = chain.invoke(1, {"callbacks": run_manager.get_child()})  # doctest: +SKIP
        >>> run_manager.on_chain_end(result)  # doctest: +SKIP
        """
        return self._start("chain", serialized, inputs, run_id=run_id, **kwargs)

    def on_llm_start(
        self, serialized: Any, prompts: list[str], run_id: uuid.UUID | None = None, **kwargs: Any
    ) -> list[Any]:
        """Start and report a run of a text model for each prompt; ``run_id`` is the id of the first."""
        return [
            self._start("llm", serialized, {"prompts": [prompt]}, run_id=None if index else run_id, **kwargs)
            for index, prompt in enumerate(prompts)
        ]

    def on_chat_model_start(
        self, serialized: Any, messages: list[list[Any]], run_id: uuid.UUID | None = None, **kwargs: Any
    ) -> list[Any]:
        """Start and report a run of a chat model for each list of messages; ``run_id`` is the id of the first."""
        return [
            self._start("chat_model", serialized, {"messages": [each]}, run_id=None if index else run_id, **kwargs)
            for index, each in enumerate(messages)
        ]

    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        run_id: uuid.UUID | None = None,
        parent_run_id: uuid.UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Start and report a run of a tool. See ``on_chain_start``."""
        return self._start("tool", serialized, input_str if inputs is None else inputs, run_id=run_id, **kwargs)

    def on_retriever_start(
        self,
        serialized: Any,
        query: str,
        run_id: uuid.UUID | None = None,
        parent_run_id: uuid.UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """Start and report a run of a retriever. See ``on_chain_start``."""
        return self._start("retriever", serialized, query, run_id=run_id, **kwargs)

    def on_custom_event(self, name: str, data: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> Any:
        """Report an event of your own to the handlers; ``run_id`` is that of the run it belongs to, or a new one."""
        drive(notify(self._run_for_event(run_id), BLOCKING, "on_custom", name, data))

    def _run_for_event(self, run_id: uuid.UUID | None) -> Run:
        if self.run is not None and run_id is None:
            return self.run
        said = {"run_id": run_id or uuid.uuid4(), "tags": self.tags, "metadata": self.metadata}
        run = Run(BLOCKING, said, self.observers())
        run.start("custom event", "chain")
        return run


class AsyncCallbackManager(CallbackManager):
    """A ``CallbackManager`` whose methods that report are awaited; handlers of both kinds work in both."""

    async def _astart(self, kind: str, serialized: Any, input: Any, **kwargs: Any) -> Any:
        run = self._prepare(get_asyncio_mode(), kind, serialized, input, kwargs)
        await notify(run, None, "on_start", input)
        return AsyncStartedRunManager(run)

    async def on_chain_start(self, serialized: Any, inputs: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> Any:
        """Start and report a run of your own code. See ``CallbackManager.on_chain_start``."""
        return await self._astart("chain", serialized, inputs, run_id=run_id, **kwargs)

    async def on_llm_start(  # type: ignore[override]  # it is awaited
        self, serialized: Any, prompts: list[str], run_id: uuid.UUID | None = None, **kwargs: Any
    ) -> list[Any]:
        """Start and report a run of a text model for each prompt; ``run_id`` is the id of the first."""
        return [
            await self._astart("llm", serialized, {"prompts": [prompt]}, run_id=None if index else run_id, **kwargs)
            for index, prompt in enumerate(prompts)
        ]

    async def on_chat_model_start(  # type: ignore[override]  # it is awaited
        self, serialized: Any, messages: list[list[Any]], run_id: uuid.UUID | None = None, **kwargs: Any
    ) -> list[Any]:
        """Start and report a run of a chat model for each list of messages; ``run_id`` is the id of the first."""
        return [
            await self._astart(
                "chat_model", serialized, {"messages": [each]}, run_id=None if index else run_id, **kwargs
            )
            for index, each in enumerate(messages)
        ]

    async def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        run_id: uuid.UUID | None = None,
        parent_run_id: uuid.UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Start and report a run of a tool. See ``CallbackManager.on_chain_start``."""
        return await self._astart("tool", serialized, input_str if inputs is None else inputs, run_id=run_id, **kwargs)

    async def on_retriever_start(
        self,
        serialized: Any,
        query: str,
        run_id: uuid.UUID | None = None,
        parent_run_id: uuid.UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """Start and report a run of a retriever. See ``CallbackManager.on_chain_start``."""
        return await self._astart("retriever", serialized, query, run_id=run_id, **kwargs)

    async def on_custom_event(self, name: str, data: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> None:
        """Report an event of your own to the handlers; ``run_id`` is that of the run it belongs to, or a new one."""
        await notify(self._run_for_event(run_id), None, "on_custom", name, data)

    @property
    def is_async(self) -> bool:
        return True


def _handlers(observers: tuple[Observer, ...]) -> list[Any]:
    return [each.handler if isinstance(each, HandlerObserver) else each for each in observers]


def _piece(token: Any, chunk: Any) -> Any:
    message = getattr(chunk, "message", None)
    return message if message is not None else getattr(chunk, "text", token)


def adapt_callback(callback: Any) -> Observer | None:
    """Return the observer that notifies a user's handler; ``None`` if ``callback`` is not a handler."""
    return HandlerObserver(callback) if isinstance(callback, BaseCallbackHandler) else None


def dispatch_custom_event(name: str, data: Any, *, config: Any = None) -> None:
    """Report an event of your own to the observers of the current run; without one, nothing happens.

    They see it as ``on_custom_event``. In a worker thread of your own making, hand the config over.
    """
    run = _get_run(config)
    if run is not None:
        drive(notify(run, BLOCKING, "on_custom", name, data))


async def adispatch_custom_event(name: str, data: Any, *, config: Any = None) -> None:
    """Report an event of your own to the observers of the current run; without one, nothing happens."""
    run = _get_run(config)
    if run is not None:
        await notify(run, None, "on_custom", name, data)


def _get_run(config: Any) -> Run | None:
    given = (config or {}).get("callbacks")
    if isinstance(given, CallbacksWithParent) and given.run is not None:
        return given.run
    return CURRENT_RUN.get()


if not TYPE_CHECKING:  # a type checker would believe that every name exists
    # The documented API has them in this module; their file imports this one.
    __getattr__, __dir__, _ = lazy_names(
        __name__,
        {
            "prill.callbacks.groups": (
                "AsyncCallbackManagerForChainGroup CallbackManagerForChainGroup atrace_as_chain_group "
                "trace_as_chain_group"
            )
        },
    )
