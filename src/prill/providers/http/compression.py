"""Decompressing a body that comes in pieces, into pieces of a bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from prill.providers.http.message import BadBody

ACCEPTED = "gzip, deflate"
"""What is asked for, in the header ``accept-encoding``."""

_PIECE = 1024 * 1024


class Decompressor:
    """A body in ``gzip`` or ``deflate``: ``feed``, ``finish``.

    https://www.rfc-editor.org/rfc/rfc9110#content.codings
    """

    def __init__(self, encoding: str) -> None:
        # 32: gzip or zlib, as the first bytes say.
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._deflate = encoding == "deflate"
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes that ``data`` stands for, in pieces of at most a megabyte, however many they are."""
        if not data:
            return
        piece = self._first(data) if not self._started else self._decompress(data)
        self._started = True
        while True:
            if piece:
                yield piece
            if self._stream.unconsumed_tail:
                piece = self._decompress(self._stream.unconsumed_tail)
            elif self._stream.eof and self._stream.unused_data.startswith(b"\x1f\x8b"):  # another member of a gzip file
                rest = self._stream.unused_data
                self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
                piece = self._decompress(rest)
            else:
                return

    def finish(self) -> None:
        """Check that the body was whole.

        Raises:
            BadBody: it was not.
        """
        if self._started and not self._stream.eof:
            raise BadBody("the compressed body ends too early")

    def _first(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            failure = BadBody(f"the body is not compressed as the server says: {error}")
        if self._deflate:  # some send it without the head that it should have
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._decompress(data)
        raise failure

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            failure = BadBody(f"the compressed body is damaged: {error}")
        raise failure


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
