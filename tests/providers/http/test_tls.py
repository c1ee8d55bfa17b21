"""Certificates are verified; an authority of one's own is trusted where it is named."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from prill.errors import ConfigError
from prill.providers.http.message import UntrustedCertificate
from prill.providers.http.tls import get_context
from providers.http.conftest import Sender
from providers.http.raw_server import OK, Proxy, RawServer, saying


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[RawServer]:
    with secure(authority, "127.0.0.1") as server:
        yield server


def secure(authority: trustme.CA, name: str) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return RawServer(saying(OK), tls=context)


async def twice(sender: Sender) -> list[Any]:
    return [await sender.ask(), await sender.ask()]


def test_an_authority_that_is_named_is_trusted(server: RawServer, ca_file: str, colour: Any) -> None:
    assert colour.run(server.url, twice, ca_file=ca_file) == [(200, b"{}")] * 2
    assert server.connections == 1


def test_an_authority_named_in_the_environment_is_trusted(
    server: RawServer, ca_file: str, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    assert colour.run(server.url, Sender.ask) == (200, b"{}")


def test_an_unknown_authority_is_refused_with_advice(server: RawServer, colour: Any) -> None:
    with pytest.raises(UntrustedCertificate, match=r"ca_file=… or SSL_CERT_FILE"):
        colour.run(server.url, Sender.ask)
    assert server.requests == []


def test_the_certificate_of_another_host_is_refused(authority: trustme.CA, ca_file: str, colour: Any) -> None:
    with secure(authority, "other.test") as server, pytest.raises(UntrustedCertificate):
        colour.run(server.url, Sender.ask, ca_file=ca_file)


def test_a_secure_server_is_reached_through_a_proxy(server: RawServer, ca_file: str, colour: Any) -> None:
    with Proxy() as proxy:
        assert colour.run(server.url, Sender.ask, proxy=proxy.url, ca_file=ca_file) == (200, b"{}")
        assert [line.rpartition(" ")[0] for line in proxy.asked] == [f"CONNECT 127.0.0.1:{server.port}"]
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.parametrize("target", ["http", "https"])
def test_a_proxy_may_itself_be_reached_by_tls(
    target: str, authority: trustme.CA, ca_file: str, server: RawServer, colour: Any
) -> None:
    proxy = Proxy()
    proxy.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(proxy.tls)
    with RawServer(saying(OK)) as plain, proxy:
        url = server.url if target == "https" else plain.url
        assert colour.run(url, Sender.ask, proxy=proxy.url, ca_file=ca_file) == (200, b"{}")
        assert len(proxy.asked) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ca_file"):
        get_context(str(tmp_path / "none.pem"))
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(ConfigError, match="ca_file"):
        get_context(str(wrong))


def test_a_context_is_made_once() -> None:
    assert get_context(None) is get_context(None)
    assert get_context(None).verify_mode is ssl.CERT_REQUIRED
    assert get_context(None).check_hostname
