"""Callbacks as user code is handed them: managers that know the run which they belong to.

A manager handed on in a config (``chain.invoke(x, {"callbacks": run_manager.get_child()})``) makes what it configures
a child of that run. Its ``on_…`` methods tell the run's observers what the user's own code has to say.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Self

from prill.callbacks.base import BaseCallbackHandler, Callbacks
from prill.callbacks.handled import HandlerObserver
from prill.callbacks.run import (
    ADAPTERS,
    CURRENT,
    MANAGERS,
    HandedOn,
    Notice,
    Observer,
    Run,
    inside,
    join_observers,
)
from prill.io import BLOCKING, Colour, asyncio_colour, drive


async def _tell(run: Run, settle: Colour | None, hook: str, *facts: Any, **more: Any) -> None:
    for observer in run.observers or ():
        told = getattr(observer, hook, None)
        notice: Notice = told(run, *facts, **more) if told is not None else None
        if notice is not None:
            await (notice if settle is None else settle.settle(notice))


class BaseRunManager(HandedOn):
    """What a user's code can say of the run that it is in, and hand on."""

    def __init__(self, run: Run, tag: str | None = None) -> None:
        self.run = run
        self._tag = tag

    @property
    def run_id(self) -> uuid.UUID:
        assert self.run is not None  # made for a run …
        return self.run.id or uuid.uuid4()  # a run that nobody watches has none

    @property
    def parent_run_id(self) -> uuid.UUID | None:
        return self.run.parent.id if self.run is not None and self.run.parent is not None else None

    @property
    def handlers(self) -> list[Any]:
        """The handlers that watch."""
        return _handlers(self.observers())

    inheritable_handlers = handlers

    @classmethod
    def get_noop_manager(cls) -> Self:
        """A manager of a run that nobody watches, for code that needs one and has none."""
        run = Run(BLOCKING, {})
        run.start("nothing", "chain")
        return cls(run)

    def get_child(self, tag: str | None = None) -> HandedOn:
        """Callbacks for a run that this one starts; ``tag`` is one for that run alone."""
        return type(self)(self.run, tag) if self.run is not None else self

    @property
    def tag(self) -> str | None:
        return self._tag

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseRunManager) and self.run is other.run

    __hash__ = None  # type: ignore[assignment]  # as for every class with __eq__


def _tells_chunks(run: Run) -> bool:
    """Whether each chunk that a model's code yields is told, also inside ``invoke``."""
    return run.streamed or "told" in run.state


