"""Starts the run of a verb: its config is what the verb was given, and what the run around the call hands down."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from prill.callbacks.config import (
    DEFAULT_RECURSION_LIMIT,
    Config,
    RunnableConfig,
    check_config,
    get_run_metadata,
    merge_configs,
)
from prill.callbacks.run import (
    CONTEXT_CALLBACKS,
    CURRENT_RUN,
    GLOBAL_CALLBACKS,
    UNWATCHED,
    CallbacksWithParent,
    Run,
    get_limit,
    inherited,
    join_observers,
)
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, get_asyncio_mode

_unwatched_asyncio: list[Run] = []


def start_run(config: Config | None) -> Run:
    """The run of a blocking verb that was just called."""
    outer = CURRENT_RUN.get()
    if config is None and outer is None and not CONTEXT_CALLBACKS.get():
        return UNWATCHED
    return _start_run(BLOCKING, config, outer)


def start_asyncio_run(config: Config | None) -> Run:
    """The run of an asyncio verb that was just called."""
    outer = CURRENT_RUN.get()
    if config is None and outer is None and not CONTEXT_CALLBACKS.get() and _unwatched_asyncio:
        return _unwatched_asyncio[0]
    io = get_asyncio_mode()
    if not _unwatched_asyncio:
        _unwatched_asyncio.append(Run(io, {}))
    return _start_run(io, config, outer)


def _start_run(io: ExecutionMode, config: Config | None, outer: Run | None) -> Run:
    given = check_config(config) if config else {}
    callbacks = given.get("callbacks")
    handed_on = _find_callbacks_with_parent(callbacks)
    parent = handed_on.run if handed_on is not None else outer
    said = merge_configs(inherited(parent.config) if parent is not None else None, {**given, "callbacks": None})
    observers = join_observers(parent.observers if parent is not None else None, callbacks)
    if ambient := CONTEXT_CALLBACKS.get():
        observers = join_observers(observers, [*GLOBAL_CALLBACKS, *ambient])
    limit = get_limit(given, parent.limit if parent is not None else None)
    if parent is None or parent.observers is None:
        run = Run(io, said, observers, limit=limit)
    elif parent.id is None:
        # A prepared run, handed to a verb that a user has overridden and that calls the original.
        run = Run(io, said, observers, parent.parent, parent.tag, limit)
    else:
        run = Run(io, said, observers, parent, handed_on.tag if handed_on is not None else None, limit)
    if parent is not None:
        # The token is watched again, because the user's code may have called the verb in another thread.
        run.usage = parent.usage
    return run


def _find_callbacks_with_parent(callbacks: Any) -> CallbacksWithParent | None:
    given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return next((each for each in given if isinstance(each, CallbacksWithParent) and each.run is not None), None)


def config_for_child(run: Run, *, plain: bool = False) -> RunnableConfig:
    """The config for a user's own code, plain or ``async``: what it starts with it is a child of ``run``."""
    manager = run.plain_manager if plain else run.manager
    callbacks = manager.get_child() if manager is not None else None
    return ensure_config({**inherited(run.config), "callbacks": callbacks})


def ensure_config(config: Config | None = None) -> RunnableConfig:
    """A config in which the keys that user code reads are there: tags, metadata, callbacks, limits, configurable."""
    full: RunnableConfig = {
        "tags": [],
        "metadata": {},
        "callbacks": None,
        "recursion_limit": DEFAULT_RECURSION_LIMIT,
        "configurable": {},
    }
    outer = CURRENT_RUN.get()
    if outer is not None:
        said: dict[str, Any] = {**inherited(outer.config)}
        if outer.observers is not None:
            said["callbacks"] = outer.manager.get_child()
        full.update({key: value for key, value in said.items() if value is not None})  # type: ignore[typeddict-item]  # the same keys
    if config is not None:
        full.update({key: value for key, value in check_config(config).items() if value is not None})  # type: ignore[typeddict-item]  # the same keys
    full["metadata"] = get_run_metadata(full)
    return full


def each_config(config: Config | Sequence[Config] | None, length: int) -> Sequence[Config | None]:
    """One config, or none, for each of ``length`` inputs."""
    if config is None:
        return [None] * length
    if not isinstance(config, Mapping):
        if len(config) != length:
            raise ConfigError(
                f"batch was given {length} inputs and {len(config)} configs. Give one config, or one for each input."
            )
        return config
    if length > 1 and config.get("run_id") is not None:
        text = "one run_id was given for several inputs: the first run has it, the others get ids of their own"
        warnings.warn(text, RuntimeWarning, stacklevel=5)
        without_id = {key: value for key, value in config.items() if key != "run_id"}
        return [config, *([without_id] * (length - 1))]
    return [config] * length
