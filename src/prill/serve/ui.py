"""Chat interfaces over chains: the AI SDK's ``useChat``, and AG-UI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from prill.errors import RequestError
from prill.messages import BaseMessage
from prill.serve.access import Caller
from prill.serve.configs import make_config
from prill.serve.encoders.ag_ui import AGUIEncoder
from prill.serve.encoders.ai_sdk import UIMessageEncoder
from prill.serve.encoders.base import Encoder
from prill.serve.exchange import Exchange
from prill.serve.facts import RunStarted
from prill.serve.langserve import render_failure
from prill.serve.openai_api import ServedModel, read_conversation
from prill.serve.server import JSONRoute, Server
from prill.serve.settings import OnDisconnect
from prill.serve.wire import encode

Protocol = Literal["ai-sdk", "ag-ui"]


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What a request asks: which chat, what was said, and the encoder of the answer."""

    chat: str
    messages: list[BaseMessage]
    encoder: Encoder


class UIRoutes:
    """The routes of one chat: the turn itself, reading it again, and stopping it.

    Args:
        server: the server.
        path: where.
        model: what answers.
        protocol: ``"ai-sdk"`` or ``"ag-ui"``.
        on_disconnect: whether a turn goes on when the client leaves, so that a page that is loaded again shows it.
    """

    def __init__(
        self, server: Server, path: str, model: ServedModel, protocol: Protocol, on_disconnect: OnDisconnect
    ) -> None:
        self.path = path
        self._server = server
        self._model = model
        self.protocol = protocol
        self._on_disconnect = on_disconnect
        self._read: Callable[[dict[str, Any]], _Conversation] = _READERS[protocol]

    def make_routes(self) -> list[JSONRoute]:
        route = partial(self._server.route, render=render_failure)
        return [
            route(self.path, self._answer, "POST", runs=True),
            route(f"{self.path}/{{chat}}/stream", self._resume, "GET"),
            route(f"{self.path}/{{chat}}/stop", self._stop, "POST"),
        ]

    async def _answer(self, exchange: Exchange, caller: Caller) -> None:
        body = await exchange.read_json()
        if not isinstance(body, dict):
            raise RequestError("the body is not an object", status=422)
        asked = self._read(body)
        config = await make_config(
            [],
            caller,
            self._model.modifier,
            exchange.request,
            run_name=self.path,
            run_id=exchange.run_id,
            endpoint=self.protocol,
        )
        started = RunStarted(str(exchange.run_id), exchange.request_id)
        input = self._model.read(asked.messages)
        facts = self._model.facts(self._model.runnable, input, self._server.watch(config), started)
        keep = self.protocol if self._on_disconnect == "continue" else ""
        topic = self._topic(asked.chat, caller)
        await self._server.stream(exchange, facts, asked.encoder, keep=keep, topic=topic)

    async def _resume(self, exchange: Exchange, caller: Caller) -> None:
        run = await self._server.store.find_topic(self._topic(exchange.request.path_params["chat"], caller))
        page = await self._server.store.read(run.run_id, 0, 0) if run is not None else None
        if run is None and self._on_disconnect == "continue":
            self._server.check_shared()
        if run is None or page is None or page.state != "running":
            await exchange.answer(204, b"")
            return
        await self._server.send_stored(exchange, run, 0)

    async def _stop(self, exchange: Exchange, caller: Caller) -> None:
        topic = self._topic(exchange.request.path_params["chat"], caller)
        running = await self._server.stop_topic(topic, caller.principal)
        await exchange.answer(202 if running else 200, encode({"status": "stopping" if running else "ended"}))

    def _topic(self, chat: str, caller: Caller) -> str:
        return encode([self.path, caller.principal, chat]).decode()


def _read_ai_sdk(body: dict[str, Any]) -> _Conversation:
    given = body.get("messages")
    messages = [each for one in given for each in _as_openai(one)] if isinstance(given, list) else given
    return _Conversation(str(body.get("id", "")), read_conversation(messages, "messages"), UIMessageEncoder())


def _as_openai(message: Any) -> list[Any]:
    """A UI message in OpenAI's form: one message, or more where it called tools."""
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        return [message]
    role, content, calls, results = message.get("role"), [], [], []
    for part in message["parts"]:
        kind = part.get("type", "") if isinstance(part, dict) else ""
        if kind == "text":
            content.append({"type": "text", "text": part.get("text", "")})
        elif kind == "file":
            content.append({"type": "image_url", "image_url": {"url": part.get("url", "")}})
        elif kind == "dynamic-tool" or kind.startswith("tool-"):
            name = part.get("toolName") or kind.removeprefix("tool-")
            arguments = encode(part.get("input") or {}).decode()
            id = part.get("toolCallId")
            calls.append({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
            output = part.get("errorText") if part.get("state") == "output-error" else part.get("output")
            text = output if isinstance(output, str) else encode(output).decode()
            results.append({"role": "tool", "tool_call_id": id, "content": text})
    texts = [part["text"] for part in content if part["type"] == "text"]
    plain: Any = "".join(texts) if len(texts) == len(content) else content
    if not calls:
        return [{"role": role, "content": plain}]
    last = [{"role": role, "content": plain}] if content else []
    return [{"role": role, "content": "", "tool_calls": calls}, *results, *last]


def _read_ag_ui(body: dict[str, Any]) -> _Conversation:
    given = body.get("messages")
    messages = [_from_ag_ui(each) for each in given if _is_said(each)] if isinstance(given, list) else given
    thread, run = str(body.get("threadId", "")), str(body.get("runId", ""))
    return _Conversation(thread, read_conversation(messages, "messages"), AGUIEncoder(thread, run))


def _is_said(message: Any) -> bool:
    """Whether a message is a part of the conversation, and not of its display."""
    return not isinstance(message, dict) or message.get("role") not in ("activity", "reasoning")


def _from_ag_ui(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    names = {"toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
    kept = ("role", "content", "name", "toolCalls", "toolCallId")
    return {names.get(key, key): message[key] for key in kept if message.get(key) is not None}


_READERS: dict[Protocol, Callable[[dict[str, Any]], _Conversation]] = {"ai-sdk": _read_ai_sdk, "ag-ui": _read_ag_ui}
