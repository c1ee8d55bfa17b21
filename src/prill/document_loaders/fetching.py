"""Fetching a page within limits: of addresses, size, time and redirects."""

from __future__ import annotations

import codecs
import contextlib
import http.client
import re
import socket
import ssl
import time
from collections.abc import Mapping
from email.message import Message
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urljoin

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError
from urllib3.util import Url, parse_url

from prill.document_loaders.addresses import resolve
from prill.document_loaders.errors import LoadAddressError, LoadError, LoadFormatError, LoadLimitError, LoadSourceError
from prill.document_loaders.html import NOT_OF_PAGES
from prill.io import BLOCKING, drive, interruptible

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_STEP = 64 * 1024
_ANYWHERE = frozenset(("user-agent", "accept", "accept-language"))
"""Headers that another host may see too, after a redirect."""


class Limits(NamedTuple):
    """What a fetch may take. ``timeout`` is in seconds, for the whole of it; ``content_types`` are starts of types."""

    allow_private: bool
    max_bytes: int
    max_redirects: int
    timeout: float
    content_types: tuple[str, ...]
    verify_ssl: bool
    ca_file: str | None


class Page(NamedTuple):
    """What a server sent: where it came from in the end, the data, and their type and encoding as it names them."""

    url: str
    data: bytes
    content_type: str
    charset: str | None


def fetch(url: str, headers: Mapping[str, str], limits: Limits) -> Page:
    """Fetch a page in blocking code; the scope of the run can end it.

    Each address is looked up once, checked, and then connected to, so that a name that changes its address in between
    leads nowhere; redirects are checked the same way. Proxies are not used: they would look the names up themselves.

    Raises:
        LoadError: of the kinds that ``WebBaseLoader`` names.
    """
    deadline = time.monotonic() + limits.timeout
    source = _hide_password(url)
    first = _parse(url, source)
    for _ in range(limits.max_redirects + 1):
        parsed = _parse(url, source)
        # What is meant for one host is not shown to another, nor sent in the open.
        if parsed.netloc != first.netloc or str(parsed.scheme) < str(first.scheme):
            headers = {name: value for name, value in headers.items() if name.lower() in _ANYWHERE}
        answer = _Exchange(parsed, source, limits, deadline).run(headers)
        if isinstance(answer, Page):
            return answer._replace(url=url)
        url = urljoin(url, answer)
    raise LoadLimitError(f"more than {limits.max_redirects} redirects", source=source)


def _parse(url: str, source: str) -> Url:
    """Take an address apart."""
    try:
        host = url.split("://", 1)[-1].split("/", 1)[0]
        if not host.isascii():
            url = url.replace(host, host.encode("idna").decode(), 1)
        parsed = parse_url(url)
    except (LocationParseError, UnicodeError) as error:
        raise LoadSourceError("it is not an address of a page", source=source) from error
    if parsed.auth:
        raise LoadAddressError("a name and a password belong into header_template, not the address", source=source)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise LoadAddressError(f"{_hide_password(url)!r:.100} is not an address of http or https", source=source)
    return parsed


def _hide_password(url: str) -> str:
    return re.sub(r"//[^/?#]*@", "//", url)


class _Exchange:
    """One request, and its answer."""

    def __init__(self, url: Url, source: str, limits: Limits, deadline: float) -> None:
        self._url = url
        self._source = source
        self._limits = limits
        self._deadline = deadline
        self._connection: HTTPConnection | None = None
        self._socket: Any = None
        self._response: Any = None

    def run(self, headers: Mapping[str, str]) -> Page | str:
        """Return the page, or the address that it redirects to."""
        try:
            with interruptible(self._stop):
                return drive(BLOCKING.run_before(self._deadline, partial(self._run, headers), self._stop))
        except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
            if isinstance(error, LoadError):
                raise
            if isinstance(error, NewConnectionError):  # a timeout by its class, but the server refused
                raise LoadSourceError(f"it cannot be reached: {error}", source=self._source) from error
            reason = f"it did not answer within {self._limits.timeout:g} s"
            raise LoadSourceError(reason, source=self._source) from error
        except (HTTPError, OSError, http.client.HTTPException) as error:
            if isinstance(error, LoadError):
                raise
            raise LoadSourceError(f"it cannot be loaded: {error}", source=self._source) from error
        finally:
            for opened in (self._response, self._connection):
                if opened is not None:
                    opened.close()

    async def _run(self, headers: Mapping[str, str]) -> Page | str:
        self._response = response = self._ask(headers)
        location = response.headers.get("location")
        if response.status in _REDIRECTS and location:
            return str(location)
        if response.status != 200:
            raise LoadSourceError(f"the server answered with status {response.status}", source=self._source)
        kind, charset = _read_type(response.headers.get("content-type"))
        if not kind.startswith(self._limits.content_types):
            allowed = ", ".join(self._limits.content_types)
            raise LoadFormatError(f"it is {kind}, which is not one of {allowed}", source=self._source)
        return Page("", self._read(response), kind, charset)

    def _ask(self, headers: Mapping[str, str]) -> Any:
        url = self._url
        host = (url.host or "").strip("[]")
        port = url.port or (443 if url.scheme == "https" else 80)
        failed: Exception | None = None
        for address in resolve(host, port, self._source, self._limits.allow_private):
            self._connection = self._make_connection(address, host, port)
            try:
                self._connection.connect()
                self._socket = self._connection.sock  # the connection gives it away to an answer that ends with it
            except (HTTPError, OSError) as error:
                failed = error
                self._connection.close()
                continue
            sent = {"Host": url.netloc or host, "Accept-Encoding": "gzip, deflate", **headers}
            self._connection.request("GET", url.request_uri, headers=sent, preload_content=False)
            return self._connection.getresponse()
        assert failed is not None  # a host without an address is an error
        raise failed

    def _make_connection(self, address: str, host: str, port: int) -> HTTPConnection:
        left = max(self._deadline - time.monotonic(), 0.001)
        if self._url.scheme == "http":
            return HTTPConnection(address, port, timeout=left)
        context = ssl.create_default_context(cafile=self._limits.ca_file)
        if not self._limits.verify_ssl:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # The name is what the certificate must be for; the address is where the connection goes.
        return HTTPSConnection(address, port, timeout=left, server_hostname=host, ssl_context=context)

    def _read(self, response: Any) -> bytes:
        parts, size = [], 0
        while part := response.read1(_STEP, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > self._limits.max_bytes:
                reason = f"it has more than {self._limits.max_bytes:,} bytes, which max_bytes allows"
                raise LoadLimitError(reason, source=self._source)
        if response.length_remaining:
            raise LoadSourceError("the connection was cut before the end of the page", source=self._source)
        return b"".join(parts)

    def _stop(self) -> None:
        """End what waits for the server, from another thread."""
        waiting = self._socket or (self._connection.sock if self._connection is not None else None)
        if waiting is not None:
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)


def _read_type(header: str | None) -> tuple[str, str | None]:
    """The type that a header names, in small letters, and the encoding; HTML if it names none."""
    message = Message()
    message["content-type"] = header or "text/html"
    return message.get_content_type(), _take_charset(message.get_content_charset())


def _take_charset(name: str | None) -> str | None:
    """Return the encoding that a server names, unless it is none of texts in the web."""
    try:
        return None if name is None or codecs.lookup(name).name in NOT_OF_PAGES else name
    except (LookupError, ValueError):
        return name if name and name.isprintable() else None
