"""``OpenAIEmbeddings``: vectors from OpenAI, and from the servers that speak its protocol."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, Field

from prill.callbacks.run import Run
from prill.embeddings import Embeddings
from prill.io import Limit, drive
from prill.openai.settings import OpenAISettings
from prill.providers.calls import make_call
from prill.providers.streams import ProviderStreams
from prill.runnables.engine.runs import start_asyncio_run, start_run


class OpenAIEmbeddings(OpenAISettings, ProviderStreams, Embeddings):
    """Vectors from OpenAI, or from any server that speaks its protocol.

        >>> embeddings = OpenAIEmbeddings(model="text-embedding-3-small", dimensions=256)
        >>> embeddings.embed_query("Where is Oslo?")  # doctest: +SKIP
        [0.0123, …]

    Texts are sent ``chunk_size`` at a time, several such requests at once. ``dimensions`` asks newer models for
    shorter vectors. ``deployment`` goes before ``model``, where a server has a name of its own for it. With
    ``skip_empty`` empty texts, which OpenAI refuses, are not sent, and their vectors are zeros; where all are empty,
    they are sent unless ``dimensions`` says how long the vectors are. The errors are those of chat models.

    Texts are always sent whole and as texts: the provider refuses one that is too long, so split long documents first
    (``prill.text_splitters``). ``check_embedding_ctx_length``, ``embedding_ctx_length``, ``tiktoken_enabled``,
    ``tiktoken_model_name``, ``allowed_special``, ``disallowed_special`` and ``show_progress_bar`` are taken as programs
    give them, and change nothing.
    """

    model: str = Field(default="text-embedding-ada-002", validation_alias=AliasChoices("model", "model_name"))
    dimensions: int | None = Field(default=None, gt=0)
    chunk_size: int = Field(default=1000, gt=0)
    encoding_format: str = "base64"
    user: str | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    deployment: str | None = None
    skip_empty: bool = False
    check_embedding_ctx_length: bool = Field(default=True, exclude=True, repr=False)
    embedding_ctx_length: int | None = Field(default=None, exclude=True, repr=False)
    tiktoken_enabled: bool = Field(default=True, exclude=True, repr=False)
    allowed_special: Any = Field(default=None, exclude=True, repr=False)
    disallowed_special: Any = Field(default=None, exclude=True, repr=False)
    show_progress_bar: bool = Field(default=False, exclude=True, repr=False)

    def embed_documents(self, texts: list[str], chunk_size: int | None = None) -> list[list[float]]:
        """The vector of each text, in order."""
        return drive(self._embed(texts, start_run(None), chunk_size))

    async def aembed_documents(self, texts: list[str], chunk_size: int | None = None) -> list[list[float]]:
        """The vector of each text, in order."""
        return await self._embed(texts, start_asyncio_run(None), chunk_size)

    def embed_query(self, text: str) -> list[float]:
        """The vector of a text that is searched for."""
        return drive(self._embed([text], start_run(None), None))[0]

    async def aembed_query(self, text: str) -> list[float]:
        """The vector of a text that is searched for."""
        return (await self._embed([text], start_asyncio_run(None), None))[0]

    async def _embed(self, texts: Sequence[str], run: Run, chunk_size: int | None) -> list[list[float]]:
        if not self.skip_empty or all(texts):
            return await self._embed_all(texts, run, chunk_size)
        sent = [text for text in texts if text]
        if not sent and self.dimensions is None:
            return await self._embed_all(texts, run, chunk_size)
        vectors = await self._embed_all(sent, run, chunk_size)
        size, left = self.dimensions or len(vectors[0]), iter(vectors)
        return [next(left) if text else [0.0] * size for text in texts]

    async def _embed_all(self, texts: Sequence[str], run: Run, chunk_size: int | None) -> list[list[float]]:
        size = chunk_size or self.chunk_size
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]

        def asking(batch: Sequence[str]) -> Any:
            return lambda: self._embed_batch(batch, run)

        answers = await run.io.gather([asking(batch) for batch in batches], Limit(_AT_ONCE))
        return [vector for vectors in answers for vector in vectors]

    async def _embed_batch(self, texts: Sequence[str], run: Run) -> list[list[float]]:
        model = self.deployment or self.model
        request: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": self.encoding_format}
        if self.dimensions is not None:
            request["dimensions"] = self.dimensions
        if self.user is not None:
            request["user"] = self.user
        answer = await self._send(run, make_call("/embeddings", {**request, **self.model_kwargs}))
        return self._whole(answer, lambda payload: _vectors(payload, len(texts)))


_AT_ONCE = 4


def _vectors(payload: Any, count: int) -> list[list[float]]:
    data = payload["data"]
    if len(data) != count:
        raise ValueError(f"{len(data)} vectors for {count} texts")
    if all(isinstance(entry.get("index"), int) for entry in data):
        data = sorted(data, key=lambda entry: entry["index"])
    return [_vector(entry["embedding"]) for entry in data]


def _vector(value: Any) -> list[float]:
    """The numbers; in base64 they are little-endian floats of 32 bits, a quarter of the size in JSON."""
    if not isinstance(value, str):
        return [float(number) for number in value]
    numbers = array("f", base64.b64decode(value))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