class RunManager(BaseRunManager):
    """The manager of a run whose user code is plain."""

    def _say(self, hook: str, *facts: Any, **more: Any) -> None:
        if self.run is not None:
            drive(_tell(self.run, BLOCKING, hook, *facts, **more))

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        """A model put out a piece; of no effect in a stream, where yielding the piece says so already."""
        if self.run is not None and not _tells_chunks(self.run):
            self._say("on_chunk", _piece(token, chunk))

    def on_text(self, text: str, **kwargs: Any) -> None:
        self._say("on_other", "on_text", text, **kwargs)

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self._say("on_other", "on_retry", retry_state, **kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self._say("on_custom", name, data)

    def on_agent_action(self, action: Any, **kwargs: Any) -> None:
        self._say("on_other", "on_agent_action", action, **kwargs)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> None:
        self._say("on_other", "on_agent_finish", finish, **kwargs)


class AsyncRunManager(BaseRunManager):
    """The manager of a run whose user code is ``async``: what it says is awaited."""

    def get_sync(self) -> RunManager:
        """The same for plain code."""
        assert self.run is not None
        return RunManager(self.run, self._tag)

    def _say(self, hook: str, *facts: Any, **more: Any) -> Awaitable[None]:
        assert self.run is not None
        return _tell(self.run, None, hook, *facts, **more)

    async def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
        """A model put out a piece; of no effect in a stream, where yielding the piece says so already."""
        if self.run is not None and not _tells_chunks(self.run):
            await self._say("on_chunk", _piece(token, chunk))

    def on_text(self, text: str, **kwargs: Any) -> Awaitable[None]:
        return self._say("on_other", "on_text", text, **kwargs)

    def on_retry(self, retry_state: Any, **kwargs: Any) -> Awaitable[None]:
        return self._say("on_other", "on_retry", retry_state, **kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> Awaitable[None]:
        return self._say("on_custom", name, data)

    def on_agent_action(self, action: Any, **kwargs: Any) -> Awaitable[None]:
        return self._say("on_other", "on_agent_action", action, **kwargs)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> Awaitable[None]:
        return self._say("on_other", "on_agent_finish", finish, **kwargs)


ParentRunManager = CallbackManagerForChainRun = CallbackManagerForLLMRun = RunManager
CallbackManagerForToolRun = CallbackManagerForRetrieverRun = RunManager
AsyncParentRunManager = AsyncCallbackManagerForChainRun = AsyncCallbackManagerForLLMRun = AsyncRunManager
AsyncCallbackManagerForToolRun = AsyncCallbackManagerForRetrieverRun = AsyncRunManager


class BaseCallbackManager(HandedOn):
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
        self.tags = [*(tags or []), *(inheritable_tags or [])]
        self.metadata = {**(metadata or {}), **(inheritable_metadata or {})}
        self.run = run

    def observers(self) -> tuple[Observer, ...]:
        own = join_observers(None, [*self.handlers, *self.inheritable_handlers]) or ()
        return join_observers(super().observers(), list(own)) or ()

    @property
    def is_async(self) -> bool:
        return False

    def add_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        if handler not in self.handlers:
            self.handlers.append(handler)

    def remove_handler(self, handler: BaseCallbackHandler) -> None:
        self.handlers = [each for each in self.handlers if each is not handler]

    def set_handlers(self, handlers: list[BaseCallbackHandler], inherit: bool = True) -> None:
        self.handlers = list(handlers)

    def set_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        self.set_handlers([handler], inherit)

    def add_tags(self, tags: list[str], inherit: bool = True) -> None:
        self.tags += [tag for tag in tags if tag not in self.tags]

    def remove_tags(self, tags: list[str]) -> None:
        self.tags = [tag for tag in self.tags if tag not in tags]

    def add_metadata(self, metadata: dict[str, Any], inherit: bool = True) -> None:
        self.metadata.update(metadata)

    def remove_metadata(self, keys: list[str]) -> None:
        for key in keys:
            self.metadata.pop(key, None)

    def copy(self) -> BaseCallbackManager:
        return type(self)(self.handlers, None, self.parent_run_id, tags=self.tags, metadata=self.metadata, run=self.run)

    def merge(self, other: BaseCallbackManager) -> BaseCallbackManager:
        merged = self.copy()
        merged.handlers += [each for each in other.handlers if each not in merged.handlers]
        merged.add_tags(other.tags)
        merged.add_metadata(other.metadata)
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
    ) -> CallbackManager:
        """A manager of all that is given; each callback is a list of handlers or a manager."""
        observers = join_observers(join_observers(None, inheritable_callbacks), local_callbacks) or ()
        return cls(
            _handlers(observers),
            tags=[*(inheritable_tags or []), *(local_tags or [])],
            metadata={**(inheritable_metadata or {}), **(local_metadata or {})},
        )

    def on_custom_event(self, name: str, data: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> Any:
        """Tell the handlers of an event of your own; ``run_id`` is that of the run it belongs to, or a new one."""
        drive(_tell(self._told_as(run_id), BLOCKING, "on_custom", name, data))

    def _told_as(self, run_id: uuid.UUID | None) -> Run:
        if self.run is not None and run_id is None:
            return self.run
        said = {"run_id": run_id or uuid.uuid4(), "tags": self.tags, "metadata": self.metadata}
        run = Run(BLOCKING, said, self.observers())
        run.start("custom event", "chain")
        return run


class AsyncCallbackManager(CallbackManager):
    """The same; handlers of both kinds work in both colours."""

    async def on_custom_event(self, name: str, data: Any, run_id: uuid.UUID | None = None, **kwargs: Any) -> None:
        """Tell the handlers of an event of your own; ``run_id`` is that of the run it belongs to, or a new one."""
        await _tell(self._told_as(run_id), None, "on_custom", name, data)

    @property
    def is_async(self) -> bool:
        return True


def _handlers(observers: tuple[Observer, ...]) -> list[Any]:
    return [each.handler if isinstance(each, HandlerObserver) else each for each in observers]


def _piece(token: Any, chunk: Any) -> Any:
    message = getattr(chunk, "message", None)
    return message if message is not None else getattr(chunk, "text", token)


def _adapt(callback: Any) -> Observer | None:
    return HandlerObserver(callback) if isinstance(callback, BaseCallbackHandler) else None


ADAPTERS.append(_adapt)
MANAGERS["run"] = lambda run: (RunManager if run.io.blocking else AsyncRunManager)(run)
MANAGERS["plain"] = RunManager


def dispatch_custom_event(name: str, data: Any, *, config: Any = None) -> None:
    """Tell the observers of the run that this code is part of; where none is, nothing happens.

    They see it as ``on_custom_event``. In a worker thread of your own making, hand the config over.
    """
    run = _run_of(config)
    if run is not None:
        drive(_tell(run, BLOCKING, "on_custom", name, data))


async def adispatch_custom_event(name: str, data: Any, *, config: Any = None) -> None:
    """Tell the observers of the run that this code is part of; where none is, nothing happens."""
    run = _run_of(config)
    if run is not None:
        await _tell(run, None, "on_custom", name, data)


def _run_of(config: Any) -> Run | None:
    given = (config or {}).get("callbacks")
    if isinstance(given, HandedOn) and given.run is not None:
        return given.run
    return CURRENT.get()


class CallbackManagerForChainGroup(RunManager):
    """The manager of a group of runs; what ``on_chain_end`` says is the group's output, told when the group ends."""

    outputs: Any = None
    error: BaseException | None = None

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.outputs = outputs

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """Let the group end with this error, though none leaves its block."""
        self.error = error


class AsyncCallbackManagerForChainGroup(AsyncRunManager):
    """The same for a group in asyncio."""

    outputs: Any = None
    error: BaseException | None = None

    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.outputs = outputs

    async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """Let the group end with this error, though none leaves its block."""
        self.error = error


@contextlib.asynccontextmanager
async def _group(run: Run, inputs: Any, settle: Colour | None) -> AsyncIterator[Any]:
    manager = (CallbackManagerForChainGroup if run.io.blocking else AsyncCallbackManagerForChainGroup)(run)
    run.raw_input = run.input = inputs
    await _tell(run, settle, "on_start", inputs)
    try:
        with inside(run):
            yield manager
    except Exception as error:
        await _tell(run, settle, "on_error", error)
        raise
    except BaseException:
        await _tell(run, settle, "on_cancel", manager.outputs)
        raise
    if manager.error is not None:
        await _tell(run, settle, "on_error", manager.error)
    else:
        await _tell(run, settle, "on_end", manager.outputs)


def _group_run(io: Colour, name: str, callbacks: Callbacks, run_id: Any, tags: Any, metadata: Any) -> Run:
    outer = CURRENT.get()
    observers = join_observers(outer.observers if outer is not None else None, callbacks)
    said = {"run_id": run_id, "tags": tags, "metadata": metadata}
    run = Run(io, {key: value for key, value in said.items() if value}, observers, outer)
    run.start(name, "chain")
    return run


@contextlib.contextmanager
def trace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: Any = None,
    run_id: uuid.UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Iterator[CallbackManagerForChainGroup]:
    """Make the runs that are started inside children of one run, which exists only to group them."""
    run = _group_run(BLOCKING, group_name, callback_manager, run_id, tags, metadata)
    group = _group(run, inputs, BLOCKING)
    manager = drive(group.__aenter__())
    try:
        yield manager
    except BaseException as error:
        drive(group.__aexit__(type(error), error, error.__traceback__))
        raise
    drive(group.__aexit__(None, None, None))


def atrace_as_chain_group(
    group_name: str,
    callback_manager: Callbacks = None,
    *,
    inputs: Any = None,
    run_id: uuid.UUID | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> contextlib.AbstractAsyncContextManager[AsyncCallbackManagerForChainGroup]:
    """Make the runs that are started inside children of one run, which exists only to group them."""
    run = _group_run(asyncio_colour(), group_name, callback_manager, run_id, tags, metadata)
    return _group(run, inputs, None)
