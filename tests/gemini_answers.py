"""Answers of the Gemini API, written after its reference: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def answer(*parts: Json, reason: str | None = None, **more: Any) -> Json:
    """An event, or an answer in one piece."""
    candidate: Json = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], "modelVersion": "gemini-test", "responseId": "r1", **more}


def as_events(*payloads: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\r\n\r\n" for one in payloads)


def as_array(*payloads: Any) -> bytes:
    """The same as a JSON array, spread over lines as the API writes it."""
    return json.dumps(list(payloads), indent=2, ensure_ascii=False).encode()
