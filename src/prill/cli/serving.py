"""``prill serve``: an application or a chain of the user's, behind HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any

from prill.cli.loading import load_object
from prill.errors import ConfigError, MissingDependencyError
from prill.runnables.base import coerce_to_runnable
from prill.serve import App, RunStore, Settings, open_store, require_key

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("prill serve needs uvicorn: pip install 'prill[serve]'") from error

_OPTIONS = "PRILL_SERVE_OPTIONS"
"""The environment variable in which worker processes find the options."""

KEYS = "PRILL_SERVE_KEYS"
"""The environment variable with the keys that clients may show, with commas between them."""

_CONVERSATIONS = {"thread_id", "session_id"}
"""The fields that name a conversation: of agents with threads, and of chains with a history."""


@dataclass(frozen=True)
class ServeOptions:
    """What the command was given.

    Args:
        target: ``module:name`` of an ``App`` or a Runnable.
        host: the address to listen at.
        port: the port.
        workers: how many processes.
        store: the address of the store of runs.
        reload: whether to start again when a file changes.
        show_steps: whether events show all steps.
        without_key: whether other machines may use it although nobody has to show a key.
    """

    target: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    store: str | None = None
    reload: bool = False
    show_steps: bool = False
    without_key: bool = False


def serve(options: ServeOptions, say: Callable[[str], None]) -> None:
    """Serve until the process is asked to end.

    Raises:
        ConfigError: the target cannot be served, or other machines could use it without a key.
    """
    if not (options.without_key or os.environ.get(KEYS) or _is_loopback(options.host)):
        raise ConfigError(
            f"other machines could use this server without a key: set {KEYS}, or give --without-key to allow it"
        )
    app = make_app(options)  # here too, so that what is wrong is said before any worker starts
    for line in describe(app, f"http://{_shown(options.host)}:{options.port}"):
        say(line)
    os.environ[_OPTIONS] = json.dumps(asdict(options))
    # With one process the application goes over as it is; others make their own.
    alone = options.workers == 1 and not options.reload
    uvicorn.run(
        app if alone else "prill.cli.serving:make_worker_app",
        factory=not alone,
        host=options.host,
        port=options.port,
        workers=None if alone or options.reload else options.workers,
        reload=options.reload,
        log_level="info",
        server_header=False,
    )


def make_worker_app() -> App:
    """The application in a worker process."""
    return make_app(ServeOptions(**json.loads(os.environ[_OPTIONS])))


def make_app(options: ServeOptions) -> App:
    """The application that is served.

    Raises:
        ConfigError: the target is not an ``App`` or a Runnable, or cannot be found.
    """
    target = load_object(options.target)
    store = open_store(options.store) if options.store is not None else None
    if isinstance(target, App):
        target.server.workers = options.workers
        if store is not None:
            target.server.store = store
        return target
    return _serve_runnable(target, options, store)


def _serve_runnable(target: Any, options: ServeOptions, store: RunStore | None) -> App:
    name = options.target.rpartition(":")[2].rpartition(".")[2].replace("_", "-")
    keys = [key for key in os.environ.get(KEYS, "").split(",") if key]
    app = App(auth=require_key(keys) if keys else None, settings=Settings(), store=store)
    app.server.workers = options.workers
    target = coerce_to_runnable(target)
    # A conversation could not be had without its name. Other settings are not for clients.
    fields = {spec.id for spec in target.config_specs}
    config_keys = ["configurable"] if fields and fields <= _CONVERSATIONS else []
    app.add(f"/{name}", target, config_keys=config_keys, show="steps" if options.show_steps else "output")
    app.add_model(name, target)
    app.add_ui("/api/chat", target)
    return app


def describe(app: App, url: str) -> list[str]:
    """The addresses of what is served, one in a line."""
    lines = [f"{url}{each.path}/playground/ to try it" for each in app.added if "playground" in each.options.names]
    lines += [f"{url}{each.path}/invoke, /batch, /stream, /stream_events" for each in app.added]
    if app.models:
        lines.append(f"{url}/v1 for clients of OpenAI; models: {', '.join(app.models)}")
    lines += [f"{url}{path} for {protocol}" for path, protocol in app.uis.items()]
    return [*lines, f"{url}/openapi.json, /health, /ready"]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
