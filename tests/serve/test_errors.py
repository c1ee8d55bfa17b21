"""Errors: the right status before the first chunk, one event behind it, and nothing that a user's exception says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from tests.serve.chains import ask, events
from tests.serve.serving import Served, serving

from prill.errors import OutputParserException, RequestError, ThreadConflictError, ThreadNotFoundError
from prill.openai import ChatOpenAI
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, Settings
from prill.testing import Faults, ReplayServer

VERBS = ["invoke", "stream", "stream_events", "stream_log"]


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayServer]:
    with ReplayServer() as provider:
        yield provider


def broken(text: str) -> str:
    if text == "http":
        raise HTTPException(418, "a teapot", {"Retry-After": "7"})
    if text == "request":
        raise RequestError("not today", status=402, code="unpaid")
    if text == "parser":
        raise OutputParserException("secret", llm_output="secret")
    raise ValueError("secret")


def half(chunks: Iterator[str]) -> Iterator[str]:
    yield "one"
    raise ValueError("secret")


def continue_conversation(name: str) -> str:
    raise {"gone": ThreadNotFoundError, "taken": ThreadConflictError}[name](f"secret {name}")


@pytest.fixture(scope="module")
def server(provider: ReplayServer) -> Iterator[Served]:
    options: dict[str, Any] = {"model": "m", "api_key": "k", "max_retries": 0}
    app = App(settings=Settings(first_chunk_wait=60))
    app.add("/chat", ChatOpenAI(base_url=provider.openai_url, **options))
    app.add("/late", ChatOpenAI(base_url=provider.openai_url, timeout=0.1, **options))
    app.add("/nobody", ChatOpenAI(base_url="http://127.0.0.1:9/v1", **options))
    app.add("/broken", RunnableLambda(broken))
    app.add("/half", RunnableGenerator(half))
    app.add("/conversation", RunnableLambda(continue_conversation))
    with serving(app) as served:
        yield served


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("provided", "status", "kind"),
    [
        (429, 429, "ModelRateLimitError"),
        (503, 503, "ModelOverloadedError"),
        (500, 502, "ModelServerError"),
        (401, 502, "ModelAuthenticationError"),
        (400, 400, "ModelInvalidRequestError"),
    ],
)
def test_an_error_of_the_provider_has_its_status(
    provider: ReplayServer, server: Served, verb: str, provided: int, status: int, kind: str
) -> None:
    provider.fail(provided, retry_after=7, error_message="secret")
    answer = ask(server.port, f"/chat/{verb}", {"input": "hi"})
    error = answer.json["error"]
    assert (answer.status, error["kind"]) == (status, kind)
    assert answer.headers["content-type"] == "application/json"
    if status in (429, 503):
        assert answer.headers["retry-after"] == "7"
        assert error["retryable"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("verb", VERBS)
def test_a_provider_that_is_too_late_is_a_504(provider: ReplayServer, server: Served, verb: str) -> None:
    provider.reply("one", faults=Faults(stall_at=0))
    answer = ask(server.port, f"/late/{verb}", {"input": "hi"})
    assert (answer.status, answer.json["error"]["code"]) == (504, "timeout")


@pytest.mark.parametrize("verb", VERBS)
def test_a_provider_that_is_not_there_is_a_502(server: Served, verb: str) -> None:
    answer = ask(server.port, f"/nobody/{verb}", {"input": "hi"})
    assert (answer.status, answer.json["error"]["code"]) == (502, "provider_unreachable")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("input", "status", "code"),
    [
        ("http", 418, "http_418"),
        ("request", 402, "unpaid"),
        ("parser", 500, "internal_error"),
        ("bug", 500, "internal_error"),
    ],
)
def test_an_error_of_the_chain_has_its_status_and_hides_its_text(
    server: Served, verb: str, input: str, status: int, code: str
) -> None:
    answer = ask(server.port, f"/broken/{verb}", {"input": input})
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) == (input == "http")


@pytest.mark.parametrize("verb", VERBS[1:])
def test_an_error_behind_the_first_chunk_is_one_event_and_the_body_ends(server: Served, verb: str) -> None:
    answer = ask(server.port, f"/half/{verb}", {"input": "x"})
    errors = [data for kind, data in events(answer.text) if kind == "error"]
    assert answer.status == 200
    assert [error["status_code"] for error in errors] == [500]
    assert events(answer.text)[-1][0] == "error"
    assert "secret" not in answer.text


def test_a_failure_is_logged_with_the_run_that_the_client_was_told(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "prill.serve"):
        answer = ask(server.port, "/broken/invoke", {"input": "bug"})
    (record,) = [each for each in caplog.records if each.name == "prill.serve"]
    assert answer.json["error"]["run_id"] in record.getMessage()
    assert record.exc_info is not None
    assert "secret" in str(record.exc_info[1])


def test_texts_of_exceptions_are_sent_where_the_server_allows_it() -> None:
    app = App(settings=Settings(show_errors=True))
    app.add("/broken", RunnableLambda(broken))
    with serving(app) as served:
        error = ask(served.port, "/broken/invoke", {"input": "bug"}).json["error"]
    assert (error["kind"], error["message"]) == ("ValueError", "secret")


def test_an_unknown_address_and_a_wrong_method_are_json(server: Served) -> None:
    unknown = ask(server.port, "/nothing")
    assert (unknown.status, unknown.json["detail"]) == (404, "Not Found")
    wrong = ask(server.port, "/chat/invoke")
    assert (wrong.status, wrong.json["detail"], wrong.headers["allow"]) == (405, "Method Not Allowed", "POST")


def test_a_request_id_of_the_client_is_kept(server: Served) -> None:
    answer = ask(server.port, "/broken/invoke", {"input": "bug"}, headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "../..", "<b>"])
def test_a_malformed_request_id_is_replaced(server: Served, given: str) -> None:
    answer = ask(server.port, "/broken/invoke", {"input": "bug"}, headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.json["error"]["run_id"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("name", "status", "code"), [("gone", 404, "thread_not_found"), ("taken", 409, "thread_conflict")]
)
def test_a_conversation_that_is_gone_or_was_continued_elsewhere_is_the_clients_to_know(
    server: Served, verb: str, name: str, status: int, code: str
) -> None:
    answer = ask(server.port, f"/conversation/{verb}", {"input": name})
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert "secret" not in answer.text
