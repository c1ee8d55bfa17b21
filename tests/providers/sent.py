"""What models send: recorded calls and calls of our own, made again, and the files that hold what was sent.

``python -m providers.sent`` (in ``tests``) writes the files. They hold no recorded text: a value that is
neither a number nor a name is there as a digest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from prill.anthropic import Anthropic, ChatAnthropic
from prill.errors import PrillError
from prill.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from prill.openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from prill.runnables import Runnable
from prill.testing import Recording, ReplayServer
from prill.testing.seen_request import SeenRequest
from recordings import list_recordings, load_recording, recordings_folder

GOLDEN = Path(__file__).parent / "golden"
KEY = "sk-golden-0123456789"
Call = Callable[[Any], Any]
"""Asks a model, by the verb that it is given: ``(model, verb) -> answer``."""

_NOT_SHOWN = ("user-agent", "x-stainless-", "accept", "connection", "host", "content-length")


def shown_headers(seen: SeenRequest) -> dict[str, str]:
    """The headers that say something: not those of the client, nor of the connection."""
    return {name: value for name, value in sorted(seen.headers.items()) if not name.startswith(_NOT_SHOWN)}


def shown(seen: SeenRequest, *, digested: bool) -> dict[str, Any]:
    """A request as the files hold it."""
    body = {key: _digest(key, value) for key, value in seen.json.items()} if digested else seen.json
    return {
        "method": seen.method,
        "path": seen.path,
        "query": [list(pair) for pair in parse_qsl(seen.query, keep_blank_values=True)],
        "headers": shown_headers(seen),
        "body": dict(sorted(body.items())),
    }


def _digest(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float) or key == "model":
        return value
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"sha256 {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


# Recorded calls


def recorded_ids() -> list[str]:
    """The recordings of protocols that are spoken here."""
    return [] if recordings_folder() is None else [id for id in list_recordings() if _kind(load_recording(id))]


def _kind(recording: Recording) -> str:
    ends = ("/chat/completions", "/completions", "/responses", "/embeddings", "/messages")
    return next((end for end in ends if recording.path.endswith(end)), "") if _body(recording) else ""


def _body(recording: Recording) -> dict[str, Any]:
    body = recording.request.get("body")
    return dict(body) if isinstance(body, Mapping) else {}


def send_recorded(id: str, server: ReplayServer, verbs: Any) -> dict[str, Any]:
    """Make the call of a recording again; what was sent, or the kind of error that kept it from being sent."""
    recording = load_recording(id)
    body, kind = _body(recording), _kind(recording)
    streaming = bool(body.pop("stream", False))
    given = {"model": body.pop("model", "m"), "api_key": KEY, "max_retries": 0}
    given["base_url"] = server.anthropic_url if kind == "/messages" else server.openai_url
    verb = verbs.stream if streaming else verbs.invoke
    before = server.request_count
    try:
        _ask(kind, given, body, verb, verbs)
    except (PrillError, ValueError, TypeError, KeyError) as error:
        if server.request_count == before:
            return {"refused": type(error).__name__}
    return shown(server.requests[before], digested=True)


def _ask(kind: str, given: dict[str, Any], body: dict[str, Any], verb: Any, verbs: Any) -> None:
    model: Any
    if kind == "/embeddings":
        texts = body.pop("input", "")
        with contextlib.closing(OpenAIEmbeddings(**given, model_kwargs=body)) as model:
            verbs.embed(model, [texts] if isinstance(texts, str) else texts)
        return
    if kind == "/completions":
        prompt = body.pop("prompt", "")
        with contextlib.closing(OpenAI(**given)) as model:
            verb(model, prompt if isinstance(prompt, str) else str(prompt[0]), **body)
        return
    if kind == "/messages":
        with contextlib.closing(ChatAnthropic(**given)) as model:
            verb(model, [_message(message) for message in body.pop("messages")], **body)
        return
    responses = kind == "/responses"
    items = body.pop("input" if responses else "messages", None) or "Hi"
    with contextlib.closing(ChatOpenAI(**given, use_responses_api=responses)) as model:
        messages = [HumanMessage(content=items)] if isinstance(items, str) else [_message(item) for item in items]
        verb(model, messages, **body)


def _message(said: Any) -> BaseMessage:
    if isinstance(said, str):  # the source left it out
        return HumanMessage(content=said)
    role, content = said.get("role"), said.get("content") or ""
    if said.get("type") == "function_call_output":
        return ToolMessage(content=said["output"], tool_call_id=said["call_id"])
    if role == "tool":
        return ToolMessage(content=content, tool_call_id=said["tool_call_id"])
    if role in ("system", "developer"):
        return SystemMessage(content=content)
    if role == "user":
        return HumanMessage(content=content)
    calls = [
        {"name": call["function"]["name"], "args": json.loads(call["function"]["arguments"] or "{}"), "id": call["id"]}
        for call in said.get("tool_calls") or ()
    ]
    if role is None:
        content = [said]
    return AIMessage(content=content, tool_calls=calls)


# Calls of our own, which show the settings

_SEARCH = {
    "name": "search",
    "description": "Search.",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
}
_THINKING = {"type": "enabled", "budget_tokens": 2048}

OWN: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any]]] = {
    "openai": (ChatOpenAI, {}, {}),
    "openai all settings": (
        ChatOpenAI,
        {
            "temperature": 0.5,
            "max_tokens": 7,
            "top_p": 0.9,
            "seed": 1,
            "stop": ["X"],
            "organization": "org-1",
            "user": "u",
            "logit_bias": {"5": 1},
            "reasoning_effort": "low",
        },
        {},
    ),
    "openai extra body": (ChatOpenAI, {"extra_body": {"top_k": 3}, "model_kwargs": {"min_p": 0.1}}, {}),
    "openai extra body of a call": (ChatOpenAI, {}, {"extra_body": {"top_k": 3, "temperature": 0}}),
    "openai extra headers": (ChatOpenAI, {"default_headers": {"X-One": "1"}}, {"extra_headers": {"X-Two": "2"}}),
    "openai own authorization": (ChatOpenAI, {"default_headers": {"Authorization": "Basic abc"}}, {}),
    "openai queries": (ChatOpenAI, {"default_query": {"api-version": "1", "a": "b c"}}, {"extra_query": {"d": "é&="}}),
    "openai tools": (ChatOpenAI, {}, {"tools": [{"type": "function", "function": _SEARCH}], "tool_choice": "auto"}),
    "openai responses": (ChatOpenAI, {"use_responses_api": True, "max_tokens": 9}, {}),
    "openai responses settings": (
        ChatOpenAI,
        {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"], "truncation": "auto"},
        {"extra_headers": {"X-Two": "2"}, "extra_query": {"d": 1}, "extra_body": {"background": False}},
    ),
    "completions": (OpenAI, {"temperature": 0, "max_tokens": 5, "best_of": 1}, {"extra_headers": {"X-Two": "2"}}),
    "embeddings": (OpenAIEmbeddings, {"dimensions": 16, "user": "u"}, {}),
    "embeddings as floats": (
        OpenAIEmbeddings,
        {"encoding_format": "float", "model_kwargs": {"extra_body": {"x": 1}}},
        {},
    ),
    "anthropic": (ChatAnthropic, {}, {}),
    "anthropic all settings": (
        ChatAnthropic,
        {
            "temperature": 0.5,
            "top_k": 3,
            "top_p": 0.9,
            "stop": "X",
            "thinking": _THINKING,
            "effort": "low",
            "service_tier": "auto",
            "model_kwargs": {"metadata": {"user_id": "u"}},
        },
        {},
    ),
    "anthropic betas": (ChatAnthropic, {"betas": ["one-1", "two-2"]}, {}),
    "anthropic betas and header": (ChatAnthropic, {"betas": ["one-1"]}, {"extra_headers": {"anthropic-beta": "x"}}),
    "anthropic extras": (
        ChatAnthropic,
        {"default_headers": {"X-One": "1"}, "default_query": {"a": "b c"}},
        {"extra_headers": {"X-Two": "2"}, "extra_query": {"d": 1}, "extra_body": {"speed": "fast"}},
    ),
    "anthropic tools": (ChatAnthropic, {}, {"tools": [_SEARCH], "tool_choice": {"type": "auto"}, "system": "Be brief"}),
    "anthropic text": (Anthropic, {"temperature": 0}, {}),
}
"""Name: the class, its settings, the arguments of the call."""


def send_own(name: str, server: ReplayServer, verbs: Any, verb: str) -> dict[str, Any]:
    """Make a call of ``OWN`` with ``verb`` (``invoke`` or ``stream``); what was sent."""
    cls, settings, arguments = OWN[name]
    url = server.anthropic_url if "anthropic" in name else server.openai_url
    with contextlib.closing(cls(model="model-1", base_url=url, api_key=KEY, max_retries=0, **settings)) as model:
        before = server.request_count
        if isinstance(model, Runnable):
            getattr(verbs, verb)(model, "Hi", **arguments)
        else:
            verbs.embed(model, ["one", "two"])
        return shown(server.requests[before], digested=False)


def verbs_for(name: str) -> list[str]:
    """The verbs by which a call of ``OWN`` is made."""
    return ["invoke", "stream"] if issubclass(OWN[name][0], Runnable) else ["embed"]


class Blocking:
    """The verbs of blocking code."""

    def invoke(self, model: Any, input: Any, **kwargs: Any) -> Any:
        return model.invoke(input, **kwargs)

    def stream(self, model: Any, input: Any, **kwargs: Any) -> Any:
        return list(model.stream(input, **kwargs))

    def embed(self, model: Any, texts: list[str]) -> Any:
        return model.embed_documents(texts)


class Asyncio:
    """The verbs of asyncio, each in an event loop of its own."""

    def invoke(self, model: Any, input: Any, **kwargs: Any) -> Any:
        return asyncio.run(model.ainvoke(input, **kwargs))

    def stream(self, model: Any, input: Any, **kwargs: Any) -> Any:
        async def read() -> list[Any]:
            return [chunk async for chunk in model.astream(input, **kwargs)]

        return asyncio.run(read())

    def embed(self, model: Any, texts: list[str]) -> Any:
        return asyncio.run(model.aembed_documents(texts))


def read_golden(name: str) -> dict[str, Any]:
    """The content of a file of golden requests."""
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return found


def write_golden() -> None:
    """Write the files, by the code as it is now."""
    with ReplayServer() as server:
        verbs = Blocking()
        recorded = {id: send_recorded(id, server, verbs) for id in recorded_ids()}
        own = {f"{name}, {verb}": send_own(name, server, verbs, verb) for name in OWN for verb in verbs_for(name)}
    GOLDEN.mkdir(exist_ok=True)
    for name, content in (("recorded", recorded), ("own", own)):
        (GOLDEN / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    write_golden()
