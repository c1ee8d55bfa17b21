"""``prill replay``: a server that stands in for providers."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from prill.testing.faults import Faults
from prill.testing.replay_server import ReplayServer
from prill.testing.script import read_script, repeat_replies


def run_replay(script: Path | None, port: int, pace: float) -> None:
    """Serve the replies of ``script`` again and again, or an echo, until Ctrl-C is pressed.

    Args:
        script: a file that ``read_script`` reads; without one, questions are repeated.
        port: where to listen; 0 is any free port.
        pace: seconds between two pieces of an answer.

    Raises:
        ConfigError: the script cannot be used, or the port is taken.
    """
    replies = None if script is None else read_script(script)
    with ReplayServer(port=port, faults=Faults(pace=pace)) as server:
        if replies is not None:
            server.replies(repeat_replies(replies))
        print(f"Listening at {server.url}. In another terminal:", flush=True)
        print(f"  prill chat -m openai:any-name --base-url {server.openai_url}", flush=True)
        print(f"  prill chat -m anthropic:any-name --base-url {server.anthropic_url}", flush=True)
        Event().wait()
