"""Replies written in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prill.errors import ConfigError
from prill.openai import ChatOpenAI
from prill.testing import Faults, ReplayServer, Reply
from prill.testing.script import read_script, repeat_replies

SCRIPT = [
    "Hello there!",
    {"text": "It is sunny.", "usage": [1, 2], "faults": {"pace": 0.1}},
    {"pieces": ["a", "b"], "thinking": ["hm"]},
    {"tool_calls": [{"name": "weather", "args": {"city": "Oslo"}}]},
]


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "script.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_texts_and_objects_are_replies(tmp_path: Path) -> None:
    hello, sunny, pieces, call = read_script(write(tmp_path, SCRIPT))
    assert hello == Reply(("Hello", " there!"))
    assert (sunny.text, sunny.faults) == ("It is sunny.", Faults(pace=0.1))
    assert (pieces.pieces, pieces.thinking) == (("a", "b"), ("hm",))
    assert call.tool_calls[0]["name"] == "weather"


def test_replies_are_given_in_turn_and_again(tmp_path: Path) -> None:
    with ReplayServer() as server:
        server.replies(repeat_replies(read_script(write(tmp_path, ["one", "two"]))))
        model = ChatOpenAI(base_url=server.openai_url, api_key="sk-123456")  # type: ignore[arg-type]  # as users do
        assert [model.invoke("Hi").content for _ in range(3)] == ["one", "two", "one"]
        model.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no JSON", "is not JSON"),
        ("{}", "not a list of replies"),
        ("[]", "not a list of replies"),
        ("[5]", "reply 1 of .* is neither a text nor an object, but int"),
        ('["a", {"txt": "b"}]', "reply 2 of .* unknown keys txt; known are .*pieces"),
        ('[{"text": "a", "faults": {"pase": 1}}]', "the faults of reply 1 of .* unknown keys pase"),
        ('[{"text": "a", "faults": 1}]', "the faults of reply 1 of .* must be an object"),
        ('[{"pieces": 5}]', "reply 1 of .* cannot be a reply"),
    ],
)
def test_what_is_wrong_in_a_script_is_named(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        read_script(write(tmp_path, content))


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json cannot be read"):
        read_script(tmp_path / "none.json")


def test_a_server_listens_where_it_is_told() -> None:
    with ReplayServer() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"cannot listen on port {port}"):
            ReplayServer(port=port).start()
    with ReplayServer(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"
    with pytest.raises(ConfigError, match="cannot listen on port 70000"):
        ReplayServer(port=70_000).start()
