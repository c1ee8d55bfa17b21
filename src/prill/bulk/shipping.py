"""A job as bytes for other processes: with nothing secret in it, and with an error that names what cannot be sent."""

from __future__ import annotations

import io
import os
import pickle
import re
import types
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, SecretStr

from prill.errors import ConfigError, MissingDependencyError

_DEEP = 12
_SHORTEST = 8
"""Shorter secrets are not looked for in bytes, where they could be anything."""


def pack(value: Any, extra: str) -> bytes:
    """The bytes of a job. A secret in it becomes the name of the environment variable that holds it.

    Args:
        value: what is sent.
        extra: the extra that installs cloudpickle.

    Raises:
        ConfigError: a part cannot be sent, or a secret is in it that the environment does not hold. The error names
            the part.
        MissingDependencyError: cloudpickle is not installed.
    """
    try:
        cloudpickle = import_module("cloudpickle")
    except ImportError as error:
        raise MissingDependencyError(f"this engine needs cloudpickle: pip install 'prill[{extra}]'") from error
    try:
        packed = _dump(cloudpickle, value)
    except Exception as error:
        place, reason = _find_culprit(cloudpickle, value, error)
        raise ConfigError(
            f"{place} cannot be sent to a worker: {reason}. Make it there (in a function of the chain), or use "
            "engine='local'"
        ) from error
    for place, secret in _find_secrets(value):
        if secret.encode() in packed:
            raise ConfigError(
                f"{place} holds a key in plain text, which would be in the memory and the files of the engine. Put it "
                "into an environment variable of the workers, and read it from there"
            )
    return packed


def _dump(cloudpickle: Any, value: Any) -> bytes:
    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # the package is loaded when it is needed
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, SecretStr):
                return _read_secret, (_find_variable(obj.get_secret_value()),)
            return super().reducer_override(obj)

    buffer = io.BytesIO()
    Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


class _SecretInCode(Exception):
    """A secret that the environment does not hold."""


def _find_variable(secret: str) -> str:
    for name, value in os.environ.items():
        if value == secret:
            return name
    raise _SecretInCode("it was given a key in code; put the key into the environment of all workers instead")


def _read_secret(name: str) -> SecretStr:
    try:
        return SecretStr(os.environ[name])
    except KeyError:
        raise ConfigError(f"this worker has no key: set the environment variable {name} where it runs") from None


_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")


def _find_secrets(value: Any) -> Iterator[tuple[str, str]]:
    """Secrets that must not be in the bytes: those of the environment, and those of headers and addresses."""
    for name, text in os.environ.items():
        if _SECRET_NAME.search(name) and len(text) >= _SHORTEST:
            yield f"the chain (the value of {name} is somewhere in it)", text
    for place, part in parts("the chain", value):
        redactor = getattr(part, "_redactor", None)
        if redactor is not None:
            yield from ((place, secret) for secret in redactor().secrets if len(secret) >= _SHORTEST)


def _find_culprit(cloudpickle: Any, value: Any, error: Exception) -> tuple[str, str]:
    """The innermost part that cannot be sent, and why."""
    place, seen = "the chain", set[int]()
    while True:
        seen.add(id(value))
        for name, part in _inside(value):
            if id(part) in seen:
                continue
            try:
                _dump(cloudpickle, part)
            except Exception as inner:
                place, value, error = f"{place}{name}", part, inner
                break
        else:
            return place, str(error).splitlines()[0] if str(error) else type(error).__name__


def parts(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value and all that it is made of, outer parts first, each with where it is."""
    return _parts(place, value, 0, set())


def _parts(place: str, value: Any, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """A value and what it is made of, outer parts first, each with where it is."""
    if id(value) in seen or depth > _DEEP or value is None or isinstance(value, str | bytes | int | float | type):
        return
    seen.add(id(value))
    yield place, value
    for name, part in _inside(value):
        yield from _parts(f"{place}{name}", part, depth + 1, seen)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{name!r}]", part) for name, part in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
    elif isinstance(value, types.FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            yield f" (closure of {value.__name__}).{name}", cell.cell_contents
    elif not isinstance(value, types.ModuleType):
        private = getattr(value, "__pydantic_private__", None) if isinstance(value, BaseModel) else None
        for name, part in {**getattr(value, "__dict__", {}), **(private or {})}.items():
            if name == "steps" and isinstance(part, list | tuple):
                for number, step in enumerate(part, 1):
                    yield f", step {number} ({type(step).__name__})", step
            else:
                yield f".{name}", part
