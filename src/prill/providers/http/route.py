"""Where a connection goes: to the server, or to a proxy on the way to it."""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from prill.errors import ConfigError

_HAS_SETTINGS = sys.platform in ("darwin", "win32")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, and the header that it is shown."""

    secure: bool
    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """The way to an origin; connections of one route can be used for each other's requests."""

    secure: bool
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def authority(self) -> str:
        """The host and port as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def tunnelled(self) -> bool:
        """Whether the proxy is asked to pass bytes on; else it is asked for the address itself."""
        return self.proxy is not None and self.secure

    @property
    def tunnel_request(self) -> bytes:
        """What asks the proxy for a tunnel (https://www.rfc-editor.org/rfc/rfc9110#CONNECT)."""
        assert self.proxy is not None
        target = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        allowed = self.proxy.authorization
        line = f"proxy-authorization: {allowed}\r\n" if allowed else ""
        return f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{line}\r\n".encode("latin-1")


def find_route(base_url: str, proxy: str | None) -> Route:
    """The route to ``base_url``, by the proxy that is given, else by what ``HTTPS_PROXY``, ``NO_PROXY`` … say.

    Raises:
        ConfigError: an address cannot be used.
    """
    parts = _split(base_url, "base_url")
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    return Route(parts.scheme == "https", _ascii(host), port, _find_proxy(parts.scheme, host, port, proxy))


def _find_proxy(scheme: str, host: str, port: int, given: str | None) -> Proxy | None:
    if given is None:
        given = _proxy_of_system(scheme, host, port)
        if not given:
            return None
    parts = _split(given if "://" in given else f"http://{given}", "the proxy")
    secure = parts.scheme == "https"
    return Proxy(secure, _ascii(parts.hostname or ""), parts.port or _PORTS[parts.scheme], basic_authorization(parts))


def _proxy_of_system(scheme: str, host: str, port: int) -> str | None:
    """What the environment says, or the settings of macOS or Windows."""
    if not _HAS_SETTINGS and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - it imports a client of HTTP

    known = getproxies()
    if proxy_bypass(host) or proxy_bypass(f"{host}:{port}"):
        return None
    return known.get(scheme) or known.get("all")


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, brackets that do not match
        parts, usable = None, False
    if parts is None or not usable:
        scheme = url.partition("://")[0] if "://" in url else ""
        found = f"it starts with {scheme}://" if scheme else "it has no scheme"
        raise ConfigError(f"{name} is not an address of the form http(s)://host[:port]… ({found})")
    return parts


def basic_authorization(parts: SplitResult) -> str | None:
    """The header for the name and password in an address (https://www.rfc-editor.org/rfc/rfc7617)."""
    if parts.username is None and parts.password is None:
        return None
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise ConfigError(f"{host!r} is not the name of a host") from None


def write_head(route: Route, request: Any) -> bytes:
    """The request line and the headers of ``request``; names and values are known to be clean."""
    target = "/" + request.url.partition("://")[2].partition("/")[2]
    proxy = route.proxy
    lines = [f"host: {route.authority}"]
    if proxy is not None and not route.tunnelled:
        target = f"http://{route.authority}{target}"
        if proxy.authorization:
            lines.append(f"proxy-authorization: {proxy.authorization}")
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name != "host"]
    lines.append(f"content-length: {len(request.content)}")
    head = "\r\n".join(lines)
    return f"{request.method} {target} HTTP/1.1\r\n{head}\r\n\r\n".encode("latin-1")
