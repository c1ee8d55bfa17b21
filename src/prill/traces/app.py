"""The page of ``prill traces``: a small application that shows one file on this machine."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from prill.errors import MissingDependencyError, PrillError
from prill.traces.comparing import compare_runs
from prill.traces.file import TraceFile
from prill.traces.replaying import replay_run

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise MissingDependencyError("prill traces needs starlette: pip install 'prill[serve]'") from error

from prill.serve.playground.pages import PAGE_HEADERS, PAGE_TYPES, load_files

_FILES = Path(__file__).parent / "page"
_SHARED = ("look.css", "look.js")
"""Files of the playground that this page uses too."""

_HOSTS = frozenset(("127.0.0.1", "localhost", "[::1]"))
_LONGEST_BODY = 16 * 1024 * 1024
_PAGE = 100
_FILTERS = ("name", "tag", "status", "model", "text")


def make_app(path: str | Path, *, lang: str | None = None) -> Starlette:
    """The application over one file of recorded runs.

    It answers only requests to this machine by its own name, and asks models only for its own page: a request has to
    show a token that is in the page.

    Args:
        path: the file that ``record`` wrote.
        lang: ``en`` or ``zh``; by default the browser's language.

    Raises:
        ConfigError: the file does not exist, or is none of SQLite.
        MissingDependencyError: starlette is not installed.
    """
    pages = TracePages(TraceFile(path), lang)
    routes = [
        Route("/", pages.index),
        Route("/api/about", pages.answer(pages.describe)),
        Route("/api/runs", pages.answer(pages.list_runs)),
        Route("/api/trees/{id}", pages.answer(pages.read_tree)),
        Route("/api/runs/{id}", pages.answer(pages.read_run)),
        Route("/api/comparison/{left}/{right}", pages.answer(pages.compare)),
        Route("/api/replays", pages.replay, methods=["POST"]),
        Route("/{name}", send_file),
    ]
    return Starlette(routes=routes, middleware=[Middleware(LocalOnly)])


class LocalOnly:
    """Refuses requests by another name than this machine's own, which pages of other sites could bring about.

    A page whose name was led to 127.0.0.1 has that name in ``Host``; one of another site is in ``Origin``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            host, origin = request.headers.get("host", ""), request.headers.get("origin")
            name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
            if name not in _HOSTS or (origin is not None and origin != f"http://{host}"):
                await Response("this page is for this machine only", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class TracePages:
    """What the page asks of one file."""

    def __init__(self, file: TraceFile, lang: str | None) -> None:
        self._file = file
        self._lang = lang
        self._token = secrets.token_urlsafe(32)

    async def index(self, request: Request) -> Response:
        """The page, with the token and the language in it."""
        html = load_files(_FILES)["index.html"].decode()
        html = html.replace("{{token}}", self._token).replace("{{lang}}", self._lang or "")
        return Response(html, headers={**PAGE_HEADERS, "cache-control": "no-store"}, media_type="text/html")

    def answer(self, read: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """An endpoint that answers with what ``read`` returns, in a thread: reading a large file takes a while."""

        async def answer(request: Request) -> Response:
            try:
                return _send(await run_in_threadpool(read, request))
            except PrillError as error:
                return _send({"error": str(error)}, 400)

        return answer

    def describe(self, request: Request) -> Any:
        """The file's name, and the tags and models that occur in it."""
        return {"file": Path(self._file.path).name, "path": self._file.path, **self._file.list_names()}

    def list_runs(self, request: Request) -> Any:
        """A page of root runs, the newest first, and whether there are more."""
        given = request.query_params
        filters: dict[str, Any] = {name: given[name] for name in _FILTERS if given.get(name)}
        for name in ("since", "until"):
            if given.get(name):
                try:
                    filters[name] = float(given[name])
                except ValueError:
                    raise HTTPException(400, f"{name} must be a number of seconds") from None
        runs = self._file.list_roots(filters, _PAGE + 1)
        return {"runs": runs[:_PAGE], "more": len(runs) > _PAGE}

    def read_tree(self, request: Request) -> Any:
        """All runs of a tree."""
        return {"runs": self._file.read_tree(request.path_params["id"])}

    def read_run(self, request: Request) -> Any:
        """One run with its values."""
        return self._read(request.path_params["id"])

    def compare(self, request: Request) -> Any:
        """Two runs, and the lines of their values side by side."""
        both = [self._read(request.path_params[side]) for side in ("left", "right")]
        left, right = (self._file.with_totals([run])[0] if run["parent"] is None else run for run in both)
        facts = [{name: run[name] for name in run if name not in ("input", "output")} for run in (left, right)]
        return {"left": facts[0], "right": facts[1], "parts": compare_runs(left, right)}

    def _read(self, id: str) -> dict[str, Any]:
        run = self._file.read_run(id)
        if run is None:
            raise HTTPException(404, "there is no such run")
        return run

    async def replay(self, request: Request) -> Response:
        """Ask a recorded model again."""
        if not secrets.compare_digest(request.headers.get("x-prill-token", "").encode(), self._token.encode()):
            return _send({"error": "the token is missing: load the page again"}, 403)
        if int(request.headers.get("content-length", _LONGEST_BODY + 1)) > _LONGEST_BODY:
            return _send({"error": "the request is too large"}, 413)
        try:
            asked = json.loads(await request.body())
            id = await run_in_threadpool(replay_run, self._file, asked["run"], asked["input"], asked.get("model"))
        except (PrillError, ImportError) as error:
            return _send({"error": str(error)}, 400)
        except (ValueError, KeyError, TypeError) as error:
            return _send({"error": f"this is not a replay: {type(error).__name__}"}, 400)
        return _send({"run": id})


def _send(value: Any, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return JSONResponse(value, status, headers)


@cache
def _static_files() -> dict[str, bytes]:
    shared = {name: load_files()[name] for name in _SHARED}
    return {**shared, **load_files(_FILES)}


async def send_file(request: Request) -> Response:
    """A file of the page; only the names of its folder exist, so no path leads out of it."""
    name = request.path_params["name"]
    body = _static_files().get(name) if name != "index.html" else None
    if body is None:
        raise HTTPException(404, "Not Found")
    return Response(body, headers=PAGE_HEADERS, media_type=PAGE_TYPES[Path(name).suffix])
