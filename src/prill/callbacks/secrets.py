"""Which arguments are secrets by their names, so that what is shown of a call does not show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

_SECRET = re.compile(
    r"(^|_)(api_?key|(access|account|auth|encryption|private|secret|shared|signing|subscription)_?key"
    r"|authorization|bearer|cookie|credentials?|jwt|pass_?phrase|passwd|password|pwd|secret|token)$"
)
_MARK = re.compile(r"(^|_)(bos|cls|end|eos|mask|next|page|pad|sep|special|start|stop|unk)_token$")
"""Tokens of a tokenizer, and of pages."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HARMLESS = frozenset(("accept", "content_type", "user_agent", "anthropic_beta", "anthropic_version"))


def is_secret_name(name: Any) -> bool:
    """Whether an argument, a header or a key called ``name`` holds a secret: ``api_key``, ``X-Auth-Token`` …"""
    if not isinstance(name, str):
        return False
    words = _words(name)
    return _SECRET.search(words) is not None and _MARK.search(words) is None


def wrap_secrets(value: Any) -> Any:
    """A copy of ``value`` in which texts under the name of a secret, and all of ``headers``, are ``SecretStr``."""
    return _map_texts(value, lambda text, secret: SecretStr(text) if secret and isinstance(text, str) else text)


def reveal_secrets(value: Any) -> Any:
    """A copy of ``value`` with the texts in place of each ``SecretStr``."""
    return _map_texts(value, lambda text, _: text.get_secret_value() if isinstance(text, SecretStr) else text)


def find_named_secrets(value: Any) -> Iterator[str]:
    """Yield the texts in ``value`` that ``wrap_secrets`` would wrap, and those that are wrapped already."""
    found: list[str] = []

    def keep(text: Any, secret: bool) -> Any:
        if isinstance(text, SecretStr):
            found.append(text.get_secret_value())
        elif secret and isinstance(text, str):
            found.append(text)
        return text

    _map_texts(value, keep)
    for text in found:
        yield text
        yield text.partition(" ")[2]  # what follows ``Bearer``


def _map_texts(value: Any, change: Callable[[Any, bool], Any], *, secret: bool = False, header: bool = False) -> Any:
    if isinstance(value, Mapping):
        # A schema may describe an argument called ``headers``; what is in it are no headers.
        header = header and not isinstance(value.get("type"), str)
        return {
            name: _map_texts(
                item,
                change,
                secret=is_secret_name(name) or (header and _words(str(name)) not in _HARMLESS),
                header=isinstance(name, str) and _words(name).endswith("headers"),
            )
            for name, item in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(_map_texts(item, change, secret=secret, header=header) for item in value)
    return change(value, secret)


def _words(name: str) -> str:
    return _HUMP.sub("_", name).lower().replace("-", "_")
