"""Where requests go: to the server, or to a proxy on the way to it."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from prill.errors import ConfigError

_HAS_SETTINGS = sys.platform in ("darwin", "win32")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Route:
    """The way to an origin.

    ``secure`` says that the origin is reached by https; ``proxy`` is the proxy's address, without a password, and
    ``proxy_headers`` are the headers that it is shown.
    """

    secure: bool
    proxy: str | None = None
    proxy_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def uses_tls(self) -> bool:
        """Whether certificates are needed."""
        return self.secure or (self.proxy or "").startswith("https:")


def find_route(base_url: str, proxy: str | None) -> Route:
    """The route to ``base_url``, by the proxy that is given, else by what ``HTTPS_PROXY``, ``NO_PROXY`` … say.

    Raises:
        ConfigError: an address cannot be used.
    """
    parts = _split(base_url, "base_url")
    secure = parts.scheme == "https"
    if proxy is None:
        proxy = _find_proxy(parts)
        if proxy is None:
            return Route(secure)
    way = _split(proxy if "://" in proxy else f"http://{proxy}", "the proxy")
    authorization = basic_authorization(way)
    headers = {} if authorization is None else {"proxy-authorization": authorization}
    return Route(secure, f"{way.scheme}://{way.netloc.rpartition('@')[2]}", headers)


def _find_proxy(parts: SplitResult) -> str | None:
    """What the environment says, or the settings of macOS or Windows."""
    if not _HAS_SETTINGS and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - it imports a client of HTTP

    known = getproxies()
    host = parts.hostname or ""
    found = known.get(parts.scheme) or known.get("all")
    if not found or proxy_bypass(host) or proxy_bypass(f"{host}:{parts.port or _PORTS[parts.scheme]}"):
        return None
    return found


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # a port that is not a number, brackets that do not match, a name that is none
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
