"""``App``: chains behind HTTP, as one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prill.errors import ConfigError, MissingDependencyError

try:
    from starlette.exceptions import HTTPException
    from starlette.middleware.cors import CORSMiddleware
    from starlette.routing import BaseRoute, Router
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingDependencyError(f"App needs {error.name}: pip install 'prill[serve]'") from error

from prill.runnables.base import coerce_to_runnable
from prill.serve.access import Caller, Hook
from prill.serve.configs import Modifier
from prill.serve.exchange import Exchange
from prill.serve.langserve import Feedback, RouteOptions, RunnableRoutes, render_failure
from prill.serve.objects import OBJECTS_HEADER
from prill.serve.openai_api import OpenAIRoutes, ServedModel
from prill.serve.openapi import make_document
from prill.serve.server import Server
from prill.serve.settings import OnDisconnect, Settings, Shown
from prill.serve.stores.base import RunStore
from prill.serve.turns import MakeInput, TextSource
from prill.serve.ui import Protocol, UIRoutes
from prill.serve.wire import encode


@dataclass(frozen=True)
class Cors:
    """Which pages of other sites may call the server from a browser.

    Args:
        origins: such as ``"https://example.org"``; ``"*"`` is any, and cannot be combined with ``credentials``.
        credentials: whether browsers send cookies and the like.

    Raises:
        ConfigError: there is no origin, or any with credentials.
    """

    origins: Sequence[str]
    credentials: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.origins, str) or not self.origins:
            raise ConfigError("origins is a list with at least one origin, such as ['https://example.org']")
        if "*" in self.origins and self.credentials:
            raise ConfigError("credentials cannot be allowed for any origin: name the origins")

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application, behind what answers the browser's questions."""
        return CORSMiddleware(
            app,
            allow_origins=self.origins,
            allow_credentials=self.credentials,
            allow_methods=["GET", "POST"],
            allow_headers=_SENT_HEADERS,
            expose_headers=_READ_HEADERS,
        )


_SENT_HEADERS = [
    *("authorization", "content-type", "last-event-id", "x-api-key", "x-request-id"),
    *(OBJECTS_HEADER, "prill-on-disconnect"),
]
_READ_HEADERS = ["prill-run-id", "retry-after", "x-request-id", "x-vercel-ai-ui-message-stream"]


