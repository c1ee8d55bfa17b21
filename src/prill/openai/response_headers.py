"""An answer's headers in its message, for models with ``include_response_headers``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prill.messages import AIMessageChunk
from prill.outputs import ChatResult
from prill.providers.http.message import Headers
from prill.providers.reading import StreamDecoder
from prill.transducers.sse import ServerSentEvent


class HeadersDecoder:
    """A decoder whose first chunk has the headers of the answer in ``response_metadata["headers"]``."""

    ended: bool  # as all that is not written here: that of the decoder

    def __init__(self, decoder: StreamDecoder[AIMessageChunk], headers: Headers) -> None:
        self._decoder = decoder
        self._headers: dict[str, str] | None = dict(headers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def feed(self, event: ServerSentEvent) -> Iterable[AIMessageChunk]:
        chunks = self._decoder.feed(event)
        return chunks if self._headers is None else self._add_headers(chunks)

    def finish(self) -> Iterable[AIMessageChunk]:
        chunks = self._decoder.finish()
        return chunks if self._headers is None else self._add_headers(chunks)

    def _add_headers(self, chunks: Iterable[AIMessageChunk]) -> Iterable[AIMessageChunk]:
        for chunk in chunks:
            if self._headers is not None:
                chunk.response_metadata = {**chunk.response_metadata, "headers": self._headers}
                self._headers = None
            yield chunk


def add_headers(result: ChatResult, headers: Headers) -> ChatResult:
    """``result``, whose messages have ``headers`` in ``response_metadata["headers"]``."""
    for generation in result.generations:
        message = generation.message
        message.response_metadata = {**message.response_metadata, "headers": dict(headers)}
    return result
