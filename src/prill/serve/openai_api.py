"""OpenAI's API over chains: ``/v1/models``, ``/v1/chat/completions`` and ``/v1/responses``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError, RequestError
from prill.messages import BaseMessage, convert_to_messages
from prill.runnables import Runnable
from prill.serve.access import Caller
from prill.serve.configs import Modifier, make_config
from prill.serve.encoders.base import Encoder
from prill.serve.encoders.blocks import CallClosed, Closed
from prill.serve.encoders.openai_chat import (
    ChatCompletionsEncoder,
    choose_finish_reason,
    make_error,
    make_usage,
)
from prill.serve.encoders.openai_responses import ResponsesEncoder, make_item, make_response, make_response_usage
from prill.serve.exchange import Exchange
from prill.serve.facts import Fact, Failure, RunStarted
from prill.serve.server import JSONRoute, Server
from prill.serve.turns import MakeInput, TextSource, Turn, choose_input, choose_source, fold_turn, stream_turn
from prill.serve.wire import encode

_CANCEL_WAIT = 5.0
"""Seconds that a request to cancel a response waits for its end."""

_PARAMETERS = ("temperature", "top_p", "max_tokens", "stop", "seed")
"""What a request may set of a model. Of chains nothing is set: they say themselves what their model does."""


@dataclass
class ServedModel:
    """A Runnable under a model's name.

    Args:
        name: what clients call it.
        runnable: the Runnable.
        make_input: makes its input of the messages; ``None`` follows its schema.
        text: where the text of the answer is.
        modifier: changes the config of each run.
        created: when it was added, in seconds since the epoch.
    """

    name: str
    runnable: Runnable[Any, Any]
    make_input: MakeInput | None = None
    text: TextSource = "auto"
    modifier: Modifier | None = None
    created: int = field(default_factory=lambda: int(time.time()))

    def read(self, messages: list[BaseMessage]) -> Any:
        """The input for a conversation."""
        make = self.make_input or choose_input(self.runnable)
        return make(messages)

    def facts(self, chain: Runnable[Any, Any], input: Any, config: Any, started: RunStarted) -> AsyncIterator[Fact]:
        """Run a turn."""
        source = choose_source(self.runnable) if self.text == "auto" else self.text
        return stream_turn(chain, input, config, started, source)

    def bind(self, body: Mapping[str, Any]) -> Runnable[Any, Any]:
        """The Runnable with the tools and parameters of a request, if it is a model."""
        chain = self.runnable
        if chain._kind != "chat_model":
            return chain
        tools = body.get("tools")
        if tools and hasattr(chain, "bind_tools"):
            choice = body.get("tool_choice")
            options = {} if choice in (None, "auto") else {"tool_choice": choice}
            chain = _refuse_config_errors(lambda: self.runnable.bind_tools(tools, **options))  # type: ignore[attr-defined]  # checked
        given = {name: body[name] for name in _PARAMETERS if body.get(name) is not None}
        if (limit := body.get("max_completion_tokens") or body.get("max_output_tokens")) is not None:
            given["max_tokens"] = limit
        return chain.bind(**given) if given else chain


def _refuse_config_errors(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (ConfigError, ValueError, TypeError) as error:
        raise RequestError("the tools are not in OpenAI's form", code="invalid_tools") from error


def render_openai(failure: Failure) -> bytes:
    """An error in OpenAI's form."""
    return encode(make_error(failure))


def _as_openai_failure(error: RequestError) -> RequestError:
    """A body that is wrong is a 400 there."""
    if error.status == 422:
        return RequestError(error.message, status=400, code=error.code, detail=error.detail)
    return error


