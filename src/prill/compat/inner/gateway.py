"""``langchain_core.utils._gateway``: where a vendor's package finds its address and key.

What is given goes first, then what the environment says of the vendor; ``LANGSMITH_GATEWAY`` (``true`` or an address)
puts LangSmith's gateway in the vendor's place.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

GATEWAY_METADATA_RESPONSE_KEY = "lc_gateway_metadata"
GATEWAY_METADATA_HEADER = "X-LangSmith-Gateway-Metadata"
_DEFAULT_ADDRESS = "https://gateway.smith.langchain.com"


class GatewayConfig(NamedTuple):
    """An address and a key, and whether the address is the gateway's."""

    base_url: str | None
    api_key: Any
    base_url_from_gateway: bool


class _Gateway(NamedTuple):
    base_url: str
    api_key: Any
    headers: Mapping[str, str]


_GATEWAY_OVERRIDE: ContextVar[_Gateway | None] = ContextVar("prill_gateway", default=None)


@contextlib.contextmanager
def langsmith_gateway(
    *, api_key: str | SecretStr, base_url: str = _DEFAULT_ADDRESS, headers: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Models that are made inside a ``with`` block use the gateway."""
    token = _GATEWAY_OVERRIDE.set(_Gateway(base_url, _as_secret(api_key), dict(headers or {})))
    try:
        yield
    finally:
        _GATEWAY_OVERRIDE.reset(token)


def _as_secret(key: Any) -> Any:
    return SecretStr(key) if isinstance(key, str) else key


def _langsmith_gateway_active() -> bool:
    return _GATEWAY_OVERRIDE.get() is not None or _address() is not None


def _address() -> str | None:
    """The gateway's address, if the environment asks for it."""
    said = os.environ.get("LANGSMITH_GATEWAY", "").strip()
    if said.lower() in ("", "false", "0", "no"):
        return None
    return _DEFAULT_ADDRESS if said.lower() in ("true", "1", "yes") else said.rstrip("/")


def _gateway_headers() -> dict[str, str]:
    override = _GATEWAY_OVERRIDE.get()
    return dict(override.headers) if override is not None else {}


def _with_gateway_headers(
    headers: Mapping[str, str] | None, gateway_headers: Mapping[str, str]
) -> Mapping[str, str] | None:
    return {**(headers or {}), **gateway_headers} if gateway_headers else headers


def _first_env(names: str | Sequence[str]) -> str | None:
    for name in [names] if isinstance(names, str) else names:
        if value := os.environ.get(name):
            return value
    return None


def _resolve_gateway_config(
    *,
    base_url: str | None,
    api_key: Any,
    provider_path: str,
    base_url_env: str | Sequence[str] = (),
    api_key_env: str | Sequence[str] = (),
    default_base_url: str | None = None,
) -> GatewayConfig:
    """The address and the key: those that are given, else the gateway's, else the vendor's."""
    own_key = _as_secret(_first_env(api_key_env))
    override = _GATEWAY_OVERRIDE.get()
    if override is not None:
        return GatewayConfig(f"{override.base_url.rstrip('/')}/{provider_path}", override.api_key, True)
    given = base_url or _first_env(base_url_env)
    gateway = _address()
    if given or gateway is None:
        return GatewayConfig(given or default_base_url, own_key if api_key is None else api_key, False)
    key = _as_secret(_first_env(("LANGSMITH_GATEWAY_API_KEY", "LANGSMITH_API_KEY"))) or own_key
    return GatewayConfig(f"{gateway}/{provider_path}", key if api_key is None else api_key, True)


def _apply_gateway_config(
    values: dict[str, Any],
    cls: type[BaseModel],
    *,
    base_url_field: str,
    api_key_field: str,
    provider_path: str,
    base_url_env: str | Sequence[str] = (),
    api_key_env: str | Sequence[str] = (),
    default_base_url: str | None = None,
) -> GatewayConfig:
    """Fill in the address and the key of a model that is being made, and return them."""
    given_url, given_key = (_pop_provided(values, cls, field) for field in (base_url_field, api_key_field))
    found = _resolve_gateway_config(
        base_url=given_url,
        api_key=given_key,
        provider_path=provider_path,
        base_url_env=base_url_env,
        api_key_env=api_key_env,
        default_base_url=default_base_url,
    )
    values[base_url_field] = found.base_url
    if found.api_key is not None:
        values[api_key_field] = found.api_key
    return found


def _pop_provided(values: dict[str, Any], cls: type[BaseModel], field: str) -> Any:
    """Take a field's value out of what a model is made of, whichever of its names it has there."""
    alias = cls.model_fields[field].alias if field in cls.model_fields else None
    found = None
    for name in (alias, field):
        if name and name in values:
            value = values.pop(name)
            found = value if found is None else found
    return found


def _parse_gateway_metadata(headers: Any) -> dict[str, Any] | None:
    """What a gateway says about its answer in a header, if it does."""
    text = headers.get(GATEWAY_METADATA_HEADER) if headers is not None else None
    try:
        found = json.loads(text) if text else None
    except (TypeError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    seen.add("facts")
    return found


seen: set[str] = set()
"""Holds ``"facts"`` as soon as a gateway has said something: until then, chunks need not be searched for it."""
