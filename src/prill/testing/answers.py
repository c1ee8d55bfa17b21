"""From a request and what was scripted for it to the answer: which wire speaks, which faults hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from prill.testing.anthropic_wire import MessagesWire
from prill.testing.bedrock_wire import ConverseWire
from prill.testing.faults import HTML_PAGE, Faults
from prill.testing.gemini_wire import GeminiEmbeddingsWire, GenerateArrayWire, GenerateWire
from prill.testing.openai_embeddings_wire import EmbeddingsWire
from prill.testing.openai_responses_wire import ResponsesWire
from prill.testing.openai_wire import ChatWire, CompletionsWire
from prill.testing.playback import Answer
from prill.testing.recording import Recording
from prill.testing.replies import Reply
from prill.testing.seen_request import SeenRequest
from prill.testing.wire import Wire, dump, new_id, to_text, words

# By the end of the path, so that a proxy's or a deployment's prefix does not matter.
_WIRES: dict[str, Wire] = {
    "/chat/completions": ChatWire(),
    "/completions": CompletionsWire(),
    "/embeddings": EmbeddingsWire(),
    "/responses": ResponsesWire(),
    "/messages": MessagesWire(),
    "/converse": ConverseWire(),
    "/converse-stream": ConverseWire(),
    ":generateContent": GenerateWire(),
    ":streamGenerateContent": GenerateWire(),
    ":embedContent": GeminiEmbeddingsWire(),
    ":batchEmbedContents": GeminiEmbeddingsWire(),
}
_ARRAYS = GenerateArrayWire()

_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
# Of a recording's headers these describe the transport of then, not of now.
_TRANSPORT = {"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"}


def get_wire(path: str, query: str = "alt=sse") -> Wire | None:
    """The wire that is spoken at ``path``; ``query`` is how Gemini's streams are asked for in one form or the other."""
    if path.endswith(":streamGenerateContent") and "alt=sse" not in query:
        return _ARRAYS
    return next((wire for end, wire in _WIRES.items() if path.rstrip("/").endswith(end)), None)


def is_embeddings(path: str) -> bool:
    """Whether ``path`` asks for vectors, for which a scripted text is not an answer."""
    return path.rstrip("/").endswith(("/embeddings", ":embedContent", ":batchEmbedContents"))


def echo(body: Any) -> Reply:
    """The last user message (or the prompt) word by word: what the server says when nothing was scripted."""
    if not isinstance(body, Mapping):
        return Reply(("Hello",))
    asked = body.get("messages") or body.get("input") or body.get("prompt") or body.get("contents") or ""
    if isinstance(asked, list):
        said = [item for item in asked if not isinstance(item, Mapping) or item.get("role", "user") == "user"]
        asked = said[-1] if said else ""
    return Reply(words(to_text(asked)) or ("Hello",))


def answer_reply(reply: Reply, wire: Wire, seen: SeenRequest, faults: Faults) -> Answer:
    """The answer to ``seen`` in ``wire``'s words, or the error that ``faults`` wants."""
    headers = {**wire.headers(new_id("req_")), **reply.headers}
    if faults.status is not None:
        retry = {} if faults.retry_after is None else {"retry-after": f"{faults.retry_after:g}"}
        error = wire.error_body(faults.status, faults)
        return Answer(faults.status, {**headers, **_JSON, **retry}, [error], False, faults)
    if faults.html_200:
        return Answer(200, {**headers, "content-type": "text/html"}, [HTML_PAGE], False, faults)
    body = {**_named_in(seen.path), **(seen.json if isinstance(seen.json, dict) else {})}
    streaming = seen.streaming and not isinstance(wire, EmbeddingsWire)
    return Answer(
        status=200,
        headers={**headers, **(_stream_type(wire) if streaming else _JSON)},
        events=_render(reply, wire, body, streaming),
        streaming=streaming,
        faults=faults,
        error_event=wire.error_event(faults),
        keepalive=wire.keepalive,
        garbage=wire.garbage,
        batch=reply.batch,
    )


def _stream_type(wire: Wire) -> dict[str, str]:
    if isinstance(wire, ConverseWire):
        return {"content-type": "application/vnd.amazon.eventstream"}
    return _JSON if wire is _ARRAYS else _SSE


def _named_in(path: str) -> dict[str, Any]:
    """The model that an address names, as a request's body does elsewhere."""
    found = re.search(r"/models/([^/:]+):", path)
    return {"model": unquote(found[1])} if found else {}


def _render(reply: Reply, wire: Wire, body: dict[str, Any], streaming: bool) -> list[bytes]:
    if not streaming:
        return [wire.plain(reply, body)]
    if reply.batch == 1:
        return wire.events(reply, body)
    include_usage = (body.get("stream_options") or {}).get("include_usage")
    key = (type(wire), body.get("model"), body.get("n"), include_usage)
    if key not in reply.rendered:
        reply.rendered[key] = wire.events(reply, body)
    return reply.rendered[key]


def answer_recording(recording: Recording, faults: Faults) -> Answer:
    """The recorded answer: its status, its headers except the transport's, its body to the byte."""
    headers = {name: value for name, value in recording.headers.items() if name.lower() not in _TRANSPORT}
    if "content-type" not in {name.lower() for name in headers}:  # many sources did not keep the headers
        headers.update(_SSE if recording.streaming else _JSON)
    wire = get_wire(recording.path) or ChatWire()
    return Answer(
        status=recording.status,
        headers=headers,
        events=recording.events,
        streaming=recording.streaming,
        faults=faults,
        error_event=wire.error_event(faults),
        keepalive=wire.keepalive,
        garbage=wire.garbage,
    )


def answer_problem(status: int, message: str) -> Answer:
    """What the server itself has to say; clients are asked not to retry."""
    body = dump({"type": "error", "error": {"type": "replay_server", "message": f"ReplayServer: {message}"}})
    return Answer(status, {**_JSON, "x-should-retry": "false"}, [body], False, Faults())


def answer_unknown(seen: SeenRequest) -> Answer:
    """Nothing speaks at this path."""
    known = ", ".join(f"POST ...{end}" for end in _WIRES)
    return answer_problem(404, f"nothing at {seen.method} {seen.path}; there is {known}.")
