"""``add_routes``: a Runnable on an application that is there already, with LangServe's arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from prill.callbacks.config import Config
from prill.errors import ConfigError
from prill.runnables.base import coerce_to_runnable
from prill.serve.access import Hook
from prill.serve.langserve import Feedback, RouteOptions, RunnableRoutes
from prill.serve.openapi import make_document, merge_document
from prill.serve.server import JSONRoute, Server
from prill.serve.settings import OnDisconnect, Settings, Shown
from prill.serve.stores.base import RunStore


class _Parent:
    """What is served on one application of the user's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.added: list[RunnableRoutes] = []


_STATE = "_prill_serve"
"""The attribute of an application that holds its ``_Parent``; routers cannot be keys of dictionaries."""


def add_routes(
    app: Any,
    runnable: Any,
    *,
    path: str = "",
    input_type: Any = "auto",
    output_type: Any = "auto",
    config_keys: Sequence[str] = ("configurable",),
    include_callback_events: bool = False,
    per_req_config_modifier: Callable[[dict[str, Any], Request], Config | Awaitable[Config]] | None = None,
    enable_feedback_endpoint: bool = False,
    token_feedback_config: Any = None,
    enable_public_trace_link_endpoint: bool = False,
    disabled_endpoints: Sequence[str] | None = None,
    enabled_endpoints: Sequence[str] | None = None,
    stream_log_name_allow_list: Sequence[str] | None = None,
    dependencies: Sequence[Any] | None = None,
    playground_type: Literal["default", "chat"] = "default",
    astream_events_version: Literal["v1", "v2"] = "v2",
    serializer: Any = None,
    show: Shown = "steps",
    on_disconnect: OnDisconnect = "cancel",
    feedback: Feedback | None = None,
    auth: Hook | None = None,
    settings: Settings | None = None,
    store: RunStore | None = None,
) -> None:
    """Serve a Runnable on a FastAPI or Starlette application, or a router of one.

    The arguments up to ``serializer`` are LangServe's; those for LangSmith are refused. On a FastAPI application the
    paths appear in its OpenAPI document. ``show``, ``on_disconnect`` and ``feedback`` are as for ``App.add``; ``auth``,
    ``settings`` and ``store`` as for ``App``, and are given with the first call for an application.

    Raises:
        ConfigError: something is served at the path already, or an argument cannot be used.
    """
    _refuse_unsupported(
        include_callback_events=include_callback_events,
        token_feedback_config=token_feedback_config,
        enable_public_trace_link_endpoint=enable_public_trace_link_endpoint,
        serializer=serializer,
        enable_feedback_endpoint=enable_feedback_endpoint and feedback is None,
        astream_events_version=astream_events_version != "v2",
    )
    step = _with_types(coerce_to_runnable(runnable), input_type=input_type, output_type=output_type)
    chosen_names = enabled_endpoints, disabled_endpoints
    names = stream_log_name_allow_list
    options = RouteOptions(config_keys, per_req_config_modifier, *chosen_names, show, names, on_disconnect, feedback)
    parent = _parent_for(app, auth, settings, store)
    place = f"{getattr(app, 'prefix', '')}{path}"
    _serve(app, parent, RunnableRoutes(parent.server, step, place, options), dependencies)


def _with_types(step: Any, **types: Any) -> Any:
    chosen = {name: kind for name, kind in types.items() if kind != "auto"}
    return step.with_types(**chosen) if chosen else step


def _serve(app: Any, parent: _Parent, routes: RunnableRoutes, dependencies: Sequence[Any] | None) -> None:
    if any(each.path == routes.path for each in parent.added):
        raise ConfigError(
            f"something is served at {routes.path!r} of this application already; give each Runnable its path"
        )
    parent.added.append(routes)
    for route in routes.make_routes():
        _add(app, route, dependencies)


def _refuse_unsupported(**given: Any) -> None:
    hints = {
        "include_callback_events": "clients can read `stream_events`",
        "token_feedback_config": "it belongs to LangSmith; use feedback=",
        "enable_public_trace_link_endpoint": "it belongs to LangSmith",
        "enable_feedback_endpoint": "give feedback= too, a function that receives what clients say",
        "astream_events_version": "events are those of v2",
        "serializer": "outputs may be any type of prill.serve.wire; return a dict or a model for others",
    }
    for name, value in given.items():
        if value:
            raise ConfigError(f"prill.serve does not have this {name}: {hints[name]}")


def _parent_for(app: Any, auth: Hook | None, settings: Settings | None, store: RunStore | None) -> _Parent:
    found: _Parent | None = vars(app).get(_STATE)
    if found is None:
        found = _Parent(Server(settings or Settings(), auth, store))
        vars(app)[_STATE] = found
        if callable(make := getattr(app, "openapi", None)):
            app.openapi = _with_own_paths(make, found)
        return found
    for name, value in (("auth", auth), ("settings", settings), ("store", store)):
        if value is not None and value is not getattr(found.server, name):
            raise ConfigError(f"give {name} with the first add_routes for an application; it is the same for all")
    return found


def _with_own_paths(make: Callable[[], dict[str, Any]], parent: _Parent) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        return merge_document(make(), make_document(parent.added))

    return openapi


def _add(app: Any, route: JSONRoute, dependencies: Sequence[Any] | None) -> None:
    if not dependencies:
        getattr(app, "router", app).routes.append(route)
        return
    if not hasattr(app, "add_api_route"):
        raise ConfigError("dependencies are FastAPI's: give add_routes a FastAPI application or router")

    async def endpoint(request: Request) -> Response:
        return _Passed(route.app)

    path = route.path.removeprefix(getattr(app, "prefix", ""))  # a router puts it in front again
    endpoint.__annotations__ = {"request": Request, "return": Response}  # FastAPI evaluates texts in its own way
    app.add_api_route(
        path,
        endpoint,
        methods=sorted(route.methods or ()),
        dependencies=dependencies,
        include_in_schema=False,
        name=route.name,
        response_model=None,
    )


class _Passed(Response):
    """Leaves the answer to another application."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
