"""Who asks, and with which settings their runs start: one hook for all verbs and protocols."""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request

from prill.callbacks.config import Config
from prill.errors import ConfigError, RequestError


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Args:
        principal: the name of the person or program; runs can be read and stopped by the principal that started them,
            and limits count per principal. ``None`` is one principal too: everybody, where there is no hook.
        config: settings of every run that the request starts, such as ``configurable`` values with a user's id.
            They win over what the request says.
    """

    principal: str | None = None
    config: Config = field(default_factory=dict)


Said: TypeAlias = "Caller | tuple[str | None, Config] | str | None"
Hook: TypeAlias = "Callable[[Request], Said | Awaitable[Said]]"
"""Finds out who sends a request: a plain or ``async`` function of starlette's ``Request``.

It returns the principal, ``(principal, config)`` or a ``Caller``, and raises ``RequestError`` (``status=401`` …) or
starlette's ``HTTPException`` to refuse the request.
"""

ANYBODY = Caller()


async def identify(hook: Hook | None, request: Request) -> Caller:
    """Ask the hook.

    Raises:
        RequestError: it refuses the request.
        ConfigError: it returned something else than a caller.
    """
    if hook is None:
        return ANYBODY
    said = hook(request)
    if inspect.isawaitable(said):
        said = await said
    if isinstance(said, Caller):
        return said
    if said is None or isinstance(said, str):
        return Caller(said)
    if isinstance(said, tuple) and len(said) == 2 and isinstance(said[1], Mapping):
        return Caller(said[0], said[1])
    raise ConfigError(
        f"the auth hook returned a {type(said).__name__}; return a principal, (principal, config) or Caller"
    )


def require_key(keys: Mapping[str, str] | Iterable[str]) -> Hook:
    """A hook that demands ``Authorization: Bearer <key>`` or ``x-api-key: <key>``; keys are compared in constant time.

    Args:
        keys: the keys, or the principals by their keys. Without principals all keys are one principal, ``"key"``.

    >>> app = App(auth=require_key({"s3cret": "ada"}))  # doctest: +SKIP
    """
    known = dict(keys) if isinstance(keys, Mapping) else dict.fromkeys(keys, "key")
    if not known or not all(known):
        raise ConfigError("require_key needs at least one key, and no empty one")
    entries = [(key.encode(), principal) for key, principal in known.items()]

    def check(request: Request) -> Said:
        given = _get_key(request.headers).encode("utf-8", "replace")
        found: str | None = None
        for key, principal in entries:  # all of them, so that the time says nothing
            if hmac.compare_digest(key, given):
                found = principal
        if found is None:
            raise RequestError("the API key is missing or wrong", status=401, code="invalid_api_key")
        return found

    return check


def _get_key(headers: Mapping[str, Any]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else str(headers.get("x-api-key", ""))
