"""Proxies: given, or named by the environment, with and without a password."""

from __future__ import annotations

from typing import Any

import pytest

from prill.errors import ConfigError
from prill.providers.http.message import ConnectFailed
from prill.providers.http.route import Route, find_route
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
    assert find_route("http://a", "proxy.test:81") == Route(False, "http://proxy.test:81")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://a:b", "http://[", "ftp://x"])
def test_a_proxy_that_cannot_be_used_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigError, match="the proxy is not an address"):
        find_route("http://a", proxy)


@pytest.mark.parametrize("url", ["", "a.test/v1", "ftp://a", "http://", "http://a:b/", "http://[", "http://a:99999"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url is not an address"):
        find_route(url, None)


@pytest.mark.parametrize(
    ("url", "proxy", "uses_tls"),
    [
        ("http://a.test", None, False),
        ("https://a.test", None, True),
        ("http://a.test", "https://proxy.test", True),
        ("http://a.test", "http://proxy.test", False),
    ],
)
def test_certificates_are_read_where_tls_is_used(url: str, proxy: str | None, uses_tls: bool) -> None:
    assert find_route(url, proxy).uses_tls is uses_tls


def test_a_password_is_shown_to_a_proxy_that_tunnels(colour: Any) -> None:
    with Proxy(refuse=403) as proxy, pytest.raises(ConnectFailed, match="403"):
        colour.run("https://somewhere.test", Sender.ask, proxy=proxy.url.replace("http://", "http://user:p%40ss@"))
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_each_request_over_a_kept_connection_shows_the_password(colour: Any) -> None:
    """The same server stands for the proxy: it answers whole addresses, and keeps its connections."""

    async def twice(sender: Sender) -> list[Any]:
        return [await sender.ask(), await sender.ask()]

    with RawServer(saying(OK)) as proxy:
        address = proxy.url.replace("http://", "http://user:p%40ss@")
        assert colour.run("http://somewhere.test", twice, proxy=address) == [(200, b"{}")] * 2
        assert proxy.connections == 1
    assert [received.headers["proxy-authorization"] for received in proxy.requests] == ["Basic dXNlcjpwQHNz"] * 2
