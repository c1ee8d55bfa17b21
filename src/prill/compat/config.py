"""Functions of ``langchain_core.runnables.config`` that programs for Prill do not need."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context, copy_context
from typing import Any, ParamSpec, TypeVar

from typing_extensions import TypedDict

from prill.callbacks.config import Config
from prill.callbacks.run import CURRENT_RUN
from prill.io.executor import ContextThreadPoolExecutor, executor
from prill.runnables.engine.runs import start_run

__all__ = [
    "ContextThreadPoolExecutor",
    "EmptyDict",
    "P",
    "T",
    "acall_func_with_variable_args",
    "call_func_with_variable_args",
    "get_executor_for_config",
    "set_config_context",
]

P = ParamSpec("P")
T = TypeVar("T")


class EmptyDict(TypedDict, total=False):
    """A dict without keys."""


def get_executor_for_config(config: Config | None) -> contextlib.AbstractContextManager[ContextThreadPoolExecutor]:
    """A pool of ``max_concurrency`` threads for the body of a ``with``."""
    return executor((config or {}).get("max_concurrency"))


@contextlib.contextmanager
def set_config_context(config: Config) -> Iterator[Context]:
    """A context in which what is run inherits ``config``: ``context.run(chain.invoke, input)``."""
    context = copy_context()
    context.run(CURRENT_RUN.set, start_run(config))
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
