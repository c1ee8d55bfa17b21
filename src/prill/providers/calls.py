"""What a vendor's model wants to be sent, and the request that it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import SecretStr
from pydantic_core import PydanticSerializationError, to_json

from prill.callbacks.secrets import reveal_secrets
from prill.errors import ConfigError
from prill.providers.http.message import DEFAULT_TIMEOUT, Timeout
from prill.providers.http.route import basic_authorization


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a vendor's API: what is particular to it, beside what a model's settings say.

    ``path`` follows the model's address; ``timeout`` goes before the model's own.
    """

    path: str
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, Any] = field(repr=False, default_factory=dict)
    query: Mapping[str, Any] = field(repr=False, default_factory=dict)
    timeout: Any = None


def make_call(path: str, request: Mapping[str, Any]) -> Call:
    """The call that sends ``request``, of which ``extra_headers``, ``extra_query`` and ``timeout`` are not in the body.

    What is in ``extra_body`` goes before the rest.
    """
    body = dict(request)
    headers, query = body.pop("extra_headers", None), body.pop("extra_query", None)
    timeout, extra = body.pop("timeout", None), body.pop("extra_body", None)
    return Call(path, {**body, **(extra or {})}, headers or {}, query or {}, timeout)


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The JSON of a request, with the texts of each ``SecretStr``.

    Halves of characters that stand alone, which JSON cannot say, become U+FFFD.

    Raises:
        ConfigError: it holds what JSON cannot say.
    """
    try:
        content = to_json(body)
        return to_json(reveal_secrets(body)) if _HIDDEN in content else content
    except PydanticSerializationError as error:
        reason = str(error)
    except UnicodeEncodeError:
        reason = "surrogates"
    if "surrogates" not in reason:
        raise ConfigError(f"the request cannot be written as JSON: {reason[:200]}")
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_encode_other)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


_HIDDEN = b'"**********"'
"""A ``SecretStr`` in JSON."""


def _encode_other(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.loads(to_json(value))


def encode_query(*queries: Any) -> str:
    """The query of an address; later values go before earlier ones of the same name. ``None`` is left out."""
    pairs: dict[str, Any] = {}
    for query in queries:
        pairs.update(dict(parse_qsl(query, keep_blank_values=True)) if isinstance(query, str) else query or {})
    return urlencode([pair for name, value in pairs.items() for pair in _pairs(name, value)])


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in _pairs(f"{name}[{key}]", inner)]
    if isinstance(value, list | tuple):
        return [pair for inner in value for pair in _pairs(f"{name}[]", inner)]
    return [(name, ("true" if value else "false") if isinstance(value, bool) else str(value))]


@dataclass(frozen=True, slots=True)
class Address:
    """A model's address, parted: what requests go to, and what they show there."""

    url: str
    query: str = field(repr=False, default="")
    authorization: str | None = field(repr=False, default=None)


@lru_cache(256)
def split_address(url: str) -> Address:
    """Part an address into what follows it, its query, and the name and password in it.

    Raises:
        ConfigError: it is not an address.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        port = parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        raise ConfigError("base_url is not an address of the form http(s)://host[:port]…") from None
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port is not None else shown
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
    return Address(f"{parts.scheme}://{place}{path}", parts.query, basic_authorization(parts))


_VALUE = re.compile(r"[\t -~]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def merge_headers(*given: Mapping[str, Any] | None) -> dict[str, str]:
    """Headers, names in lower case; later ones go before earlier ones, and ``None`` takes one away.

    Raises:
        ConfigError: one cannot be sent; its value is not shown.
    """
    merged: dict[str, str] = {}
    for headers in given:
        for name, value in (headers or {}).items():
            key = str(name).lower()
            if value is None:
                merged.pop(key, None)
                continue
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value).strip(" \t")
            if not _NAME.fullmatch(key):
                raise ConfigError(f"{str(name)!r:.80} cannot be the name of a header")
            if not _VALUE.fullmatch(text):
                raise ConfigError(
                    f"the value of the header {key} has a line end, another control character or a letter that is not "
                    "ASCII, which cannot be sent"
                )
            merged[key] = text
    return merged


def read_timeout(given: Any) -> Timeout:
    """The limits in time that ``timeout`` stands for: seconds, ``(connect, read)``, or an object that has them."""
    if given is None:
        return DEFAULT_TIMEOUT
    if isinstance(given, bool | str):
        raise ConfigError(f"timeout is seconds, a pair (connect, read) or an httpx Timeout, not {given!r:.40}")
    if isinstance(given, int | float):
        return Timeout(given, given)
    if isinstance(given, tuple | list) and len(given) in (2, 4):
        return Timeout(given[0], given[1])
    if hasattr(given, "connect") and hasattr(given, "read"):
        return Timeout(given.connect, given.read)
    raise ConfigError(f"timeout is seconds, a pair (connect, read) or an httpx Timeout, not {given!r:.40}")
