"""``CacheBackedEmbeddings``: each text is embedded once."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Self

from prill.embeddings.base import Embeddings
from prill.errors import ConfigError
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.stores import ByteStore

_NAMING = ("model", "dimensions", "size")


class CacheBackedEmbeddings(Embeddings):
    """Embeddings that keep what they have made in a store, and ask ``underlying`` for the rest only.

        >>> store = SQLiteByteStore("vectors.db")  # doctest: +SKIP
        >>> CacheBackedEmbeddings.from_bytes_store(OpenAIEmbeddings(), store)  # doctest: +SKIP

    A text that comes twice in one call is asked for once. What is made is kept after each ``batch_size`` texts, so
    that of a long call which fails the part is kept that was paid for. Questions are kept in ``query_embedding_store``,
    if there is one. Raises ``ConfigError`` where an entry of the store is damaged.
    """

    def __init__(
        self,
        underlying_embeddings: Embeddings,
        document_embedding_store: ByteStore,
        *,
        batch_size: int | None = None,
        query_embedding_store: ByteStore | None = None,
        key_encoder: Callable[[str], str] | None = None,
    ) -> None:
        if batch_size is not None and batch_size < 1:
            raise ConfigError(f"batch_size must be 1 or more, not {batch_size!r}")
        self.underlying_embeddings = underlying_embeddings
        self.document_embedding_store = document_embedding_store
        self.query_embedding_store = query_embedding_store
        self.batch_size = batch_size
        self._key = key_encoder or _keys(_make_name(underlying_embeddings))

    @classmethod
    def from_bytes_store(
        cls,
        underlying_embeddings: Embeddings,
        document_embedding_cache: ByteStore,
        *,
        namespace: str | None = None,
        batch_size: int | None = None,
        query_embedding_cache: bool | ByteStore = False,
        key_encoder: Callable[[str], str] | None = None,
    ) -> Self:
        """Embeddings over a store of bytes.

        ``namespace`` keeps the vectors of several models apart; by default it names the class, and its model and
        dimensions where it has such fields. ``query_embedding_cache`` is a store for questions, or ``True`` for the
        one of the documents.
        """
        queries = document_embedding_cache if query_embedding_cache is True else query_embedding_cache or None
        name = _make_name(underlying_embeddings) if namespace is None else namespace
        return cls(
            underlying_embeddings,
            document_embedding_cache,
            batch_size=batch_size,
            query_embedding_store=queries,
            key_encoder=key_encoder or _keys(name),
        )

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""
        return drive(self._embed(BLOCKING, texts))

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text, in order."""
        return await self._embed(get_asyncio_mode(), texts)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""
        return drive(self._embed_query(BLOCKING, text))

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is searched for."""
        return await self._embed_query(get_asyncio_mode(), text)

    async def _embed(self, io: ExecutionMode, texts: Sequence[str]) -> list[list[float]]:
        store, model = self.document_embedding_store, self.underlying_embeddings
        keys = {text: self._key(text) for text in texts}
        vectors = await self._kept(io, store, keys)
        missing = [text for text in keys if text not in vectors]
        size = self.batch_size or max(len(missing), 1)
        for start in range(0, len(missing), size):
            batch = missing[start : start + size]
            given = model.embed_documents(batch) if io.blocking else await model.aembed_documents(batch)
            made = list(given or ())
            if len(made) != len(batch):
                raise ConfigError(f"{type(model).__name__} returned {len(made)} vectors for {len(batch)} texts")
            pairs = [(keys[text], _packed(vector)) for text, vector in zip(batch, made, strict=True)]
            if io.blocking:
                store.mset(pairs)
            else:
                await store.amset(pairs)
            vectors.update(zip(batch, made, strict=True))
        return [list(vectors[text]) for text in texts]

    async def _embed_query(self, io: ExecutionMode, text: str) -> list[float]:
        store, model = self.query_embedding_store, self.underlying_embeddings
        key = f"query:{self._key(text)}"  # some models make other vectors of questions
        if store is not None and (kept := await self._kept(io, store, {text: key})):
            return kept[text]
        vector = model.embed_query(text) if io.blocking else await model.aembed_query(text)
        if store is not None:
            pairs = [(key, _packed(vector))]
            if io.blocking:
                store.mset(pairs)
            else:
                await store.amset(pairs)
        return vector

    async def _kept(self, io: ExecutionMode, store: ByteStore, keys: dict[str, str]) -> dict[str, list[float]]:
        wanted = list(keys.values())
        found = store.mget(wanted) if io.blocking else await store.amget(wanted)
        pairs = zip(keys.items(), found, strict=True)
        return {text: _unpacked(key, data) for (text, key), data in pairs if data is not None}


def _make_name(embeddings: Any) -> str:
    settings = [f"{field}={getattr(embeddings, field)}" for field in _NAMING if getattr(embeddings, field, None)]
    return " ".join([type(embeddings).__name__, *settings])


def _keys(namespace: str) -> Callable[[str], str]:
    return lambda text: f"{namespace}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _packed(vector: Sequence[float]) -> bytes:
    """Return the numbers as little-endian floats of 64 bits: what comes back is what was kept."""
    numbers = array("d", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _unpacked(key: str, data: bytes) -> list[float]:
    if not data or len(data) % 8:
        raise ConfigError(
            f"the entry {key!r} of the embeddings' store is damaged: {len(data)} bytes are not a vector. Delete it"
        )
    numbers = array("d", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