class App:
    """Serves Runnables over HTTP. It is an ASGI application: ``uvicorn module:app``.

        app = App()
        app.add("/joke", prompt | model | StrOutputParser())

    Mounted in another application (``parent.mount("/chains", app)``) it works as it stands: it needs no lifespan. It
    then ends its streams at SIGTERM too; a parent may call ``await app.aclose()`` earlier.

    Args:
        auth: the hook that says who sends a request; see ``Hook`` and ``require_key``. Without it everybody may do
            everything, which is meant for this machine alone.
        settings: limits and times.
        store: where runs are kept that go on without their client; in memory by default.
        cors: which pages of other sites may call; none by default.
        title: the title of the OpenAPI document.
        metrics: whether runs are counted, for ``/metrics`` in Prometheus's format (the extra ``metrics``).
    """

    def __init__(
        self,
        *,
        auth: Hook | None = None,
        settings: Settings | None = None,
        store: RunStore | None = None,
        cors: Cors | None = None,
        title: str = "Prill",
        metrics: bool = False,
    ) -> None:
        self.server = Server(settings or Settings(), auth, store)
        self.title = title
        self.added: list[RunnableRoutes] = []
        self._openai: OpenAIRoutes | None = None
        self._uis: list[UIRoutes] = []
        self._router = Router(redirect_slashes=False, default=self._not_found)
        self._app: ASGIApp = self._router if cors is None else cors.wrap(self._router)
        self._add_routes(self._make_own_routes())
        if metrics:
            self._add_metrics()

    def add(
        self,
        path: str,
        runnable: Any,
        *,
        config_keys: Sequence[str] = (),
        per_req_config_modifier: Modifier | None = None,
        enabled_endpoints: Sequence[str] | None = None,
        disabled_endpoints: Sequence[str] | None = None,
        show: Shown = "output",
        log_names: Sequence[str] | None = None,
        on_disconnect: OnDisconnect = "cancel",
        feedback: Feedback | None = None,
    ) -> None:
        """Serve a Runnable with LangServe's routes: ``{path}/invoke``, ``batch``, ``stream``, ``stream_events``, ….

        Args:
            path: where, such as ``"/joke"``; ``""`` is the root.
            runnable: a Runnable, or whatever may be a step of a chain.
            config_keys: the parts of a config that clients may set; none by default.
            per_req_config_modifier: given the config and the request, returns the config of the run; it is called for
                each run, also within a batch.
            enabled_endpoints: the only endpoints to serve.
            disabled_endpoints: the endpoints not to serve.
            show: ``"steps"`` sends the events and logs of all steps, with prompts; by default only the outermost run's.
            log_names: the names of the only steps that events and logs show.
            on_disconnect: what happens to a stream when its client leaves.
            feedback: receives the JSON of ``POST {path}/feedback``.

        Raises:
            ConfigError: something is served at the path already, or an argument is wrong.
        """
        options = RouteOptions(
            config_keys,
            per_req_config_modifier,
            enabled_endpoints,
            disabled_endpoints,
            show,
            log_names,
            on_disconnect,
            feedback,
        )
        self.add_routes(RunnableRoutes(self.server, coerce_to_runnable(runnable), path, options))

    def add_model(
        self,
        name: str,
        runnable: Any,
        *,
        make_input: MakeInput | None = None,
        text: TextSource = "auto",
        per_req_config_modifier: Modifier | None = None,
    ) -> None:
        """Serve a Runnable as a model of OpenAI's API: ``/v1/chat/completions``, ``/v1/models``, ``/v1/responses``.

        A chat model is given the tools and parameters of a request; a chain says itself what its model does.

        Args:
            name: the model's name.
            runnable: a Runnable that answers with text or a message, or whose models do.
            make_input: makes the Runnable's input of the list of messages. By default its schema decides: a dict with
                ``messages``, the last message's text in the one variable there is, or the messages.
            text: ``"output"`` if the answer is the Runnable's output, ``"models"`` if it is what its models say, as
                with an agent; by default its output's schema decides.
            per_req_config_modifier: as for ``add``.

        Raises:
            ConfigError: the name is taken.
        """
        if self._openai is None:
            self._openai = OpenAIRoutes(self.server)
            self._add_routes(self._openai.make_routes())
        model = ServedModel(name, coerce_to_runnable(runnable), make_input, text, per_req_config_modifier)
        self._openai.add(model)

    def add_ui(
        self,
        path: str,
        runnable: Any,
        *,
        protocol: Protocol = "ai-sdk",
        make_input: MakeInput | None = None,
        text: TextSource = "auto",
        per_req_config_modifier: Modifier | None = None,
        on_disconnect: OnDisconnect = "cancel",
    ) -> None:
        """Serve a Runnable to a chat interface: the AI SDK's ``useChat``, or AG-UI.

        ``GET {path}/{chat}/stream`` reads a turn again that goes on, ``POST {path}/{chat}/stop`` stops it.

        Args:
            path: where, such as ``"/api/chat"``.
            runnable: as for ``add_model``.
            protocol: ``"ai-sdk"`` or ``"ag-ui"``.
            make_input: as for ``add_model``.
            text: as for ``add_model``.
            per_req_config_modifier: as for ``add``.
            on_disconnect: ``"continue"`` lets a turn go on without its client, who may come back.

        Raises:
            ConfigError: something is served at the path already, or an argument is wrong.
        """
        if protocol not in ("ai-sdk", "ag-ui"):
            raise ConfigError(f"protocol is 'ai-sdk' or 'ag-ui', not {protocol!r}")
        if any(each.path == path for each in self._uis):
            raise ConfigError(f"something is served at {path!r} already; give each Runnable a path of its own")
        model = ServedModel(path, coerce_to_runnable(runnable), make_input, text, per_req_config_modifier)
        routes = UIRoutes(self.server, path, model, protocol, on_disconnect)
        self._uis.append(routes)
        self._add_routes(routes.make_routes())

    def add_routes(self, routes: RunnableRoutes) -> None:
        """Serve routes that were made elsewhere.

        Raises:
            ConfigError: something is served at their path already.
        """
        if any(each.path == routes.path for each in self.added):
            raise ConfigError(f"something is served at {routes.path!r} already; give each Runnable a path of its own")
        self.added.append(routes)
        self._add_routes(routes.make_routes())

    @property
    def models(self) -> list[str]:
        """The names of the models that are served."""
        return list(self._openai.models) if self._openai is not None else []

    @property
    def uis(self) -> dict[str, Protocol]:
        """The protocols of chat interfaces, by their paths."""
        return {each.path: each.protocol for each in self._uis}

    async def aclose(self) -> None:
        """End open runs now, with an event, and give the store's connections back."""
        await self.server.aclose()
        await self.server.store.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._app(scope, receive, send)
        else:
            raise ConfigError(f"prill.serve answers HTTP only, not {scope['type']}")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.server.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _add_routes(self, routes: Sequence[BaseRoute]) -> None:
        self._router.routes.extend(routes)

    def _make_own_routes(self) -> list[BaseRoute]:
        route = self.server.route
        return [
            route("/health", self._health, "GET", render_failure, public=True),
            route("/ready", self._ready, "GET", render_failure, public=True),
            route("/openapi.json", self._openapi, "GET", render_failure),
        ]

    def _add_metrics(self) -> None:
        from prill.serve.metrics import CONTENT_TYPE, Metrics  # noqa: PLC0415 - needs an extra

        numbers = Metrics()
        self.server.observers.append(numbers)

        async def answer(exchange: Exchange, caller: Caller) -> None:
            await exchange.answer(200, numbers.write(), {"content-type": CONTENT_TYPE})

        self._add_routes([self.server.route("/metrics", answer, "GET", render_failure)])

    async def _health(self, exchange: Exchange, caller: Caller) -> None:
        await exchange.answer(200, b'{"status":"ok"}')

    async def _ready(self, exchange: Exchange, caller: Caller) -> None:
        draining = self.server.draining
        await exchange.answer(503 if draining else 200, b'{"status":"draining"}' if draining else b'{"status":"ready"}')

    async def _openapi(self, exchange: Exchange, caller: Caller) -> None:
        root = exchange.request.scope.get("root_path", "")
        document = make_document(self.added, title=self.title)
        servers = {"servers": [{"url": root}]} if root else {}
        await exchange.answer(200, encode({**document, **servers}))

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.server.asgi(_refuse_unknown, render_failure)(scope, receive, send)


async def _refuse_unknown(exchange: Exchange, caller: Caller) -> None:
    raise HTTPException(404, "Not Found")
