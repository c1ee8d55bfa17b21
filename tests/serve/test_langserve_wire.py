"""The wire is LangServe's: what its version 0.3.3 was seen to send, ids and times masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.chains import ask, events, joke, model
from tests.serve.serving import Served, serving

from prill.language_models import FakeListChatModel
from prill.prompts import ChatPromptTemplate
from prill.runnables import ConfigurableField, RunnableGenerator
from prill.serve import App, Settings

RECORDED = Path(__file__).parents[1] / "data" / "langserve"


def half(chunks: Any) -> Any:
    yield "one"
    yield "two"
    raise ValueError("secret")


def count(chunks: Any) -> Any:
    for number in range(int("".join(chunks))):
        yield f"{number:04} "


def configurable() -> Any:
    fake = FakeListChatModel(responses=["a"])
    chosen = fake.configurable_fields(responses=ConfigurableField("responses", name="Responses"))
    return ChatPromptTemplate.from_template("{topic}") | chosen


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App(settings=Settings(max_concurrency=1))
    app.add("/joke", joke(), show="steps", config_keys=("tags", "metadata"))
    app.add("/model", model())
    app.add("/half", RunnableGenerator(half))
    app.add("/conf", configurable(), config_keys=("configurable", "tags", "metadata"))
    with serving(app) as served:
        yield served


def recorded(name: str) -> tuple[int, dict[str, str], str]:
    text = (RECORDED / f"{name}.txt").read_text("utf8")
    _, _, text = text.partition("\n")
    head, _, body = text.partition("\n\n")
    status, *lines = head.split("\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


UUID = re.compile(r"(lc_run--|run-+)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")


def masked(value: Any) -> Any:
    """Without ids and times, and without what says which library made it."""
    text = TIME.sub("TIME", UUID.sub("ID", json.dumps(value)))
    return _without(json.loads(text))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key != "metadata" or "run_ids" in str(item)}
    return [_without(item) for item in value] if isinstance(value, list) else value


POSTS = {
    "invoke": ("/joke/invoke", {"input": {"topic": "owls"}}),
    "batch": ("/joke/batch", {"inputs": [{"topic": "owls"}, {"topic": "bees"}]}),
    "empty_batch": ("/joke/batch", {"inputs": []}),
    "batch_mismatch": ("/joke/batch", {"inputs": [{"topic": "owls"}, {"topic": "bees"}], "config": [{}]}),
    "bad_json": ("/joke/invoke", b'{"input":'),
    "invoke_model": ("/model/invoke", {"input": [{"type": "human", "content": "hi"}]}),
}


@pytest.mark.parametrize("name", POSTS)
def test_an_answer_in_one_piece_is_the_recorded_one(server: Served, name: str) -> None:
    path, body = POSTS[name]
    status, headers, text = recorded(name)
    answer = ask(server.port, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, headers["content-type"])
    given = answer.json
    given.pop("error", None)  # what Prill says beyond LangServe
    assert masked(given) == masked(json.loads(text))


STREAMS = {
    "stream": ("/joke/stream", {"input": {"topic": "owls"}}),
    "stream_model": ("/model/stream", {"input": [{"type": "human", "content": "hi"}]}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_the_recorded_one(server: Served, name: str) -> None:
    path, body = STREAMS[name]
    status, headers, text = recorded(name)
    answer = ask(server.port, path, body)
    assert answer.status == status
    assert answer.headers["content-type"] == headers["content-type"]
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"].startswith("no-cache")
    assert "content-encoding" not in answer.headers
    assert masked(events(answer.text)) == masked(events(text))
    assert "\n" not in answer.text.replace("\r\n", "")  # lines end in CR LF
    assert answer.text.endswith("event: end\r\n\r\n")


def test_an_error_behind_the_first_chunk_is_the_recorded_event_and_ends_the_body(server: Served) -> None:
    *before, last = events(ask(server.port, "/half/stream", {"input": "x"}).text)
    *expected, error = events(recorded("half_stream")[2])
    assert masked(before) == masked(expected)
    assert last[0] == error[0] == "error"
    assert {key: last[1][key] for key in error[1]} == error[1]


def test_stream_events_gives_the_recorded_events(server: Served) -> None:
    expected = events(recorded("stream_events")[2])
    given = events(ask(server.port, "/joke/stream_events", {"input": {"topic": "owls"}}).text)
    assert [kind for kind, _ in given] == [kind for kind, _ in expected]
    seen = [(event["event"], event["name"], event["tags"]) for _, event in given[:-1]]
    assert seen == [(event["event"], event["name"], event["tags"]) for _, event in expected[:-1]]
    chunks = [_without(masked(event["data"])) for _, event in given[:-1] if event["event"].endswith("_stream")]
    assert chunks == [
        _without(masked(event["data"])) for _, event in expected[:-1] if event["event"].endswith("_stream")
    ]


def test_stream_log_adds_up_to_the_recorded_state(server: Served) -> None:
    import jsonpatch

    states = []
    for text in (recorded("stream_log")[2], ask(server.port, "/joke/stream_log", {"input": {"topic": "owls"}}).text):
        state: Any = None
        for kind, data in events(text):
            if kind == "data":
                state = jsonpatch.apply_patch(state, data["ops"])
        states.append(masked(state))
    assert states[1] == states[0]


def test_stream_log_is_linear_in_the_length_of_the_output() -> None:
    app = App()
    app.add("/count", RunnableGenerator(count))
    with serving(app) as served:
        short, long = (len(ask(served.port, "/count/stream_log", {"input": n}).body) for n in ("100", "1000"))
    assert long < 11 * short


@pytest.mark.parametrize("name", ["input_schema", "output_schema"])
def test_a_schema_is_the_recorded_one(server: Served, name: str) -> None:
    assert ask(server.port, f"/joke/{name}").json == json.loads(recorded(name)[2])


def test_the_config_schema_has_the_recorded_keys(server: Served) -> None:
    given, expected = ask(server.port, "/conf/config_schema").json, json.loads(recorded("config_schema")[2])
    assert set(given["properties"]) == set(expected["properties"])
    assert "responses" in given["$defs"]["Configurable"]["properties"]


def test_a_config_in_the_address_is_used(server: Served) -> None:
    text = (RECORDED / "conf_hash.txt").read_text("utf8")
    path = re.search(r"(/conf/c/\S+)", text)
    assert path is not None
    answer = ask(server.port, path[1], {"input": {"topic": "x"}})
    assert answer.json["output"]["content"] == "from hash"


def test_a_bad_config_in_the_address_is_refused(server: Served) -> None:
    answer = ask(server.port, "/conf/c/%25%25/invoke", {"input": {"topic": "x"}})
    assert (answer.status, answer.json["detail"]) == (400, "Invalid config hash")
