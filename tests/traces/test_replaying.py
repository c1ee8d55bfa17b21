"""Asking a recorded model again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.traces.recorded import model, read_all

from prill.errors import ConfigError
from prill.language_models import FakeListChatModel
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer, Reply
from prill.traces import record
from prill.traces.file import TraceFile
from prill.traces.replaying import replay_run

TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-key-of-today")


def test_the_recorded_model_is_asked_with_its_settings_and_the_key_of_today(
    tmp_path: Path, server: ReplayServer
) -> None:
    server.replies(lambda request: Reply(f"You said {request.json['messages'][-1]['content']}"))
    with record(to=tmp_path / "runs.db"):
        model(server, temperature=0.5).bind_tools([TOOL]).invoke([("system", "Be brief."), ("human", "first")])
    file = TraceFile(tmp_path / "runs.db")
    (run,) = read_all(tmp_path / "runs.db")
    run["input"][-1]["content"] = "second"
    new = file.read_run(replay_run(file, run["id"], run["input"]))
    assert new is not None
    assert (new["output"]["content"], new["status"]) == ("You said second", "ok")
    assert (new["tags"], new["metadata"]["replay_of"]) == (["replay"], run["id"])
    first, second = server.requests
    assert second.headers["authorization"] == "Bearer the-key-of-today"
    assert {**second.json, "messages": None} == {**first.json, "messages": None}


def test_an_error_of_the_model_is_recorded(tmp_path: Path, server: ReplayServer) -> None:
    with record(to=tmp_path / "runs.db"):
        model(server, max_retries=0).invoke("first")
    file = TraceFile(tmp_path / "runs.db")
    server.fail(400)
    new = file.read_run(replay_run(file, read_all(tmp_path / "runs.db")[0]["id"], [("human", "x")]))
    assert new is not None
    assert new["status"] == "error"


def test_another_model_may_be_asked(tmp_path: Path, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
    with record(to=tmp_path / "runs.db"):
        FakeListChatModel(responses=["Hi"]).invoke("first")
    file = TraceFile(tmp_path / "runs.db")
    id = read_all(tmp_path / "runs.db")[0]["id"]
    new = file.read_run(replay_run(file, id, [("human", "x")], "openai:gpt-4.1"))
    assert new is not None
    assert new["model"] == "gpt-4.1"


def test_what_is_no_model_cannot_be_asked(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db"):
        RunnableLambda(len).invoke("abc")
    file = TraceFile(tmp_path / "runs.db")
    for id in (read_all(tmp_path / "runs.db")[0]["id"], "unknown"):
        with pytest.raises(ConfigError, match="not one of a model"):
            replay_run(file, id, "x")
