"""What both transports do alike: limits in time until the headers, and errors of libraries as ours."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator

from prill.providers.http.message import (
    AnswerTooLate,
    ConnectFailed,
    ConnectionBroken,
    FirstChunkTooLate,
    Headers,
    NotHTTP,
    Request,
    TransportError,
    UntrustedCertificate,
)

READ_BYTES = 64 * 1024
MAX_CONNECTIONS = 1000
"""How many connections are kept. In an event loop more requests wait for their turn; no limit in time counts that."""

Kinds = tuple[type[BaseException], ...]


class Sending:
    """A request on its way to the headers of its answer: how far it is, and so which failure an error is.

    Args:
        request: the request.
        not_http: the errors with which a library refuses bytes that are not HTTP.
    """

    def __init__(self, request: Request, not_http: Kinds) -> None:
        self.request = request
        self.reused = False
        """Whether it goes over a connection that was used before."""
        self.answered = False
        """Whether a part of the headers has come."""
        self.sent_at: float | None = None
        self._not_http = not_http

    def start(self) -> float | None:
        """Note that there is a connection; return when the headers must have come (``time.monotonic``), if ever."""
        self.sent_at = time.monotonic()
        limits = [limit for limit in (self.request.timeout.read, self.request.first_timeout) if limit is not None]
        return self.sent_at + min(limits) if limits else None

    def expire(self) -> AnswerTooLate:
        """The failure of a request whose limit in time has passed."""
        if self.sent_at is None:
            return AnswerTooLate("no connection was made in time", waited_for="a connection")
        first, read = self.request.first_timeout, self.request.timeout.read
        kind = FirstChunkTooLate if first is not None and (read is None or first < read) else AnswerTooLate
        return kind("the headers of the answer did not come in time", waited_for="an answer")

    def translate(self, error: BaseException, *, in_body: bool = False) -> TransportError:
        """The failure that an error of a library is, without what the library's text repeats."""
        causes = list(_causes(error))
        system = next((cause for cause in causes if isinstance(cause, OSError)), None)
        if any(isinstance(cause, TimeoutError) for cause in causes):
            return self.expire()
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_message"):  # not a wrapper
                return UntrustedCertificate(
                    f"its certificate is not trusted ({cause.verify_message}). Where it is your own, name the file of "
                    "the authority that signed it in ca_file=… or SSL_CERT_FILE"
                )
        if self.sent_at is None:
            return ConnectFailed(describe(system or error))
        if system is None and not in_body and any(isinstance(cause, self._not_http) for cause in causes):
            return NotHTTP(f"it is not HTTP ({type(causes[-1]).__name__})")
        # Errors without a number are made up by libraries, and say no more than this does.
        reason = "" if system is None or system.errno is None else f" ({describe(system)})"
        where = "inside the answer" if in_body else "without an answer"
        return ConnectionBroken(f"the server closed the connection {where}{reason}")

    def is_stale(self, failure: TransportError) -> bool:
        """Whether the server closed an unused connection in the moment in which it was used again."""
        return self.reused and not self.answered and isinstance(failure, ConnectionBroken)


def refuse_tunnel(status: int) -> ConnectFailed:
    """The failure of a proxy that does not open a tunnel."""
    hint = ": give the proxy's address with a name and a password" if status == 407 else ""
    return ConnectFailed(f"the proxy refused to connect, with status {status}{hint}")


def join_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Headers by name in lower case; the values of a repeated one are joined."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def describe(error: BaseException) -> str:
    """An error of a library or of the system as a text."""
    return f"{type(error).__name__}: {error}"


def shut_down(connection: socket.socket) -> None:
    """End what blocks in ``connection`` at once; closing its descriptor would not wake it."""
    with contextlib.suppress(OSError):
        # For TLS the plain shutdown of the socket beneath: a polite one would wait for the peer.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and the errors that it wraps, as libraries do it: as causes, as arguments or as attributes."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            seen.append(one)
            yield one
            waiting += [one.__cause__, *one.args, *vars(one).values()]
