"""A request and its answer as data, and what can go wrong between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

Headers = Mapping[str, str]
"""The headers of an answer: names in lower case; the values of a repeated one are joined by commas."""


class Timeout(NamedTuple):
    """Seconds to connect, to the answer's headers and between two pieces of it; ``None`` means no limit."""

    connect: float | None = 10.0
    read: float | None = 600.0


DEFAULT_TIMEOUT = Timeout()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as data.

    ``base_url`` has no query and no credentials; ``path`` follows it, ``query`` is encoded. ``body`` is the JSON that
    ``content`` holds as bytes. ``sets_timeout`` says that ``timeout`` is not the default one; ``first_timeout`` is
    seconds from sending to the headers, where that is less than ``timeout.read``. Its representation holds no secret.
    """

    method: str
    base_url: str
    path: str
    query: str = field(repr=False, default="")
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    body: Mapping[str, Any] = field(repr=False, default_factory=dict)
    content: bytes = field(repr=False, default=b"")
    timeout: Timeout = DEFAULT_TIMEOUT
    sets_timeout: bool = False
    first_timeout: float | None = None
    stream: bool = False

    @property
    def shown_url(self) -> str:
        """The address without the query."""
        return self.base_url.rstrip("/") + self.path

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.shown_url}?{self.query}" if self.query else self.shown_url

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scheme, the host and the port that the request goes to."""
        parts = urlsplit(self.base_url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class Answer(Protocol):
    """A response whose body is read in pieces. ``sent_at`` is when the request was sent (``time.monotonic``)."""

    request: Request
    status: int
    headers: Headers
    sent_at: float

    async def read(self, deadline: float | None) -> bytes:
        """The next bytes of the body, as they were sent; ``b""`` at its end.

        Raises:
            TimeoutError: nothing came until ``deadline`` (``time.monotonic``).
            TransportError: the connection broke.
        """

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""


class Transport(Protocol):
    """Sends requests. In blocking code its coroutines never suspend."""

    async def send(self, request: Request) -> Answer:
        """Send a request; returns when the answer's headers have come. Redirects are not followed.

        Raises:
            TransportError: no answer arrived.
        """

    async def aclose(self) -> None:
        """Close all connections."""


class TransportError(Exception):
    """There is no answer, or not all of it; the text says why and holds no secret but what a server repeated."""


class ConnectFailed(TransportError):
    """There was no connection, so nothing was sent."""


class UntrustedCertificate(ConnectFailed):
    """The server's certificate cannot be verified."""


class ConnectionBroken(TransportError):
    """The connection ended before the answer did."""


class NotHTTP(TransportError):
    """What came is not HTTP, or beyond its limits."""


class BadBody(TransportError):
    """The body is damaged, or larger than it may be."""


class AnswerTooLate(TransportError):
    """A limit in time has passed; ``waited_for`` says for what: a connection, or an answer."""

    def __init__(self, text: str, *, waited_for: str) -> None:
        super().__init__(text)
        self.waited_for = waited_for


class FirstChunkTooLate(AnswerTooLate):
    """The headers did not come within ``first_timeout``."""
