"""The settings of a run that its children inherit, and how two of them become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from uuid import UUID

from pydantic import InstanceOf
from typing_extensions import TypedDict  # pydantic takes no other

from prill.errors import ConfigError
from prill.io import CancelToken

DEFAULT_RECURSION_LIMIT = 25


class RunnableConfig(TypedDict, total=False):
    """The settings of a run; every key is optional.

    - ``tags``, ``metadata``: labels of this run and of all that it starts; observers see them and filter by them.
    - ``callbacks``: handlers that watch this run and all that it starts.
    - ``run_name``, ``run_id``: the name and the id of this run alone.
    - ``max_concurrency``: how many parallel calls ``batch`` and ``RunnableParallel`` make at once.
    - ``recursion_limit``: how many times a function may return a Runnable that is run in its place (25).
    - ``cancel``: a ``CancelToken`` that stops the run from any thread.
    - ``configurable``: values for fields that were made configurable.
    """

    tags: list[str]
    metadata: dict[str, Any]
    callbacks: Any
    run_name: str
    run_id: UUID | None
    max_concurrency: int | None
    recursion_limit: int
    cancel: InstanceOf[CancelToken] | None
    configurable: dict[str, Any]


_KEYS = frozenset(RunnableConfig.__annotations__)

Config = Mapping[str, Any]
"""A config as it is handed about inside: complete enough, never changed in place."""


def _join_tags(old: Any, new: Any) -> list[str]:
    return [*old, *(tag for tag in new if tag not in old)]


def _join_mappings(old: Any, new: Any) -> dict[str, Any]:
    return {**old, **new}


def _join_callbacks(old: Any, new: Any) -> Any:
    if _is_manager(old) and _is_manager(new):
        return old.merge(new)
    for manager, others in ((old, new), (new, old)):
        if _is_manager(manager) and isinstance(others, list | tuple):
            joined = manager.copy()
            for handler in others:
                joined.add_handler(handler)
            return joined
    return [*_as_list(old), *_as_list(new)]


def _is_manager(callbacks: Any) -> bool:
    """Whether this is a callback manager to which handlers can be added: the class is defined above this module."""
    return hasattr(callbacks, "add_handler") and hasattr(callbacks, "merge")


def _as_list(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "tags": _join_tags,
    "metadata": _join_mappings,
    "configurable": _join_mappings,
    "callbacks": _join_callbacks,
}


_SHOWN = ("model", "checkpoint_ns")
"""Keys of ``configurable`` that are shown in the metadata of runs."""


def get_run_metadata(config: Config) -> dict[str, Any]:
    """The metadata of runs with this config: its own, and what says which model and which checkpoints are meant."""
    metadata: dict[str, Any] = {**(config.get("metadata") or {})}
    if configurable := config.get("configurable"):
        for key in _SHOWN:
            if key in configurable:
                metadata.setdefault(key, configurable[key])
    return metadata


def merge_configs(*configs: Config | None) -> RunnableConfig:
    """Merge configs: lists and mappings are joined, of other values the last one is kept.

    ``None`` means "not set", for a config and for a value.
    """
    merged: dict[str, Any] = {}
    for config in configs:
        for key, value in (config or {}).items():
            if value is None:
                continue
            old = merged.get(key)
            join = _JOIN.get(key)
            merged[key] = value if old is None or join is None else join(old, value)
    return merged  # type: ignore[return-value]  # a TypedDict built key by key


def check_config(config: Any) -> Config:
    """Raise ``ConfigError`` if ``config`` is not a valid config."""
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"a config must be a dict such as {{'tags': ['mine']}}, not {type(config).__name__} ({config!r:.80}). "
            "Pass arguments of the step itself by name: chain.invoke(input, stop=['x'])."
        )
    given: Config = config
    checked = given if given.keys() <= _KEYS else _with_own_values(given)
    tags = given.get("tags")
    if isinstance(tags, str):
        raise ConfigError(f"tags must be a list of texts, not a single text: write {{'tags': [{tags!r}]}}")
    limit = config.get("max_concurrency")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigError(f"max_concurrency must be an integer of at least 1, not {limit!r}")
    limit = config.get("recursion_limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigError(f"recursion_limit must be an integer of at least 1, not {limit!r}")
    token = config.get("cancel")
    if token is not None and not isinstance(token, CancelToken):
        raise ConfigError(f"cancel must be a CancelToken, not {token!r:.80}")
    return checked


def _with_own_values(config: Config) -> Config:
    """Unknown keys become ``configurable`` values; likely typos are rejected."""
    own = {key: value for key, value in config.items() if key not in _KEYS}
    difflib: Any = import_module("difflib") if own else None  # few programs need it
    for key in own:
        if close := difflib.get_close_matches(str(key), _KEYS, n=1, cutoff=0.75):
            raise ConfigError(
                f"a config has no key {key!r}. Did you mean {close[0]!r}? Values of your own go into 'configurable'."
            )
    known = {key: value for key, value in config.items() if key in _KEYS}
    return {**known, "configurable": {**own, **(config.get("configurable") or {})}}