class OpenAIRoutes:
    """The routes; models are added to ``models``."""

    def __init__(self, server: Server) -> None:
        self.models: dict[str, ServedModel] = {}
        self._server = server

    def add(self, model: ServedModel) -> None:
        """Serve a model.

        Raises:
            ConfigError: the name is taken, or empty.
        """
        if not model.name or model.name in self.models:
            raise ConfigError(f"the model {model.name!r} is served already; give each a name of its own")
        self.models[model.name] = model

    def make_routes(self) -> list[JSONRoute]:
        def route(path: str, handle: Any, method: str, **kind: bool) -> JSONRoute:
            return self._server.route(f"/v1{path}", handle, method, render_openai, **kind)

        return [
            route("/models", self._list, "GET"),
            route("/models/{name:path}", self._show, "GET"),
            route("/chat/completions", self._complete, "POST", runs=True),
            route("/responses", self._respond, "POST", runs=True),
            route("/responses/{id}", self._retrieve, "GET"),
            route("/responses/{id}/cancel", self._cancel, "POST"),
        ]

    # Models

    async def _list(self, exchange: Exchange, caller: Caller) -> None:
        data = [_describe(model) for model in self.models.values()]
        await exchange.answer(200, encode({"object": "list", "data": data}))

    async def _show(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer(200, encode(_describe(self._find(exchange.request.path_params["name"]))))

    def _find(self, name: Any) -> ServedModel:
        model = self.models.get(name) if isinstance(name, str) else None
        if model is None:
            raise RequestError(
                f"the model {name!r:.80} does not exist", status=404, code="model_not_found", detail={"param": "model"}
            )
        return model

    # Chat completions

    async def _complete(self, exchange: Exchange, caller: Caller) -> None:
        body = await self._read(exchange)
        model = self._find(body.get("model"))
        if body.get("n") not in (None, 1):
            raise RequestError("only one choice is made: n must be 1", code="unsupported_value", detail={"param": "n"})
        input = model.read(read_conversation(body.get("messages"), "messages"))
        config = await self._config(exchange, caller, model, "chat.completions")
        facts = model.facts(model.bind(body), input, config, _started(exchange))
        created = int(time.time())
        if not body.get("stream"):
            turn = await exchange.run(lambda: fold_turn(facts))
            await exchange.answer(200, encode(_make_completion(turn, model.name, created, str(exchange.run_id))))
            return
        options = body.get("stream_options")
        wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        encoder = ChatCompletionsEncoder(model.name, created, include_usage=wants_usage)
        await self._server.stream(exchange, facts, encoder)

    # Responses

    async def _respond(self, exchange: Exchange, caller: Caller) -> None:
        body = await self._read(exchange)
        model = self._find(body.get("model"))
        if body.get("previous_response_id") or body.get("conversation"):
            raise RequestError("conversations are not kept: send all messages", code="unsupported_value")
        messages = _read_items(body.get("input"), body.get("instructions"))
        config = await self._config(exchange, caller, model, "responses")
        tools = [_as_chat_tool(tool) for tool in body.get("tools") or [] if isinstance(tool, dict)]
        facts = model.facts(model.bind({**body, "tools": tools}), model.read(messages), config, _started(exchange))
        created = int(time.time())
        background = body.get("background") is True
        encoder: Encoder = ResponsesEncoder(model.name, created, background=background)
        if body.get("stream"):
            await self._server.stream(exchange, facts, encoder, keep="openai-responses" if background else "")
        elif background:
            await self._server.start_run(exchange, facts, encoder, keep="openai-responses")
            response = make_response(_response_id(exchange), model.name, created, "in_progress", background=True)
            await exchange.answer(200, encode(response))
        else:
            turn = await exchange.run(lambda: fold_turn(facts))
            await exchange.answer(200, encode(_make_whole_response(turn, model.name, created, _response_id(exchange))))

    async def _retrieve(self, exchange: Exchange, caller: Caller) -> None:
        run = await self._server.find_run(_run_id(exchange), caller.principal)
        query = exchange.request.query_params
        if query.get("stream") == "true":
            after = query.get("starting_after", "-1")
            if not after.lstrip("-").isdigit():
                raise RequestError("starting_after is not a number", code="invalid_cursor")
            # Events are numbered from 0 there, and frames from 1 here.
            await self._server.resume(exchange, run, max(int(after) + 1, 0))
            return
        await exchange.answer(200, await self._server.read_last(run, "response"))

    async def _cancel(self, exchange: Exchange, caller: Caller) -> None:
        run_id = _run_id(exchange)
        await self._server.stop_run(run_id, caller.principal)
        run = await self._server.find_run(run_id, caller.principal)
        await self._server.wait_end(run, _CANCEL_WAIT)
        await exchange.answer(200, await self._server.read_last(run, "response"))

    # What requests say

    async def _read(self, exchange: Exchange) -> dict[str, Any]:
        try:
            body = await exchange.read_json()
        except RequestError as error:
            raise _as_openai_failure(error) from None
        if not isinstance(body, dict):
            raise RequestError("the body is not an object")
        return body

    async def _config(self, exchange: Exchange, caller: Caller, model: ServedModel, endpoint: str) -> RunnableConfig:
        config = await make_config(
            [],
            caller,
            model.modifier,
            exchange.request,
            run_name=model.name,
            run_id=exchange.run_id,
            endpoint=endpoint,
        )
        return self._server.watch(config)


def _describe(model: ServedModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": "prill"}


def _started(exchange: Exchange) -> RunStarted:
    return RunStarted(str(exchange.run_id), exchange.request_id)


def _response_id(exchange: Exchange) -> str:
    return f"resp_{exchange.run_id}"


def _run_id(exchange: Exchange) -> str:
    return str(exchange.request.path_params["id"]).removeprefix("resp_")


def read_conversation(given: Any, param: str) -> list[BaseMessage]:
    """Messages in OpenAI's form.

    Raises:
        RequestError: 400, they are none; it names ``param``.
    """
    if not isinstance(given, list) or not given:
        raise RequestError(f"{param} is not a list of messages", code="invalid_messages", detail={"param": param})
    try:
        return convert_to_messages(given)
    except (ConfigError, ValueError, TypeError, KeyError, AttributeError):
        raise RequestError(
            f"{param} holds something that is not a message", code="invalid_messages", detail={"param": param}
        ) from None


def _read_items(given: Any, instructions: Any) -> list[BaseMessage]:
    """The ``input`` of a response: a text, or messages, calls and their outputs."""
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        raise RequestError("input is neither a text nor a list", code="invalid_messages", detail={"param": "input"})
    first = [{"role": "system", "content": instructions}] if isinstance(instructions, str) else []
    return read_conversation([*first, *(_as_chat_message(item) for item in items)], "input")


def _as_chat_message(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    if item.get("type") == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": "", "tool_calls": [call]}
    if item.get("type") == "function_call_output":
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    content = item.get("content")
    if isinstance(content, list):
        content = [_as_chat_part(part) for part in content]
    return {"role": item.get("role"), "content": content}


def _as_chat_part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("type") in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text", "")}
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    return part


def _as_chat_tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def _make_completion(turn: Turn, model: str, created: int, run_id: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
            for call in turn.calls
        ]
    elif not turn.text:
        message["content"] = ""
    reason = choose_finish_reason(turn.finish_reason, calls=bool(turn.calls))
    return {
        "id": f"chatcmpl-{run_id}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": make_usage(turn.usage),
    }


def _make_whole_response(turn: Turn, model: str, created: int, id: str) -> dict[str, Any]:
    steps: list[Closed | CallClosed] = [*turn.blocks, *turn.calls]
    output = [make_item(step, f"item_{place}_{id}") for place, step in enumerate(steps)]
    return make_response(id, model, created, "completed", output=output, usage=make_response_usage(turn.usage))
