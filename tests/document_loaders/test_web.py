"""Pages of the web, over real sockets: what is read, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from prill.document_loaders import (
    LoadAddressError,
    LoadEncodingError,
    LoadFormatError,
    LoadLimitError,
    LoadSourceError,
    WebBaseLoader,
)
from prill.document_loaders.addresses import is_public
from prill.document_loaders.html import parse
from prill.errors import ConfigError

PAGE = '<html lang="zh"><head><title>天气</title></head><body><p>天空是蓝色的。</p></body></html>'


class Site:
    """A server of pages; ``seen`` are the paths that were asked for, with the headers."""

    def __init__(self, pages: dict[str, tuple[int, dict[str, str], bytes]], wrap: Any = None) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.go_on, self.waited_for = threading.Event(), threading.Event()
        self.was_heard_out = False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if self.path == "/slow":
                    site.waited_for.set()
                    site.go_on.wait(30)
                status, headers, data = pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if self.path != "/drip":
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[:2])
                if self.path == "/drip":
                    site.waited_for.set()
                    self.drip()
                self.wfile.write(data[2:])

            def drip(self) -> None:
                for _ in range(3000):
                    self.wfile.write(b".")
                    if site.go_on.wait(0.01):
                        return
                site.was_heard_out = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *of: None  # type: ignore[method-assign]  # clients that leave are meant to
        if wrap is not None:
            self.server.socket = wrap(self.server.socket)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


HTML = {"Content-Type": "text/html"}


@pytest.fixture
def site() -> Iterator[Site]:
    pages = {
        "/": (200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.encode()),
        "/gbk": (200, {"Content-Type": "text/html; charset=gbk"}, PAGE.encode("gbk")),
        "/meta": (200, HTML, f'<meta charset="gbk">{PAGE}'.encode("gbk")),
        "/plain": (200, {"Content-Type": "text/plain"}, "Grüße <b>".encode()),
        "/latin": (200, {"Content-Type": "text/plain"}, "Grüße".encode("latin-1")),
        "/zip": (200, {**HTML, "Content-Encoding": "gzip"}, gzip.compress(PAGE.encode())),
        "/bomb": (200, {**HTML, "Content-Encoding": "gzip"}, gzip.compress(b"x" * 5_000_000)),
        "/image": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
        "/moved": (302, {"Location": "/gbk"}, b""),
        "/loop": (301, {"Location": "/loop"}, b""),
        "/file": (302, {"Location": "file:///etc/passwd"}, b""),
        "/slow": (200, HTML, b"late"),
        "/drip": (200, HTML, b"slowly"),
        "/lie": (200, {"Content-Type": "text/plain; charset=punycode"}, b"aaaab" * 200_000),
        "/500": (500, HTML, b"<p>broken"),
    }
    site = Site(pages)
    yield site
    site.stop()


def load(*urls: str, **options: Any) -> list[Any]:
    return WebBaseLoader(list(urls), allow_private=True, requests_per_second=1000, **options).load()


def test_pages_are_read_in_order_with_their_encoding_and_what_they_say_of_themselves(site: Site) -> None:
    paths = ["/", "/gbk", "/meta", "/zip", "/plain"]
    loader = WebBaseLoader(web_paths=[site.url + path for path in paths], allow_private=True, requests_per_second=1000)
    found = loader.load()
    assert asyncio.run(loader.aload()) == found
    assert [each.page_content for each in found] == ["天气天空是蓝色的。"] * 4 + ["Grüße <b>"]
    assert found[1].metadata == {"source": site.url + "/gbk", "title": "天气", "language": "zh"}
    assert site.seen[0][1]["user-agent"].startswith("prill/")
    assert site.seen[0][1]["host"] == f"127.0.0.1:{site.port}"


def test_what_is_read_of_a_page_may_be_chosen(site: Site) -> None:
    (found,) = load(site.url + "/", bs_get_text_kwargs={"separator": "|"}, header_template={"X-Mine": "1"})
    assert found.page_content == "天气|天空是蓝色的。"
    assert site.seen[0][1]["x-mine"] == "1"


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("/gone", LoadSourceError, "status 404"),
        ("/500", LoadSourceError, "status 500"),
        ("/image", LoadFormatError, "it is image/png"),
        ("/latin", LoadEncodingError, "not UTF-8"),
        ("/bomb", LoadLimitError, "max_bytes"),
        ("/loop", LoadLimitError, "more than 3 redirects"),
        ("/file", LoadAddressError, "not an address of http or https"),
    ],
)
def test_broken_pages_are_errors_of_their_kind(site: Site, path: str, kind: Any, reason: str) -> None:
    with pytest.raises(kind, match=reason) as caught:
        load(site.url + path, max_redirects=3, max_bytes=1_000_000)
    assert caught.value.source == site.url + path


def test_a_broken_page_may_be_skipped(site: Site) -> None:
    urls = [site.url + "/", site.url + "/gone", site.url + "/gbk"]
    loader = WebBaseLoader(urls, allow_private=True, requests_per_second=1000, continue_on_failure=True)
    assert len(loader.load()) == 2
    assert [error.source for error in loader.errors] == [urls[1]]


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_a_server_that_does_not_answer_is_left_in_time(site: Site, path: str) -> None:
    with pytest.raises(LoadSourceError, match="did not answer within"):
        load(site.url + path, timeout=0.05)
    assert not site.was_heard_out


def test_a_server_that_refuses_is_not_taken_for_a_slow_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(LoadSourceError, match="cannot be reached"):
            load(f"http://127.0.0.1:{free.getsockname()[1]}/")


def test_an_encoding_that_no_page_is_in_is_not_used(site: Site) -> None:
    assert load(site.url + "/lie")[0].page_content == "aaaab" * 200_000
    page = parse(b'<meta charset="punycode"><p>' + b"aaaab" * 200_000, None, None, "a page")
    assert len(page.get_text()) == 1_000_000


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_a_cancelled_load_does_not_wait_for_the_server(site: Site, path: str) -> None:
    async def cancel() -> None:
        loader = WebBaseLoader(site.url + path, allow_private=True, timeout=60)
        loading = asyncio.ensure_future(loader.aload())
        assert await asyncio.to_thread(site.waited_for.wait, 30)
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading

    asyncio.run(cancel())
    assert not site.was_heard_out


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 100\r\n\r\n<p>half",
        b"Transfer-Encoding: chunked\r\n\r\n7\r\n<p>half\r\n50\r\nand",
        b"Transfer-Encoding: chunked\r\n\r\n7\r\n<p>half\r\n",
    ],
)
def test_a_page_that_was_cut_is_an_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(LoadSourceError):
            load(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()


def test_redirects_are_followed_and_named(site: Site) -> None:
    (found,) = load(site.url + "/moved")
    assert found.metadata["source"] == site.url + "/moved"
    assert found.metadata["redirected_to"] == site.url + "/gbk"


def test_another_host_does_not_see_the_headers_that_are_meant_for_one(site: Site) -> None:
    first = Site({"/": (302, {"Location": f"http://localhost:{site.port}/"}, b"")})
    try:
        load(first.url + "/", header_template={"Authorization": "secret", "Accept-Language": "zh"})
    finally:
        first.stop()
    assert first.seen[0][1]["authorization"] == "secret"
    assert "authorization" not in site.seen[0][1]
    assert site.seen[0][1]["accept-language"] == "zh"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433", "[::ffff:127.0.0.1]"],
)
def test_private_addresses_are_refused(site: Site, host: str) -> None:
    with pytest.raises(LoadAddressError, match="not public"):
        WebBaseLoader(f"http://{host}:{site.port}/").load()
    assert site.seen == []


def looking_up(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Names get these addresses, one after the other; the list has the names that were asked for."""
    asked: list[str] = []
    found = iter(answers)

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host.replace(".", "").isdigit():
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(found), port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_redirect_to_a_private_address_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Site({"/": (200, HTML, b"secret")})
    outside = Site({"/": (302, {"Location": inside.url + "/"}, b"")})
    monkeypatch.setattr("prill.document_loaders.addresses.is_public", lambda address: address != "127.0.0.1")
    looking_up(monkeypatch, "127.0.0.2")
    outside.server.server_close()
    try:
        listener = socket.create_server(("127.0.0.2", outside.port))
        outside.server.socket = listener
        with pytest.raises(LoadAddressError, match=r"127\.0\.0\.1"):
            WebBaseLoader(f"http://outside.example:{outside.port}/").load()
    finally:
        outside.stop()
        inside.stop()
    assert inside.seen == []


