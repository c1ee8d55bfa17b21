"""Chat interfaces: the AI SDK's own clients and AG-UI's on node, and what they are sent."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ag_ui.core import Event as AGUIEvent
from pydantic import TypeAdapter
from tests.helpers import eventually, require
from tests.serve.chains import ANSWER, ask, joke
from tests.serve.clients import RawClient
from tests.serve.serving import Served, serving

from prill.callbacks import dispatch_custom_event
from prill.errors import ConfigError, RequestError
from prill.messages import AIMessageChunk
from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App
from prill.tools import tool

NODE = Path(__file__).parents[1] / "node"
LIBRARIES = ["ai6", "ai7"]


@tool
def double(x: int) -> int:
    """Twice."""
    return 2 * x


@tool
def broken(x: int) -> int:
    """Fails."""
    raise ValueError("secret")


def everything(messages: Any) -> Any:
    text = str(messages[-1].text)
    if text == "refuse":
        raise RequestError("not you", status=403, code="no")

    def answer() -> Iterator[Any]:
        yield AIMessageChunk("", additional_kwargs={"reasoning_content": "hm"})
        yield AIMessageChunk("Hel")
        yield AIMessageChunk("lo é")
        if text == "fail":
            raise ValueError("secret")
        dispatch_custom_event("plot", {"a": 1})
        result = double.invoke({"x": 4})
        with contextlib.suppress(ValueError):
            broken.invoke({"x": 4})
        yield AIMessageChunk(f" {result}")

    return answer()


def spread(chunks: Iterator[Any]) -> Iterator[Any]:
    for messages in chunks:
        yield from everything(messages)


def call_client(chunks: Iterator[Any]) -> Iterator[Any]:
    for args, id, name in (('{"ci', "c1", "weather"), ('ty": "Bern"}', None, None)):
        yield AIMessageChunk("", tool_call_chunks=[{"name": name, "args": args, "id": id, "index": 0}])


GATE = threading.Event()


def wait_for_gate(chunks: Iterator[Any]) -> Iterator[Any]:
    yield "one"
    GATE.wait(60)
    yield " two"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App()
    for name, protocol in (("ai", "ai-sdk"), ("ag", "ag-ui")):
        app.add_ui(f"/{name}/all", RunnableGenerator(spread), protocol=protocol)  # type: ignore[arg-type]
        app.add_ui(f"/{name}/call", RunnableGenerator(call_client), protocol=protocol)  # type: ignore[arg-type]
        app.add_ui(f"/{name}/joke", joke(), protocol=protocol)  # type: ignore[arg-type]
        app.add_ui(f"/{name}/empty", RunnableLambda(lambda x: ""), protocol=protocol)  # type: ignore[arg-type]
    app.add_ui("/ai/gate", RunnableGenerator(wait_for_gate), on_disconnect="continue")
    app.add_model("joker", joke())
    app.add_model("half", RunnableGenerator(half))
    with serving(app) as served:
        yield served


def half(chunks: Any) -> Any:
    yield "one"
    raise ValueError("secret")


def node(script: str, *arguments: str) -> Any:
    require("node packages")
    done = subprocess.run(
        ["node", script, *arguments], cwd=NODE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def parts(answer: Any, kind: str) -> list[Any]:
    return [part for part in answer["message"]["parts"] if part["type"] == kind]


# AI SDK


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ai_sdk_reads_text_reasoning_tools_and_data(server: Served, library: str) -> None:
    answer = node("chat.mjs", library, f"{server.url}/ai/all", "hi")
    assert answer["errors"] == []
    assert "".join(part["text"] for part in parts(answer, "text")) == "Hello é 8"
    assert [part["text"] for part in parts(answer, "reasoning")] == ["hm"]
    assert parts(answer, "data-plot")[0]["data"] == {"a": 1}
    done, failed = parts(answer, "dynamic-tool")
    assert (done["toolName"], done["state"], done["input"], done["output"]) == (
        "double",
        "output-available",
        {"x": 4},
        8,
    )
    assert (failed["toolName"], failed["state"]) == ("broken", "output-error")
    assert "secret" not in json.dumps(answer)
    assert all(part["state"] == "done" for part in answer["message"]["parts"] if part["type"] in ("text", "reasoning"))
    assert answer["message"]["metadata"]["runId"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ai_sdk_gets_calls_that_it_is_to_execute(server: Served, library: str) -> None:
    (call,) = parts(node("chat.mjs", library, f"{server.url}/ai/call", "hi"), "dynamic-tool")
    assert (call["toolCallId"], call["toolName"], call["state"]) == ("c1", "weather", "input-available")
    assert call["input"] == {"city": "Bern"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ai_sdk_is_told_of_errors(server: Served, library: str) -> None:
    failed = node("chat.mjs", library, f"{server.url}/ai/all", "fail")
    assert failed["errors"] == ["Internal Server Error"]
    assert parts(failed, "text")[0]["text"] == "Hello é"
    refused = node("chat.mjs", library, f"{server.url}/ai/all", "refuse")
    assert "not you" in refused["errors"][0]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_ai_sdk_comes_back_to_a_turn_that_goes_on(server: Served, library: str) -> None:
    GATE.clear()
    api = f"{server.url}/ai/gate"
    assert node("chat.mjs", library, api, "resume", f"none-{library}") == {"nothing": True, "errors": []}
    assert node("chat.mjs", library, api, "abort", f"chat-{library}")["aborted"]
    work = server.app.server.open_work
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(node, "chat.mjs", library, api, "resume", f"chat-{library}")
        assert eventually(lambda: [name for name in list(work) if not name.startswith("producer:")])
        GATE.set()
        answer = reading.result()
    assert parts(answer, "text")[0]["text"] == "one two"


def ui_body(text: str, chat: str = "c") -> Any:
    parts = [{"type": "text", "text": text}]
    return {"id": chat, "messages": [{"id": "u", "role": "user", "parts": parts}], "trigger": "submit-message"}


def ui_parts(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [json.loads(line) if line != "[DONE]" else line for line in lines]


def test_the_ai_sdks_stream_has_its_headers_and_form(server: Served) -> None:
    answer = ask(server.port, "/ai/joke", ui_body("owls"))
    assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = ui_parts(answer.text)
    assert [part["type"] for part in found[:3]] == ["start", "start-step", "text-start"]
    assert "".join(part["delta"] for part in found[:-1] if part["type"] == "text-delta") == ANSWER
    assert [part["type"] for part in found[-4:-1]] == ["text-end", "finish-step", "finish"]
    assert found[-1] == "[DONE]"


def test_a_turn_without_output_is_whole(server: Served) -> None:
    found = ui_parts(ask(server.port, "/ai/empty", ui_body("hi")).text)
    assert [part["type"] for part in found[:-1]] == ["start", "start-step", "finish-step", "finish"]


def test_a_page_that_is_loaded_again_reads_the_whole_turn_and_stop_ends_it(server: Served) -> None:
    GATE.clear()
    with RawClient(server.port) as client:
        client.post("/ai/gate", ui_body("hi", "again")).read_until(b'"one"')
    with RawClient(server.port) as client:
        client.send(b"GET /ai/gate/again/stream HTTP/1.1\r\nhost: x\r\n\r\n").read_until(b'"one"')
        assert ask(server.port, "/ai/gate/again/stop", {}).status == 202
        GATE.set()
        found = ui_parts(client.read_until(b"[DONE]").decode())
    assert [part["type"] for part in found[:3]] == ["start", "start-step", "text-start"]
    assert [part["type"] for part in found[-3:-1]] == ["text-end", "abort"]
    assert eventually(lambda: ask(server.port, "/ai/gate/again/stream").status == 204)
    assert ask(server.port, "/ai/gate/unknown/stop", {}).status == 404


def test_the_conversation_of_the_ai_sdk_arrives_as_messages() -> None:
    seen: list[Any] = []
    app = App()
    app.add_ui("/ui", RunnableLambda(lambda messages: seen.extend(messages) or "ok"))
    call = {
        "type": "tool-weather",
        "toolCallId": "c1",
        "state": "output-available",
        "input": {"city": "Bern"},
        "output": {"t": 1},
    }
    image = {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA=="}
    conversation = [
        {"id": "1", "role": "user", "parts": [{"type": "text", "text": "look"}, image]},
        {"id": "2", "role": "assistant", "parts": [{"type": "step-start"}, call, {"type": "text", "text": "fine"}]},
        {"id": "3", "role": "user", "parts": [{"type": "text", "text": "thanks"}]},
    ]
    with serving(app) as server:
        assert ask(server.port, "/ui", {"id": "c", "messages": conversation}).status == 200
    assert [message.type for message in seen] == ["human", "ai", "tool", "ai", "human"]
    assert seen[0].content[1]["type"] == "image_url"
    assert seen[1].tool_calls[0]["args"] == {"city": "Bern"}
    assert (seen[2].content, seen[2].tool_call_id) == ('{"t":1}', "c1")


@pytest.mark.parametrize("path", ["/ai/joke", "/ag/joke"])
@pytest.mark.parametrize("body", [[], {}, {"messages": "x"}, {"messages": [1]}, {"messages": [{"role": "?"}]}], ids=str)
def test_a_request_that_is_none_is_refused(server: Served, path: str, body: Any) -> None:
    assert ask(server.port, path, body).status in (400, 422)


# AG-UI


def ag_body(text: str) -> Any:
    return {
        "threadId": "t1",
        "runId": "r1",
        "state": {},
        "messages": [{"id": "u", "role": "user", "content": text}],
        "tools": [],
        "context": [],
        "forwardedProps": {},
    }


agui: TypeAdapter[Any] = TypeAdapter(AGUIEvent)


@pytest.mark.parametrize(("path", "text"), [("all", "hi"), ("all", "fail"), ("call", "hi"), ("empty", "hi")])
def test_every_ag_ui_event_is_valid(server: Served, path: str, text: str) -> None:
    answer = ask(server.port, f"/ag/{path}", ag_body(text))
    found = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    for event in found:
        agui.validate_python(event)
    assert (found[0]["type"], found[0]["threadId"], found[0]["runId"]) == ("RUN_STARTED", "t1", "r1")
    assert found[-1]["type"] == ("RUN_ERROR" if text == "fail" else "RUN_FINISHED")
    assert "secret" not in answer.text


def test_the_ag_ui_client_runs_text_and_tools(server: Served) -> None:
    answer = node("agui.mjs", f"{server.url}/ag/all", "hi")
    assert answer["failure"] is None
    assert answer["events"][-1] == "RUN_FINISHED"
    texts = [message.get("content") or "" for message in answer["messages"] if message["role"] == "assistant"]
    assert "".join(texts) == "Hello é 8"
    results = [message["content"] for message in answer["messages"] if message["role"] == "tool"]
    assert results == ["8", "Internal Server Error"]


def test_the_ag_ui_client_is_told_of_errors(server: Served) -> None:
    failed = node("agui.mjs", f"{server.url}/ag/all", "fail")
    assert failed["events"][-1] == "RUN_ERROR"
    refused = node("agui.mjs", f"{server.url}/ag/all", "refuse")
    assert "403" in refused["failure"]


def test_openais_client_on_node_completes(server: Served) -> None:
    found = node("openai.mjs", f"{server.url}/v1")
    assert "joker" in found["models"]
    assert found["text"] == found["streamed"] == found["response"] == found["streamedResponse"] == ANSWER
    assert found["error"] == {"name": "NotFoundError", "code": "model_not_found", "id": "string"}
    assert found["broken"] == "internal_error"


def test_wrong_arguments_are_refused_at_the_start() -> None:
    app = App()
    app.add_ui("/ui", joke())
    with pytest.raises(ConfigError, match="already"):
        app.add_ui("/ui", joke())
    with pytest.raises(ConfigError, match="protocol"):
        app.add_ui("/other", joke(), protocol="smoke")  # type: ignore[arg-type]
