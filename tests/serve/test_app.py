"""``App``: what is served where, health, OpenAPI, and being part of another application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel
from tests.serve.chains import ask, joke, model
from tests.serve.serving import Served, serving

from prill.errors import ConfigError
from prill.runnables import RunnableLambda
from prill.serve import App

VERBS = ["invoke", "batch", "stream", "stream_log", "stream_events"]
SCHEMAS = ["input_schema", "output_schema", "config_schema"]


class Node(BaseModel):
    """A recursive schema."""

    name: str
    children: list[Node] = []


def other_node() -> type[BaseModel]:
    class Node(BaseModel):
        value: int

    return Node


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = App()
    app.add("/joke", joke())
    app.add("/few", joke(), enabled_endpoints=["invoke", "input_schema"])
    app.add("/most", joke(), disabled_endpoints=["batch", "config_hashes"])
    app.add("/model", model())
    app.add("/tree", RunnableLambda(lambda x: x).with_types(input_type=Node, output_type=list[Node]))
    app.add("/node", RunnableLambda(lambda x: x).with_types(input_type=other_node()))
    with serving(app) as served:
        yield served


@pytest.mark.parametrize(
    "prefix", ["/joke", "/joke/c/N4Igxg9gdgZglgcwK4CcCGAjANgUxALgAJQUcBnAB2jPIMIG0QYUIBbQgCzTI5AF0AvgKA"]
)
@pytest.mark.parametrize("name", [*VERBS, *SCHEMAS])
def test_all_paths_of_langserve_are_there(server: Served, prefix: str, name: str) -> None:
    answer = ask(server.port, f"{prefix}/{name}", None if name in SCHEMAS else {})
    # The config in this address sets a field that the chain does not open.
    assert answer.status == (422 if "/c/" in prefix or name in VERBS else 200)


def test_endpoints_are_enabled_and_disabled_by_name(server: Served) -> None:
    found = {
        path: [name for name in VERBS if ask(server.port, f"/{path}/{name}", {}).status != 404]
        for path in ("few", "most")
    }
    assert found == {"few": ["invoke"], "most": ["invoke", "stream", "stream_log", "stream_events"]}
    assert ask(server.port, "/few/input_schema").status == 200
    assert ask(server.port, "/few/output_schema").status == 404
    assert ask(server.port, "/most/c/abc/invoke", {}).status == 404


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"enabled_endpoints": [], "disabled_endpoints": []}, "not both"),
        ({"enabled_endpoints": ["invok"]}, "invok"),
        ({"config_keys": ["callbacks"]}, "callbacks"),
        ({"config_keys": ["run_name"]}, "run_name"),
    ],
)
def test_wrong_options_are_refused_at_the_start(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        App().add("/x", joke(), **options)


@pytest.mark.parametrize("path", ["x", "/x/"])
def test_a_malformed_path_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(ConfigError, match="a path starts with"):
        App().add(path, joke())


def test_one_path_for_two_runnables_is_refused_at_the_start() -> None:
    app = App()
    app.add("/x", joke())
    with pytest.raises(ConfigError, match="already"):
        app.add("/x", joke())


def test_feedback_is_handed_on_where_somebody_takes_it(server: Served) -> None:
    taken: list[Any] = []
    app = App()
    app.add("/x", joke(), feedback=lambda said, request: taken.append(said))
    with serving(app) as served:
        said = {"run_id": "r", "key": "k", "score": 1}
        assert ask(served.port, "/x/feedback", said).status == 200
        assert ask(served.port, "/x/feedback", {"score": 1}).status == 422
    assert taken == [said]
    assert ask(server.port, "/joke/feedback", said).status == 404


def test_health_and_readiness_are_public(server: Served) -> None:
    assert ask(server.port, "/health").json == {"status": "ok"}
    assert ask(server.port, "/ready").json == {"status": "ready"}
    assert ask(server.port, "/health", method="HEAD").status == 200


def test_a_draining_server_is_not_ready_and_refuses_runs() -> None:
    app = App()
    app.add("/x", joke())
    with serving(app) as server:
        server.call(app.server.drain)
        assert ask(server.port, "/ready").status == 503
        assert ask(server.port, "/health").status == 200
        refused = ask(server.port, "/x/invoke", {"input": {"topic": "x"}})
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")


def test_the_openapi_document_is_valid_and_has_every_path(server: Served) -> None:
    document = ask(server.port, "/openapi.json").json
    validate(document)
    for path in ("joke", "tree", "node", "model"):
        assert {f"/{path}/{name}" for name in [*VERBS, *SCHEMAS]} <= set(document["paths"])
    assert "/few/batch" not in document["paths"]


def test_equally_named_models_of_two_routes_keep_their_schemas(server: Served) -> None:
    schemas = ask(server.port, "/openapi.json").json["components"]["schemas"]
    assert "children" in str(schemas["tree_input_Node"])
    assert "children" not in str(schemas["node_input"])


def test_it_works_mounted_in_fastapi_without_a_lifespan() -> None:
    from fastapi import FastAPI

    app = App()
    app.add("/joke", joke())
    parent = FastAPI()
    parent.mount("/chains", app)
    with serving(parent) as server:
        assert ask(server.port, "/chains/joke/invoke", {"input": {"topic": "x"}}).status == 200
        document = ask(server.port, "/chains/openapi.json").json
    assert document["servers"] == [{"url": "/chains"}]
    validate(document)
