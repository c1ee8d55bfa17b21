"""``prill traces``: the page of recorded runs, on this machine alone."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

from prill.errors import ConfigError, MissingDependencyError
from prill.traces.app import make_app

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("prill traces needs uvicorn: pip install 'prill[serve]'") from error

HOST = "127.0.0.1"


def show_traces(
    path: Path, *, port: int, lang: str | None, opens: bool, say: Callable[[str], None] = lambda line: print(line)
) -> None:
    """Show the page until Ctrl-C is pressed.

    Args:
        path: the file that ``record`` wrote.
        port: where to listen; 0 is any free port.
        lang: the language of the page; by default the browser's.
        opens: whether to open the page in a browser.
        say: is called with the address.

    Raises:
        ConfigError: there is no such file, or the port is taken.
    """
    app = make_app(path, lang=lang)
    with _listen(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}/"
        say(f"{path} at {url} until Ctrl-C")
        if opens:
            webbrowser.open(url)  # it waits for the answer: the port is open already
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
        server.run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=64)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be listened at: {error.strerror}. Give another: --port 0") from error
