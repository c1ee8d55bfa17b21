"""Values as text of a limited size, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from prill.messages import AIMessage
from prill.traces.snapshot import take_snapshot


def snapshot(value: Any, limit: int = 10_000) -> Any:
    return json.loads(take_snapshot(value, limit))


def test_messages_keep_what_was_said_and_called() -> None:
    call = {"name": "search", "args": {"query": "x"}, "id": "1", "type": "tool_call"}
    taken = snapshot([AIMessage("Hi", tool_calls=[call])])
    assert (taken[0]["type"], taken[0]["content"], taken[0]["tool_calls"][0]["args"]) == ("ai", "Hi", {"query": "x"})


@pytest.mark.parametrize("value", [{"api_key": "sk-1"}, {"headers": {"X-Mine": "sk-1"}}, {"a": [{"password": "sk-1"}]}])
def test_secrets_by_their_names_are_hidden(value: Any) -> None:
    assert "sk-1" not in take_snapshot(value, 1000)


def test_a_secret_of_pydantic_stays_hidden() -> None:
    class Login(BaseModel):
        password: SecretStr

    assert "sk-1" not in take_snapshot(Login(password=SecretStr("sk-1")), 1000)


def test_a_long_text_is_cut_and_says_so() -> None:
    taken = snapshot("x" * 10_000_000, 1000)
    assert taken == "x" * 1000 + "… cut: 10,000,000 characters in all"


def test_the_limit_is_for_all_parts_together() -> None:
    text = take_snapshot({f"key{number}": "x" * 900 for number in range(1000)}, 2000)
    assert len(text) < 4000
    assert json.loads(text)["…"].startswith("cut: ")


def test_long_lists_say_how_many_items_are_missing() -> None:
    assert snapshot(list(range(100_000)), 1000)[-1] == "… cut: 99501 more of 100000 items"


def test_values_without_a_form_in_json_are_described() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise ValueError

    assert snapshot(b"12345") == {"type": "bytes", "size": 5}
    assert snapshot({"a": Bad()})["a"]["type"] == "Bad"
    assert snapshot(float("nan"))["type"] == "float"


def test_a_value_that_holds_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert len(take_snapshot(value, 1000)) < 2000


def test_a_lone_surrogate_can_be_written() -> None:
    take_snapshot(["\ud800"], 1000).encode()
