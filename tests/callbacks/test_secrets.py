from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from prill.callbacks.secrets import find_named_secrets, is_secret_name, reveal_secrets, wrap_secrets


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apikey", "API-KEY", "apiKey", "x-api-key", "OPENAI_API_KEY", "secret_key", "client_secret"),
        *("token", "access_token", "hfToken", "X-Auth-Token", "Authorization", "Proxy-Authorization", "password"),
        *("db_password", "cookie", "credentials", "Ocp-Apim-Subscription-Key"),
    ],
)
def test_names_of_secrets_are_known_in_every_spelling(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "max_completion_tokens", "prompt_cache_key", "key", "tokenizer", "eos_token", "stop_token"),
        *("next_page_token", "monkey", "author", "secretary", 1, None),
    ],
)
def test_names_that_only_look_alike_are_left_alone(name: Any) -> None:
    assert not is_secret_name(name)


GIVEN: Any = {
    "temperature": 0.5,
    "gateway": [{"apiKey": "first"}, ("x", {"token": ["second"]})],
    "tools": [{"type": "mcp", "headers": {"x-user": "third", "Content-Type": "text/plain"}}],
    "password": SecretStr("fourth"),
}


def test_what_is_wrapped_is_hidden_and_comes_back_whole() -> None:
    wrapped = wrap_secrets(GIVEN)
    assert not any(word in repr(wrapped) for word in ("first", "second", "third", "fourth"))
    assert "text/plain" in repr(wrapped)
    assert reveal_secrets(wrapped) == {**GIVEN, "password": "fourth"}
    assert set(find_named_secrets(GIVEN)) - {""} == {"first", "second", "third", "fourth"}


def test_a_schema_whose_arguments_are_called_like_secrets_stays_readable() -> None:
    schema = {"properties": {"password": {"type": "string"}, "headers": {"type": "object", "description": "those"}}}
    assert wrap_secrets(schema) == schema
    assert list(find_named_secrets(schema)) == []
