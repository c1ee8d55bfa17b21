"""The processor time of models of other packages, on the real core and on Prill: a streamed token, and a call.

``python tests/ecosystem/speed.py`` prints the table. A server in a process of its own answers as four vendors do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from environment import PYTHON

TOKENS = 400
ROUNDS = 7
NAMES = ("langchain-openai", "langchain-anthropic", "langchain-google-genai", "langchain-ollama", "LangGraph agent")


class Vendors(BaseHTTPRequestHandler):
    """Answers of ``TOKENS`` tokens, or in one piece."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        name = next(vendor for part, vendor in _PATHS.items() if part in self.path)
        streams = "stream" in self.path or asked.get("stream", name == "ollama")
        body = _stream(name) if streams else json.dumps(_whole(name)).encode()
        kind = "application/x-ndjson" if name == "ollama" else "text/event-stream" if streams else "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


_PATHS = {"chat/completions": "openai", "/messages": "anthropic", "enerateContent": "google", "/api/chat": "ollama"}


def _whole(name: str) -> dict[str, Any]:
    if name == "openai":
        message = {"role": "assistant", "content": "word " * 40}
        usage = {"prompt_tokens": 1, "completion_tokens": 40, "total_tokens": 41}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    if name == "anthropic":
        content = [{"type": "text", "text": "word " * 40}]
        about = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
        return {**about, "content": content, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 40}}
    return _google("word " * 40, last=True)


def _google(text: str, *, last: bool) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}


def _stream(name: str) -> bytes:
    if name == "ollama":
        lines = [
            {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": "w "}}
        ]
        lines = [{**lines[0], "done": False}] * TOKENS + [{**lines[0], "done": True, "done_reason": "stop"}]
        return "".join(json.dumps(line) + "\n" for line in lines).encode()
    if name == "google":
        return "".join(
            f"data: {json.dumps(_google('w ', last=i == TOKENS - 1))}\r\n\r\n" for i in range(TOKENS)
        ).encode()
    if name == "anthropic":
        start = {**_whole(name), "content": [], "stop_reason": None}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
        events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "w "}}
        events += [delta] * TOKENS + [{"type": "content_block_stop", "index": 0}]
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        events += [{"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}}, {"type": "message_stop"}]
        return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**about, "choices": [{"index": 0, "delta": {"content": "w "}, "finish_reason": None}]}] * TOKENS
    chunks.append({**about, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return ("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n").encode()


def make(name: str, url: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What streams, and what calls."""
    if name == "langchain-openai":
        from langchain_openai import ChatOpenAI

        model: Any = ChatOpenAI(model="m", base_url=f"{url}/v1", api_key="none")
    elif name == "langchain-anthropic":
        from langchain_anthropic import ChatAnthropic

        model = ChatAnthropic(model="m", base_url=url, api_key="none")
    elif name == "langchain-google-genai":
        from langchain_google_genai import ChatGoogleGenerativeAI

        model = ChatGoogleGenerativeAI(model="gemini-m", google_api_key="none", base_url=url)
    elif name == "langchain-ollama":
        from langchain_ollama import ChatOllama

        model = ChatOllama(model="m", base_url=url)
    else:
        from langchain.agents import create_agent
        from langchain_openai import ChatOpenAI

        agent = create_agent(ChatOpenAI(model="m", base_url=f"{url}/v1", api_key="none"), [])
        given = {"messages": [("user", "hi")]}
        return lambda: list(agent.stream(given, stream_mode="messages")), lambda: agent.invoke(given)
    return lambda: list(model.stream("hi")), lambda: model.invoke("hi")


def measure(name: str, url: str) -> dict[str, float]:
    """Microseconds of processor time: for a token of a stream, and for a call."""
    stream, call = make(name, url)
    stream(), call()
    streams = [_spent(stream, 1) / TOKENS for _ in range(ROUNDS)]
    calls = [_spent(call, 5) for _ in range(ROUNDS)]
    return {"token": statistics.median(streams), "call": statistics.median(calls)}


def _spent(work: Callable[[], Any], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1e6


def main() -> None:
    server = subprocess.Popen([str(PYTHON), __file__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        print("| | µs a token, real core | Prill | | µs a call, real core | Prill | |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for name in NAMES:
            found = {core: _in_process(name, url, core) for core in ("native", "prill")}
            cells: list[str] = []
            for what in ("token", "call"):
                real, ours = found["native"][what], found["prill"][what]
                cells += [f"{real:,.0f}", f"{ours:,.0f}", f"{real / ours:.1f}×"]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    finally:
        server.terminate()
        server.wait()


def _in_process(name: str, url: str, core: str) -> dict[str, float]:
    start = ["-m", "prill.compat", "--core"] if core == "prill" else []
    command = [str(PYTHON), "-W", "ignore", *start, __file__, "measure", name, url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        served = ThreadingHTTPServer(("127.0.0.1", 0), Vendors)
        print(served.server_address[1], flush=True)
        served.serve_forever()
    elif sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(*sys.argv[2:4])))
    else:
        main()
