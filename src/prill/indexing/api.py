"""``index``: bring a store up to date."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from typing_extensions import TypedDict

from prill.documents import Document
from prill.errors import ConfigError, PrillError
from prill.indexing.document_index import DocumentIndex
from prill.indexing.records import RecordManager
from prill.io import BLOCKING, ExecutionMode, drive, get_asyncio_mode
from prill.runnables.engine.streams import from_async_iterable
from prill.vectorstores import VectorStore

Cleanup = Literal["incremental", "full", "scoped_full"]
Source = str | Callable[[Document], str]
Algorithm = Literal["sha1", "sha256", "sha512", "blake2b"]
KeyEncoder = Algorithm | Callable[[Document], str]


_SOURCES_AT_ONCE = 500
"""Databases limit how many values one query may have."""


class IndexingException(PrillError):
    """A store could not write or delete documents."""


class IndexingResult(TypedDict):
    """The numbers of documents that were added, updated, skipped because they had not changed, and deleted."""

    num_added: int
    num_updated: int
    num_skipped: int
    num_deleted: int


def index(
    docs_source: Any,
    record_manager: RecordManager,
    vector_store: VectorStore | DocumentIndex,
    *,
    batch_size: int = 100,
    cleanup: Cleanup | None = None,
    source_id_key: Source | None = None,
    cleanup_batch_size: int = 1000,
    force_update: bool = False,
    key_encoder: KeyEncoder = "sha256",
    upsert_kwargs: dict[str, Any] | None = None,
) -> IndexingResult:
    """Bring a store up to date with its sources: unchanged documents are neither embedded nor written again.

        >>> index(documents, records, store, cleanup="incremental", source_id_key="source")  # doctest: +SKIP
        {'num_added': 2, 'num_updated': 0, 'num_skipped': 40, 'num_deleted': 1}

    ``docs_source`` is an iterable of documents, or a loader (a ``BaseLoader``). ``cleanup`` decides about old
    documents: ``None`` keeps them; ``"incremental"`` deletes those that their source no longer has, source by source,
    of the sources in ``docs_source``; ``"scoped_full"`` does the same at the end; ``"full"`` deletes at the end all
    that is not in ``docs_source``. ``source_id_key`` names the source in the metadata. ``force_update`` also writes
    unchanged documents. After an error there is no record of what was not written. The store's ``add_documents`` is
    given ``ids``, ``upsert_kwargs``, and ``batch_size`` unless it is one of Prill's own stores.

    Raises:
        ConfigError: an argument is wrong, or a document does not name its source.
        IndexingException: the store could not write or delete documents.
    """
    given = locals()
    return drive(_Indexing(BLOCKING, **given).run())


async def aindex(
    docs_source: Any,
    record_manager: RecordManager,
    vector_store: VectorStore | DocumentIndex,
    *,
    batch_size: int = 100,
    cleanup: Cleanup | None = None,
    source_id_key: Source | None = None,
    cleanup_batch_size: int = 1000,
    force_update: bool = False,
    key_encoder: KeyEncoder = "sha256",
    upsert_kwargs: dict[str, Any] | None = None,
) -> IndexingResult:
    """Bring a store up to date, as ``index`` does; ``docs_source`` may be an async iterable, too."""
    given = locals()
    return await _Indexing(get_asyncio_mode(), **given).run()


@dataclass
class _Indexing:
    io: ExecutionMode
    docs_source: Any
    record_manager: RecordManager
    vector_store: VectorStore | DocumentIndex
    batch_size: int
    cleanup: Cleanup | None
    source_id_key: Source | None
    cleanup_batch_size: int
    force_update: bool
    key_encoder: KeyEncoder
    upsert_kwargs: dict[str, Any] | None
    done: IndexingResult = field(
        default_factory=lambda: IndexingResult(num_added=0, num_updated=0, num_skipped=0, num_deleted=0)
    )
    sources: set[str] = field(default_factory=set)
    left: Counter[str | None] | None = None
    """How many documents of each source are to come, where that is known."""

    def __post_init__(self) -> None:
        if self.cleanup is not None and self.cleanup not in get_args(Cleanup):
            raise ConfigError(f"cleanup must be one of {', '.join(get_args(Cleanup))}, or None, not {self.cleanup!r}")
        if self.cleanup in ("incremental", "scoped_full") and self.source_id_key is None:
            raise ConfigError(f"cleanup={self.cleanup!r} needs source_id_key, which names the source of a document")
        if self.batch_size < 1 or self.cleanup_batch_size < 1:
            raise ConfigError("batch_size and cleanup_batch_size must be 1 or more")
        if not isinstance(self.vector_store, VectorStore | DocumentIndex):
            raise ConfigError(f"vector_store must be a VectorStore or a DocumentIndex, not {self.vector_store!r:.80}")
        self.key = key_function(self.key_encoder)

    async def run(self) -> IndexingResult:
        await self._do(self.record_manager, "create_schema")
        began: float = await self._do(self.record_manager, "get_time")
        seen: set[str] = set()
        if self.cleanup == "incremental" and isinstance(self.docs_source, list | tuple):
            self.left = Counter(self._get_source(one) for one in self.docs_source if hasattr(one, "page_content"))
        async for batch in self._batches():
            keyed: dict[str, Document] = {}
            for document in batch:
                keyed.setdefault(self.key(document), document)
                if self.left is not None:
                    self.left[self._get_source(document)] -= 1
            self.done["num_skipped"] += len(batch) - len(keyed)
            await self._write(keyed, seen, began)
            seen |= keyed.keys()
        if self.cleanup == "full":
            await self._clean(began, None)
        elif self.cleanup is not None and self.sources:
            await self._clean_sources(began, sorted(self.sources))
        return self.done

    async def _write(self, keyed: dict[str, Document], seen: set[str], began: float) -> None:
        keys = list(keyed)
        groups = [self._get_source(document) for document in keyed.values()]
        known = dict(zip(keys, await self._do(self.record_manager, "exists", keys), strict=True))
        # A document that this call has written already is neither new nor changed.
        wanted = [key for key in keys if key not in seen and (self.force_update or not known[key])]
        if wanted:
            documents = [keyed[key].model_copy(update={"id": key}) for key in wanted]
            await self._upsert(documents, wanted)
        updated = sum(known[key] for key in wanted)
        self.done["num_updated"] += updated
        self.done["num_added"] += len(wanted) - updated
        self.done["num_skipped"] += len(keys) - len(wanted)
        # Only now: a record means that the store has it.
        await self._do(self.record_manager, "update", keys, group_ids=groups, time_at_least=began)
        self.sources |= {group for group in groups if group is not None}
        # Documents that a source still has, in a later batch, must not be deleted before that.
        finished = self.sources - self._unfinished(groups[-1])
        if self.cleanup == "incremental" and finished:
            self.sources -= finished
            await self._clean_sources(began, sorted(finished))

    def _unfinished(self, last: str | None) -> set[str | None]:
        """The sources that may have documents in later batches; of a stream, only the last is taken to go on."""
        return {last} if self.left is None else {source for source, count in self.left.items() if count}

    async def _upsert(self, documents: list[Document], ids: list[str]) -> None:
        kwargs = self.upsert_kwargs or {}
        if isinstance(self.vector_store, VectorStore):
            if _accepts_batch_size(self.vector_store, blocking=self.io.blocking):
                kwargs = {"batch_size": self.batch_size, **kwargs}
            await self._do(self.vector_store, "add_documents", documents, ids=ids, **kwargs)
            return
        answer = await self._do(self.vector_store, "upsert", documents, **kwargs)
        if answer.get("failed"):
            raise IndexingException(
                f"the index could not write {len(answer['failed'])} documents: {answer['failed'][:5]}"
            )

    async def _clean_sources(self, before: float, sources: list[str]) -> None:
        for start in range(0, len(sources), _SOURCES_AT_ONCE):
            await self._clean(before, sources[start : start + _SOURCES_AT_ONCE])

    async def _clean(self, before: float, groups: list[str] | None) -> None:
        """Delete what was written before this call, in the store first: a record means that the store has it."""
        while True:
            keys: list[str] = await self._do(
                self.record_manager, "list_keys", before=before, group_ids=groups, limit=self.cleanup_batch_size
            )
            if not keys:
                return
            answer = await self._do(self.vector_store, "delete", keys)
            if answer is False or (isinstance(answer, dict) and answer.get("num_failed")):
                raise IndexingException(
                    f"the store could not delete {len(keys)} outdated documents; it returned {answer!r}"
                )
            await self._do(self.record_manager, "delete_keys", keys)
            self.done["num_deleted"] += len(keys)

    def _get_source(self, document: Document) -> str | None:
        key = self.source_id_key
        if key is None:
            return None
        source = key(document) if callable(key) else document.metadata.get(key)
        if source is None and self.cleanup in ("incremental", "scoped_full"):
            raise ConfigError(
                f"the document {document.page_content!r:.60} has no {key!r} in its metadata, and "
                f"cleanup={self.cleanup!r} needs to know its source"
            )
        return source

    async def _do(self, owner: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method: the plain form, or the asyncio one in asyncio."""
        if self.io.blocking:
            return getattr(owner, method)(*args, **kwargs)
        return await getattr(owner, "a" + method)(*args, **kwargs)

    async def _batches(self) -> AsyncIterator[list[Document]]:
        batch: list[Document] = []
        async for document in self._documents():
            if not hasattr(document, "page_content"):
                raise ConfigError(f"docs_source returned {document!r:.60}, which is not a Document")
            batch.append(document)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _documents(self) -> AsyncIterator[Document]:
        source = self.docs_source
        if hasattr(source, "alazy_load") and not self.io.blocking:
            source = source.alazy_load()
        elif hasattr(source, "lazy_load"):
            source = source.lazy_load()
        if isinstance(source, AsyncIterable):
            if self.io.blocking:
                raise ConfigError("docs_source is an async iterable: use aindex")
            return from_async_iterable(source)
        if not isinstance(source, Iterable) or isinstance(source, str):
            raise ConfigError(f"docs_source must be an iterable of documents or a loader, not {source!r:.80}")
        return self.io.pull(lambda: iter(source))


def _accepts_batch_size(store: VectorStore, *, blocking: bool) -> bool:
    """Return whether the method that takes documents can be given ``batch_size``."""
    method = store.add_documents if blocking else store.aadd_documents
    if getattr(method, "__module__", "").startswith("prill."):
        return False
    kinds = {name: each.kind for name, each in inspect.signature(method).parameters.items()}
    return "batch_size" in kinds or inspect.Parameter.VAR_KEYWORD in kinds.values()


def key_function(encoder: KeyEncoder) -> Callable[[Document], str]:
    """Return a function that makes the key of a document. Raises ``ConfigError`` for an unknown ``encoder``."""
    if callable(encoder):
        return encoder
    if encoder not in get_args(Algorithm):
        raise ConfigError(f"key_encoder must be a function or one of {', '.join(get_args(Algorithm))}, not {encoder!r}")
    return lambda document: hashlib.new(encoder, _content(document), usedforsecurity=False).hexdigest()


def _content(document: Document) -> bytes:
    try:
        text = json.dumps([document.page_content, document.metadata], sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the metadata of {document.page_content!r:.60} cannot be written as JSON ({error}), so its key cannot be "
            "made: give key_encoder a function of the document"
        ) from error
    return text.encode()
