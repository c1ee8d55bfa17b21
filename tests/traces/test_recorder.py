"""Runs are written as they happened, in both colours, and never at the cost of the run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.traces.recorded import KEY, joke, model, read_all

from forking import passes_in_child
from prill.agents import create_agent
from prill.documents import Document
from prill.errors import ConfigError, PrillError
from prill.openai import ChatOpenAI
from prill.retrievers import BaseRetriever
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer, Reply
from prill.tools import tool
from prill.traces import record


def test_a_chain_is_recorded_as_a_tree_with_times_values_tokens_and_cost(
    tmp_path: Path, server: ReplayServer, colour: Any
) -> None:
    server.replies(lambda request: Reply("Ha"))
    with record(to=tmp_path / "runs.db"):
        colour.invoke(
            joke(server), {"topic": "bears"}, config={"run_name": "joke", "tags": ["fun"], "metadata": {"a": 1}}
        )
    root, prompt, asked, parser = read_all(tmp_path / "runs.db")
    assert (root["name"], root["status"], root["parent"], root["root"]) == ("joke", "ok", None, root["id"])
    assert (root["input"], root["output"], root["tags"], root["metadata"]) == (
        {"topic": "bears"},
        "Ha",
        ["fun"],
        {"a": 1},
    )
    assert {each["parent"] for each in (prompt, asked, parser)} == {root["id"]}
    assert [each["kind"] for each in (prompt, asked, parser)] == ["prompt", "chat_model", "parser"]
    assert root["start"] <= asked["start"] <= asked["end"] <= root["end"]
    assert [(each["type"], each["content"]) for each in asked["input"]] == [
        ("system", "Be brief."),
        ("human", "A joke about bears"),
    ]
    assert (asked["output"]["content"], asked["model"]) == ("Ha", "gpt-4o-mini")
    assert asked["input_tokens"] == asked["usage"]["input_tokens"] > 0
    assert asked["cost"] == pytest.approx((asked["input_tokens"] * 0.15 + asked["output_tokens"] * 0.6) / 1e6)
    assert asked["request"]["parameters"]["model"] == "gpt-4o-mini"


def test_a_stream_has_its_input_and_the_time_of_its_first_chunk(
    tmp_path: Path, server: ReplayServer, colour: Any
) -> None:
    server.replies(lambda request: Reply(["one ", "two"]))
    with record(to=tmp_path / "runs.db"):
        colour.stream(joke(server), {"topic": "bears"})
    root, _, asked, parser = read_all(tmp_path / "runs.db")
    assert (root["input"], root["output"], parser["output"]) == ({"topic": "bears"}, "one two", "one two")
    assert 0 < asked["first_chunk"] <= asked["end"] - asked["start"]
    assert asked["chunks"] >= 2


def test_a_stream_that_is_left_early_is_cancelled(tmp_path: Path, server: ReplayServer, colour: Any) -> None:
    server.replies(lambda request: Reply(["one ", "two"]))
    with record(to=tmp_path / "runs.db"):
        colour.leave_after(1, joke(server), {"topic": "bears"})
    assert read_all(tmp_path / "runs.db")[0]["status"] == "cancelled"


def test_an_error_is_recorded_and_raised(tmp_path: Path, colour: Any) -> None:
    def fail(text: str) -> str:
        raise ValueError("the reason")

    with record(to=tmp_path / "runs.db"), pytest.raises(ValueError, match="the reason"):
        colour.invoke(RunnableLambda(fail), "x")
    (run,) = read_all(tmp_path / "runs.db")
    assert (run["status"], run["error"], run["output"]) == ("error", "ValueError: the reason", None)


def test_tools_retrievers_and_agents_are_recorded(tmp_path: Path, server: ReplayServer) -> None:
    @tool
    def search(query: str) -> str:
        """Search."""
        return Archive().invoke(query)[0].page_content

    class Archive(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            return [Document(page_content=f"about {query}")]

    server.queue(Reply(tool_calls=[{"name": "search", "args": {"query": "bears"}}]), Reply("Done"))
    with record(to=tmp_path / "runs.db"):
        create_agent(model(server), [search]).invoke({"messages": [("human", "Hi")]})
    runs = {run["kind"]: run for run in read_all(tmp_path / "runs.db")}
    assert runs["tool"]["name"] == "search"
    assert runs["retriever"]["parent"] == runs["tool"]["id"]
    assert runs["retriever"]["output"][0]["page_content"] == "about bears"


def test_as_a_callback_it_sees_the_runs_that_it_is_given_to(tmp_path: Path) -> None:
    recorder = record(to=tmp_path / "runs.db")
    RunnableLambda(len).invoke("abc", {"callbacks": [recorder]})
    RunnableLambda(len).invoke("abcd")
    with recorder:  # twice is once
        RunnableLambda(len).invoke("abcde", {"callbacks": [recorder, record(to=tmp_path / "runs.db")]})
    assert [run["input"] for run in read_all(tmp_path / "runs.db")] == ["abc", "abcde"]


def test_two_tasks_record_into_files_of_their_own(tmp_path: Path) -> None:
    async def work(name: str) -> None:
        with record(to=tmp_path / name):
            await RunnableLambda(len).ainvoke(name)

    async def main() -> None:
        await asyncio.gather(work("a.db"), work("b.db"))

    asyncio.run(main())
    assert [[run["input"] for run in read_all(tmp_path / name)] for name in ("a.db", "b.db")] == [["a.db"], ["b.db"]]


def test_the_environment_records_a_whole_program(tmp_path: Path) -> None:
    code = "from prill import RunnableLambda; RunnableLambda(len).invoke('abc')"
    environment = {**os.environ, "PRILL_RECORD": str(tmp_path / "runs.db")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [run["input"] for run in read_all(tmp_path / "runs.db")] == ["abc"]


def test_no_secret_is_in_the_file(tmp_path: Path, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_TOKEN", "token-of-the-archive")
    asked = model(server, default_headers={"Authorization": f"Bearer {KEY}"})
    with record(to=tmp_path / "runs.db"):
        asked.invoke("Say token-of-the-archive", {"metadata": {"api_key": KEY}})
        RunnableLambda(len).invoke({"password": KEY})
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Say ******" in content
    assert KEY.encode() not in content
    assert b"token-of-the-archive" not in content


def test_a_password_in_an_address_is_not_in_the_file(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db"), pytest.raises(PrillError):
        ChatOpenAI(model="x", base_url="http://me:the-password@127.0.0.1:9/v1", api_key=KEY, max_retries=0).invoke("Hi")
    (run,) = read_all(tmp_path / "runs.db")
    assert run["request"]["model"]["kwargs"]["base_url"] == "http://127.0.0.1:9/v1"
    assert b"the-password" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db"):
        RunnableLambda(len).invoke("x" * 10_000_000)
    (run,) = read_all(tmp_path / "runs.db")
    assert run["input"].endswith("… cut: 10,000,000 characters in all")
    assert (tmp_path / "runs.db").stat().st_size < 4_000_000


def test_a_value_that_changes_later_is_recorded_as_it_was(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db"):
        given = ["first"]
        RunnableLambda(lambda items: items.append("second")).invoke(given)
    assert read_all(tmp_path / "runs.db")[0]["input"] == ["first"]


def test_threads_record_into_one_file(tmp_path: Path) -> None:
    chain = RunnableLambda(len) | (lambda size: size + 1)

    def work() -> None:
        with record(to=tmp_path / "runs.db"):
            for _ in range(50):
                chain.invoke("abc")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = read_all(tmp_path / "runs.db")
    assert len(runs) == 8 * 50 * 3
    assert {run["status"] for run in runs} == {"ok"}


def test_processes_record_into_one_file(tmp_path: Path) -> None:
    code = (
        "from prill import RunnableLambda; from prill.traces import record\n"
        f"with record(to={str(tmp_path / 'runs.db')!r}):\n"
        "    for number in range(50): RunnableLambda(len).invoke('abc')"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(read_all(tmp_path / "runs.db")) == 150


def test_a_worker_process_that_ends_at_once_has_written_its_runs(tmp_path: Path) -> None:
    code = (
        "import multiprocessing; from prill import RunnableLambda; from prill.traces import record\n"
        f"recorder = record(to={str(tmp_path / 'runs.db')!r})\n"
        "def work(text): RunnableLambda(len).invoke(text, {'callbacks': [recorder]})\n"
        "worker = multiprocessing.get_context('fork').Process(target=work, args=('abc',))\n"
        "worker.start(); worker.join(); assert worker.exitcode == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [(run["input"], run["status"]) for run in read_all(tmp_path / "runs.db")] == [("abc", "ok")]


def test_a_forked_child_records_its_own_runs_and_none_of_its_parent(tmp_path: Path) -> None:
    recorder = record(to=tmp_path / "runs.db")

    def work() -> None:
        RunnableLambda(len).invoke("child", {"callbacks": [recorder]})
        assert recorder.flush(30)

    for number in range(5):
        RunnableLambda(len).invoke(f"parent {number}", {"callbacks": [recorder]})
        assert passes_in_child(work)
    assert recorder.flush(30)
    inputs = sorted(run["input"] for run in read_all(tmp_path / "runs.db"))
    assert inputs == ["child"] * 5 + [f"parent {number}" for number in range(5)]


def test_what_was_written_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal; from prill import RunnableLambda; from prill.traces import record\n"
        f"recorder = record(to={str(tmp_path / 'runs.db')!r})\n"
        "RunnableLambda(len).invoke('done', {'callbacks': [recorder]})\n"
        "def die(text): recorder.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "RunnableLambda(die).invoke('open', {'callbacks': [recorder]})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    runs = read_all(tmp_path / "runs.db")
    assert [(run["input"], run["status"]) for run in runs] == [("done", "ok"), ("open", "interrupted")]


def test_a_run_that_is_open_is_seen_as_running(tmp_path: Path) -> None:
    recorder = record(to=tmp_path / "runs.db")

    def look(text: str) -> str:
        assert recorder.flush(30)
        return str(read_all(tmp_path / "runs.db")[0]["status"])

    assert RunnableLambda(look).invoke("x", {"callbacks": [recorder]}) == "running"


def test_a_file_that_cannot_be_written_is_logged_once_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, colour: Any
) -> None:
    for _ in range(3):
        with record(to=tmp_path / "missing" / "runs.db") as recorder:
            assert colour.invoke(RunnableLambda(len), "abc") == 3
        assert recorder.flush(30)
        kept = recorder  # the writer of a file lives as long as its recorders
    assert [line.levelname for line in caplog.records if line.name == "prill.traces"] == ["WARNING"]
    assert "runs are not recorded" in caplog.text
    assert kept.path == str(tmp_path / "missing" / "runs.db")


def test_a_full_disk_is_logged_once_and_does_no_harm(tmp_path: Path) -> None:
    code = (
        "import logging, resource; from prill import RunnableLambda; from prill.traces import record\n"
        "lines = []; handler = logging.Handler(); handler.emit = lines.append\n"
        "logging.getLogger('prill.traces').addHandler(handler)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        f"with record(to={str(tmp_path / 'runs.db')!r}) as recorder:\n"
        "    for number in range(30):\n"
        "        assert RunnableLambda(len).invoke('x' * 50_000) == 50_000\n"
        "        assert recorder.flush(30)\n"
        "assert len(lines) == 1, lines"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_recorder_that_fails_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prill.traces.recorder.take_snapshot", None)
    with record(to=tmp_path / "runs.db"):
        assert RunnableLambda(len).invoke("abc") == 3
    assert "could not be recorded" in caplog.text


def test_a_file_that_another_process_holds_does_not_stop_the_chain(tmp_path: Path) -> None:
    with record(to=tmp_path / "runs.db") as recorder:
        RunnableLambda(len).invoke("first")
    other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert RunnableLambda(len).invoke("second", {"callbacks": [recorder]}) == 6
    finally:
        other.execute("COMMIT")
        other.close()
    assert recorder.flush(60)
    assert [run["input"] for run in read_all(tmp_path / "runs.db")] == ["first", "second"]


def test_the_limit_has_to_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_value"):
        record(to=tmp_path / "runs.db", max_value=0)


def test_importing_the_room_loads_neither_sqlite_nor_a_web_framework() -> None:
    code = (
        "import sys, json, prill.traces; print(json.dumps([n for n in ('sqlite3', 'starlette') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
