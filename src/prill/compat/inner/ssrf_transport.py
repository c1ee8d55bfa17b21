"""``langchain_core._security._transport``: clients of httpx that connect to public addresses alone."""

from __future__ import annotations

from typing import Any

import httpx

from prill.compat.inner.ssrf import DEFAULT_SSRF_POLICY, SSRFPolicy, _resolve
from prill.io.executor import run_in_executor

_TRANSPORT_ARGUMENTS = ("http1", "http2", "retries", "verify", "trust_env", "limits", "cert")


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The request to an address that was checked: what the name leads to may have changed by then."""
    extensions = {**request.extensions, "sni_hostname": request.url.host.encode("ascii")}
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # its Host header has the name
        stream=request.stream,
        extensions=extensions,
    )


class SSRFSafeSyncTransport(httpx.BaseTransport):
    """A transport that looks a name up, checks what it leads to, and connects to that."""

    def __init__(self, policy: SSRFPolicy = DEFAULT_SSRF_POLICY, **kwargs: Any) -> None:
        self._policy = policy
        self._inner = httpx.HTTPTransport(**kwargs)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._inner.handle_request(_pinned(request, _resolve(str(request.url), self._policy)))

    def close(self) -> None:
        self._inner.close()


class SSRFSafeTransport(httpx.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(self, policy: SSRFPolicy = DEFAULT_SSRF_POLICY, **kwargs: Any) -> None:
        self._policy = policy
        self._inner = httpx.AsyncHTTPTransport(**kwargs)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        address = await run_in_executor(None, _resolve, str(request.url), self._policy)
        return await self._inner.handle_async_request(_pinned(request, address))

    async def aclose(self) -> None:
        await self._inner.aclose()


def ssrf_safe_client(policy: SSRFPolicy = DEFAULT_SSRF_POLICY, **kwargs: Any) -> httpx.Client:
    """A client that connects to public addresses alone."""
    return httpx.Client(transport=SSRFSafeSyncTransport(policy, **_own(kwargs)), **kwargs)


def ssrf_safe_async_client(policy: SSRFPolicy = DEFAULT_SSRF_POLICY, **kwargs: Any) -> httpx.AsyncClient:
    """The same for asyncio."""
    return httpx.AsyncClient(transport=SSRFSafeTransport(policy, **_own(kwargs)), **kwargs)


def _own(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Take the transport's arguments out of a client's."""
    return {name: kwargs.pop(name) for name in _TRANSPORT_ARGUMENTS if name in kwargs}
