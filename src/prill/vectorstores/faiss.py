"""``FAISS``: vectors in an index of the package faiss."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from glob import escape
from pathlib import Path
from typing import Any, Literal, Self, get_args

from prill.documents import Document
from prill.embeddings import Embeddings
from prill.embeddings.arrays import numpy, to_matrix, unit
from prill.errors import ConfigError, MissingDependencyError
from prill.vectorstores.arguments import get_argument_names, refuse_unknown
from prill.vectorstores.base import make_documents
from prill.vectorstores.embedded import EmbeddedStore
from prill.vectorstores.files import damaged, file_name, json_text, parse_json, read_whole, write_whole

Distance = Literal["EUCLIDEAN_DISTANCE", "MAX_INNER_PRODUCT", "COSINE"]


def faiss_package() -> Any:
    """Return the package faiss. Raises ``MissingDependencyError`` where it is not installed."""
    try:
        import faiss  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise MissingDependencyError("FAISS needs the package faiss-cpu: pip install 'prill[faiss]'") from error
    return faiss


class FAISS(EmbeddedStore):
    """Keeps vectors in a faiss index, documents beside it.

        >>> store = FAISS.from_texts(["harrison worked at kensho"], embedding=OpenAIEmbeddings())  # doctest: +SKIP
        >>> store.save_local("places")  # doctest: +SKIP
        >>> store = FAISS.load_local("places", OpenAIEmbeddings())  # doctest: +SKIP

    Scores are squared distances, 0 is the same (``distance_strategy="EUCLIDEAN_DISTANCE"``, the default), or inner
    products (``"MAX_INNER_PRODUCT"``), or cosines (``"COSINE"``). ``normalize_L2`` brings vectors to length 1 first.
    ``index`` may be an empty faiss index of your own; without it all vectors are compared, which is exact. A document
    whose id is there already takes the place of the old one. Threads may add and search at once. Needs
    ``prill[faiss]``.
    """

    def __init__(
        self,
        embedding_function: Embeddings | None = None,
        index: Any = None,
        *,
        distance_strategy: Distance = "EUCLIDEAN_DISTANCE",
        normalize_L2: bool = False,
        relevance_score_fn: Callable[[float], float] | None = None,
    ) -> None:
        super().__init__(embedding_function)
        if distance_strategy not in get_args(Distance):
            raise ConfigError(
                f"distance_strategy must be one of {', '.join(get_args(Distance))}, not {distance_strategy!r}"
            )
        if index is not None and index.ntotal:
            raise ConfigError(f"the index holds {index.ntotal} vectors without texts: use an empty index")
        if index is not None and not index.is_trained:
            raise ConfigError("the index must be trained first: index.train(vectors)")
        self.index = index
        self.distance_strategy: Distance = distance_strategy
        self._normalize = normalize_L2 or distance_strategy == "COSINE"
        self._relevance = relevance_score_fn
        self._faiss = faiss_package()

    @property
    def _size(self) -> int | None:
        return None if self.index is None else self.index.d

    def _append(self, rows: Any) -> None:
        if self.index is None:
            flat = self._faiss.IndexFlatL2 if self._is_distance else self._faiss.IndexFlatIP
            self.index = flat(rows.shape[1])
        self.index.add(unit(rows) if self._normalize else rows)

    @property
    def _is_distance(self) -> bool:
        return self.distance_strategy == "EUCLIDEAN_DISTANCE"

    def _remove(self, positions: list[int]) -> None:
        self.index.remove_ids(numpy().array(positions, dtype="int64"))

    def _nearest(self, row: Any, k: int, among: list[int] | None) -> Iterable[tuple[int, float]]:
        rows = unit(row[None]) if self._normalize else row[None]
        if among is None:
            scores, positions = self.index.search(rows, k)
        else:
            chosen = self._faiss.IDSelectorBatch(numpy().array(among, dtype="int64"))
            scores, positions = self.index.search(rows, k, params=self._faiss.SearchParameters(sel=chosen))
        near = zip(positions[0].tolist(), scores[0].tolist(), strict=True)
        return [(at, score) for at, score in near if at >= 0]  # -1 stands where an index found fewer than k

    def _rows(self, positions: list[int]) -> Any:
        return self.index.reconstruct_batch(numpy().array(positions, dtype="int64")) if positions else to_matrix([])

    def _good(self, score: float, threshold: float) -> bool:
        return score <= threshold if self._is_distance else score >= threshold

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        if self._relevance is not None:
            return self._relevance
        if self._is_distance:
            return lambda distance: max(0.0, self._euclidean_relevance_score_fn(distance))
        return lambda product: min(1.0, max(0.0, product))

    # Vectors that are made elsewhere

    @classmethod
    def from_embeddings(
        cls,
        text_embeddings: Iterable[tuple[str, list[float]]],
        embedding: Embeddings | None = None,
        metadatas: list[dict[Any, Any]] | None = None,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store of texts whose vectors are known."""
        store = cls._empty(embedding, kwargs)
        store.add_embeddings(text_embeddings, metadatas, ids)
        return store

    def add_embeddings(
        self,
        text_embeddings: Iterable[tuple[str, list[float]]],
        metadatas: list[dict[Any, Any]] | None = None,
        ids: Sequence[str | None] | None = None,
    ) -> list[str]:
        """Add texts whose vectors are known; returns the ids."""
        pairs = list(text_embeddings)
        documents = make_documents([text for text, _ in pairs], metadatas, ids)
        return self._keep(documents, [vector for _, vector in pairs]) if documents else []

    def merge_from(self, target: FAISS) -> None:
        """Add all that another store holds, which stays as it is; an id that both have is an error."""
        if target is self:
            raise ConfigError("a store cannot be merged with itself")
        with target._lock:
            documents = [target._documents[id] for id in target._ids]
            rows = target._rows(list(range(len(documents))))
        if both := [document.id for document in documents if document.id in self._documents]:
            raise ConfigError(f"both stores have the ids {', '.join(map(str, both[:5]))}")
        if documents:
            self._keep(documents, rows)

    # Files

    def save_local(self, folder_path: str | os.PathLike[str], index_name: str = "index") -> None:
        """Write the store to a folder: ``index_name.json`` and the vectors that it names.

        A store that was there stays whole until the new one is, also if the program is killed. Raises ``ConfigError``
        for metadata that JSON cannot keep.
        """
        folder, index_name = Path(folder_path), file_name(index_name, "index_name")
        with self._lock:
            vectors = b"" if self.index is None else self._faiss.serialize_index(self.index).tobytes()
            entries = [
                {"id": id, "page_content": self._documents[id].page_content, "metadata": self._documents[id].metadata}
                for id in self._ids
            ]
        documents = json_text(entries, "metadata of a document").encode("utf-8", "surrogatepass")
        name = f"{index_name}-{_digest(vectors)[:16]}.faiss"
        header = {
            "format": 1,
            "vectors": name,
            "vectors_sha256": _digest(vectors),
            "documents_sha256": _digest(documents),
            "distance_strategy": self.distance_strategy,
            "normalize_L2": self._normalize,
        }
        folder.mkdir(parents=True, exist_ok=True)
        # The vectors get a name of their own; the renaming of the second file is what makes the new store the one.
        write_whole(folder / name, vectors)
        write_whole(folder / f"{index_name}.json", json_text(header, "header").encode() + b"\n" + documents)
        for old in folder.glob(f"{escape(index_name)}-*.faiss"):
            if old.name != name and len(old.name) == len(name):
                old.unlink(missing_ok=True)

    @classmethod
    def load_local(
        cls,
        folder_path: str | os.PathLike[str],
        embeddings: Embeddings | None = None,
        index_name: str = "index",
        *,
        allow_dangerous_deserialization: bool = True,  # nothing here is dangerous: no pickle is read
        relevance_score_fn: Callable[[float], float] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return the store that ``save_local`` has written.

        Raises ``ConfigError``, which names the file, where one is missing or damaged.
        """
        refuse_unknown(f"{cls.__name__}.load_local", kwargs, get_argument_names(cls.load_local)[1:-1])
        path = Path(folder_path) / f"{file_name(index_name, 'index_name')}.json"
        first, _, rest = read_whole(path).partition(b"\n")
        header = parse_json(path, first)
        try:
            if header["format"] != 1:
                raise damaged(path, f"its format is {header['format']!r}, not 1")
            if header["distance_strategy"] not in get_args(Distance) or not isinstance(header["normalize_L2"], bool):
                settings = f"{header['distance_strategy']!r}, {header['normalize_L2']!r}"
                raise damaged(path, f"its distance_strategy or normalize_L2 is not valid: {settings}")
            _check(path, rest, header["documents_sha256"])
            store = cls(
                embeddings,
                distance_strategy=header["distance_strategy"],
                normalize_L2=header["normalize_L2"],
                relevance_score_fn=relevance_score_fn,
            )
            vectors = path.with_name(header["vectors"])
            store._restore(path, parse_json(path, rest), vectors, header["vectors_sha256"])
        except ConfigError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise damaged(path, repr(error)) from error
        return store

    def _restore(self, path: Path, entries: list[dict[str, Any]], vectors: Path, digest: str) -> None:
        data = read_whole(vectors)
        _check(vectors, data, digest)
        documents = [Document(**entry) for entry in entries]
        self._documents = {document.id: document for document in documents if document.id}
        self._ids = list(self._documents)
        if data:
            self.index = self._faiss.deserialize_index(numpy().frombuffer(data, dtype="uint8"))
        count = self.index.ntotal if data else 0
        if not len(self._documents) == len(entries) == count:
            raise damaged(path, f"{len(self._documents)} documents with ids, but {count} vectors in {vectors.name!r}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check(path: Path, data: bytes, digest: str) -> None:
    if _digest(data) != digest:
        raise damaged(path, "its checksum is another")
