"""``langchain_core.utils._gateway``: where a vendor's package finds its address and key.

The gateway is a service of LangSmith's, which Prill does not use: what is given and what the environment says is found
as always, and nothing leads to the gateway.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from prill.errors import CompatError

GATEWAY_METADATA_RESPONSE_KEY = "lc_gateway_metadata"
GATEWAY_METADATA_HEADER = "X-LangSmith-Gateway-Metadata"


class GatewayConfig(NamedTuple):
    """An address and a key, and whether the address is the gateway's."""

    base_url: str | None
    api_key: Any
    base_url_from_gateway: bool


@contextlib.contextmanager
def langsmith_gateway(
    *, api_key: str | SecretStr, base_url: str = "", headers: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Raise ``CompatError``: the gateway is not supported."""
    raise CompatError("LangSmith's gateway is not supported on Prill's core: give the vendor's own address and key")
    yield


def _langsmith_gateway_active() -> bool:
    return False


def _gateway_headers() -> dict[str, str]:
    return {}


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
    """The address and the key: those that are given, else those of the environment, else the default address."""
    address = base_url or _first_env(base_url_env) or default_base_url
    return GatewayConfig(address, api_key or _first_env(api_key_env), False)


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
    if found.base_url is not None:
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
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
