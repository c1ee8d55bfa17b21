"""Decompressing a body that comes in pieces, into pieces of a bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from prill.providers.http.message import BadBody

ACCEPTED = "gzip, deflate"
"""What is asked for, in the header ``accept-encoding``."""

_PIECE = 1024 * 1024


class Decompressor:
    """A body in ``gzip`` or ``deflate``: ``feed``, ``finish``.

    https://www.rfc-editor.org/rfc/rfc9110#content.codings
    """

    def __init__(self, encoding: str) -> None:
        self._deflate = encoding == "deflate"
        self._stream: Any = None
        self._first = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that ``data`` stands for, in pieces of at most a megabyte, however many they are."""
        if self._stream is None:
            data = self._first = self._first + data
            if len(data) < 2:
                return
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if self._deflate and not _has_head(data) else _BY_HEAD)
        while data:
            if piece := self._decompress(data):
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof and self._stream.unused_data.startswith(b"\x1f\x8b"):  # another member of a gzip file
                data = self._stream.unused_data
                self._stream = zlib.decompressobj(_BY_HEAD)

    def finish(self) -> None:
        """Check that the body was whole.

        Raises:
            BadBody: it was not.
        """
        if self._first and (self._stream is None or not self._stream.eof):
            raise BadBody("the compressed body ends too early")

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _PIECE)  # type: ignore[no-any-return]  # made only when needed
        except zlib.error as error:
            failure = BadBody(f"the compressed body is damaged: {error}")
        raise failure


_BY_HEAD = zlib.MAX_WBITS | 32
"""Gzip or zlib, as the first bytes say."""


def _has_head(data: bytes) -> bool:
    """Whether a deflated body starts with the head of zlib that it should have; some servers leave it out."""
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def find_decompressor(headers: Mapping[str, str]) -> Decompressor | None:
    """What the body must be read through, if anything.

    Raises:
        BadBody: it is compressed in a way that was not asked for.
    """
    encoding = headers.get("content-encoding", "").strip().lower().removeprefix("x-")
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "deflate"):
        return Decompressor(encoding)
    raise BadBody(f"the body is compressed by {encoding!r:.40}, which was not asked for")
