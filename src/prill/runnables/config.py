"""Where a run's config comes from: what the verb was given, and the run in whose user code the verb was called."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from typing_extensions import TypedDict

from prill import callbacks
from prill.callbacks.config import DEFAULT_RECURSION_LIMIT, Config, RunnableConfig, check_config, merge_configs
from prill.callbacks.run import ALWAYS, AMBIENT, CURRENT, UNWATCHED, HandedOn, Run, inherited, join_observers, limit_of
from prill.errors import ConfigError
from prill.io import BLOCKING, Colour, asyncio_colour
from prill.lazy import lazy_names

if TYPE_CHECKING:  # what brings concurrent.futures, which few chains need
    from prill.io.executor import ContextThreadPoolExecutor, run_in_executor

P = ParamSpec("P")
T = TypeVar("T")

__all__ = [
    "ContextThreadPoolExecutor",
    "EmptyDict",
    "P",
    "RunnableConfig",
    "T",
    "acall_func_with_variable_args",
    "call_func_with_variable_args",
    "config_for_child",
    "ensure_config",
    "get_async_callback_manager_for_config",
    "get_callback_manager_for_config",
    "get_config_list",
    "get_executor_for_config",
    "merge_configs",
    "patch_config",
    "run_in_executor",
    "set_config_context",
    "start_asyncio_run",
    "start_run",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    _OF_EXECUTOR = dict.fromkeys(("ContextThreadPoolExecutor", "run_in_executor"), "prill.io.executor")
    __getattr__, __dir__ = lazy_names(__name__, _OF_EXECUTOR)

_unwatched_asyncio: list[Run] = []


def start_run(config: Config | None) -> Run:
    """The run of a blocking verb that was just called."""
    outer = CURRENT.get()
    if config is None and outer is None and not AMBIENT.get():
        return UNWATCHED
    return _start_run(BLOCKING, config, outer)


def start_asyncio_run(config: Config | None) -> Run:
    """The run of an asyncio verb that was just called."""
    outer = CURRENT.get()
    if config is None and outer is None and not AMBIENT.get() and _unwatched_asyncio:
        return _unwatched_asyncio[0]
    io = asyncio_colour()
    if not _unwatched_asyncio:
        _unwatched_asyncio.append(Run(io, {}))
    return _start_run(io, config, outer)


def _start_run(io: Colour, config: Config | None, outer: Run | None) -> Run:
    given = check_config(config) if config else {}
    callbacks = given.get("callbacks")
    handed_on = _handed_on(callbacks)
    parent = handed_on.run if handed_on is not None else outer
    said = merge_configs(inherited(parent.config) if parent is not None else None, {**given, "callbacks": None})
    observers = join_observers(parent.observers if parent is not None else None, callbacks)
    if ambient := AMBIENT.get():
        observers = join_observers(observers, [*ALWAYS, *ambient])
    limit = limit_of(given, parent.limit if parent is not None else None)
    if parent is None or parent.observers is None:
        run = Run(io, said, observers, limit=limit)
    elif parent.id is None:
        # A prepared run, handed to a verb that a user has overridden and that calls the original.
        run = Run(io, said, observers, parent.parent, parent.tag, limit)
    else:
        run = Run(io, said, observers, parent, limit=limit)
    if parent is not None:
        # The token is watched again, because the user's code may have called the verb in another thread.
        run.usage = parent.usage
    return run


def _handed_on(callbacks: Any) -> HandedOn | None:
    given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return next((each for each in given if isinstance(each, HandedOn) and each.run is not None), None)


def config_for_child(run: Run, *, plain: bool = False) -> RunnableConfig:
    """The config for a user's own code, plain or ``async``: what it starts with it is a child of ``run``."""
    callbacks = run.plain_manager if plain else run.manager
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
    outer = CURRENT.get()
    if outer is not None:
        said: dict[str, Any] = {**inherited(outer.config)}
        if outer.observers is not None:
            said["callbacks"] = outer.manager
        full.update({key: value for key, value in said.items() if value is not None})  # type: ignore[typeddict-item]  # the same keys
    if config is not None:
        full.update({key: value for key, value in check_config(config).items() if value is not None})  # type: ignore[typeddict-item]  # the same keys
    return full


