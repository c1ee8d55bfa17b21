"""The config of a run that a request starts: what the client may say, and what the server says over it."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.requests import Request

from prill.callbacks.config import Config, RunnableConfig, merge_configs
from prill.errors import ConfigError, RequestError
from prill.serve.access import Caller

Modifier: TypeAlias = "Callable[[dict[str, Any], Request], Config | Awaitable[Config]]"
"""Returns the config to use in place of the given one; called once for each run, also within a batch."""

OPENABLE = frozenset({"configurable", "tags", "metadata", "max_concurrency"})
"""The keys that a server may let its clients set."""

_CLOSED = "this server does not let clients configure the chain; add(…, config_keys=['configurable']) does"


def check_config_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """The keys.

    Raises:
        ConfigError: a client must not set one of them.
    """
    if closed := [key for key in keys if key not in OPENABLE]:
        raise ConfigError(
            f"clients cannot set {', '.join(closed)} of a config; config_keys may have {sorted(OPENABLE)}"
        )
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class ConfigRules:
    """Which parts of a client's config are taken.

    ``fields`` are the names that ``configurable`` may hold; ``None`` allows any.
    """

    keys: tuple[str, ...] = ()
    fields: frozenset[str] | None = frozenset()
    max_concurrency: int = 16

    def project(self, config: Any, place: str = "config") -> dict[str, Any]:
        """The parts of ``config`` that are taken; others are dropped, as LangServe does.

        Raises:
            RequestError: it is not an object, or sets ``configurable`` values that are not open to clients.
        """
        if config is None:
            return {}
        if not isinstance(config, Mapping):
            raise refuse(place, "a config is an object")
        taken = {key: config[key] for key in self.keys if config.get(key) is not None}
        self._check_configurable(config.get("configurable"), place)
        for key, kind in (("tags", list), ("metadata", Mapping), ("max_concurrency", int)):
            if key in taken and not isinstance(taken[key], kind):
                raise refuse(f"{place}.{key}", "the value has the wrong type")
        if "max_concurrency" in taken:
            taken["max_concurrency"] = max(1, min(taken["max_concurrency"], self.max_concurrency))
        if "metadata" in taken:
            taken["metadata"] = {key: value for key, value in taken["metadata"].items() if not key.startswith("__")}
        return taken

    def _check_configurable(self, given: Any, place: str) -> None:
        if not given:
            return
        if not isinstance(given, Mapping):
            raise refuse(f"{place}.configurable", "the value is not an object")
        if "configurable" not in self.keys:
            raise refuse(f"{place}.configurable", _CLOSED)
        unknown = [key for key in given if self.fields is not None and key not in self.fields]
        if unknown:
            raise refuse(f"{place}.configurable.{unknown[0]}", "the chain has no configurable field of this name")


def refuse(place: str, text: str) -> RequestError:
    """A 422 in pydantic's form: a list of places with what is wrong there."""
    detail = [{"type": "value_error", "loc": place.split("."), "msg": text}]
    return RequestError(f"{place}: {text}", status=422, code="invalid_request", detail=detail)


async def make_config(
    client: Iterable[Mapping[str, Any]],
    caller: Caller,
    modifier: Modifier | None,
    request: Request,
    *,
    run_name: str,
    run_id: uuid.UUID,
    endpoint: str,
) -> RunnableConfig:
    """The config of one run: the client's parts, then the modifier's, then the caller's, then the server's own."""
    config: Any = dict(merge_configs(*client))
    if modifier is not None:
        config = modifier(config, request)
        if inspect.isawaitable(config):
            config = await config
    own = {"run_name": run_name, "run_id": run_id, "metadata": {"__endpoint": endpoint}}
    return merge_configs(config, caller.config, own)
