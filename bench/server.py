"""A ReplayServer in a process of its own, so that its work is not counted: ``python -m bench.server <tokens>``.

It says its address, and ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

BATCH = 64
"""How many events go into one write, as from a server that is faster than its reader."""


@contextlib.contextmanager
def running(tokens: int) -> Iterator[str]:
    """The address of a server that answers with ``tokens`` tokens, or a tool call in as many pieces if it has tools."""
    command = [sys.executable, "-m", "bench.server", str(tokens)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def serve(tokens: int) -> None:
    from prill.testing import ReplayServer, Reply

    text = Reply([f"word{index % 97} " for index in range(tokens)], batch=BATCH)
    arguments = json.dumps({"text": "x" * (8 * tokens)})[: 8 * tokens - 2] + '"}'
    call = Reply(tool_calls=[{"name": "write", "args": arguments, "id": "call_1"}], fragment=8, batch=BATCH)
    with ReplayServer() as server:
        server.replies(lambda request: call if (request.json or {}).get("tools") else text)
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
