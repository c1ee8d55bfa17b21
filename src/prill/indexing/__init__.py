"""Indexing: keep a store up to date with its sources, without doing again what has not changed."""

from prill.indexing.api import IndexingException, IndexingResult, aindex, index
from prill.indexing.document_index import DeleteResponse, DocumentIndex, UpsertResponse
from prill.indexing.in_memory import InMemoryDocumentIndex
from prill.indexing.records import InMemoryRecordManager, RecordManager
from prill.indexing.sqlite import SQLiteRecordManager

__all__ = [
    "DeleteResponse",
    "DocumentIndex",
    "InMemoryDocumentIndex",
    "InMemoryRecordManager",
    "IndexingException",
    "IndexingResult",
    "RecordManager",
    "SQLiteRecordManager",
    "UpsertResponse",
    "aindex",
    "index",
]
