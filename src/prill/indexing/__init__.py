"""Indexing: keep a store up to date with its sources, without doing again what has not changed."""

from prill.indexing.api import IndexingResult, aindex, index
from prill.indexing.document_index import DeleteResponse, DocumentIndex, UpsertResponse
from prill.indexing.records import InMemoryRecordManager, RecordManager
from prill.indexing.sqlite import SQLiteRecordManager

__all__ = [
    "DeleteResponse",
    "DocumentIndex",
    "InMemoryRecordManager",
    "IndexingResult",
    "RecordManager",
    "SQLiteRecordManager",
    "UpsertResponse",
    "aindex",
    "index",
]
