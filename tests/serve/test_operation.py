"""Running a server: the command, metrics, traces, several workers."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.helpers import eventually, run_apart
from tests.serve.chains import ANSWER, ask, events, joke, model
from tests.serve.serving import serving

from prill.agents import Command
from prill.callbacks.config import RunnableConfig
from prill.cli.serving import ServeOptions, describe, make_app, serve
from prill.errors import ConfigError, RequestError
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, RemoteRunnable, open_store
from prill.testing import ReplayServer
from prill.tracers.opentelemetry import OpenTelemetryHandler

BODY = {"input": {"topic": "x"}}

MODULE = """
from prill.language_models import FakeListChatModel
from prill.output_parsers import StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.serve import App

chain = ChatPromptTemplate.from_template("about {topic}") | FakeListChatModel(responses=["served"]) | StrOutputParser()
app = App()
app.add("/mine", chain)
number = 5
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "served_module.py").write_text(MODULE)
    return tmp_path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def command(project: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    code = "from prill.cli import main; main()"
    arguments = [sys.executable, "-c", code, "serve", *options, "--port", str(port)]
    started = subprocess.Popen(arguments, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert eventually(lambda: started.poll() is not None or answers(port)), "it does not answer"
        yield started, port
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        started.communicate(timeout=60)


def answers(port: int) -> bool:
    try:
        return ask(port, "/health").status == 200
    except OSError:
        return False


def test_the_command_serves_a_chain_in_every_protocol(project: Path) -> None:
    with command(project, "served_module:chain") as (started, port):
        assert ask(port, "/chain/invoke", BODY).json["output"] == "served"
        assert ask(port, "/v1/models").json["data"][0]["id"] == "chain"
        parts = [{"type": "text", "text": "hi"}]
        body = {"id": "c", "messages": [{"id": "u", "role": "user", "parts": parts}]}
        assert "[DONE]" in ask(port, "/api/chat", body).text
        started.send_signal(signal.SIGTERM)
        printed, _ = started.communicate(timeout=60)
    assert f"http://127.0.0.1:{port}/chain/invoke" in printed
    assert f"http://127.0.0.1:{port}/v1" in printed


def test_the_command_serves_with_several_workers(project: Path) -> None:
    with command(project, "served_module:app", "--workers", "2") as (_, port):
        assert ask(port, "/mine/invoke", BODY).json["output"] == "served"
        unknown = ask(port, "/mine/runs/unknown/stream")
    assert (unknown.status, unknown.json["error"]["code"]) == (501, "store_not_shared")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("served_module", "module:name"),
        ("served_module:nothing", "has no 'nothing'"),
        ("no_such_module:chain", "no module 'no_such_module'"),
    ],
)
def test_a_target_that_is_not_there_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, target: str, words: str
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)
    with pytest.raises(ConfigError, match=words):
        make_app(ServeOptions(target))


def test_other_machines_need_a_key_or_a_word(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(ConfigError, match="without a key"):
            serve(ServeOptions("served_module:chain", host), print)
    monkeypatch.setenv("PRILL_SERVE_KEYS", "a,b")
    app = make_app(ServeOptions("served_module:chain"))
    with serving(app) as server:
        assert ask(server.port, "/chain/invoke", BODY).status == 401
        assert ask(server.port, "/chain/invoke", BODY, headers={"authorization": "Bearer b"}).status == 200


CLERK = """
from prill.agents import InMemoryThreads, create_agent
from prill.openai import ChatOpenAI


def delete(name: str) -> str:
    \"\"\"Delete a report.\"\"\"
    return f"{{name}} is gone"


model = ChatOpenAI(model="small", base_url="{url}", api_key="none")
agent = create_agent(model, [delete], approve=["delete"], threads=InMemoryThreads())
"""


def test_an_agent_with_threads_is_paused_and_resumed_by_its_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with ReplayServer() as provider:
        (tmp_path / "served_clerk.py").write_text(CLERK.format(url=provider.openai_url))
        provider.reply(tool_calls=[{"name": "delete", "args": {"name": "draft"}, "id": "c1"}])
        provider.reply("Done.")
        with serving(make_app(ServeOptions("served_clerk:agent"))) as server:
            agent: RemoteRunnable[Any, Any] = RemoteRunnable(f"http://127.0.0.1:{server.port}/agent")
            thread: RunnableConfig = {"configurable": {"thread_id": "7"}}
            with pytest.raises(RequestError, match="the chain takes: input: Input should be"):
                agent.invoke("Clean up.", thread)
            with pytest.raises(RequestError, match="keyword arguments are not taken"):
                list(agent.stream({"messages": "Clean up."}, thread, stream_mode="messages"))
            paused = agent.invoke({"messages": "Clean up."}, thread)
            assert paused["__interrupt__"][0]["value"]["action_requests"][0]["tool_call_id"] == "c1"
            output = agent.invoke(Command(resume={"c1": {"type": "approve"}}), thread)
            assert [message.text for message in output["messages"]] == ["Clean up.", "", "draft is gone", "Done."]
            agent.close()


HISTORIED = """
from prill.chat_history import InMemoryChatMessageHistory
from prill.language_models import FakeListChatModel
from prill.runnables import ConfigurableField, RunnableLambda, RunnableWithMessageHistory

histories = {}


def find(session_id):
    return histories.setdefault(session_id, InMemoryChatMessageHistory())


def count(messages):
    return str(len(messages))


chat = RunnableWithMessageHistory(RunnableLambda(count), find)
model = FakeListChatModel(responses=["a"]).configurable_fields(responses=ConfigurableField(id="answers"))
tuned = RunnableWithMessageHistory(model, find)
"""


def test_a_chain_with_a_history_is_told_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "served_history.py").write_text(HISTORIED)
    body = {"input": [{"type": "human", "content": "hi"}], "config": {"configurable": {"session_id": "7"}}}
    with serving(make_app(ServeOptions("served_history:chat"))) as server:
        counts = [ask(server.port, "/chat/invoke", body).json["output"] for _ in range(2)]
    assert counts == ["1", "3"]
    with serving(make_app(ServeOptions("served_history:tuned"))) as server:  # its answers are not for clients to set
        assert ask(server.port, "/tuned/invoke", body).status == 422


