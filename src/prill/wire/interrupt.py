"""A network backend whose blocked reads end when their run is stopped from another thread."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpcore2
import httpx2

from prill.io import interruptible
from prill.io.scope import current_scope


class Interrupted(BaseException):
    """A blocked call was ended because its run was stopped.

    Not an ``Exception``: the SDKs would take it for a lost connection, wait, and ask again.
    """


_LEAST = 0.001
"""Seconds; 0 would make the socket one that does not block, and fails differently."""


class InterruptibleStream(httpcore2.NetworkStream):
    """A connection whose blocking calls register a way out in the current scope.

    ``deadline`` (``time.monotonic``) is when a read ends with ``ReadTimeout`` at the latest; ``None`` means whenever
    its own timeout says.
    """

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner
        self.deadline: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.deadline is not None:
            left = max(self.deadline - time.monotonic(), _LEAST)  # what has come already is read however late it is
            timeout = left if timeout is None else min(timeout, left)
        with interrupting(self.shut_down):
            return self._inner.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with interrupting(self.shut_down):
            self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        return InterruptibleStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def shut_down(self) -> None:
        shut_down(self._inner)


@contextlib.contextmanager
def interrupting(way_out: Callable[[], None]) -> Iterator[None]:
    """Let the current scope end what blocks inside; however that then fails, it is ``Interrupted``."""
    scope = current_scope()
    if scope is None:
        yield
        return
    if scope.cancelled:
        raise Interrupted
    try:
        with interruptible(way_out):
            yield
    except Exception as error:
        if scope.cancelled:
            raise Interrupted from error
        raise
    if scope.cancelled:
        raise Interrupted


def shut_down(stream: Any) -> None:
    """End a blocked read of ``stream`` at once; closing its descriptor would not wake it."""
    connection = stream.get_extra_info("socket")
    if connection is not None:
        # For TLS the plain shutdown of the socket beneath: a polite one would wait for the peer.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


class InterruptibleBackend(httpcore2.SyncBackend):
    """The usual blocking backend, with interruptible connections."""

    def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        return InterruptibleStream(super().connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> Any:
        return InterruptibleStream(super().connect_unix_socket(*args, **kwargs))


def make_interruptible(client: httpx2.Client) -> None:
    """Give the client's connections ways out.

    httpcore takes a backend when a pool is made, but httpx has no argument that passes one on; so it is put into the
    pools that the client has just made. A transport without such a pool keeps its own way of connecting.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None and hasattr(pool, "_network_backend"):
            pool._network_backend = InterruptibleBackend()
