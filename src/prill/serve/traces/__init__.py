"""The trace viewer: a page over a file of recorded runs, for this machine alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prill.errors import ConfigError, MissingDependencyError

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise MissingDependencyError(f"the trace viewer needs {error.name}: pip install 'prill[serve]'") from error

from pydantic_core import from_json

from prill.bulk.cost import Prices, get_cost
from prill.chat_models import init_chat_model
from prill.io import get_asyncio_mode
from prill.messages.convert import convert_to_messages
from prill.serve.playground.pages import HEADERS, load_files
from prill.serve.wire import encode
from prill.tracers.plain_json import as_json
from prill.tracers.run_file import RunFile

_OWN = Path(__file__).parent
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
_LARGEST = 4 * 1024 * 1024
"""Bytes of a request to replay a call."""
_KEPT = ("temperature", "max_tokens", "top_p")
"""The settings of a recorded call that are used again."""

MakeModel = Callable[..., Any]


class TraceViewer:
    """An ASGI application: the page, and the runs as JSON. Serve it at the loopback only.

    Requests for other hosts are refused (a page elsewhere could reach it through a name of its own), and a call of a
    model is replayed only for a request with the token that the page was given.

    Args:
        path: the file that ``record`` wrote.
        prices: ``{"gpt-4o-mini": (0.15, 0.60)}``, the price of a million tokens read and written.
        make_model: makes the model for a replay; ``init_chat_model``, whose key is in the environment.

    Raises:
        ConfigError: there is no such file, or it holds something else.
    """

    def __init__(self, path: str, prices: Prices | None = None, make_model: MakeModel = init_chat_model) -> None:
        if not Path(path).is_file():
            raise ConfigError(f"there is no file {path!r}: record runs with prill.record(to={path!r})")
        self._file = RunFile(path)
        self._prices = prices
        self._make_model = make_model
        self._token = secrets.token_urlsafe(24)
        routes = [
            Route("/api/runs", self._list_roots),
            Route("/api/runs/{id}", self._read_tree),
            Route("/api/session", self._start_session),
            Route("/api/replay", self._replay, methods=["POST"]),
            Route("/{name:path}", self._send_file),
        ]
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS, www_redirect=False)
        self._app = Starlette(routes=routes, middleware=[hosts])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def _send_file(self, request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        own = {path.name: path for path in _OWN.iterdir() if path.suffix in _TYPES}
        body = own[name].read_bytes() if name in own else _shared_files().get(name)
        if body is None:
            raise HTTPException(404, "Not Found")
        return Response(body, headers={**HEADERS, "content-type": f"{_TYPES[Path(name).suffix]}; charset=utf-8"})

    async def _list_roots(self, request: Request) -> Response:
        asked = request.query_params
        filters: dict[str, Any] = {
            name: asked[name] for name in ("text", "name", "tag", "status", "model") if name in asked
        }
        filters["since"] = _number(asked, "since", 0.0)
        filters["limit"], filters["offset"] = (int(_number(asked, *each)) for each in (("limit", 100), ("offset", 0)))
        return _answer(await _read(lambda: self._file.list_roots(**filters)))

    async def _read_tree(self, request: Request) -> Response:
        runs = await _read(lambda: self._file.read_tree(request.path_params["id"]))
        if not runs:
            raise HTTPException(404, "there is no such run")
        return _answer([{**run, "cost": self._find_cost(run)} for run in runs])

    def _find_cost(self, run: Mapping[str, Any]) -> float | None:
        if run["model"] is None or run["input_tokens"] is None:
            return None
        read, written = run["input_tokens"], run["output_tokens"] or 0
        cached: Any = {"input_token_details": {"cache_read": run["cached_tokens"] or 0}}
        usage: Any = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written, **cached}
        return get_cost({run["model"]: usage}, self._prices)

    async def _start_session(self, request: Request) -> Response:
        return _answer({"token": self._token, "file": self._file.path})

    async def _replay(self, request: Request) -> Response:
        self._check_sender(request)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST:
                raise HTTPException(413, "the request is too long")
        try:
            asked = from_json(body)
            run = await _read(lambda: self._file.read_run(str(asked["id"])))
            messages = convert_to_messages(asked["messages"])
        except Exception as error:  # whatever is wrong with it, the sender has to know
            raise HTTPException(400, f"the request cannot be read: {error}") from error
        if run is None or run["kind"] != "chat_model":
            raise HTTPException(404, "there is no such call of a chat model")
        try:
            answer = await self._find_model(run).ainvoke(messages)
        except Exception as error:  # shown on the page: a missing key, a refusal of the provider
            return _answer({"error": f"{type(error).__name__}: {error}"})
        return _answer({"message": as_json(answer)})

    def _check_sender(self, request: Request) -> None:
        origin = request.headers.get("origin")
        same = origin is None or origin == f"http://{request.headers.get('host')}"
        given = request.headers.get("prill-token", "").encode()
        if not same or not secrets.compare_digest(given, self._token.encode()):
            raise HTTPException(403, "this request is not from the page of the viewer")

    def _find_model(self, run: Mapping[str, Any]) -> Any:
        provider = (run["metadata"] or {}).get("ls_provider")
        if not provider or not run["model"]:
            raise ConfigError("the record does not say which model this was")
        params = ((run["arguments"] or {}).get("invocation_params")) or {}
        settings = {name: params[name] for name in _KEPT if params.get(name) is not None}
        return self._make_model(f"{provider}:{run['model']}", **settings)


def _shared_files() -> Mapping[str, bytes]:
    """The files of the playground that this page uses too: looks, languages, and how values are shown."""
    shared = ("page.css", "texts.js", "form.js", "values.js")
    return {name: body for name, body in load_files().items() if name in shared}


async def _read(work: Callable[[], Any]) -> Any:
    """Read the file in a thread: a large one takes a while."""
    return await get_asyncio_mode().call(work)


def _number(asked: Mapping[str, str], name: str, default: float) -> float:
    try:
        return max(0.0, float(asked.get(name, default)))
    except ValueError as error:
        raise HTTPException(400, f"{name} is not a number") from error


def _answer(value: Any) -> Response:
    return Response(encode(value), headers={**HEADERS, "content-type": "application/json", "cache-control": "no-store"})
