"""The bodies of errors, in whatever shape a provider, a gateway or a proxy writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

QUOTED = 500
"""How many characters of a body without known words are quoted."""

_LONGEST = 4_000
"""How many characters of a provider's own words are passed on."""

_WORDS = (
    "message",
    "detail",
    "msg",
    "Message",
    "error_msg",
    "errmsg",
    "error_message",
    "errorMessage",
    "error_description",
    "status_msg",
    "exception",
    "faultstring",
    "title",
    "reason",
)
_OF_ANSWERS = frozenset(("title", "reason"))
"""Words of errors that may be in other JSON too."""
_INSIDE = ("error", "errors", "fault", "base_resp")
_CODES = ("code", "type", "error_code", "errorCode", "errorcode", "status")
_DEEPEST = 6


class ErrorWords(NamedTuple):
    """What the body of an error says: the provider's names for it, most specific first, and its words."""

    codes: tuple[str, ...] = ()
    text: str = ""
    retry_after: float | None = None
    """Seconds to wait before asking again, where the body says it."""


def read_error_body(body: Any) -> ErrorWords:
    """What an error says; ``body`` is JSON that was read, or a text or bytes, which may be JSON, a page or plain words.

    Where no words are found, the first 500 characters are quoted.
    """
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        parsed = _parsed(body)
        if parsed is None:
            return ErrorWords((), _plain_text(body)[:QUOTED])
        return read_error_body(parsed) if isinstance(parsed, dict | list) else ErrorWords((), str(parsed)[:QUOTED])
    if not body:
        return ErrorWords()
    codes, text = _read_words(body)
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return ErrorWords(codes, shown, _retry_delay(_inner(body)))


def _read_words(body: Any) -> tuple[tuple[str, ...], str]:
    text = _find_words(body, 0)
    inner = _inner(body)
    codes = tuple(_codes(inner)) if isinstance(inner, Mapping) else ()
    if cause := _upstream(inner):
        text = f"{text} ({cause})" if text and cause not in text else cause
    if not text and inner and not isinstance(inner, Mapping):
        text = str(inner)
    if not text and isinstance(inner, Mapping) and any(inner.values()):
        text = _quoted(body)
    return codes, text


def is_error_body(payload: Any) -> bool:
    """Whether JSON that came where an answer was expected says that something went wrong."""
    if isinstance(payload, list):
        return bool(payload) and is_error_body(payload[0])
    if not isinstance(payload, Mapping):
        return False
    if reports_error(payload) or payload.get("errors") or payload.get("fault"):
        return True
    return any(isinstance(payload.get(name), str | list) and payload[name] for name in _WORDS)


def reports_error(payload: Mapping[str, Any]) -> bool:
    """Whether JSON says that something went wrong, whatever else is in it."""
    if payload.get("error") or payload.get("object") == "error" or payload.get("type") == "error":
        return True
    # https://platform.minimax.io/docs/api-reference/errorcode: in every answer, with 0 where all is well.
    state = payload.get("base_resp")
    return isinstance(state, Mapping) and bool(state.get("status_code"))


def has_words(payload: Mapping[str, Any]) -> bool:
    """Whether JSON has words for a person in it, as errors have."""
    return any(payload.get(name) for name in (*_WORDS, "errors", "fault") if name not in _OF_ANSWERS)


def is_failure(reason: Any) -> bool:
    """Whether the reason that a provider gives for the end of an answer is a failure, in whatever words."""
    if not isinstance(reason, str):
        return False
    words = set(re.findall(r"[a-z]+", reason.lower()))
    return bool(words & _FAILURES) or reason.lower() in _OTHER_FAILURES


_FAILURES = frozenset(
    (
        *("error", "fail", "failed", "failure", "cancelled", "canceled", "abort", "aborted", "exception", "malformed"),
        *("timeout", "overloaded", "unavailable", "expired", "crashed"),
    )
)
_OTHER_FAILURES = frozenset(("insufficient_system_resource", "rate_limit", "rate_limited", "no_capacity"))


def _parsed(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return None


def _inner(body: Any) -> Any:
    """The object that describes the error: inside ``error``, a list or ``errors``."""
    for _ in range(_DEEPEST):
        if isinstance(body, list) and body:
            body = body[0]
        elif isinstance(body, Mapping) and (found := _descend(body)) is not None:
            body = found
        else:
            break
    return body


def _descend(body: Mapping[str, Any]) -> Any:
    for key in _INSIDE:
        if isinstance(body.get(key), Mapping | list | str) and body[key]:
            return body[key]
    return None


def _find_words(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return ""
    if isinstance(value, str):
        return value.strip() if depth else value.strip()[:QUOTED]
    if isinstance(value, list):
        found = [words for entry in value[:5] if (words := _find_words(entry, depth + 1))]
        return "; ".join(found)
    if not isinstance(value, Mapping):
        return ""
    for key in _INSIDE:
        if isinstance(value.get(key), Mapping | list) and (words := _find_words(value[key], depth + 1)):
            return words
    for key in (*_WORDS, "error", "text"):
        if words := _find_words(value.get(key), depth + 1):
            return words + _place(value)
    return ""


def _place(entry: Mapping[str, Any]) -> str:
    """Where a field of the request is wrong, as FastAPI says it."""
    place = entry.get("loc")
    return f" ({'.'.join(map(str, place))})" if isinstance(place, list) and place else ""


def _codes(inner: Mapping[str, Any]) -> Iterator[str]:
    """Names before numbers, and first the reasons that Google gives beside its general names."""
    yield from (detail["reason"] for detail in _details(inner) if isinstance(detail.get("reason"), str))
    found = [inner.get(key) for key in _CODES]
    yield from (value for value in found if isinstance(value, str) and value not in ("", "error"))
    yield from (str(value) for value in found if isinstance(value, int) and not isinstance(value, bool))


def _details(inner: Any) -> list[Mapping[str, Any]]:
    """The details of Google's errors: https://cloud.google.com/apis/design/errors#error_details."""
    details = inner.get("details") if isinstance(inner, Mapping) else None
    return [one for one in details if isinstance(one, Mapping)] if isinstance(details, list) else []


def _retry_delay(inner: Any) -> float | None:
    """The delay in Google's details, which is written ``"3.5s"``."""
    for detail in _details(inner):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay")))
        if found is not None:
            return float(found[1])
    return None


def _upstream(inner: Any) -> str:
    """What a gateway itself received, as OpenRouter passes it on in ``metadata.raw``."""
    metadata = inner.get("metadata") if isinstance(inner, Mapping) else None
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    if not raw:
        return ""
    return read_error_body(raw).text[:QUOTED]


def _quoted(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, default=str)[:QUOTED]


_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,2000}>")


def _plain_text(text: str) -> str:
    """A text as it is; of a page the title and what is read on it."""
    start = text[:200].lstrip().lower()
    if not start.startswith(("<!doctype html", "<html", "<head", "<?xml")):
        return text.strip()
    text = text[:100_000]
    title = _TITLE.search(text)
    from html import unescape  # noqa: PLC0415 - it makes tables of all names of letters

    shown = " ".join(unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text))).split())
    head = " ".join(unescape(title.group(1)).split()) if title else ""
    return f"{head}: {shown}" if head and head not in shown else shown or head
