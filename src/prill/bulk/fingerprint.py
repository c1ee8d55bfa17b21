"""What a chain is, in text: the same for the same chain in another process, and different where answers may differ."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from prill.caches import BaseCache
from prill.callbacks.base import BaseCallbackHandler
from prill.rate_limiters import BaseRateLimiter

_LEFT_OUT = frozenset(
    (
        *("api_key", "base_url", "callbacks", "client", "async_client", "http_client", "http_async_client", "cache"),
        *("rate_limiter", "max_retries", "timeout", "proxy", "ca_file", "verbose", "metadata", "tags", "name"),
        *("first_chunk_timeout", "stream_idle_timeout", "max_answer_bytes", "default_headers", "custom_get_token_ids"),
    )
)
"""Settings that say how a chain is run and watched, not what it answers; among them are those that hold secrets."""

_DEEP = 40
_LONG = 120


def describe_chain(chain: Any) -> dict[str, str]:
    """The settings, texts and code of a chain, by where they are in it."""
    return dict(_walk("chain", chain, frozenset(), 0))


def find_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between two chains, a line each."""
    lines = []
    for place in sorted(before.keys() | now.keys()):
        old, new = before.get(place, "not there"), now.get(place, "not there")
        if old != new:
            lines.append(f"{place}: {old} before, {new} now")
    return lines


def _walk(place: str, value: Any, around: frozenset[int], depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr | SecretBytes | BaseCache | BaseRateLimiter | BaseCallbackHandler):
        return
    if value is None or isinstance(value, str | int | float | complex | bytes):
        yield place, _short(repr(value))
        return
    if id(value) in around or depth > _DEEP:
        return
    around |= {id(value)}
    if isinstance(value, type):
        yield place, _describe_class(value)
    elif isinstance(value, types.CodeType):
        yield place, _digest(_code(value))
    elif isinstance(value, types.FunctionType):
        yield from _walk_function(place, value, around, depth)
    elif isinstance(value, types.MethodType):
        yield from _walk_function(place, value.__func__, around, depth)
        yield from _walk(f"{place}.self", value.__self__, around, depth + 1)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _walk(f"{place}[{name!r}]", item, around, depth + 1)
    elif isinstance(value, Set):
        yield place, _short(str(sorted(map(repr, value))))
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            yield from _walk(f"{place}[{number}]", item, around, depth + 1)
    else:
        yield from _walk_object(place, value, around, depth)


def _walk_object(place: str, value: Any, around: frozenset[int], depth: int) -> Iterator[tuple[str, str]]:
    cls = type(value)
    yield place, f"{cls.__module__}.{cls.__qualname__}"
    if isinstance(value, types.BuiltinFunctionType | types.ModuleType):
        yield f"{place}.name", value.__name__
        return
    if isinstance(value, BaseModel):
        attributes = {**value.__dict__, **(value.__pydantic_extra__ or {})}
    else:
        attributes = getattr(value, "__dict__", None) or {}
    for name, item in attributes.items():
        if name not in _LEFT_OUT and not name.startswith("_"):
            yield from _walk(f"{place}.{name}", item, around, depth + 1)


def _walk_function(place: str, function: Any, around: frozenset[int], depth: int) -> Iterator[tuple[str, str]]:
    yield place, f"function {function.__name__}, code {_digest(_code(function.__code__))}"
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    yield from _walk(f"{place}.defaults", defaults, around, depth + 1)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        yield from _walk(f"{place}.{name}", value, around, depth + 1)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        ours = isinstance(value, types.FunctionType) and value.__module__ == function.__module__
        if ours or isinstance(value, str | int | float):
            yield from _walk(f"{place}:{name}", value, around, depth + 1)


def _code(code: types.CodeType) -> str:
    """Code as text, without the places of its lines."""
    constants = [_code(each) if isinstance(each, types.CodeType) else _constant(each) for each in code.co_consts]
    return repr((code.co_code.hex(), constants, code.co_names, code.co_varnames))


def _constant(value: Any) -> str:
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _describe_class(cls: type) -> str:
    name = f"{cls.__module__}.{cls.__qualname__}"
    if isinstance(cls, type) and issubclass(cls, BaseModel):
        return f"{name}, fields {_digest(repr(cls.model_json_schema()))}"
    return name


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({_digest(text)})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
