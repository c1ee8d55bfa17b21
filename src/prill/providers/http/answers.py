"""Answers that were read, and answers from where a server sends one on to."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from prill.providers.http.body import ERROR_BYTES, Body
from prill.providers.http.message import Answer, Headers, NotHTTP, Request, Transport


class WholeAnswer:
    """An answer whose body was read: ``content``."""

    def __init__(self, answer: Answer, content: bytes) -> None:
        self.request = answer.request
        self.status = answer.status
        self.headers: Headers = answer.headers
        self.sent_at = answer.sent_at
        self.content = content
        self._left = content

    async def read(self, deadline: float | None) -> bytes:
        left, self._left = self._left, b""
        return left

    async def aclose(self) -> None:
        """There is nothing to close."""


_REDIRECTS = 5


async def send_following(transport: Transport, request: Request) -> Answer:
    """Send a request, and again to where the server sends it on to, if that is the same origin.

    Elsewhere it is not sent: headers and body are for the server that was asked.

    Raises:
        NotHTTP: it is sent on to another origin, or too often.
        TransportError: no answer arrived.
    """
    for _ in range(_REDIRECTS):
        answer = await transport.send(request)
        place = answer.headers.get("location")
        if answer.status not in (301, 302, 303, 307, 308) or not place or not request.base_url:
            return answer
        await Body(answer).read_all(ERROR_BYTES)
        if answer.status not in (307, 308):
            raise NotHTTP(f"the server sends requests on to another page (status {answer.status})")
        request = _moved(request, place)
    raise NotHTTP("the server sends requests on and on")


def _moved(request: Request, place: str) -> Request:
    try:
        parts = urlsplit(urljoin(request.url, place))
        moved = replace(request, base_url=f"{parts.scheme}://{parts.netloc}", path=parts.path or "/", query=parts.query)
        same = moved.origin == request.origin and "@" not in parts.netloc
    except ValueError:  # not an address
        parts, same = None, False
    if not same:
        host = f" ({parts.hostname})" if parts is not None and parts.hostname else ""
        raise NotHTTP(f"the server sends requests on to another host{host}, to which they are not sent")
    return moved