def test_a_chain_without_conversations_takes_no_configuration(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)
    with serving(make_app(ServeOptions("served_module:chain"))) as server:
        answer = ask(server.port, "/chain/invoke", {**BODY, "config": {"configurable": {"thread_id": "7"}}})
    assert answer.status == 422
    assert "config_keys=['configurable']" in answer.text


def test_the_addresses_are_described() -> None:
    app = App()
    app.add("/a", joke())
    app.add_model("m", joke())
    app.add_ui("/ui", joke(), protocol="ag-ui")
    text = "\n".join(describe(app, "http://x"))
    assert re.search(r"http://x/a/invoke.*\nhttp://x/v1 .*models: m\nhttp://x/ui for ag-ui\n", text)


def test_an_unknown_store_is_refused() -> None:
    with pytest.raises(ConfigError, match="no store of runs 'smoke'"):
        open_store("smoke://x")
    assert not open_store("memory:").shared


# Metrics


def fail(x: Any) -> Any:
    raise ValueError("secret")


async def patient(chunks: Any) -> Any:
    import asyncio

    yield "first"
    await asyncio.Event().wait()


def test_runs_and_first_chunks_and_tokens_are_counted() -> None:
    app = App(metrics=True)
    app.add("/joke", joke())
    app.add("/fail", RunnableLambda(fail))
    app.add("/patient", RunnableGenerator(patient))
    with serving(app) as server:
        ask(server.port, "/joke/invoke", BODY)
        ask(server.port, "/joke/stream", BODY)
        ask(server.port, "/fail/invoke", {"input": 1})
        answer = ask(server.port, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert lines['prill_runs_total{outcome="ok",path="/joke"}'] == "2.0"
    assert lines['prill_runs_total{outcome="error",path="/fail"}'] == "1.0"
    assert lines['prill_runs_open{path="/joke"}'] == "0.0"
    assert lines['prill_first_chunk_seconds_count{path="/joke"}'] == "1.0"
    assert "secret" not in answer.text


def test_there_are_no_metrics_unless_asked_for() -> None:
    app = App()
    with serving(app) as server:
        assert ask(server.port, "/metrics").status == 404


# Traces


def test_a_run_joins_the_trace_of_its_request() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = App()
    app.server.observers.append(OpenTelemetryHandler(tracer_provider=provider))
    app.add("/model", model())
    app.add("/joke", joke())
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with serving(app) as server:
        for verb in ("invoke", "stream", "stream_events"):
            ask(server.port, f"/joke/{verb}", BODY, headers=headers)
        ask(server.port, "/joke/invoke", BODY)
    roots = [span for span in exporter.get_finished_spans() if "/joke" in span.name]
    traces = [format(span.context.trace_id, "032x") for span in roots if span.context is not None]
    assert traces.count(trace) == 3
    assert len(traces) == 4


# Imports


def test_importing_the_package_loads_no_sdk_and_no_framework() -> None:
    heavy = ["openai", "anthropic", "starlette", "fastapi", "uvicorn", "aiohttp", "urllib3", "prometheus_client"]
    printed = run_apart(
        {
            "package": f"import sys, prill.serve; print(*sorted({heavy} & set(sys.modules)))".replace("[", "{").replace(
                "]", "}"
            ),
            "app": "import sys, prill.serve; prill.serve.App; print('openai' in sys.modules, 'fastapi' in sys.modules)",
            "remote": "import sys, prill.serve; prill.serve.RemoteRunnable; print('starlette' in sys.modules)",
        }
    )
    assert printed == {"package": "", "app": "False False", "remote": "False"}


def test_without_starlette_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['starlette'] = None\n"
        "import prill.serve\n"
        "try: prill.serve.App\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'prill[serve]'" in run_apart({"app": code})["app"]


# A step that blocks


def test_a_step_that_blocks_holds_up_no_other_stream() -> None:
    import threading

    gate, order = threading.Event(), []

    def block(text: str) -> str:
        gate.wait(60)
        order.append("blocked")
        return text

    app = App()
    app.add("/block", RunnableLambda(block))
    app.add("/joke", joke())
    with serving(app) as server:
        threads = [
            threading.Thread(target=ask, args=(server.port, "/block/invoke", {"input": "x"}), daemon=True)
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        assert ask(server.port, "/health").status == 200
        assert events(ask(server.port, "/joke/stream", BODY).text)[-1] == ("end", None)
        assert ask(server.port, "/joke/invoke", BODY).json["output"] == ANSWER
        assert order == []  # they were all still waiting
        gate.set()
        for thread in threads:
            thread.join(60)
    assert len(order) == 5
