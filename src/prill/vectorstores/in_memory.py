"""``InMemoryVectorStore``: vectors in a numpy matrix, searched whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Self

from prill.documents import Document
from prill.embeddings import Embeddings
from prill.embeddings.arrays import numpy, to_matrix, unit
from prill.errors import ConfigError
from prill.vectorstores.embedded import EmbeddedStore
from prill.vectorstores.files import json_text, read_json, write_whole


class InMemoryVectorStore(EmbeddedStore):
    """Keeps documents and vectors in memory, and compares a question with each: exact, and fast to some 100,000.

        >>> store = InMemoryVectorStore.from_texts(["the sky is blue", "grass is green"], embedding)  # doctest: +SKIP
        >>> store.similarity_search("what colour is the sky?", k=1)  # doctest: +SKIP
        [Document(page_content='the sky is blue')]

    Scores are cosines: 1 is the same direction. A document whose id is there already takes the place of the old one.
    Threads may add and search at once. Without ``embedding`` it is ``LocalEmbeddings``. Needs ``prill[retrieval]``.
    """

    _bits = 64

    def __init__(self, embedding: Embeddings | None = None) -> None:
        super().__init__(embedding)
        self._matrix: Any = None  # with room at its end
        self._units: Any = None  # its rows at length 1

    @property
    def _size(self) -> int | None:
        return None if self._matrix is None else self._matrix.shape[1]

    def _append(self, rows: Any) -> None:
        used = len(self._ids)
        if self._matrix is None or used + len(rows) > len(self._matrix):
            self._grow(used, max(used + len(rows), 2 * used), rows.shape[1])
        self._matrix[used : used + len(rows)] = rows
        self._units[used : used + len(rows)] = unit(rows)

    def _grow(self, used: int, room: int, size: int) -> None:
        np = numpy()
        # The numbers as they were given, for dumps; those that are searched in half the space.
        for name, kind in (("_matrix", np.float64), ("_units", np.float32)):
            larger = np.zeros((room, size), dtype=kind)
            if used:
                larger[:used] = getattr(self, name)[:used]
            setattr(self, name, larger)

    def _remove(self, positions: list[int]) -> None:
        np = numpy()
        self._matrix = np.delete(self._matrix, positions, axis=0)
        self._units = np.delete(self._units, positions, axis=0)

    def _nearest(self, row: Any, k: int, among: list[int] | None) -> Iterable[tuple[int, float]]:
        np = numpy()
        units = self._units[: len(self._ids)] if among is None else self._units[among]
        scores = units @ unit(row[None])[0]
        best = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
        best = best[np.lexsort((best, -scores[best]))]
        return [(int(at) if among is None else among[at], float(scores[at])) for at in best]

    def _rows(self, positions: list[int]) -> Any:
        return self._matrix[positions] if positions else to_matrix([])

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda cosine: min(1.0, max(0.0, cosine))

    @property
    def store(self) -> dict[str, dict[str, Any]]:
        """All that is kept, by id: ``id``, ``vector``, ``text`` and ``metadata``."""
        with self._lock:
            return {
                id: {
                    "id": id,
                    "vector": self._matrix[at].tolist(),
                    "text": self._documents[id].page_content,
                    "metadata": dict(self._documents[id].metadata),
                }
                for at, id in enumerate(self._ids)
            }

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write all to a file, as JSON; a file that was there stays whole until the new one is.

        Raises ``ConfigError`` for metadata that JSON cannot keep.
        """
        write_whole(path, json_text(self.store, "metadata").encode("utf-8", "surrogatepass"))

    @classmethod
    def load(cls, path: str | os.PathLike[str], embedding: Embeddings | None = None, **kwargs: Any) -> Self:
        """Return the store that ``dump`` wrote. Raises ``ConfigError``, which names the file, if it is damaged."""
        store = cls._empty(embedding, kwargs)
        saved = read_json(path)
        try:
            entries = list(saved.values())
            documents = [Document(each["text"], id=each["id"], metadata=each["metadata"]) for each in entries]
            store._keep(documents, [each["vector"] for each in entries])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"the file {os.fspath(path)!r} is damaged, or was written by another program: {error!r}"
            ) from error
        return store
