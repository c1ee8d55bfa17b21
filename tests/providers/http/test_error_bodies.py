"""The words of an error are found in whatever shape it comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prill.providers.http.error_bodies import QUOTED, is_error_body, read_error_body

RAW = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": '{"error":"image too large"}'}}}

SHAPES: list[tuple[Any, str, str | None]] = [
    ({"error": {"message": "words", "type": "t", "code": "c"}}, "words", "c"),
    ({"error": {"message": "words", "type": "t", "code": None}}, "words", "t"),
    ({"error": {"message": "words", "code": 400, "status": "INVALID_ARGUMENT"}}, "words", "INVALID_ARGUMENT"),
    ([{"error": {"code": 400, "message": "words", "status": "INVALID_ARGUMENT"}}], "words", "INVALID_ARGUMENT"),
    ({"error": {"code": 400, "message": "words", "status": "X", "details": [{"reason": "KEY"}]}}, "words", "KEY"),
    ({"error": {"code": 400, "message": "words", "details": ["odd", {"reason": 3}]}}, "words", "400"),
    ({"error": "words"}, "words", None),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "words"}}, "words", "overloaded_error"),
    ({"object": "error", "message": "words", "type": "BadRequestError", "code": 400}, "words", "BadRequestError"),
    ({"detail": "words"}, "words", None),
    ({"detail": [{"loc": ["body", "model"], "msg": "words", "type": "missing"}]}, "words (body.model)", None),
    ({"errors": [{"code": 5006, "message": "words"}], "success": False}, "words", "5006"),
    ({"error": {"errors": [{"message": "words"}]}}, "words", None),
    ({"error": {"message": {"text": "words"}, "code": 400}}, "words", "400"),
    ({"message": "words"}, "words", None),
    ({"code": 1113, "msg": "words", "success": False}, "words", "1113"),
    ({"error_msg": "words", "error_code": 17}, "words", "17"),
    ({"fault": {"faultstring": "words", "detail": {"errorcode": "policies.ratelimit"}}}, "words", None),
    (RAW, "Provider returned error (image too large)", "400"),
    ("words", "words", None),
    ("", "", None),
    ({"error": ["one", "two"]}, "one; two", None),
]


@pytest.mark.parametrize(("body", "text", "code"), SHAPES)
@pytest.mark.parametrize("form", [lambda body: body, json.dumps, lambda body: json.dumps(body).encode()])
def test_the_words_and_the_code_are_found(body: Any, text: str, code: str | None, form: Any) -> None:
    words = read_error_body(form(body))
    assert words.text == text
    assert (words.codes[0] if words.codes else None) == code


def test_a_page_is_read_as_its_text() -> None:
    page = "<!DOCTYPE html><html><head><title>502 Bad gateway</title><style>x{}</style></head><body><h1>cloud&amp;</h1>"
    assert read_error_body(page).text == "502 Bad gateway: cloud&"


def test_a_body_without_known_words_is_quoted_up_to_a_limit() -> None:
    body = {"weird": ["x" * 1000]}
    assert read_error_body(body).text == json.dumps(body)[:QUOTED]
    assert read_error_body("y" * 1000).text == "y" * QUOTED


@pytest.mark.parametrize(
    "payload",
    [
        {"error": {"message": "x"}},
        {"object": "error", "message": "x"},
        {"detail": "x"},
        {"code": "InvalidParameter", "message": "x", "request_id": "r"},
        {"code": 1, "msg": "x", "success": False},
        [{"error": {"message": "x"}}],
        {"errors": [{"message": "x"}]},
    ],
)
def test_an_error_in_place_of_an_answer_is_known(payload: Any) -> None:
    assert is_error_body(payload)


@pytest.mark.parametrize("payload", [{}, {"choices": []}, [], None, 5, "x", {"message": {"role": "assistant"}}])
def test_what_does_not_tell_an_error_is_none(payload: Any) -> None:
    assert not is_error_body(payload)


KEYS = st.sampled_from(["error", "errors", "message", "detail", "code", "type", "metadata", "raw", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_without_a_crash(body: Any) -> None:
    words = read_error_body(body)
    assert isinstance(words.text, str)
    assert all(isinstance(code, str) for code in words.codes)
    is_error_body(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_crash(body: bytes) -> None:
    assert isinstance(read_error_body(body).text, str)


@pytest.mark.parametrize(("written", "seconds"), [("47s", 47), ("3.5s", 3.5), ("soon", None), (3, None), ("-1s", None)])
def test_the_wait_that_google_asks_for_is_read(written: Any, seconds: float | None) -> None:
    error = {"code": 429, "message": "words", "details": [{"@type": "x"}, {"retryDelay": written}]}
    assert read_error_body({"error": error}).retry_after == seconds
    assert read_error_body([{"error": error}]).retry_after == seconds
