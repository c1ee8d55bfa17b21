"""``add_routes`` on applications of FastAPI and Starlette."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from openapi_spec_validator import validate
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from tests.serve.chains import ANSWER, ask, events, joke
from tests.serve.serving import serving

from prill.errors import ConfigError
from prill.runnables import RunnableLambda
from prill.serve import Settings, add_routes

BODY = {"input": {"topic": "x"}}


@pytest.mark.parametrize("make", [FastAPI, Starlette])
def test_it_serves_on_an_application(make: Any) -> None:
    app = make()
    add_routes(app, joke(), path="/joke")
    with serving(app) as server:
        assert ask(server.port, "/joke/invoke", BODY).json["output"] == ANSWER
        assert events(ask(server.port, "/joke/stream", BODY).text)[-1] == ("end", None)
        assert ask(server.port, "/joke/batch", {"inputs": [1]}).status == 422


def test_its_paths_are_in_fastapis_document() -> None:
    app = FastAPI()

    @app.get("/own")
    def own() -> str:
        return "own"

    add_routes(app, joke(), path="/joke")
    with serving(app) as server:
        document = ask(server.port, "/openapi.json").json
        assert ask(server.port, "/own").json == "own"
    assert {"/own", "/joke/invoke", "/joke/stream"} <= set(document["paths"])
    validate(document)


def test_it_serves_on_a_router_with_a_prefix() -> None:
    app, router = FastAPI(), APIRouter(prefix="/api")
    add_routes(router, joke(), path="/joke")
    app.include_router(router)
    with serving(app) as server:
        assert ask(server.port, "/api/joke/invoke", BODY).json["output"] == ANSWER


async def check_token(x_token: str = Header(default="")) -> None:
    if x_token != "right":
        raise HTTPException(401, "wrong token")


@pytest.mark.parametrize("verb", ["invoke", "stream", "stream_events"])
def test_dependencies_of_fastapi_are_asked_in_every_verb(verb: str) -> None:
    app = FastAPI()
    add_routes(app, joke(), path="/joke", dependencies=[Depends(check_token)])
    with serving(app) as server:
        assert ask(server.port, f"/joke/{verb}", BODY).status == 401
        answer = ask(server.port, f"/joke/{verb}", BODY, headers={"x-token": "right"})
    assert answer.status == 200
    assert ANSWER[0] in answer.text


def test_types_may_be_given() -> None:
    app = FastAPI()
    add_routes(app, RunnableLambda(lambda x: x), path="/x", input_type=int, output_type=int)
    with serving(app) as server:
        assert ask(server.port, "/x/invoke", {"input": "a"}).status == 422
        assert ask(server.port, "/x/input_schema").json["type"] == "integer"


def test_it_streams_through_a_middleware_of_starlette() -> None:
    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app = Starlette(middleware=[Middleware(BaseHTTPMiddleware, dispatch=pass_on)])
    add_routes(app, joke(), path="/joke")
    with serving(app) as server:
        assert events(ask(server.port, "/joke/stream", BODY).text)[-1] == ("end", None)


def test_one_path_twice_is_refused_and_the_same_path_of_two_applications_is_not() -> None:
    app = FastAPI()
    add_routes(app, joke(), path="/joke")
    add_routes(FastAPI(), joke(), path="/joke")
    with pytest.raises(ConfigError, match="already"):
        add_routes(app, joke(), path="/joke")


@pytest.mark.parametrize(
    "options",
    [
        {"include_callback_events": True},
        {"token_feedback_config": {"key_configs": []}},
        {"enable_public_trace_link_endpoint": True},
        {"enable_feedback_endpoint": True},
        {"astream_events_version": "v1"},
        {"enabled_endpoints": [], "disabled_endpoints": []},
    ],
    ids=str,
)
def test_what_is_not_there_is_refused_at_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        add_routes(FastAPI(), joke(), **options)


def test_settings_belong_to_the_application() -> None:
    app = FastAPI()
    add_routes(app, joke(), path="/a")
    with pytest.raises(ConfigError, match="settings"):
        add_routes(app, joke(), path="/b", settings=Settings())
