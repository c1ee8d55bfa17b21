"""Settings that all vendors' models share."""

from __future__ import annotations

from typing import Any

import pytest

from prill.errors import ConfigError
from prill.openai import ChatOpenAI
from prill.providers.servers import SERVERS
from prill.testing import ReplayServer
from providers.conftest import Make


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_an_unknown_argument_is_named_with_the_one_that_is_meant() -> None:
    with pytest.raises(ConfigError, match=r"no argument 'temprature'.*Did you mean temperature"):
        ChatOpenAI(temprature=0)  # type: ignore[call-arg]  # the mistake is meant


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"model_name": "m"}, "model", "m"),
        ({"openai_api_base": "http://x"}, "base_url", "http://x"),
        ({"request_timeout": 5}, "timeout", 5),
        ({"stop_sequences": ["x"]}, "stop", ["x"]),
        ({"openai_organization": "o"}, "organization", "o"),
    ],
)
def test_the_other_names_of_arguments(given: dict[str, object], field: str, value: object) -> None:
    assert getattr(ChatOpenAI(**given), field) == value  # type: ignore[arg-type]  # names that mypy does not know


def test_the_other_name_of_the_key() -> None:
    model = ChatOpenAI(openai_api_key="sk-secret")  # type: ignore[call-arg]  # a name that mypy does not know
    assert model._key() == "sk-secret"
    assert "sk-secret" not in repr(model)


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_the_address_may_be_in_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://mine/v1")
    assert ChatOpenAI()._url() == "http://mine/v1"


def test_the_key_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert ChatOpenAI()._key() == "sk-env"
    assert ChatOpenAI(api_key="sk-own")._key() == "sk-own"  # type: ignore[arg-type]  # pydantic makes a secret of it


def test_a_server_of_ones_own_needs_no_key() -> None:
    assert ChatOpenAI(base_url="http://localhost:1")._key() == "none"
    assert ChatOpenAI(server="ollama")._key() == "none"


def test_a_named_server_has_its_own_address_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    model = ChatOpenAI(server="groq")
    assert model._url() == SERVERS["groq"].base_url
    assert model.provider == "groq"
    with pytest.raises(PermissionError, match="GROQ_API_KEY"):
        model._key()  # OpenAI's key is not sent elsewhere
    monkeypatch.setenv("GROQ_API_KEY", "gsk")
    assert model._key() == "gsk"


def test_an_unknown_server_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown server 'grok'.*groq"):
        ChatOpenAI(server="grok")


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"max_retries": -1}, {"first_chunk_timeout": 0}, {"n": 0}])
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChatOpenAI(**wrong)  # type: ignore[arg-type]  # the mistake is meant


@pytest.mark.parametrize("wrong", [{"temperature": "hot"}, {"temprature": 0}, {"server": "grok"}, {"n": 0}])
def test_a_refused_argument_does_not_show_the_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        ChatOpenAI(api_key="sk-secret", **wrong)  # type: ignore[arg-type]  # the mistake is meant
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("place", ["default_headers", "extra_headers"])
def test_a_header_that_is_none_is_not_sent(place: str, make: Make, server: ReplayServer, colour: Any) -> None:
    headers = {"Authorization": None, "User-Agent": None, "x-mine": "1"}
    if place == "default_headers":
        colour.invoke(make(default_headers=headers))
    else:
        colour.invoke(make(default_headers={"authorization": "Basic abc"}), extra_headers=headers)
    (seen,) = server.requests
    assert {"authorization", "user-agent"}.isdisjoint(seen.headers)
    assert seen.headers["x-mine"] == "1"
