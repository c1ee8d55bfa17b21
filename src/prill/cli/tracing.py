"""``prill traces``: the viewer of recorded runs, on this machine."""

from __future__ import annotations

from collections.abc import Callable

from prill.cli.bulk import read_prices
from prill.errors import MissingDependencyError
from prill.serve.traces import TraceViewer

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("prill traces needs uvicorn: pip install 'prill[serve]'") from error

HOST = "127.0.0.1"


def show_traces(path: str, port: int, price: list[str] | None, say: Callable[[str], None]) -> None:
    """Serve the viewer of a file until Ctrl-C.

    Raises:
        ConfigError: there is no such file, or it holds something else.
        OSError: the port is taken.
    """
    viewer = TraceViewer(path, read_prices(price))
    config = uvicorn.Config(viewer, host=HOST, port=port, log_level="warning", server_header=False)
    with config.bind_socket() as listener:
        say(f"The runs of {path} are shown at http://{HOST}:{listener.getsockname()[1]}/ until Ctrl-C is pressed.")
        uvicorn.Server(config).run(sockets=[listener])
    viewer.close()
