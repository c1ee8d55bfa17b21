"""What a request may hold, and how what is wrong is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.serve.chains import ask, joke
from tests.serve.clients import RawClient
from tests.serve.serving import Served, serving

from prill.messages import HumanMessage
from prill.prompts import ChatPromptTemplate
from prill.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough
from prill.serve import App, CustomUserType, Settings
from prill.serve.config_hash import encode_config_hash


class Person(CustomUserType):
    name: str


def kind(value: Any) -> str:
    return type(value).__name__


def typed(value: dict[str, Any]) -> str:
    return type(value).__name__


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App(settings=Settings(max_body=100_000, max_batch=3))
    app.add("/joke", joke())
    app.add("/kind", RunnableLambda(kind))
    app.add("/typed", RunnableLambda(typed))
    app.add("/person", RunnableLambda(kind).with_types(input_type=Person))
    app.add("/messages", RunnableLambda(lambda x: kind(x[0])).with_types(input_type=list[HumanMessage]))
    app.add("/keys", RunnableLambda(lambda x: sorted({**x, "seen": x["a"]})))
    app.add("/echo", RunnablePassthrough())
    with serving(app) as served:
        yield served


BAD = {
    "not UTF-8": b'{"input":{"topic":"\xff"}}',
    "half JSON": b'{"input":',
    "nested deeply": b"[" * 90_000,
    "a list": b"[]",
    "a text": b'"x"',
    "empty": b"",
    "a key twice": b'{"input":1,"input":2}',
    "a huge number": b'{"input":{"topic":1e999}}',
    "a huge integer": b'{"input":{"topic":' + b"9" * 5000 + b"}}",
    "NaN": b'{"input":{"topic":NaN}}',
    "half a surrogate pair": b'{"input":{"topic":"\\ud800"}}',
    "no input": b"{}",
    "a wrong type": b'{"input":{"topic":1}}',
    "a config that is a list": b'{"input":{"topic":"x"},"config":[1]}',
    "filters that are none": b'{"input":{"topic":"x"},"include_names":"x"}',
}


@pytest.mark.parametrize("verb", ["invoke", "stream", "stream_events"])
@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_used_is_a_422(server: Served, name: str, verb: str) -> None:
    if name == "filters that are none" and verb == "invoke":
        verb = "stream_log"
    answer = ask(server.port, f"/joke/{verb}", BAD[name])
    assert answer.status == 422
    assert answer.json["error"]["status"] == 422


def test_the_place_of_what_is_wrong_starts_at_the_body(server: Served) -> None:
    answer = ask(server.port, "/joke/invoke", {"input": {"topic": ["secret"]}})
    (found,) = answer.json["detail"]
    assert found["loc"] == ["input", "topic"]
    assert "secret" not in answer.text
    assert "pydantic" not in answer.text
    (found,) = ask(server.port, "/joke/batch", {"inputs": [{"topic": "x"}, {}]}).json["detail"]
    assert found["loc"] == ["inputs", 1, "topic"]


def test_a_body_that_is_too_large_is_a_413(server: Served) -> None:
    assert ask(server.port, "/joke/invoke", b" " * 100_001).status == 413


def test_a_body_without_a_length_is_bounded_while_it_is_read(server: Served) -> None:
    head = (
        b"POST /joke/invoke HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    with RawClient(server.port) as client:
        client.send(head)
        for _ in range(11):
            client.send(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        assert client.read_until(b"\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_content_type_that_a_page_of_another_site_may_send_is_refused(server: Served, kind: str) -> None:
    answer = ask(server.port, "/joke/invoke", b'{"input":{"topic":"x"}}', headers={"content-type": kind})
    assert answer.status == 415


def test_a_batch_is_bounded_and_may_be_empty(server: Served) -> None:
    assert ask(server.port, "/echo/batch", {"inputs": [1, 2, 3, 4]}).status == 413
    assert ask(server.port, "/echo/batch", {"inputs": []}).json["output"] == []
    assert ask(server.port, "/echo/batch", {"inputs": 1}).status == 422


def test_failures_of_a_batch_are_data_where_that_is_asked_for() -> None:
    def half(x: int) -> int:
        if x == 2:
            raise ValueError("secret")
        return x

    app = App()
    app.add("/half", RunnableLambda(half))
    with serving(app) as server:
        whole = ask(server.port, "/half/batch", {"inputs": [1, 2, 3]})
        parts = ask(server.port, "/half/batch", {"inputs": [1, 2, 3], "return_exceptions": True})
    assert whole.status == 500
    assert parts.json["output"] == [1, None, 3]
    errors = [each.get("error", {}).get("kind") for each in parts.json["metadata"]["responses"]]
    assert errors == [None, "InternalError", None]
    assert "secret" not in parts.text


def test_the_server_bounds_how_much_of_a_batch_runs_at_once() -> None:
    import threading

    running, most, lock = 0, 0, threading.Lock()

    def work(x: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        return x

    app = App(settings=Settings(max_concurrency=2))
    app.add("/slow", RunnableLambda(work), config_keys=("max_concurrency",))
    with serving(app) as server:
        ask(server.port, "/slow/batch", {"inputs": list(range(20)), "config": {"max_concurrency": 50}})
    assert most <= 2


def test_a_dict_that_looks_like_a_message_stays_a_dict_where_the_schema_does_not_say_message(server: Served) -> None:
    looks = {"type": "human", "content": "hi"}
    assert ask(server.port, "/kind/invoke", {"input": looks}).json["output"] == "dict"
    assert ask(server.port, "/typed/invoke", {"input": looks}).json["output"] == "dict"
    assert ask(server.port, "/echo/invoke", {"input": looks}).json["output"] == looks
    assert ask(server.port, "/messages/invoke", {"input": [looks]}).json["output"] == "HumanMessage"


def test_a_custom_type_arrives_as_its_object_and_others_as_dicts(server: Served) -> None:
    assert ask(server.port, "/person/invoke", {"input": {"name": "Ada"}}).json["output"] == "Person"


def test_keys_that_the_schema_does_not_name_are_kept(server: Served) -> None:
    assert ask(server.port, "/keys/invoke", {"input": {"a": 1, "b": 2}}).json["output"] == ["a", "b", "seen"]


# Configs


@pytest.fixture(scope="module")
def configured() -> Iterator[Served]:
    def show(x: Any, config: Any) -> Any:
        return {key: config.get(key) for key in ("tags", "configurable", "recursion_limit", "run_name", "metadata")}

    prompt = ChatPromptTemplate.from_template("{topic}").configurable_fields(messages=ConfigurableField("messages"))
    app = App()
    app.add("/closed", RunnableLambda(show))
    app.add("/open", RunnableLambda(show), config_keys=("tags", "metadata"))
    app.add("/fields", prompt, config_keys=("configurable",))
    with serving(app) as served:
        yield served


def test_configs_of_clients_are_closed_by_default(configured: Served) -> None:
    config = {"tags": ["a"], "metadata": {"a": 1}, "run_name": "x", "recursion_limit": 999, "callbacks": [1]}
    output = ask(configured.port, "/closed/invoke", {"input": 1, "config": config}).json["output"]
    assert output["tags"] == []
    assert output["metadata"] == {"__endpoint": "invoke"}
    assert output["recursion_limit"] == 25


def test_the_server_says_which_keys_are_taken(configured: Served) -> None:
    config = {"tags": ["a"], "metadata": {"a": 1, "__b": 2}, "recursion_limit": 999}
    output = ask(configured.port, "/open/invoke", {"input": 1, "config": config}).json["output"]
    assert output["tags"] == ["a"]
    assert output["metadata"] == {"a": 1, "__endpoint": "invoke"}
    assert output["recursion_limit"] == 25


@pytest.mark.parametrize("path", ["closed", "fields"])
def test_configurable_values_that_are_not_open_are_a_422(configured: Served, path: str) -> None:
    body = {"input": {"topic": "x"}, "config": {"configurable": {"user": "root"}}}
    assert ask(configured.port, f"/{path}/invoke", body).status == 422


def test_a_config_in_the_address_is_projected_and_bounded(configured: Served) -> None:
    hashed = encode_config_hash({"tags": ["a"], "recursion_limit": 999})
    output = ask(configured.port, f"/open/c/{hashed}/invoke", {"input": 1}).json["output"]
    assert (output["tags"], output["recursion_limit"]) == (["a"], 25)
    bomb = encode_config_hash({"tags": ["a" * 1_000_000]})
    assert len(bomb) < 4000
    assert ask(configured.port, f"/open/c/{bomb}/invoke", {"input": 1}).status == 400
