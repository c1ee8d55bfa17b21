"""Proxies: given, or named by the environment, with and without a password."""

from __future__ import annotations

from typing import Any

import pytest

from prill.errors import ConfigError
from prill.providers.http.message import ConnectFailed
from prill.providers.http.route import Proxy as ProxyAddress
from prill.providers.http.route import find_route
from providers.http.conftest import Sender
from providers.http.raw_server import OK, Proxy, RawServer, saying


def test_a_request_goes_through_the_proxy_that_is_given(colour: Any) -> None:
    with RawServer(saying(OK)) as server, Proxy() as proxy:
        assert colour.run(server.url, lambda sender: sender.ask("/v1/x", query="a=1"), proxy=proxy.url) == (200, b"{}")
        assert proxy.asked == [f"POST {server.url}/v1/x?a=1 HTTP/1.1"]
        assert server.requests[0].line == "POST /v1/x?a=1 HTTP/1.1"
        assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"


def test_a_request_goes_through_the_proxy_of_the_environment(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(saying(OK)) as server, Proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert colour.run(server.url, Sender.ask) == (200, b"{}")
        assert len(proxy.asked) == 1
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert colour.run(server.url, Sender.ask) == (200, b"{}")
        assert len(proxy.asked) == 1


def test_the_password_in_a_proxys_address_is_shown_to_the_proxy_alone(colour: Any) -> None:
    with RawServer(saying(OK)) as server, Proxy() as proxy:
        address = proxy.url.replace("http://", "http://user:p%40ss@")
        assert colour.run(server.url, Sender.ask, proxy=address) == (200, b"{}")
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
        assert "proxy-authorization" not in server.requests[0].headers
        assert "p@ss" not in repr(find_route(server.url, address))


def test_a_tunnel_that_the_proxy_refuses_is_a_failure(colour: Any) -> None:
    with Proxy(refuse=407) as proxy, pytest.raises(ConnectFailed, match=r"407.*name and a password"):
        colour.run("https://somewhere.test", Sender.ask, proxy=proxy.url)


def test_an_address_without_a_scheme_is_one_of_http() -> None:
    assert find_route("http://a", "proxy.test:81").proxy == ProxyAddress(False, "proxy.test", 81)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://a:b", "http://[", "ftp://x"])
def test_a_proxy_that_cannot_be_used_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigError, match="the proxy is not an address"):
        find_route("http://a", proxy)


@pytest.mark.parametrize("url", ["", "a.test/v1", "ftp://a", "http://", "http://a:b/", "http://[", "http://a:99999"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url is not an address"):
        find_route(url, None)


@pytest.mark.parametrize(
    ("url", "secure", "host", "port", "authority"),
    [
        ("http://a.test/v1", False, "a.test", 80, "a.test"),
        ("https://a.test:443/v1", True, "a.test", 443, "a.test"),
        ("https://a.test:80", True, "a.test", 80, "a.test:80"),
        ("http://[::1]:8000/v1", False, "::1", 8000, "[::1]:8000"),
        ("http://bücher.test", False, "xn--bcher-kva.test", 80, "xn--bcher-kva.test"),
    ],
)
def test_an_address_is_parted(url: str, secure: bool, host: str, port: int, authority: str) -> None:
    route = find_route(url, None)
    assert (route.secure, route.host, route.port, route.authority) == (secure, host, port, authority)
