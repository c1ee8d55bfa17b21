"""One execution of one Runnable, and what watches it.

A run that nobody watches is a shared constant: its children are itself, it has no id, and steps are called directly.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar, Token
from copy import copy
from functools import cache, reduce
from typing import Any

from prill.callbacks.config import Config, get_run_metadata, merge_configs
from prill.errors import ConfigError
from prill.io import BLOCKING, CancelToken, ExecutionMode, Limit, make_lock
from prill.messages.usage import UsageMetadata, add_usage

MaybeAwaitable = Awaitable[None] | None
"""The return value of an observer's method: ``None``, or an awaitable that the run waits for."""


ChunkCallback = Callable[["Run", Any], MaybeAwaitable]
"""Reports one chunk of a run to an observer."""


class Observer:
    """Sees, for each run exactly once and in this order: start, chunk*, then one of end, error, cancel.

    Children start after and end before their parents. Subclasses override what they need.
    """

    streams_models: bool = False
    """Whether models that can stream do so for this observer, also where they are invoked."""

    def on_start(self, run: Run, input: Any) -> MaybeAwaitable:
        """The run started; ``input`` is ``None`` if it is a stream that is not complete yet."""
        return None

    def on_chunk(self, run: Run, chunk: Any) -> MaybeAwaitable:
        """The run put out a piece of its output."""
        return None

    def chunk_callback(self, run: Run) -> ChunkCallback | None:
        """Return the function to call with each chunk of ``run``, or ``None``; called once per stream."""
        return None if type(self).on_chunk is Observer.on_chunk else self.on_chunk

    def on_output(self, chunk: Any) -> MaybeAwaitable:
        """A live view's step put out a chunk, whichever run it is of."""
        return None

    def on_restart(self, run: Run, marker: Any) -> MaybeAwaitable:
        """The run's output starts again; the chunks so far are withdrawn."""
        return None

    def on_end(self, run: Run, output: Any) -> MaybeAwaitable:
        """The run ended well; ``run.input`` is whole by now."""
        return None

    def on_error(self, run: Run, error: BaseException) -> MaybeAwaitable:
        """The run failed."""
        return None

    def on_cancel(self, run: Run, partial: Any) -> MaybeAwaitable:
        """The run was left before its end; ``partial`` is what it had put out."""
        return None

    def on_custom(self, run: Run, name: str, data: Any) -> MaybeAwaitable:
        """The user's own code dispatched an event."""
        return None


def fire_and_forget(notify: ChunkCallback) -> ChunkCallback:
    """``notify`` for a blocking run, which cannot wait for the consumer of an asyncio stream that watches it too."""

    def notify_only(run: Run, chunk: Any) -> None:
        notify(run, chunk)

    return notify_only


class UsageCounter:
    """Counts the tokens that the models of a run use; ``by_model`` has a sum for each model."""

    def __init__(self, outer: UsageCounter | None = None) -> None:
        self._outer = outer
        self._lock = make_lock()  # branches of a blocking run count in threads of their own
        self.by_model: dict[str, UsageMetadata] = {}

    def add(self, model: str, usage: UsageMetadata) -> None:
        """Count tokens, also for the run around."""
        with self._lock:
            self.by_model[model] = add_usage(self.by_model.get(model), usage)
        if self._outer is not None:
            self._outer.add(model, usage)

    @property
    def total(self) -> UsageMetadata | None:
        """The sum over all models; ``None`` where none was used."""
        with self._lock:
            parts = list(self.by_model.values())
        return reduce(add_usage, parts) if parts else None


def get_usage(output: Any) -> UsageMetadata | None:
    """The tokens that a model's message, whole or partial, says that it took."""
    return getattr(output, "usage_metadata", None) or None


def get_model_name(message: Any) -> str | None:
    """The name of the model that made a message, where the message says it."""
    about = getattr(message, "response_metadata", None) or {}
    return about.get("model_name") or about.get("model") or None


def make_uuid() -> uuid.UUID:
    """A random UUID, as ``uuid.uuid4`` makes it, in half of the time: each observed run has one."""
    made = object.__new__(uuid.UUID)
    _set_int(made, int.from_bytes(os.urandom(16)) & _RANDOM_BITS | _VERSION_4)
    _set_safety(made, uuid.SafeUUID.unknown)
    return made


_RANDOM_BITS = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_4 = 0x4000 << 64 | 0x8000 << 48
_set_int: Any = uuid.UUID.__dict__["int"].__set__
_set_safety: Any = uuid.UUID.__dict__["is_safe"].__set__


