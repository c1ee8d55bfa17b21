"""Where Google's models are asked."""

from __future__ import annotations

from typing import Any

import pytest

from prill.google import ChatGoogleGenerativeAI
from prill.google.settings import model_path


def model(**settings: Any) -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(**{"model": "gemini-test", "api_key": "x", **settings})


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://generativelanguage.googleapis.com/v1beta"),
        ({"api_version": "v1"}, "https://generativelanguage.googleapis.com/v1"),
        ({"base_url": "https://gateway/gemini"}, "https://gateway/gemini/v1beta"),
        ({"base_url": "https://gateway/gemini/"}, "https://gateway/gemini/v1beta"),
        ({"base_url": "https://gateway/v1alpha/"}, "https://gateway/v1alpha"),
        (
            {"base_url": "https://aiplatform.googleapis.com/v1/publishers/google"},
            "https://aiplatform.googleapis.com/v1/publishers/google",
        ),
        ({"client_options": {"api_endpoint": "eu.googleapis.com"}}, "https://eu.googleapis.com/v1beta"),
        ({"client_options": "http://localhost:1"}, "http://localhost:1/v1beta"),
    ],
    ids=lambda value: next(iter(value), "none") if isinstance(value, dict) else None,
)
def test_the_version_is_added_to_an_address_without_one(settings: Any, url: str) -> None:
    assert model(**settings)._address().url == url


def test_the_query_of_an_address_is_kept() -> None:
    address = model(base_url="https://gateway/x?tenant=1")._address()
    assert (address.url, address.query) == ("https://gateway/x/v1beta", "tenant=1")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gemini-test", "/models/gemini-test:generateContent"),
        ("models/gemini-test", "/models/gemini-test:generateContent"),
        ("tunedModels/mine", "/tunedModels/mine:generateContent"),
        ("a b?c", "/models/a%20b%3Fc:generateContent"),
    ],
)
def test_a_models_name_is_a_part_of_the_path(name: str, path: str) -> None:
    assert model_path(name, "generateContent") == path


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"model_name": "m"}, "model", "m"),
        ({"max_output_tokens": 5}, "max_tokens", 5),
        ({"additional_headers": {"x": "y"}}, "default_headers", {"x": "y"}),
        ({"stop_sequences": ["x"]}, "stop", ["x"]),
        ({"transport": "rest"}, "transport", "rest"),
        ({"request_timeout": 5}, "timeout", 5),
    ],
)
def test_the_other_names_of_arguments(given: dict[str, Any], field: str, value: Any) -> None:
    settings = given if "model_name" in given else {"model": "m", **given}
    assert getattr(ChatGoogleGenerativeAI(**settings), field) == value


def test_the_other_name_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    named: Any = ChatGoogleGenerativeAI(**{"model": "m", "google_api_key": "AIza-own"})  # type: ignore[arg-type]  # names that mypy does not know
    assert named._key() == "AIza-own"
    assert "AIza-own" not in repr(named)
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-2")
    assert model(api_key=None)._key() == "AIza-2"
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-1")
    assert model(api_key=None)._key() == "AIza-1"
