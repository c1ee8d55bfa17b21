"""``WebBaseLoader``: pages of the web."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from prill.document_loaders.errors import LoadError
from prill.document_loaders.fetching import Limits, Page, fetch
from prill.document_loaders.files import clean, decode
from prill.document_loaders.html import describe_page, parse
from prill.document_loaders.tolerant import OnError, TolerantLoader
from prill.documents import Document
from prill.errors import ConfigError
from prill.io import BLOCKING, Limit, drive, make_lock
from prill.runnables.engine.batch import show_progress as show_bar
from prill.version import __version__

_HEADERS = {"User-Agent": f"prill/{__version__}", "Accept": "text/html, application/xhtml+xml, text/plain;q=0.8"}
_AT_ONCE = 8
"""How many pages are fetched at once at most."""


class WebBaseLoader(TolerantLoader):
    """Fetches pages of the web, and reads their text with Beautiful Soup; each is a document.

    The metadata have ``source`` (the address that was asked for), ``title``, ``description`` and ``language`` where
    the page says them, and ``redirected_to`` where it came from another address.

    Private addresses (this machine, the local network, a cloud's services for its machines) are refused, also behind
    redirects: an address out of a question or a page must not lead inside. ``allow_private=True`` allows them.

    Args:
        web_path: an address, or several.
        header_template: headers to send. Another host, after a redirect, sees ``User-Agent`` and ``Accept`` alone.
        verify_ssl: check the server's certificate.
        continue_on_failure: the same as ``on_error="skip"``.
        encoding: of the pages; by default what the server or the page says.
        web_paths: addresses, as ``web_path``.
        requests_per_second: how many requests are started in a second at most.
        default_parser: the parser of Beautiful Soup.
        bs_get_text_kwargs: arguments of its ``get_text``.
        bs_kwargs: arguments of ``BeautifulSoup``, such as ``parse_only``.
        show_progress: show how many pages were read; needs the extra ``cli``.
        on_error: what to do with a page that is broken, see ``TolerantLoader``.
        allow_private: load from private addresses too.
        max_bytes: how large a page may be, once it is decompressed.
        max_redirects: how many redirects are followed.
        timeout: seconds, for a page with its redirects.
        content_types: starts of the media types that are read; what is not HTML or XML is taken as text.
        ca_file: a file of certificates to trust, in place of the system's.

    Raises:
        MissingDependencyError: Beautiful Soup is not installed, which the extra ``html`` does.
        LoadAddressError: an address is private.
        LoadSourceError: the server cannot be reached, is too slow, or answers with an error.
        LoadFormatError: the page has another content type.
        LoadLimitError: it is too large, or has too many redirects.
    """

    def __init__(
        self,
        web_path: str | Sequence[str] = "",
        header_template: Mapping[str, str] | None = None,
        verify_ssl: bool = True,
        *,
        continue_on_failure: bool = False,
        encoding: str | None = None,
        web_paths: Sequence[str] = (),
        requests_per_second: float = 2,
        default_parser: str = "html.parser",
        bs_get_text_kwargs: Mapping[str, Any] | None = None,
        bs_kwargs: Mapping[str, Any] | None = None,
        show_progress: bool = False,
        on_error: OnError = "raise",
        allow_private: bool = False,
        max_bytes: int = 16 * 1024**2,
        max_redirects: int = 10,
        timeout: float = 30,
        content_types: Sequence[str] = ("text/", "application/xhtml+xml", "application/xml", "application/json"),
        ca_file: str | None = None,
    ) -> None:
        super().__init__("skip" if continue_on_failure else on_error)
        if isinstance(web_paths, str) or (web_path and web_paths):
            raise ConfigError("give web_path, or web_paths, which is a list")
        if requests_per_second <= 0 or timeout <= 0:
            raise ConfigError("requests_per_second and timeout must be more than 0")
        self.web_paths = list(web_paths) or ([web_path] if isinstance(web_path, str) else list(web_path))
        self.encoding = encoding
        self._headers = {**_HEADERS, **(header_template or {})}
        self._bs_kwargs = {"features": default_parser, **(bs_kwargs or {})}
        self._text_kwargs = dict(bs_get_text_kwargs or {})
        self._show_progress = show_progress
        types = tuple(content_types)
        self._limits = Limits(allow_private, max_bytes, max_redirects, timeout, types, verify_ssl, ca_file)
        self._pause = 1 / requests_per_second
        self._next_at = 0.0
        self._lock = make_lock()

    @property
    def web_path(self) -> str:
        """The address, where there is one."""
        if len(self.web_paths) != 1:
            raise ConfigError(f"there are {len(self.web_paths)} addresses: see web_paths")
        return self.web_paths[0]

    def _read(self) -> Iterator[Document | LoadError]:
        with show_bar(self._show_progress, len(self.web_paths)) as advance:
            for start in range(0, len(self.web_paths), _AT_ONCE):
                thunks = [partial(self._load, url) for url in self.web_paths[start : start + _AT_ONCE]]
                for outcome in drive(BLOCKING.gather(thunks, Limit(_AT_ONCE))):
                    yield outcome
                    if advance is not None:
                        advance()

    async def _load(self, url: str) -> Document | LoadError:
        self._wait_for_turn()
        try:
            return self._make(url, fetch(url, self._headers, self._limits))
        except LoadError as error:
            return error

    def _wait_for_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_at)
            self._next_at = start + self._pause
        if start > now:
            drive(BLOCKING.sleep(start - now))

    def _make(self, url: str, page: Page) -> Document:
        known = {"source": url, **({"redirected_to": page.url} if page.url != url else {})}
        encoding = self.encoding or page.charset
        if "html" not in page.content_type and "xml" not in page.content_type:
            return Document(decode(page.data, encoding, False, url), metadata=known)
        soup = parse(page.data, encoding, self._bs_kwargs, url)
        return Document(clean(soup.get_text(**self._text_kwargs)), metadata={**known, **describe_page(soup)})