def patch_config(
    config: Config | None,
    *,
    callbacks: Any = None,
    recursion_limit: int | None = None,
    max_concurrency: int | None = None,
    run_name: str | None = None,
    configurable: dict[str, Any] | None = None,
) -> RunnableConfig:
    """A copy of ``config`` with some values replaced; new callbacks drop the name and the id of the old run."""
    patched = ensure_config(config)
    if callbacks is not None:
        patched["callbacks"] = callbacks
        patched.pop("run_name", None)
        patched.pop("run_id", None)
    if recursion_limit is not None:
        patched["recursion_limit"] = recursion_limit
    if max_concurrency is not None:
        patched["max_concurrency"] = max_concurrency
    if run_name is not None:
        patched["run_name"] = run_name
    if configurable is not None:
        patched["configurable"] = {**patched.get("configurable", {}), **configurable}
    return patched


def get_config_list(config: Config | Sequence[Config] | None, length: int) -> list[RunnableConfig]:
    """One config for each of ``length`` inputs; a ``run_id`` that is given for all is used for the first alone."""
    return [ensure_config(each) for each in each_config(config, length)]


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
        without_id = {key: value for key, value in config.items() if key != "run_id"}
        return [config, *([without_id] * (length - 1))]
    return [config] * length


# Names for code that was written against other implementations of these interfaces.


class EmptyDict(TypedDict, total=False):
    """A dict without keys."""


def get_callback_manager_for_config(config: Config) -> callbacks.CallbackManager:
    """A manager of the handlers in ``config``."""
    return callbacks.CallbackManager.configure(
        inheritable_callbacks=config.get("callbacks"),
        inheritable_tags=config.get("tags"),
        inheritable_metadata=config.get("metadata"),
    )


def get_async_callback_manager_for_config(config: Config) -> callbacks.AsyncCallbackManager:
    """The same for asyncio."""
    return callbacks.AsyncCallbackManager.configure(  # type: ignore[return-value]  # it makes one of its own class
        inheritable_callbacks=config.get("callbacks"),
        inheritable_tags=config.get("tags"),
        inheritable_metadata=config.get("metadata"),
    )


def get_executor_for_config(config: Config | None) -> contextlib.AbstractContextManager[ContextThreadPoolExecutor]:
    """A pool of ``max_concurrency`` threads for the body of a ``with``."""
    made = import_module("prill.io.executor").executor((config or {}).get("max_concurrency"))
    return made  # type: ignore[no-any-return]  # such a pool


@contextlib.contextmanager
def set_config_context(config: Config) -> Iterator[Context]:
    """A context in which what is run inherits ``config``: ``context.run(chain.invoke, input)``."""
    context = copy_context()
    context.run(CURRENT.set, start_run(config))
    yield context


def _variable_args(
    func: Callable[..., Any], config: Config, run_manager: Any, kwargs: dict[str, Any]
) -> dict[str, Any]:
    names = inspect.signature(func).parameters
    if "config" in names:
        child = {"callbacks": run_manager.get_child()} if run_manager is not None else {}
        kwargs = {**kwargs, "config": {**config, **child}}
    return {**kwargs, "run_manager": run_manager} if "run_manager" in names and run_manager is not None else kwargs


def call_func_with_variable_args(
    func: Callable[..., T], input: Any, config: Config, run_manager: Any = None, **kwargs: Any
) -> T:
    """Call a function with its input, and with ``config`` and ``run_manager`` if it has such parameters."""
    return func(input, **_variable_args(func, config, run_manager, kwargs))


def acall_func_with_variable_args(
    func: Callable[..., Awaitable[T]], input: Any, config: Config, run_manager: Any = None, **kwargs: Any
) -> Awaitable[T]:
    """The same for an async function; what it returns is to be awaited."""
    return func(input, **_variable_args(func, config, run_manager, kwargs))
