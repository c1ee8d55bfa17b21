"""Taking secrets out of all that leaves a model."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from prill.callbacks.secrets import find_named_secrets

MASK = "**********"
_SHORTEST = 4
"""Shorter texts are in every sentence; no key is so short."""

_HARMLESS = frozenset(
    ("accept", "accept-language", "anthropic-beta", "anthropic-version", "content-type", "http-referer", "user-agent")
)
"""Headers whose values may be shown; of all others a value may be a key."""


class Redactor:
    """Takes the secrets of a model, in every form in which they may come back, out of texts and errors."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = tuple(secrets)
        forms = {form for secret in self.secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        # The longest first: a short one may be a part of it.
        self._pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None

    def redact(self, text: str) -> str:
        """``text`` with the secrets masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def redact_value(self, value: Any) -> Any:
        """The same for texts inside lists, dictionaries and bytes."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, bytes):
            return self.redact(value.decode("latin-1")).encode("latin-1", "replace")
        if isinstance(value, Mapping):
            return {self.redact_value(key): self.redact_value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple) and type(value) in (list, tuple):
            return type(value)(map(self.redact_value, value))
        return value

    def redact_error(self, error: BaseException) -> None:
        """Mask the secrets in an error's text and attributes, and in those of its causes."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__]
            one.args = self.redact_value(one.args)
            for name, value in list(vars(one).items()):
                masked = self.redact_value(value)
                if masked != value:
                    with contextlib.suppress(AttributeError):
                        setattr(one, name, masked)


def find_secrets(
    key: str | None,
    url: str | None,
    headers: Iterable[Mapping[str, Any] | None],
    queries: Iterable[Any],
    bodies: Iterable[Any] = (),
) -> list[str]:
    """The secrets in a model's settings, and in the headers, queries and bodies of a call."""
    secrets = [key] if key else []
    with contextlib.suppress(ValueError):  # an address that cannot be read is refused elsewhere
        parts = urlsplit(url or "")
        secrets += [unquote(part) for part in (parts.password,) if part]
        secrets += [value for _, value in parse_qsl(parts.query)]
    for given in headers:
        for name, value in (given or {}).items():
            if name.lower() not in _HARMLESS and value is not None:
                text = value if isinstance(value, str) else str(value)
                secrets.append(text)
                secrets.append(text.partition(" ")[2])  # what follows ``Bearer``
    for query in queries:
        secrets += [str(value) for value in (query or {}).values() if isinstance(value, str)]
    for body in bodies:
        secrets += find_named_secrets(body)
    return [secret for secret in secrets if secret]


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as it is written in addresses, JSON, representations and ``Basic`` headers."""
    forms = {secret, secret.strip(), *secret.split()}
    forms |= {quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    forms.add(base64.b64encode(secret.encode("utf-8", "replace")).decode())
    return forms
