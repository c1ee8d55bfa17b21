"""Settings and keys that a program may be given in environment variables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from pydantic import SecretStr

from prill.errors import ConfigError

__all__ = [
    "convert_to_secret_str",
    "env_var_is_set",
    "from_env",
    "get_from_dict_or_env",
    "get_from_env",
    "secret_from_env",
]

_NO_DEFAULT: Any = object()


def env_var_is_set(env_var: str) -> bool:
    """Whether an environment variable is set to a true value: not empty, and not ``0`` or ``false``."""
    return os.environ.get(env_var, "") not in ("", "0", "false", "False")


def get_from_dict_or_env(
    data: Mapping[str, Any], key: str | Sequence[str], env_key: str, default: str | None = None
) -> str:
    """What ``data`` has under the first of the keys where it has something, as text; else the environment variable.

    Raises ``ConfigError`` where neither has one and there is no ``default``.
    """
    keys = [key] if isinstance(key, str) else list(key)
    for each in keys:
        if data.get(each):
            return str(data[each])
    return get_from_env(keys[0], env_key, default)


def get_from_env(key: str, env_key: str, default: str | None = None) -> str:
    """The value of an environment variable that is not empty, or ``default``.

    Raises ``ConfigError`` where there is neither; ``key`` is what the message calls the value.
    """
    value = os.environ.get(env_key) or default
    if value is None:
        raise ConfigError(f"{key!r} is missing: pass it, or set the environment variable {env_key}")
    return value


@overload
def from_env(
    key: str | Sequence[str], /, *, default: str = ..., error_message: str | None = None
) -> Callable[[], str]: ...
@overload
def from_env(
    key: str | Sequence[str], /, *, default: None, error_message: str | None = None
) -> Callable[[], str | None]: ...
def from_env(
    key: str | Sequence[str], /, *, default: str | None = _NO_DEFAULT, error_message: str | None = None
) -> Callable[[], str | None]:
    """A function that gives the value of the first of these environment variables that is set, or ``default``.

        >>> class Model(BaseModel):
        ...     region: str = Field(default_factory=from_env("REGION", default="eu"))

    The function raises ``ConfigError``, with ``error_message`` if there is one, where none is set and no default was
    given. An empty value counts as set.
    """
    keys = [key] if isinstance(key, str) else list(key)

    def look() -> str | None:
        for each in keys:
            if each in os.environ:
                return os.environ[each]
        if default is _NO_DEFAULT:
            raise ConfigError(error_message or f"set the environment variable {' or '.join(keys)}, or pass the value")
        return default

    return look


@overload
def secret_from_env(
    key: str | Sequence[str], /, *, default: str = ..., error_message: str | None = None
) -> Callable[[], SecretStr]: ...
@overload
def secret_from_env(
    key: str | Sequence[str], /, *, default: None, error_message: str | None = None
) -> Callable[[], SecretStr | None]: ...
def secret_from_env(
    key: str | Sequence[str], /, *, default: str | None = _NO_DEFAULT, error_message: str | None = None
) -> Callable[[], SecretStr | None]:
    """The same as ``from_env`` for what must not be printed: the function gives a ``SecretStr``."""
    plain: Callable[[], str | None] = from_env(key, default=default, error_message=error_message)

    def look() -> SecretStr | None:
        value = plain()
        return None if value is None else SecretStr(value)

    return look


def convert_to_secret_str(value: SecretStr | str) -> SecretStr:
    """Hide a text from ``print`` and logs; a ``SecretStr`` is given back as it is."""
    return value if isinstance(value, SecretStr) else SecretStr(value)