class Run:
    """One execution of one Runnable: its colour, its config, who watches it, whose child it is.

    ``child`` and ``configured`` prepare runs; ``start`` gives a prepared run its id and name. From then on a run has
    ``raw_input`` (the input as it came), ``input`` (as it is reported to observers; of a stream only at its end),
    ``streamed`` (whether it was run by a streaming verb), ``kwargs`` (the arguments of the call) and ``step`` (the
    Runnable, where it is one); ``state`` belongs to the observers. ``watched_token`` is the cancel token that a run
    around already watches; ``usage`` counts the tokens of models.
    """

    __slots__ = (
        "around",
        "config",
        "id",
        "input",
        "io",
        "kind",
        "kwargs",
        "limit",
        "metadata",
        "name",
        "observers",
        "parent",
        "plain",
        "raw_input",
        "state",
        "step",
        "streamed",
        "tag",
        "tags",
        "usage",
        "watched_token",
    )

    def __init__(
        self,
        io: ExecutionMode,
        config: Config,
        observers: tuple[Observer, ...] | None = None,
        parent: Run | None = None,
        tag: str | None = None,
        limit: Limit | None = None,
    ) -> None:
        self.io = io
        self.config = config
        self.observers = observers
        self.parent = parent
        self.tag = tag
        self.limit = limit
        self.watched_token: CancelToken | None = None
        self.usage: UsageCounter | None = None
        self.id: uuid.UUID | None = None  # until it is started
        self.around: tuple[Callable[[], Callable[[], None]], ...] = ()  # what observers want done around user code
        self.plain = observers is None and not config

    def child(self, tag: str | None = None) -> Run:
        """Prepare a run for a part of this one."""
        if self.observers is None:
            return self
        return self._inherit(Run(self.io, inherited(self.config), self.observers, self, tag, self.limit))

    def configured(self, config: Config, *, over: bool = False) -> Run:
        """Prepare a run that replaces this one, with the settings of ``config`` added.

        Settings by the caller of the run take precedence, unless ``over`` is true.
        """
        callbacks = config.get("callbacks")
        said = {**config, "callbacks": None}
        merged = merge_configs(self.config, said) if over else merge_configs(said, self.config)
        observers = join_observers(self.observers, callbacks)
        return self._inherit(Run(self.io, merged, observers, self.parent, self.tag, get_limit(config, self.limit)))

    def again(self) -> Run:
        """Prepare another run like this prepared one."""
        if self.plain:
            return self
        return self._inherit(Run(self.io, self.config, self.observers, self.parent, self.tag, self.limit))

    def watching(self, token: CancelToken) -> Run:
        """Prepare a run in this one's place that ``token`` can stop, and that counts the tokens used until then."""
        run = self.again()
        run.watched_token = token
        run.usage = UsageCounter(self.usage)
        return run

    def _inherit(self, run: Run) -> Run:
        run.watched_token, run.usage = self.watched_token, self.usage
        return run

    def with_io(self, io: ExecutionMode) -> Run:
        """This started run, for code of the other colour."""
        run = copy(self)
        run.io = io
        return run

    def start(self, name: str, kind: str, tags: list[str] | None = None, metadata: Config | None = None) -> None:
        """Give this prepared run its id, its name and its labels."""
        config = self.config
        self.id = config.get("run_id") or make_uuid()
        self.name = config.get("run_name") or name
        self.kind = kind
        own = [self.tag] if self.tag else []
        self.tags = [*own, *(config.get("tags") or ()), *(tags or ())]
        self.metadata = {**get_run_metadata(config), **(metadata or {})}
        self.raw_input: Any = None
        self.input: Any = None
        self.streamed = False
        self.kwargs: Config = {}
        self.step: Any = None
        self.state: dict[Any, Any] = {}
        if self.usage is None:  # it was prepared before the run around it started
            self.usage = (self.parent.usage if self.parent is not None else None) or UsageCounter()

    @property
    def ancestors(self) -> list[Run]:
        """The runs around this one, the root first."""
        line: list[Run] = []
        run = self.parent
        while run is not None:
            line.append(run)
            run = run.parent
        return line[::-1]

    @property
    def root(self) -> Run:
        """The outermost run around this one; itself, if there is none."""
        run = self
        while run.parent is not None:
            run = run.parent
        return run

    @property
    def manager(self) -> Any:
        """The ``run_manager`` that a user's ``_generate`` or ``_stream`` gets; ``None`` without observers."""
        return None if self.observers is None else self.make_manager()

    @property
    def plain_manager(self) -> Any:
        """The same for plain code, which an asyncio run calls in a worker thread."""
        return None if self.observers is None else self.make_manager(plain=True)

    def make_manager(self, *, plain: bool = False) -> Any:
        """Return a new manager of this run, watched or not; ``plain`` for code that is not ``async``."""
        manager, asyncio_manager = _get_managers()
        return manager(self) if plain or self.io.blocking else asyncio_manager(self)

    def said(self, key: str) -> Any:
        """The config's value for ``key``, or ``None``."""
        return self.config.get(key)


