"""LangServe's routes for one Runnable: invoke, batch, stream, stream_events, stream_log, schemas, feedback."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request

from prill.callbacks.config import RunnableConfig
from prill.errors import ConfigError, RequestError
from prill.runnables import Runnable
from prill.serve.access import Caller
from prill.serve.config_hash import decode_config_hash
from prill.serve.configs import ConfigRules, Modifier, check_config_keys, make_config, refuse
from prill.serve.encoders.langserve import LangServeEncoder
from prill.serve.exchange import Exchange
from prill.serve.facts import Fact, Failure, RunStarted
from prill.serve.failures import as_json
from prill.serve.inputs import InputReader
from prill.serve.objects import OBJECTS_HEADER, choose_encoder, decode_objects
from prill.serve.playground.pages import describe_playground, send_file, send_to_page
from prill.serve.server import Handle, JSONRoute, Server
from prill.serve.settings import OnDisconnect, Shown
from prill.serve.sources import View, stream_events, stream_log, stream_output
from prill.serve.wire import encode

Feedback: TypeAlias = "Callable[[dict[str, Any], Request], Awaitable[None] | None]"
"""Receives the JSON of ``POST /feedback``, which has at least ``run_id`` and ``key``."""

ENDPOINTS = (
    *("invoke", "batch", "stream", "stream_log", "stream_events", "playground", "feedback", "token_feedback"),
    *("public_trace_link", "input_schema", "config_schema", "output_schema", "config_hashes"),
)
"""The names that ``enabled_endpoints`` and ``disabled_endpoints`` know."""

_FILTERS = tuple(f"{side}_{what}" for side in ("include", "exclude") for what in ("names", "types", "tags"))


@dataclass(frozen=True)
class RouteOptions:
    """What one Runnable is served with.

    Args:
        config_keys: the parts of a config that clients may set: of ``configurable``, ``tags``, ``metadata`` and
            ``max_concurrency``.
        modifier: changes the config of each run; see ``Modifier``.
        enabled: the endpoints to serve, by their names in ``ENDPOINTS``; all, if ``None``.
        disabled: the endpoints not to serve; not together with ``enabled``.
        shown: what events and logs hold.
        log_names: the only names of steps that ``stream_log`` and ``stream_events`` show.
        on_disconnect: whether a stream whose client leaves is cancelled or goes on; a request may choose with the
            header ``prill-on-disconnect``.
        feedback: receives what clients think of runs.
    """

    config_keys: Sequence[str] = ()
    modifier: Modifier | None = None
    enabled: Sequence[str] | None = None
    disabled: Sequence[str] | None = None
    shown: Shown = "output"
    log_names: Sequence[str] | None = None
    on_disconnect: OnDisconnect = "cancel"
    feedback: Feedback | None = None
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        if self.enabled is not None and self.disabled is not None:
            raise ConfigError("give enabled_endpoints or disabled_endpoints, not both")
        for name in [*(self.enabled or ()), *(self.disabled or ())]:
            if name not in ENDPOINTS:
                raise ConfigError(f"there is no endpoint {name!r}; the endpoints are {', '.join(ENDPOINTS)}")
        check_config_keys(self.config_keys)
        names = frozenset(ENDPOINTS if self.enabled is None else self.enabled) - frozenset(self.disabled or ())
        object.__setattr__(self, "names", names)


def render_failure(failure: Failure) -> bytes:
    """An error as JSON: ``detail`` as LangServe has it, and ``error`` with all that is known."""
    detail = failure.detail if failure.detail is not None else failure.message
    return encode({"detail": detail, "error": as_json(failure)})


class RunnableRoutes:
    """The routes of one Runnable under ``path``."""

    def __init__(self, server: Server, runnable: Runnable[Any, Any], path: str, options: RouteOptions) -> None:
        if path and (not path.startswith("/") or path.endswith("/")):
            raise ConfigError(f"a path starts with '/' and does not end with it, unlike {path!r}")
        self.path = path
        self.runnable = runnable
        self.options = options
        self._server = server
        self._name = path or "/"
        self._reader = InputReader(runnable)
        fields = frozenset(spec.id for spec in runnable.config_specs)
        self._rules = ConfigRules(tuple(options.config_keys), fields, server.settings.max_concurrency)

    # The routes

    def make_routes(self) -> list[JSONRoute]:
        """The routes, also those with a config in the address."""
        posts: dict[str, Handle] = {
            "invoke": self._invoke,
            "batch": self._batch,
            "stream": self._stream,
            "stream_log": self._stream_log,
            "stream_events": self._stream_events,
        }
        gets: dict[str, Handle] = {
            "input_schema": self._input_schema,
            "output_schema": self._output_schema,
            "config_schema": self._config_schema,
        }
        places = [self.path]
        if "config_hashes" in self.options.names:
            places.append(f"{self.path}/c/{{config_hash}}")
        routes: list[JSONRoute] = []
        for place in places:
            routes += [self._route(f"{place}/{name}", handle, "POST", runs=True) for name, handle in posts.items()]
            routes += [self._route(f"{place}/{name}", handle, "GET") for name, handle in gets.items()]
        routes = [route for route in routes if route.path.rpartition("/")[2] in self.options.names]
        if "playground" in self.options.names:
            routes += [route for place in places for route in self._make_playground(f"{place}/playground")]
        if self.options.feedback is not None and "feedback" in self.options.names:
            routes.append(self._route(f"{self.path}/feedback", self._feedback, "POST"))
        routes.append(self._route(f"{self.path}/runs/{{run_id}}/stop", self._stop, "POST"))
        routes.append(self._route(f"{self.path}/runs/{{run_id}}/stream", self._resume, "GET"))
        return routes

    def _make_playground(self, place: str) -> list[JSONRoute]:
        return [
            self._route(place, send_to_page, "GET", public=True),
            self._route(f"{place}/settings.json", self._describe_playground, "GET"),
            self._route(f"{place}/{{file_path:path}}", send_file, "GET", public=True),
        ]

    def _route(self, path: str, handle: Handle, method: str, **kind: bool) -> JSONRoute:
        return self._server.route(path, handle, method, render_failure, **kind)

    # Runs

    async def _invoke(self, exchange: Exchange, caller: Caller) -> None:
        body = await self._read(exchange, "input")
        input = self._reader.read(_read_input(body), ("input",))
        config = await self._config(exchange, caller, body.get("config"), "invoke")
        output = await exchange.run(lambda: self.runnable.ainvoke(input, config))
        write = choose_encoder(exchange.request.headers)
        metadata = encode({"run_id": config["run_id"], "feedback_tokens": []})
        await self._answer(exchange, b'{"output":' + write(output, "output") + b',"metadata":' + metadata + b"}")

    async def _batch(self, exchange: Exchange, caller: Caller) -> None:
        body = await self._read(exchange, "inputs")
        inputs = body["inputs"]
        settings = self._server.settings
        if not isinstance(inputs, list):
            raise refuse("inputs", "the inputs are not a list")
        if len(inputs) > settings.max_batch:
            raise RequestError(f"a batch has at most {settings.max_batch} inputs", status=413, code="batch_too_large")
        given = _each_config(body.get("config"), len(inputs))
        values = [self._reader.read(each, ("inputs", index)) for index, each in enumerate(inputs)]
        configs = [await self._config(exchange, caller, each, "batch", new_id=True) for each in given]
        for config in configs:
            config.setdefault("max_concurrency", settings.max_concurrency)
        return_exceptions = body.get("return_exceptions") is True
        outputs: list[Any] = await exchange.run(
            lambda: self.runnable.abatch(values, configs, return_exceptions=return_exceptions)
        )
        await self._answer_batch(exchange, outputs, configs)

    async def _answer_batch(self, exchange: Exchange, outputs: list[Any], configs: list[RunnableConfig]) -> None:
        write = choose_encoder(exchange.request.headers)
        written, responses = [], []
        for index, (output, config) in enumerate(zip(outputs, configs, strict=True)):
            response: dict[str, Any] = {"run_id": config["run_id"], "feedback_tokens": []}
            if isinstance(output, Exception):
                response["error"] = as_json(exchange.describe(output))
                output = None
            written.append(write(output, f"output[{index}]"))
            responses.append(response)
        metadata = encode({"responses": responses, "run_ids": [config["run_id"] for config in configs]})
        await self._answer(exchange, b'{"output":[' + b",".join(written) + b'],"metadata":' + metadata + b"}")

    async def _answer(self, exchange: Exchange, body: bytes) -> None:
        await exchange.answer(200, body, {OBJECTS_HEADER: exchange.request.headers.get(OBJECTS_HEADER, "plain")})

    # Streams

    async def _stream(self, exchange: Exchange, caller: Caller) -> None:
        input, config, _ = await self._prepare(exchange, caller, "stream")
        facts = stream_output(self.runnable, input, config, _started(exchange))
        await self._send(exchange, facts, metadata=True)

    async def _stream_events(self, exchange: Exchange, caller: Caller) -> None:
        input, config, view = await self._prepare(exchange, caller, "stream_events")
        facts = stream_events(self.runnable, input, config, _started(exchange), view)
        await self._send(exchange, facts, metadata=False)

    async def _stream_log(self, exchange: Exchange, caller: Caller) -> None:
        input, config, view = await self._prepare(exchange, caller, "stream_log")
        facts = stream_log(self.runnable, input, config, _started(exchange), view)
        await self._send(exchange, facts, metadata=False)

    async def _prepare(self, exchange: Exchange, caller: Caller, verb: str) -> tuple[Any, Any, View]:
        body = await self._read(exchange, "input")
        input = self._reader.read(_read_input(body), ("input",))
        filters = {name: body[name] for name in _FILTERS if body.get(name) is not None}
        if self.options.log_names is not None:
            filters["include_names"] = list(self.options.log_names)
        for name, names in filters.items():
            if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
                raise refuse(name, "the value is not a list of texts")
        longest = body.get("max_value")
        if longest is not None and not (isinstance(longest, int) and longest > 0):
            raise refuse("max_value", "the value is not a number of bytes")
        view = View(self.options.shown, filters, self._server.settings.show_errors, longest, body.get("times") is True)
        return input, await self._config(exchange, caller, body.get("config"), verb), view

    async def _send(self, exchange: Exchange, facts: AsyncIterator[Fact], *, metadata: bool) -> None:
        encoder = LangServeEncoder(metadata=metadata, encode=choose_encoder(exchange.request.headers))
        chosen = exchange.request.headers.get("prill-on-disconnect", self.options.on_disconnect)
        protocol = "langserve" if metadata else "langserve-events"
        headers = {
            OBJECTS_HEADER: exchange.request.headers.get(OBJECTS_HEADER, "plain"),
            "prill-run-id": str(exchange.run_id),
        }
        keep = protocol if chosen == "continue" else ""
        await self._server.stream(exchange, facts, encoder, keep=keep, headers=headers)

    async def _resume(self, exchange: Exchange, caller: Caller) -> None:
        run = await self._server.find_run(exchange.request.path_params["run_id"], caller.principal)
        await self._server.resume(exchange, run)

    async def _stop(self, exchange: Exchange, caller: Caller) -> None:
        run_id = exchange.request.path_params["run_id"]
        running = await self._server.stop_run(run_id, caller.principal)
        status = "stopping" if running else "ended"
        await exchange.answer(202 if running else 200, encode({"run_id": run_id, "status": status}))

    # What is known without a run

    async def _input_schema(self, exchange: Exchange, caller: Caller) -> None:
        await self._answer_schema(exchange, self._configured(exchange).get_input_schema())

    async def _output_schema(self, exchange: Exchange, caller: Caller) -> None:
        await self._answer_schema(exchange, self._configured(exchange).get_output_schema())

    async def _config_schema(self, exchange: Exchange, caller: Caller) -> None:
        await self._answer_schema(exchange, self._configured(exchange).config_schema(include=self.options.config_keys))

    async def _answer_schema(self, exchange: Exchange, schema: Any) -> None:
        await exchange.answer(200, encode(schema.model_json_schema()))

    async def _describe_playground(self, exchange: Exchange, caller: Caller) -> None:
        body = describe_playground(self._configured(exchange), self._name, self.options.config_keys)
        await exchange.answer(200, body)

    def _configured(self, exchange: Exchange) -> Runnable[Any, Any]:
        config = self._hash_config(exchange)
        return self.runnable.with_config(config) if config else self.runnable  # type: ignore[arg-type]  # it was checked

    async def _feedback(self, exchange: Exchange, caller: Caller) -> None:
        body = await exchange.read_json()
        if (
            not isinstance(body, dict)
            or not isinstance(body.get("run_id"), str)
            or not isinstance(body.get("key"), str)
        ):
            raise refuse("run_id", "feedback is an object with run_id and key, which are texts")
        assert self.options.feedback is not None
        done = self.options.feedback(body, exchange.request)
        if inspect.isawaitable(done):
            await done
        await exchange.answer(200, encode({"run_id": body["run_id"], "key": body["key"]}))

    # What a request says

    async def _read(self, exchange: Exchange, needed: str) -> dict[str, Any]:
        body = await exchange.read_json()
        if not isinstance(body, dict):
            detail = [{"type": "model_type", "loc": [], "msg": "Input should be an object"}]
            raise RequestError("the body is not an object", status=422, detail=detail)
        if needed not in body:
            detail = [{"type": "missing", "loc": [needed], "msg": "Field required"}]
            raise RequestError(f"the body has no {needed!r}", status=422, detail=detail)
        if body.get("kwargs"):
            raise refuse("kwargs", "keyword arguments are not taken from clients: serve chain.bind(…) instead")
        return body

    def _hash_config(self, exchange: Exchange) -> dict[str, Any]:
        text = exchange.request.path_params.get("config_hash")
        return self._rules.project(decode_config_hash(text)) if text is not None else {}

    async def _config(
        self, exchange: Exchange, caller: Caller, given: Any, verb: str, *, new_id: bool = False
    ) -> RunnableConfig:
        client = [self._hash_config(exchange), self._rules.project(given)]
        run_id = uuid.uuid4() if new_id else exchange.run_id
        config = await make_config(
            client,
            caller,
            self.options.modifier,
            exchange.request,
            run_name=self._name,
            run_id=run_id,
            endpoint=verb,
        )
        return self._server.watch(config)


def _read_input(body: dict[str, Any]) -> Any:
    """The input; Prill's client sends it a second time where it holds objects, in the form that says what they are."""
    if "input_objects" not in body:
        return body["input"]
    try:
        return decode_objects(body["input_objects"])
    except ConfigError as error:
        raise refuse("input_objects", error.message) from None


def _started(exchange: Exchange) -> RunStarted:
    return RunStarted(str(exchange.run_id), exchange.request_id)


def _each_config(config: Any, length: int) -> Sequence[Any]:
    if not isinstance(config, list):
        return [config] * length
    if len(config) != length:
        text = f"Number of configs ({len(config)}) must match number of inputs ({length})"
        raise RequestError(text, status=422)
    return config
