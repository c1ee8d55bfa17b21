"""Who may do what: one hook for all verbs, runs of principals, limits, CORS, what is sent of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from tests.serve.chains import ask, events, joke
from tests.serve.clients import RawClient
from tests.serve.serving import Served, serving

from prill.errors import ConfigError, RequestError
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, Caller, Cors, Settings, require_key


async def hook(request: Request) -> Any:
    user = request.headers.get("x-user")
    if user is None:
        raise HTTPException(403, "no such user")
    return Caller(user, {"configurable": {"user": user}, "metadata": {"__user": user}})


def whose(x: Any, config: Any) -> str:
    return str(config["configurable"].get("user"))


async def patient(chunks: Any) -> Any:
    import asyncio

    yield "first"
    await asyncio.Event().wait()


def add_more(config: Any, request: Request) -> Any:
    return {**config, "metadata": {**config.get("metadata", {}), "more": request.headers.get("x-more")}}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App(auth=hook)
    app.add("/whose", RunnableLambda(whose), show="steps", config_keys=("metadata",))
    app.add("/patient", RunnableGenerator(patient), on_disconnect="continue")
    app.add("/modified", RunnableLambda(lambda x, config: config["metadata"]["more"]), per_req_config_modifier=add_more)
    app.add_model("whose", RunnableLambda(whose))
    app.add_ui("/ui", RunnableLambda(whose))
    app.add_ui("/ag", RunnableLambda(whose), protocol="ag-ui")
    with serving(app) as served:
        yield served


ADA = {"x-user": "ada"}


def test_the_hooks_config_is_there_in_every_verb(server: Served) -> None:
    assert ask(server.port, "/whose/invoke", {"input": 1}, headers=ADA).json["output"] == "ada"
    assert ask(server.port, "/whose/batch", {"inputs": [1, 2]}, headers=ADA).json["output"] == ["ada", "ada"]
    configs = {"inputs": [1, 2], "config": [{}, {"metadata": {"a": 1}}]}
    assert ask(server.port, "/whose/batch", configs, headers=ADA).json["output"] == ["ada", "ada"]
    for verb in ("stream", "stream_events", "stream_log"):
        assert '"ada"' in ask(server.port, f"/whose/{verb}", {"input": 1}, headers=ADA).text


def test_the_hooks_config_is_there_in_every_protocol(server: Served) -> None:
    said = [{"role": "user", "content": "hi"}]
    for stream in (False, True):
        chat = {"model": "whose", "messages": said, "stream": stream}
        assert "ada" in ask(server.port, "/v1/chat/completions", chat, headers=ADA).text
        assert (
            "ada"
            in ask(server.port, "/v1/responses", {"model": "whose", "input": "hi", "stream": stream}, headers=ADA).text
        )
    ui = {"id": "c", "messages": [{"id": "u", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
    assert '"ada"' in ask(server.port, "/ui", ui, headers=ADA).text
    ag = {"threadId": "t", "runId": "r", "messages": [{"id": "u", **said[0]}]}
    assert '"ada"' in ask(server.port, "/ag", ag, headers=ADA).text
    for path, body in (("/v1/chat/completions", chat), ("/ui", ui), ("/ag", ag), ("/v1/models", None)):
        assert ask(server.port, path, body).status == 403


@pytest.mark.parametrize("verb", ["invoke", "stream", "stream_events", "stream_log"])
def test_what_the_hook_refuses_is_refused_with_its_status(server: Served, verb: str) -> None:
    answer = ask(server.port, f"/whose/{verb}", {"input": 1})
    assert (answer.status, answer.json["detail"]) == (403, "no such user")


def test_a_modifier_is_applied_to_each_run_of_a_batch_too(server: Served) -> None:
    headers = {**ADA, "x-more": "m"}
    assert ask(server.port, "/modified/invoke", {"input": 1}, headers=headers).json["output"] == "m"
    assert ask(server.port, "/modified/batch", {"inputs": [1, 2]}, headers=headers).json["output"] == ["m", "m"]


def test_metadata_of_the_server_is_not_sent(server: Served) -> None:
    for verb in ("stream_events", "stream_log"):
        text = ask(server.port, f"/whose/{verb}", {"input": 1}, headers=ADA).text
        assert "__user" not in text
        assert "__endpoint" not in text


def start(server: Served, headers: dict[str, str]) -> str:
    with RawClient(server.port) as client:
        client.post("/patient/stream", {"input": ""}, headers=[f"{name}: {value}" for name, value in headers.items()])
        return client.read_until(b'"first"').partition(b'"run_id":"')[2].partition(b'"')[0].decode()


def test_only_the_principal_that_started_a_run_may_stop_or_read_it(server: Served) -> None:
    run_id = start(server, ADA)
    other = {"x-user": "eve"}
    for path, body in ((f"/patient/runs/{run_id}/stop", {}), (f"/patient/runs/{run_id}/stream", None)):
        foreign = ask(server.port, path, body, headers=other)
        unknown = ask(server.port, path.replace(run_id, "unknown"), body, headers=other)
        assert foreign.status == unknown.status == 404
        assert foreign.json["detail"] == unknown.json["detail"]
    assert ask(server.port, f"/patient/runs/{run_id}/stop", {}, headers=ADA).status == 202
    text = ask(server.port, f"/patient/runs/{run_id}/stream", headers=ADA).text
    assert events(text)[-1][1]["code"] == "stopped"
    assert ask(server.port, f"/patient/runs/{run_id}/stop", {}, headers=ADA).status == 200


def test_a_run_cannot_take_the_id_that_a_client_says(server: Served) -> None:
    run_id = start(server, ADA)
    answer = ask(server.port, "/whose/invoke", {"input": 1}, headers={**ADA, "x-request-id": run_id})
    assert answer.json["metadata"]["run_id"] != run_id
    ask(server.port, f"/patient/runs/{run_id}/stop", {}, headers=ADA)


# Keys


def test_a_key_is_demanded_and_says_who_asks() -> None:
    app = App(auth=require_key({"k1": "ada", "k2": "bob"}))
    app.add("/whose", RunnableLambda(lambda x: "ok"))
    with serving(app) as server:
        for headers in ({}, {"authorization": "Bearer no"}, {"authorization": "Basic k1"}, {"x-api-key": ""}):
            answer = ask(server.port, "/whose/invoke", {"input": 1}, headers=headers)
            assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
        for headers in ({"authorization": "Bearer k1"}, {"x-api-key": "k2"}):
            assert ask(server.port, "/whose/invoke", {"input": 1}, headers=headers).json["output"] == "ok"
        assert ask(server.port, "/health").status == 200  # what watches a server has no key


def test_keys_must_not_be_empty() -> None:
    for keys in ([], [""], {"": "ada"}):
        with pytest.raises(ConfigError, match="at least one key"):
            require_key(keys)


def test_a_hook_that_returns_nonsense_is_the_servers_fault() -> None:
    app = App(auth=lambda request: 5)  # type: ignore[arg-type, return-value]  # on purpose
    app.add("/x", RunnableLambda(whose))
    with serving(app) as server:
        assert ask(server.port, "/x/invoke", {"input": 1}).status == 500


# Limits


def test_too_many_runs_are_refused_before_anything_is_sent_and_places_are_given_back() -> None:
    app = App(auth=hook, settings=Settings(concurrent_runs=1))
    app.add("/patient", RunnableGenerator(patient))
    app.add("/echo", RunnableLambda(lambda x: x))
    with serving(app) as server:
        with RawClient(server.port) as client:
            client.post("/patient/stream", {"input": ""}, headers=["x-user: ada"]).read_until(b'"first"')
            refused = ask(server.port, "/echo/stream", {"input": 1}, headers=ADA)
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            assert ask(server.port, "/echo/invoke", {"input": 1}, headers={"x-user": "bob"}).status == 200
        while ask(server.port, "/echo/invoke", {"input": 1}, headers=ADA).status != 200:
            pass  # the server has to notice that the client left
        for _ in range(3):  # errors give their places back too
            assert ask(server.port, "/echo/invoke", b"x", headers=ADA).status == 422
        assert ask(server.port, "/echo/invoke", {"input": 1}, headers=ADA).status == 200


def test_a_request_waits_for_a_place_where_the_queue_allows() -> None:
    app = App(settings=Settings(concurrent_runs=1, waiting_runs=1, wait_for_place=60))
    app.add("/patient", RunnableGenerator(patient))
    app.add("/echo", RunnableLambda(lambda x: x))
    with serving(app) as server, RawClient(server.port) as client, RawClient(server.port) as waiting:
        client.post("/patient/stream", {"input": ""}).read_until(b'"first"')
        waiting.post("/echo/invoke", {"input": 1})
        while ask(server.port, "/echo/invoke", {"input": 1}).status != 429:
            pass  # until the queue is full
        client.leave()
        assert waiting.read_until(b"\r\n").startswith(b"HTTP/1.1 200")


def test_runs_in_a_minute_are_limited() -> None:
    app = App(settings=Settings(runs_per_minute=2))
    app.add("/echo", RunnableLambda(lambda x: x))
    with serving(app) as server:
        statuses = [ask(server.port, "/echo/invoke", {"input": 1}).status for _ in range(3)]
        refused = ask(server.port, "/echo/invoke", {"input": 1})
    assert statuses == [200, 200, 429]
    assert int(refused.headers["retry-after"]) > 1


# Other sites


def preflight(server: Served, origin: str, path: str = "/echo/stream") -> Any:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,last-event-id,content-type",
    }
    return ask(server.port, path, method="OPTIONS", headers=headers)


def test_pages_of_other_sites_are_not_answered_by_default(server: Served) -> None:
    answer = preflight(server, "https://example.org", "/whose/stream")
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_named_sites_are_answered() -> None:
    app = App(cors=Cors(["https://example.org"], credentials=True))
    app.add("/echo", RunnableLambda(lambda x: x))
    with serving(app) as server:
        allowed = preflight(server, "https://example.org")
        assert allowed.status == 200
        assert allowed.headers["access-control-allow-origin"] == "https://example.org"
        assert {"authorization", "last-event-id"} <= set(
            allowed.headers["access-control-allow-headers"].lower().split(", ")
        )
        assert "access-control-allow-origin" not in preflight(server, "https://evil.example").headers
        answer = ask(server.port, "/echo/invoke", {"input": 1}, headers={"origin": "https://example.org"})
        assert answer.headers["access-control-allow-origin"] == "https://example.org"


def test_any_site_with_credentials_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="credentials"):
        Cors(["*"], credentials=True)


# What is sent of events


def test_events_and_logs_are_of_the_outermost_run_alone_by_default() -> None:
    app = App()
    app.add("/joke", joke())
    with serving(app) as server:
        found = [data for kind, data in events(ask(server.port, "/joke/stream_events", {"input": {"topic": "x"}}).text)]
        log = ask(server.port, "/joke/stream_log", {"input": {"topic": "x"}}).text
    assert {event["name"] for event in found if event} == {"/joke"}
    assert "tell me about" not in json.dumps(found)
    assert "tell me about" not in log


def test_errors_of_hooks_are_for_clients() -> None:
    def refuse(request: Request) -> Any:
        raise RequestError("too late", status=410, code="late")

    app = App(auth=refuse)
    app.add("/echo", RunnableLambda(lambda x: x))
    with serving(app) as server:
        answer = ask(server.port, "/echo/batch", {"inputs": [1]})
    assert (answer.status, answer.json["error"]["code"], answer.json["detail"]) == (410, "late", "too late")
