"""The documented place of small functions about functions, types and settings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeGuard

from prill.io.executor import coro_with_context, gated_coro, gather_with_concurrency
from prill.runnables.base import Input, Output
from prill.runnables.config_fields import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    ConfigurableFieldSpec,
    get_unique_config_specs,
)
from prill.runnables.describe.key_reads import keys_read, source_tree
from prill.runnables.engine.chunks import Addable, AddableDict, SupportsAdd, aadd, add
from prill.runnables.engine.signature import accepts

__all__ = [
    "Addable",
    "AddableDict",
    "AnyConfigurableField",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "Input",
    "Output",
    "SupportsAdd",
    "aadd",
    "accepts_config",
    "accepts_context",
    "accepts_run_manager",
    "add",
    "asyncio_accepts_context",
    "coro_with_context",
    "gated_coro",
    "gather_with_concurrency",
    "get_function_first_arg_dict_keys",
    "get_function_nonlocals",
    "get_lambda_source",
    "get_unique_config_specs",
    "indent_lines_after_first",
    "is_async_callable",
    "is_async_generator",
]


def accepts_run_manager(callable: Callable[..., Any]) -> bool:
    """Whether a function has a parameter ``run_manager``."""
    return accepts(callable, "run_manager")


def accepts_config(callable: Callable[..., Any]) -> bool:
    """Whether a function has a parameter ``config``."""
    return accepts(callable, "config")


def accepts_context(callable: Callable[..., Any]) -> bool:
    """Whether a function has a parameter ``context``."""
    return accepts(callable, "context")


def asyncio_accepts_context() -> bool:
    """Whether tasks can be given a context: yes, in every Python that Prill runs on."""
    return True


def is_async_generator(func: Any) -> TypeGuard[Callable[..., AsyncIterator[Any]]]:
    """Whether a function, or the ``__call__`` of an object, is an async generator function."""
    return inspect.isasyncgenfunction(func) or inspect.isasyncgenfunction(getattr(func, "__call__", None))  # noqa: B004 - its code is looked at


def is_async_callable(func: Any) -> TypeGuard[Callable[..., Awaitable[Any]]]:
    """Whether a function, or the ``__call__`` of an object, is an async function."""
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004 - its code is looked at


def get_function_first_arg_dict_keys(func: Callable[..., Any]) -> list[str] | None:
    """The keys that a function reads of its first argument, a dict; ``None`` if unknown."""
    keys = keys_read(func)
    return sorted(keys) if keys else None


def get_lambda_source(func: Callable[..., Any]) -> str | None:
    """The source of a lambda; the name of any other function."""
    if getattr(func, "__name__", None) != "<lambda>":
        return getattr(func, "__name__", None)
    tree = source_tree(func)
    return ast.unparse(tree) if tree is not None else None


def get_function_nonlocals(func: Callable[..., Any]) -> list[Any]:
    """The values that a function reads from the code around it."""
    try:
        around = inspect.getclosurevars(inspect.unwrap(func))
    except TypeError:
        return []
    return [*around.globals.values(), *around.nonlocals.values()]


def indent_lines_after_first(text: str, prefix: str) -> str:
    """Indent all lines but the first by as much as ``prefix`` is long."""
    return text.replace("\n", "\n" + " " * len(prefix))
