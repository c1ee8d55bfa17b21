"""``RunnableConfig``, the settings of a run, and functions that make and merge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prill.callbacks.config import Config, RunnableConfig, merge_configs
from prill.callbacks.manager import AsyncCallbackManager, CallbackManager
from prill.lazy import lazy_names
from prill.runnables.engine.runs import each_config, ensure_config

if TYPE_CHECKING:  # it imports concurrent.futures, which few chains need
    from prill.io.executor import run_in_executor

__all__ = [
    "RunnableConfig",
    "ensure_config",
    "get_async_callback_manager_for_config",
    "get_callback_manager_for_config",
    "get_config_list",
    "merge_configs",
    "patch_config",
    "run_in_executor",
]

if not TYPE_CHECKING:  # a type checker would believe that every name exists
    __getattr__, __dir__, _ = lazy_names(__name__, {"prill.io.executor": "run_in_executor"})


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


def get_callback_manager_for_config(config: Config) -> CallbackManager:
    """A manager of the handlers, tags and metadata in ``config``: a Runnable of one's own reports its run with it."""
    return CallbackManager.configure(**_inheritable(config))


def get_async_callback_manager_for_config(config: Config) -> AsyncCallbackManager:
    """The same for asyncio."""
    return AsyncCallbackManager.configure(**_inheritable(config))


def _inheritable(config: Config) -> dict[str, Any]:
    return {f"inheritable_{name}": config.get(name) for name in ("callbacks", "tags", "metadata")}