def test_a_name_is_looked_up_once_so_that_it_cannot_change_its_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = looking_up(monkeypatch, "127.0.0.1", "127.0.0.9")
    monkeypatch.setattr("prill.document_loaders.addresses.is_public", lambda address: address == "127.0.0.1")
    (found,) = WebBaseLoader(f"http://rebinding.example:{site.port}/").load()
    assert found.page_content == "天气天空是蓝色的。"
    assert asked == ["rebinding.example"]
    assert site.seen[0][1]["host"] == f"rebinding.example:{site.port}"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.8.8.8", False),
        ("192.168.1.1", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("192.0.0.192", False),
        ("fec0::1", False),
        ("64:ff9b:1::808:808", False),
        ("2606:4700::5efe:7f00:1", False),
        ("2606:4700::200:5efe:a00:1", False),
        ("2606:4700::5efe:808:808", True),
        ("no address", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_certificates_are_checked_for_the_name_and_not_the_address(tmp_path: Any) -> None:
    authority = trustme.CA()
    ca_file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    secure = Site(
        {"/": (200, HTML, b"safe")},
        lambda plain: context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False),
    )
    try:
        url = f"https://localhost:{secure.port}/"
        assert load(url, ca_file=ca_file)[0].page_content == "safe"
        with pytest.raises(LoadSourceError, match="certificate"):
            load(url)
        with pytest.raises(LoadSourceError, match="certificate"):
            load(url.replace("localhost", "127.0.0.1"), ca_file=ca_file)
        assert load(url, verify_ssl=False)[0].page_content == "safe"
    finally:
        secure.stop()


def test_addresses_that_are_none_are_refused_without_showing_a_password() -> None:
    for url in ("ftp://a.example/", "/etc/passwd", "http://"):
        with pytest.raises(LoadAddressError):
            load(url)
    with pytest.raises(LoadAddressError) as caught:
        load("http://ann:hunter2@a.example/")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(LoadSourceError) as broken:
        load("http://ann:hunter2@[broken/")
    assert "hunter2" not in str(broken.value)
    with pytest.raises(LoadSourceError, match="no address"):
        load("http://nowhere.invalid/")


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="web_path"):
        WebBaseLoader("http://a.example", web_paths=["http://b.example"])
    with pytest.raises(ConfigError, match="requests_per_second"):
        WebBaseLoader("http://a.example", requests_per_second=0)
    assert WebBaseLoader("http://a.example").web_path == "http://a.example"
    with pytest.raises(ConfigError, match="2 addresses"):
        _ = WebBaseLoader(["http://a.example", "http://b.example"]).web_path