@cache
def _get_managers() -> tuple[Any, Any]:
    # Once, for each import takes 3 µs in a module that loads names when they are asked for.
    from prill.callbacks.manager import AsyncRunManager, RunManager  # noqa: PLC0415 - it imports this file

    return RunManager, AsyncRunManager


def get_limit(config: Config, outer: Limit | None) -> Limit | None:
    """The concurrency limit of a run with ``config``, within that of the tree around it."""
    width = config.get("max_concurrency")
    return outer if width is None else Limit(width, outer)


def inherited(config: Config) -> Config:
    """The part of a config that children inherit: all but the name and the id."""
    if "run_name" in config or "run_id" in config:
        return {key: value for key, value in config.items() if key not in ("run_name", "run_id")}
    return config


class CallbacksWithParent:
    """Callbacks that carry a run: handed on in a config, they make what it configures a child of ``run``."""

    run: Run | None = None
    tag: str | None = None
    """A label for the one run that is started with this."""

    def observers(self) -> tuple[Observer, ...]:
        """The observers."""
        return (self.run.observers or ()) if self.run is not None else ()


def join_observers(old: tuple[Observer, ...] | None, callbacks: Any) -> tuple[Observer, ...] | None:
    """The observers of ``old`` and those in ``callbacks``, each once; ``None`` where there are none at all."""
    if callbacks is None:
        return old
    joined = list(old or ())
    for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
        joined += [observer for observer in _get_observers(callback) if observer not in joined]
    return tuple(joined) or None


def _get_observers(callback: Any) -> tuple[Observer, ...]:
    if isinstance(callback, CallbacksWithParent):
        return callback.observers()
    if isinstance(callback, Observer):
        return (callback,)
    from prill.callbacks.manager import adapt_callback  # noqa: PLC0415 - it imports this file

    observer = adapt_callback(callback)
    if observer is not None:
        return (observer,)
    hint = ": give an instance, not the class" if isinstance(callback, type) else ""
    raise ConfigError(
        f"callbacks must be handlers (instances of BaseCallbackHandler), not {callback!r:.80} "
        f"({type(callback).__name__}){hint}"
    )


GLOBAL_CALLBACKS: list[Any] = []
"""Callbacks that watch every run of the program; most programs have none."""

CONTEXT_CALLBACKS: ContextVar[Sequence[Any]] = ContextVar("prill_ambient", default=GLOBAL_CALLBACKS)
"""Callbacks that watch every root run started in this context.

Where none were set these are ``GLOBAL_CALLBACKS`` itself, so that a verb needs to look at one thing only.
"""

CURRENT_RUN: ContextVar[Run | None] = ContextVar("prill_run", default=None)
"""The run whose user code executes right now, in this task or thread."""


class inside:
    """``with inside(run):`` while a user's own code executes, so that what it starts is a child of ``run``.

    A class, because a generator-based context manager costs a microsecond and this is entered once a chunk. A stream
    may enter the same object for each of its chunks.
    """

    __slots__ = ("_exits", "_run", "_token")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._token: Token[Run | None] | None
        self._exits: list[Callable[[], None]]

    def __enter__(self) -> None:
        if not self._run.plain:
            self._token = CURRENT_RUN.set(self._run)
            if self._run.around:
                self._exits = [enter() for enter in self._run.around]
        else:
            # A later step that pulls this one may be the current run; what starts here is none of its children.
            self._token = None if CURRENT_RUN.get() is None else CURRENT_RUN.set(None)

    def __exit__(self, *error: object) -> None:
        if self._run.around:
            for leave in reversed(self._exits):
                leave()
        if self._token is not None:
            CURRENT_RUN.reset(self._token)


UNWATCHED = Run(BLOCKING, {})
"""The run of every blocking verb that was given no config and is nobody's child."""
